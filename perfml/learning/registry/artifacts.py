"""Files of a model, compared with the SHA-256 of its manifest before anything reads them.

Separate from the model store because it imports nothing heavy: the service reads a model's record without LightGBM.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.files import reading
from perfml.home_reads import note_file
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.promotion_log import LOG, promotions
from perfml.messages import Message, both

VERSION_LENGTH = 12
ModelStage = Literal["champion", "candidate"]
CANDIDATE, CHAMPION = "candidate", "champion"
"""Stages that name a version: the file of the newest trained one, and the promoted one."""
_VERSION = re.compile(rf"[0-9a-f]{{{VERSION_LENGTH}}}")


def versions(home: Path, name: str) -> list[str]:
    """Return all versions on disk, the newest last."""
    folder = home / "models" / name
    note_file(folder)
    complete = [p for p in folder.iterdir() if (p / "manifest.json").is_file()] if folder.is_dir() else []
    return [p.name for p in sorted(complete, key=lambda p: p.stat().st_mtime) if not p.name.startswith(".")]


def pointed(home: Path, name: str, stage: str) -> str | None:
    """Return the newest version for :data:`CANDIDATE`, the promoted one for :data:`CHAMPION`, or None.

    Raises :class:`ModelError` for a file that names none.
    """
    for file in (LOG, stage):
        note_file(home / "models" / name / file)
    if stage == CHAMPION and (home / "models" / name / LOG).exists():
        return promotions(home, name)[-1].version
    pointer = home / "models" / name / stage
    if not pointer.exists():
        return None
    remedy = f"write the version into it that is to be used, or run `perfml train {name}` again"
    with reading(pointer, remedy=remedy, error=ModelError):
        version = pointer.read_text(encoding="utf-8").strip()
    if not _VERSION.fullmatch(version):
        raise ModelError("names no version", where=str(pointer), remedy=remedy)
    return version


def current_version(home: Path, name: str) -> str:
    """Return the version in use: the champion or, before any promotion, the candidate.

    Raises :class:`ModelError` before any training.
    """
    version = pointed(home, name, CHAMPION) or pointed(home, name, CANDIDATE)
    if version is None:
        raise ModelError(
            "has not been trained", where=f"model {name} in {home}", remedy=f"run `perfml train {name} --data …`"
        )
    return version


def verified(home: Path, name: str, version: str | None = None) -> Path:
    """Compare every file of a version with the manifest; return the folder.

    Raises :class:`ModelError` naming the altered or missing file.
    """
    folder, manifest = _manifest(home, name, version or current_version(home, name))
    for file, digest in manifest.items():
        if not (folder / file).is_file():
            raise _missing(folder / file, name)
        if sha256(folder / file) != digest:
            raise _altered(folder / file, name)
    return folder


def verified_file(home: Path, name: str, version: str, *, file: str) -> bytes:
    """Return one file of a version: the same bytes that were compared, so nothing can change in between.

    Raises :class:`ModelError` when it is missing, altered or not in the manifest.
    """
    folder, manifest = _manifest(home, name, version)
    note_file(folder / file)
    if file not in manifest or not (folder / file).is_file():
        raise _missing(folder / file, name)
    content = (folder / file).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest[file]:
        raise _altered(folder / file, name)
    return content


def read_columns(home: Path, name: str, version: str) -> dict[str, Column]:
    """Read the columns of a version by name. Raises :class:`ModelError` where its files are missing or were altered."""
    content = verified_file(home, name, version, file="model.json")
    parse_record(content, name, version)
    with written_by_this_perfml(home, name, version):
        return {raw["name"]: Column.from_json(raw) for raw in json.loads(content)["columns"]}


def read_record(home: Path, name: str, version: str) -> TrainingRecord:
    """Read a version's record. Raises :class:`ModelError` where its files are missing, altered or of another perfml."""
    return parse_record(verified_file(home, name, version, file="model.json"), name, version)


def read_card(home: Path, name: str, version: str) -> str:
    """Read the model card of a version, in Markdown; where rows were drawn, with how many of how many in both languages.

    Raises :class:`ModelError` where its files are missing, altered or of another perfml.
    """
    card = verified_file(home, name, version, file="card.md").decode("utf-8")
    training = read_record(home, name, version).training
    drawn = [Message.of("card_drawn", days=days, counts=each.text) for days, each in training.items() if each.drawn]
    return "\n".join([card, *(f"{text}\n" for message in drawn for text in both(message).values())])


def parse_record(content: bytes, name: str, version: str) -> TrainingRecord:
    """Parse the record within the ``content`` of a version's ``model.json``, see :func:`read_record`."""
    try:
        described = _Described.model_validate_json(content)
    except ValidationError as error:
        raise ModelError(
            f"{error.error_count()} of its keys are missing or of another kind",
            where=f"models/{name}/{version}/model.json",
            remedy=f"it was written by another version of perfml: run `perfml train {name}` again",
        ) from error
    if described.name != name:
        raise ModelError(
            f"belongs to another model: {described.name}",
            where=f"models/{name}/{version}/model.json",
            remedy=_remedy(name),
        )
    return described.record


@contextmanager
def written_by_this_perfml(home: Path, name: str, version: str) -> Iterator[None]:
    """Whatever reading a whole ``model.json`` with other keys raises becomes one :class:`ModelError`."""
    path = home / "models" / name / version / "model.json"
    remedy = f"it was written by another version of perfml: run `perfml train {name}` again"
    with reading(path, remedy=remedy, error=ModelError):
        yield


class _Described(BaseModel):
    name: str
    record: TrainingRecord


def cautions(
    home: Path, name: str, version: str, record: TrainingRecord, *, horizon_days: int | None = None
) -> list[Message]:
    """What to know of a version that gives lists although nobody has promoted it: which horizons (default: of all) have
    insufficient gates."""
    if pointed(home, name, CHAMPION) == version:
        return []
    messages = []
    for days, gates in record.gates.items():
        unjudged = sum(gate.verdict == "insufficient" for gate in gates)
        if horizon_days in (None, days) and unjudged and record.backtests[days].proven:
            messages.append(Message.of("unjudged_in_use", model=name, days=days, unjudged=unjudged, gates=len(gates)))
    return messages


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(home: Path, name: str, version: str) -> tuple[Path, dict[str, str]]:
    """Return the folder of a version and the SHA-256 of its files, after checking that the manifest hashes to the version."""
    folder = home / "models" / name / version
    note_file(folder / "manifest.json")
    if not _VERSION.fullmatch(version) or not (folder / "manifest.json").is_file():
        raise ModelError("its manifest is missing", where=str(folder), remedy=_remedy(name))
    content = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(content).hexdigest()[:VERSION_LENGTH] != version:
        raise ModelError("was altered", where=str(folder / "manifest.json"), remedy=_remedy(name))
    manifest: dict[str, str] = json.loads(content)
    return folder, manifest


def _missing(path: Path, name: str) -> ModelError:
    return ModelError("is missing", where=str(path), remedy=_remedy(name))


def _altered(path: Path, name: str) -> ModelError:
    return ModelError("was altered or cut", where=str(path), remedy=_remedy(name))


def _remedy(name: str) -> str:
    return f"restore it, or run `perfml train {name}` again"

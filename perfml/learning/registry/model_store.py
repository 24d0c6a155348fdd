"""Models on disk: LightGBM text and JSON under a manifest of SHA-256. Never pickle.

LightGBM ends the whole process on a truncated or altered model file, so every file is compared with the manifest before it
is opened. A version is a folder, written under a temporary name and renamed; ``candidate`` names the newest version,
``champion`` the promoted one. The version is the manifest's own hash, so changing a file changes the version.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perfml.arrays import Floats
from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.files import INTERRUPTED_SECONDS, PRIVATE_FILE, private_folder, write_text, writing
from perfml.learning.estimators.blend import RiskModel
from perfml.learning.estimators.coherence import Incidences, coherent
from perfml.learning.estimators.hazard import CauseSpecificHazards
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import (
    CANDIDATE,
    VERSION_LENGTH,
    current_version,
    parse_record,
    pointed,
    sha256,
    verified,
    versions,
    written_by_this_perfml,
)
from perfml.project.model_spec import ModelSpec

__all__ = ["FittedModels", "Model", "candidate", "current_version", "load", "save", "verified", "versions"]


@dataclass(frozen=True)
class FittedModels:
    """Fitted estimators: a :class:`RiskModel` for each cause and horizon, and the hazards that curves are drawn from."""

    risks: Mapping[int, RiskModel]
    """Models of the listed outcome, by horizon in days, ascending."""
    competing: Mapping[str, Mapping[int, RiskModel]] = field(default_factory=dict)
    """Models of the other causes of leaving, by cause and horizon."""
    hazards: CauseSpecificHazards | None = None
    """Time to leaving by cause: the listed outcome first, then those of ``competing`` in order."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model and its record."""

    name: str
    version: str
    learnt: FittedModels
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    record: TrainingRecord

    @property
    def spec(self) -> ModelSpec:
        """Definition that the model was trained with."""
        return self.record.spec

    @property
    def risks(self) -> Mapping[int, RiskModel]:
        """Risk of the listed outcome, by horizon in days."""
        return self.learnt.risks

    def proven(self, horizon_days: int) -> bool:
        """Whether it may give a list: it beats the baseline in the back-test and fails no other gate."""
        return self.record.backtests[horizon_days].proven

    def stable(self, horizon_days: int) -> dict[str, bool]:
        """Return, for reasons that lead for anybody, whether they lead again in enough refits on other people."""
        least = self.spec.gates.min_reasons_kept
        frequencies = self.record.selection_frequency.get(horizon_days, {})
        return {reason: frequency >= least for reason, frequency in frequencies.items()}

    def require_evidence(self, columns: Iterable[Column]) -> None:
        """Raise :class:`ModelError` where ``columns`` lack some that it was trained on: a score would be a guess."""
        available = {column.name for column in columns}
        absent = [column for column in self.columns if column.name not in available]
        if absent:
            kinds = ", ".join(sorted({column.evidence for column in absent}))
            raise ModelError(
                f"{len(absent)} of its {len(self.columns)} columns are not in this data, e.g. {absent[0].name}",
                where=f"model {self.name} {self.version}",
                remedy=f"export what {kinds} is made from, or train again on data like this",
            )

    @property
    def causes(self) -> tuple[str, ...]:
        """Causes with incidences, the listed outcome first; empty where the outcome is not leaving."""
        if self.spec.label.kind != "exit":
            return ()
        return ("+".join(self.spec.label.exit_kinds), *self.learnt.competing)

    def incidences(self, features: Floats) -> Incidences:
        """Predict probability and margin of each row (n, features) for each horizon and cause, made coherent."""
        causes = [self.risks, *self.learnt.competing.values()]
        margins = [[risks[days].margin(features) for days in self.risks] for risks in causes]
        return coherent(np.moveaxis(np.array(margins), 2, 0))


def save(
    home: Path,
    name: str,
    learnt: FittedModels,
    *,
    columns: tuple[Column, ...],
    kinds: tuple[str, ...],
    record: TrainingRecord,
    card: str,
) -> Model:
    """Write a new version and make it the candidate; the previous one remains intact on disk."""
    folder = home / "models" / name
    private_folder(folder)
    _remove_interrupted(folder)
    temporary = folder / f".writing.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    private_folder(temporary)

    def written(stem: str, parts: tuple[Mapping[str, object], list[str]]) -> dict[str, object]:
        parameters, texts = parts
        files = [f"{stem}_{number}.txt" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            (temporary / file).write_text(text, encoding="utf-8")
        return {"files": files, **parameters}

    try:
        with writing(folder):
            described = {
                "name": name,
                "horizons": {
                    str(days): written(f"within_{days}_days", risk.to_parts()) for days, risk in learnt.risks.items()
                },
                "competing": {
                    cause: {
                        str(days): written(f"{cause}_within_{days}_days", r.to_parts()) for days, r in risks.items()
                    }
                    for cause, risks in learnt.competing.items()
                },
                "hazards": None if learnt.hazards is None else written("hazard", learnt.hazards.to_parts()),
                "columns": [c.to_json() for c in columns],
                "kinds": kinds,
                "record": record.model_dump(mode="json"),
            }
            (temporary / "model.json").write_text(json.dumps(described, ensure_ascii=False, indent=1), encoding="utf-8")
            (temporary / "card.md").write_text(card, encoding="utf-8")
            manifest = {path.name: sha256(path) for path in sorted(temporary.iterdir())}
            (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            version = sha256(temporary / "manifest.json")[:VERSION_LENGTH]
            for path in temporary.iterdir():
                path.chmod(PRIVATE_FILE)
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            if not _is_sound(home, name, version):
                shutil.rmtree(folder / version, ignore_errors=True)
                temporary.replace(folder / version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    write_text(folder / CANDIDATE, version + "\n")
    return load(home, name, version)


def _is_sound(home: Path, name: str, version: str) -> bool:
    try:
        verified(home, name, version)
    except ModelError:
        return False
    return True


def load(home: Path, name: str, version: str | None = None) -> Model:
    """Load a verified model: by default the champion, or the candidate before any promotion."""
    folder = verified(home, name, version)
    content = (folder / "model.json").read_bytes()
    record = parse_record(content, name, folder.name)
    described = json.loads(content)

    def texts(parameters: Mapping[str, Any]) -> list[str]:
        return [(folder / file).read_text(encoding="utf-8") for file in parameters["files"]]

    def risks(horizons: Mapping[str, Any]) -> dict[int, RiskModel]:
        return {int(days): RiskModel.from_parts(parts, texts(parts)) for days, parts in horizons.items()}

    with written_by_this_perfml(home, name, folder.name):
        hazards = described["hazards"]
        learnt = FittedModels(
            risks(described["horizons"]),
            {cause: risks(horizons) for cause, horizons in described["competing"].items()},
            None if hazards is None else CauseSpecificHazards.from_parts(hazards, texts(hazards)),
        )
        return Model(
            name=name,
            version=folder.name,
            learnt=learnt,
            columns=tuple(Column.from_json(raw) for raw in described["columns"]),
            kinds=tuple(described["kinds"]),
            record=record,
        )


def candidate(home: Path, name: str) -> Model:
    """Load the newest trained version. Raises :class:`ModelError` before any training."""
    return load(home, name, pointed(home, name, CANDIDATE))


def _remove_interrupted(folder: Path) -> None:
    """Remove folders that an interrupted training left half written; one modified recently may still be in use.

    Age decides, not the process: process ids are reused, and mean nothing on another machine that shares the disk.
    """
    for path in folder.glob(".writing.*"):
        with suppress(FileNotFoundError):  # the other training has just finished
            newest = max(file.stat().st_mtime for file in (path, *path.iterdir()))
            if time.time() - newest > INTERRUPTED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)

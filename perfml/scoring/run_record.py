"""The run record beside kept scores, ``home/scores/<model>/<as_of>.json``: what they were made from, and the voices of the time.

Without heavy imports: the service reads it too.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from pydantic import ValidationError

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.voices import VoicesSpec


class DigestJson(TypedDict):
    """A ``perfml.evidence.fingerprint.TableDigest`` as JSON."""

    rows: int
    content: str


class RunRecord(TypedDict):
    """What the scores of a date were made from."""

    model: str
    as_of: str
    model_version: str
    source: str
    """The path or the address of the data, without user and password."""
    today: str
    fingerprint: str
    tables: dict[str, DigestJson]
    definitions: str
    """The hash under which a copy of the definitions is kept."""
    voices: NotRequired[JsonObject]
    versions: dict[str, str]
    """Of perfml, Python and the libraries that may change the last digit."""
    rows: int
    content: str
    """SHA-256 of every value, see ``perfml.scoring.replay.content_hash``."""


def record_path(home: Path, model: str, as_of: dt.date) -> Path:
    """The file of the record of a date."""
    return home / "scores" / model / f"{as_of}.json"


def read_record(home: Path, model: str, as_of: dt.date, *, needs: Collection[str] = ()) -> RunRecord | None:
    """Read what ``perfml.scoring.replay.record_run`` wrote; None where there is no record.

    Raises :class:`PerfmlError` for a damaged record, and for one without a key that the caller ``needs``.
    """
    path = record_path(home, model, as_of)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, model, as_of) from error
    if not isinstance(record, dict) or not record.keys() >= set(needs):
        raise _unreadable(path, model, as_of)
    return cast(RunRecord, record)


def voices_of(home: Path, model: str, as_of: dt.date) -> VoicesSpec:
    """The voices at the time of scoring; those that perfml ships where none were recorded.

    Raises :class:`PerfmlError` for a damaged record.
    """
    record = read_record(home, model, as_of)
    if record is None or "voices" not in record:
        return ProjectFolder(STARTER).policy_of(VoicesSpec)[1]
    try:
        return VoicesSpec.model_validate(record["voices"])
    except ValidationError as error:
        raise _unreadable(record_path(home, model, as_of), model, as_of) from error


def _unreadable(path: Path, model: str, as_of: dt.date) -> PerfmlError:
    return PerfmlError(
        "cannot be read", where=str(path), remedy=f"score that date again: `perfml score {model} --as-of {as_of}`"
    )

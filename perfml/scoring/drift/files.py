"""The newest comparison of a model with the people of a date, kept where the service finds it: figures of evidence and scores,
and nobody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from perfml.files import private_folder, reading, write_text
from perfml.home_reads import note_file
from perfml.json_types import JsonObject


class KeptShift(BaseModel):
    """How far one column, or the score, has moved (:class:`perfml.learning.validation.drift.Shift`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    psi: float | None
    excess: float | None
    effect: float | None
    ks: float | None
    missing: float | None
    moved: bool
    far: bool


class KeptVerdict(BaseModel):
    """The verdict on one horizon, in both languages."""

    model_config = ConfigDict(frozen=True)

    horizon_days: int
    outcomes_of: dt.date | None
    verdict: Literal["no action", "watch", "retrain", "cannot tell"]
    en: str
    zh: str
    people: int
    score: KeptShift | None
    columns: tuple[KeptShift, ...]


class KeptDrift(BaseModel):
    """A check of one version of a model on the people of one date."""

    model_config = ConfigDict(frozen=True)

    version: str
    as_of: dt.date
    horizons: tuple[KeptVerdict, ...]


def keep_drift(home: Path, model: str, horizons: Sequence[JsonObject], *, version: str, as_of: dt.date) -> Path:
    """Keep the verdict of each horizon, in place of the check before."""
    figures = KeptDrift.model_validate({"version": version, "as_of": as_of, "horizons": horizons})
    path = _file(home, model)
    private_folder(path.parent)
    write_text(path, figures.model_dump_json(indent=1))
    return path


def kept_drift(home: Path, model: str) -> KeptDrift | None:
    """The newest check; None where there is none. Raises :class:`PerfmlError` for a file that cannot be read."""
    path = _file(home, model)
    note_file(path)
    if not path.is_file():
        return None
    with reading(path, remedy=f"run `perfml drift {model}` again"):
        return KeptDrift.model_validate_json(path.read_bytes())


def _file(home: Path, model: str) -> Path:
    return home / "drift" / f"{model}.json"

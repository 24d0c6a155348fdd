"""Score files under ``home``: which dates were scored, and the rows of one person.

Light: the readers of this module need neither LightGBM nor pandas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from perfml.dated_files import dates_in, pick
from perfml.errors import PerfmlError

StoredScore = dict[str, Any]
"""A row of ``perfml.scoring.scoring.SCHEMA``."""


def score_file(home: Path, model: str, as_of: dt.date | None = None) -> Path:
    """The scores of a date (default: the newest). Raises :class:`PerfmlError` where there are none."""
    folder = home / "scores" / model
    available = dates_in(folder)
    if not available:
        raise PerfmlError("nothing has been scored", where=str(folder), remedy=f"run `perfml score {model} --data …`")
    day = pick(available, as_of)
    if day is None:
        raise not_scored(f"{model} {as_of}", available)
    return folder / f"{day}.parquet"


def person_rows(home: Path, model: str, employee_id: str, *, as_of: dt.date | None = None) -> list[StoredScore]:
    """The score rows of one person, one for each horizon. Raises :class:`PerfmlError` where there are none."""
    path = score_file(home, model, as_of)
    rows: list[StoredScore] = pq.read_table(path, filters=[("employee_id", "=", employee_id)]).to_pylist()
    if not rows:
        raise PerfmlError(
            "has no score", where=f"{employee_id!r} in {path}", remedy="they were not employed at that date"
        )
    return rows


def not_scored(where: str, available: Sequence[dt.date]) -> PerfmlError:
    """The error for a date without scores; of ``available``, newest first, it names the newest five in ascending order."""
    dates = ", ".join(str(day) for day in reversed(available[:5]))
    return PerfmlError("was not scored", where=where, remedy=f"use one of: {dates}")

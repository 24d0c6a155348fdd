"""How severely each reviewer rates, ``home/raters/<as_of>.parquet``: sealed, and written when a date is scored.

Light: the service reads with pyarrow alone. What severity is, and whom it is said of, :mod:`perfml.learning.dataset.raters`
decides; reviewers of few ratings or few people stand in the file by id alone, to be counted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import pyarrow as pa

from perfml.dated_files import dates_in
from perfml.scoring.sealed_files import DamagedFile, SealedFile, open_sealed, write_sealed

FOLDER = "raters"
RaterVerdict = Literal["severe", "lenient", "like others", "cannot tell"]
NOT_SHOWN = "not shown"
"""The verdict of reviewers of whom nothing is said."""
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("verdict", pa.string()),
        ("ratings", pa.int32()),
        ("people", pa.int32()),
        ("severity", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("en", pa.string()),
        ("zh", pa.string()),
    ]
)
"""A reviewer, the most severe first: ratings of how many people, and the severity in rating points with its 95 % interval, empty
where reviewers cannot be compared. Positive is severe."""


@dataclass(frozen=True, kw_only=True)
class KeptRater:
    """What is said of one reviewer."""

    employee_id: str
    verdict: RaterVerdict
    ratings: int
    people: int
    severity: float | None
    low: float | None
    high: float | None
    en: str
    zh: str


@dataclass(frozen=True, kw_only=True)
class KeptRaters:
    """The reviewers of one date."""

    as_of: dt.date
    version: str
    """What changes with any row."""
    raters: tuple[KeptRater, ...]
    """The most severe first."""
    not_shown: frozenset[str]
    """Those of whom nothing is said: they rated too seldom, or too few people."""


def write_raters(rows: pa.Table, home: Path, *, as_of: dt.date, made_from: str) -> Path:
    """Write the reviewers of a date in place of an earlier run's; ``made_from`` changes with the data and definitions."""
    return write_sealed([rows], home, f"{FOLDER}/{as_of}.parquet", record={"made_from": made_from})


def raters_made_from(home: Path, as_of: dt.date) -> str:
    """What the file of a date was made from; empty where there is no sound one."""
    try:
        with open_sealed(home / FOLDER / f"{as_of}.parquet") as sealed:
            return str(sealed.record.get("made_from", ""))
    except DamagedFile:
        return ""


def kept_raters(home: Path) -> KeptRaters | None:
    """The reviewers of the newest date; None where none were kept. Raises :class:`DamagedFile`."""
    day = next(iter(dates_in(home / FOLDER)), None)
    if day is None:
        return None
    with open_sealed(home / FOLDER / f"{day}.parquet") as sealed:
        sealed.require(SCHEMA.names)
        return sealed.once("raters", lambda: _read(sealed, day))


def _read(sealed: SealedFile, day: dt.date) -> KeptRaters:
    rows = sealed.file.read(SCHEMA.names, use_threads=False).to_pylist()
    return KeptRaters(
        as_of=day,
        version=cast(str, sealed.record["content"]),
        raters=tuple(KeptRater(**row) for row in rows if row["verdict"] != NOT_SHOWN),
        not_shown=frozenset(row["employee_id"] for row in rows if row["verdict"] == NOT_SHOWN),
    )

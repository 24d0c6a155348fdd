"""Score files under ``home``: which dates were scored, and the rows of one person.

Light: the readers of this module need neither LightGBM nor pandas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

import pyarrow as pa

from perfml.dated_files import dates_in, pick
from perfml.errors import PerfmlError
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

if TYPE_CHECKING:  # NumPy, which a reader of rows does without
    from perfml.reasons.record import Reason


COLUMNS = (
    *(
        "employee_id",
        "as_of",
        "model",
        "model_version",
        "horizon_days",
        "probability",
        "margin",
        "base_value",
        "incidence",
    ),
    *("segments", "status", "rank", "band", "why_not", "reasons"),
)
"""Names of ``perfml.scoring.batches.rows.SCHEMA`` that every file of scores has."""
DEBT_COLUMNS = ("probability_low", "probability_high", "list_may_change")
"""Names of the rest: what days missing from the log may do to a score. Files of an earlier perfml lack them."""


class CauseShare(TypedDict):
    """The probability of one cause of leaving, or of staying."""

    cause: str
    probability: float


class ScoreKey(TypedDict):
    """What every score row tells: whose it is, by which model, at which date, within which horizon."""

    employee_id: str
    as_of: dt.date
    model: str
    model_version: str
    horizon_days: int
    segments: list[str]


class ExplainedScore(ScoreKey):
    """The row of a person with a score."""

    status: Literal["scored"]
    why_not: None
    probability: float
    margin: float
    base_value: float
    incidence: list[CauseShare] | None
    reasons: list[Reason]


class ScoredRow(ExplainedScore):
    """A row without rank and band where the model gives no list."""

    rank: int | None
    band: str | None


class RankedRow(ExplainedScore):
    """A row of a model that gives a list."""

    rank: int
    band: str


class UnscoredRow(ScoreKey):
    """The row of a person without a score."""

    status: Literal["ineligible", "opted_out", "thin", "held"]
    why_not: str | None
    probability: None
    margin: None
    base_value: None
    incidence: None
    reasons: None
    rank: None
    band: None


StoredScore: TypeAlias = ScoredRow | UnscoredRow
"""A row of ``perfml.scoring.batches.rows.SCHEMA``."""


class NoScore(PerfmlError):
    """Nothing is stored of a model, a date or a person; nothing is wrong with what is."""


def score_file(home: Path, model: str, as_of: dt.date | None = None) -> Path:
    """The scores of a date (default: the newest). Raises :class:`NoScore` where there are none."""
    folder = home / "scores" / model
    available = dates_in(folder)
    if not available:
        raise NoScore("nothing has been scored", where=str(folder), remedy=f"run `perfml score {model} --data …`")
    day = pick(available, as_of)
    if day is None:
        raise not_scored(f"{model} {as_of}", available)
    return folder / f"{day}.parquet"


def read_scores(path: Path, *, only: tuple[str, object] | None = None) -> pa.Table:
    """The rows of a file of scores, blank where they are held; with ``only``, those in which a column has a value. Raises
    :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return withholding(path).table(read_rows(path, names=(*COLUMNS, *DEBT_COLUMNS), only=only))


def person_rows(home: Path, model: str, employee_id: str, *, as_of: dt.date | None = None) -> list[StoredScore]:
    """The score rows of one person, one for each horizon. Raises :class:`NoScore` where there are none."""
    path = score_file(home, model, as_of)
    rows: list[StoredScore] = read_scores(path, only=("employee_id", employee_id)).to_pylist()
    if not rows:
        raise NoScore("has no score", where=f"{employee_id!r} in {path}", remedy="they were not employed at that date")
    return rows


def first_column(rows: Sequence[StoredScore], evidence: str) -> str:
    """The first column behind the reason ``evidence`` in one person's score ``rows``, of the shortest horizon that lists it.

    Raises :class:`PerfmlError`, naming the reasons that have columns, where no horizon lists it.
    """
    columns: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["horizon_days"]):
        for reason in row["reasons"] or ():
            if reason["values"]:
                columns.setdefault(reason["evidence"], reason["values"][0]["column"])
    if evidence not in columns:
        raise PerfmlError(
            f"{evidence!r} is not one of the listed reasons",
            where=rows[0]["employee_id"],
            remedy=f"use one of: {', '.join(columns)}" if columns else "no reason with columns is listed",
        )
    return columns[evidence]


def not_scored(where: str, available: Sequence[dt.date]) -> NoScore:
    """The error for a date without scores; of ``available``, newest first, it names the newest five in ascending order."""
    dates = ", ".join(str(day) for day in reversed(available[:5]))
    return NoScore("was not scored", where=where, remedy=f"use one of: {dates}")

"""What is kept of the goals of a date: ``home/goals/<paths, alignment or sums>/<as_of>.parquet``, sealed.

Light: the service reads with pyarrow alone.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import pyarrow as pa
from pydantic import TypeAdapter

from perfml.dated_files import dates_in, pick
from perfml.errors import PerfmlError
from perfml.goals.tree.flags import GoalFlags
from perfml.json_types import JsonObject
from perfml.scoring.run_record import RunRecord
from perfml.scoring.sealed_files import open_sealed, write_sealed
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

if TYPE_CHECKING:
    from perfml.goals.report import GoalsReport

GoalsPart = Literal["paths", "alignment", "sums"]
PARTS: tuple[GoalsPart, ...] = get_args(GoalsPart)
FOLDER = "goals"
_FLAGS = TypeAdapter(GoalFlags)


def keep_goals(report: GoalsReport, home: Path, *, record: RunRecord) -> None:
    """Keep ``report`` with the ``record`` of its run, in place of an earlier one of the date."""
    whole = cast(JsonObject, {**record, "flags": _FLAGS.dump_python(report.flags, mode="json")})
    for part, table in zip(PARTS, (report.paths, report.alignment, report.sums), strict=True):
        write_sealed([table], home, f"{FOLDER}/{part}/{report.as_of}.parquet", record=whole)


def goals_file(home: Path, part: GoalsPart, as_of: dt.date | None = None) -> tuple[dt.date, Path]:
    """The date (default: the newest) and the file of ``part``. Raises :class:`PerfmlError` where none is kept."""
    folder = home / FOLDER / part
    available = dates_in(folder)
    day = pick(available, as_of)
    if day is None:
        raise PerfmlError(
            f"nothing is kept about goals{f' of {as_of}' if as_of else ''}",
            where=str(folder),
            remedy=f"use one of: {', '.join(map(str, available[:5]))}" if available else "run `perfml goals`",
        )
    return day, folder / f"{day}.parquet"


def kept_rows(home: Path, part: GoalsPart, as_of: dt.date | None = None) -> tuple[dt.date, pa.Table]:
    """The date and the rows of ``part``, blank where they are held. Raises :class:`PerfmlError` where none is kept."""
    day, path = goals_file(home, part, as_of)
    return day, withholding(path).table(read_rows(path))


def kept_flags(path: Path) -> GoalFlags:
    """What is said of the goals as a whole, from a kept file. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    with open_sealed(path) as sealed:
        return sealed.once("flags", lambda: _FLAGS.validate_python(sealed.record["flags"]))

"""What every verb begins with: the definitions, the data, and the dates that were asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from perfml.errors import DataError, PerfmlError
from perfml.evidence.sources import Data, open_data
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

Source = str | Path
STALE_DAYS = {"events": 31, "reviews": 366}
"""For how long after its end a record still says how people are now."""
Dates = dt.date | str | Sequence[dt.date | str]


class Opening:
    """A folder of definitions and a home; see :class:`perfml.Project`."""

    def __init__(
        self, root: str | Path | None = None, *, home: str | Path | None = None, progress: Progress = SILENT
    ) -> None:
        chosen = Path(root) if root is not None else Path.cwd() if Path("perfml.toml").is_file() else STARTER
        self.folder = ProjectFolder(chosen)
        self.home = self.folder.home(Path(home) if home is not None else None)
        self.progress = progress

    def open(self, data: Source | None = None, *, strict: bool = True) -> Data:
        """The tables, typed and checked. Raises :class:`DataError` on the first that is there and cannot be used."""
        source = data or self.folder.spec.data.source
        if source is None:
            raise DataError(
                "no data is named", where="--data", remedy="name a folder, a DuckDB file or a postgresql:// URL"
            )
        self.progress("reading", 0, 1)
        opened = open_data(source, self.folder.definitions.tables, strict=strict)
        self.progress("reading", 1, 1)
        return opened

    def scored(self, model: str, as_of: dt.date | str | None = None) -> Path:
        """The kept scores of a date, the newest by default. Raises :class:`PerfmlError` where there are none."""
        folder = self.home / "scores" / model
        there = sorted(folder.glob("*.parquet"))
        if not there:
            raise PerfmlError(
                "nothing has been scored", where=str(folder), remedy=f"run `perfml score {model} --data …`"
            )
        path = folder / f"{date_of(as_of)}.parquet" if as_of else there[-1]
        if not path.is_file():
            raise PerfmlError(
                "was not scored",
                where=f"{model} {as_of}",
                remedy=f"use one of: {', '.join(p.stem for p in there[-5:])}",
            )
        return path


def end_of_record(data: Data) -> dt.date:
    """The day after the last one on which anything was known: the first as-of date that can use all of it."""
    return data.last_usable_day() + dt.timedelta(days=1)


def refuse_stale(data: Data, as_of: dt.date) -> None:
    """Long after the record's end everyone seems to have fallen silent: raise :class:`DataError`."""
    end = end_of_record(data)
    if as_of > end + dt.timedelta(days=STALE_DAYS["events" if data.has("events") else "reviews"]):
        raise DataError(
            f"ends on {end}, too long before {as_of}",
            where=data.source,
            remedy="export it anew, or choose an earlier date",
        )


def until_day(data: Data, until: dt.date | str | None) -> dt.date:
    """What was known by a day after the record's end is what was known at its end: nothing matures beyond it."""
    end = end_of_record(data)
    return min(date_of(until), end) if until else end


def date_of(value: dt.date | str) -> dt.date:
    """A date from a date or from YYYY-MM-DD. Raises :class:`PerfmlError` for other text."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise PerfmlError(f"{value!r} is not a date", where="as-of date", remedy="write YYYY-MM-DD") from None


def dates_of(values: Dates) -> list[dt.date]:
    """One date or several, ascending and each once. Raises :class:`PerfmlError` for none."""
    dates = sorted({date_of(value) for value in ([values] if isinstance(values, str | dt.date) else values)})
    if not dates:
        raise PerfmlError("no date is named", where="as-of date", remedy="name one, e.g. 2026-10-01")
    return dates

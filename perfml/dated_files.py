"""Files of one date each, ``<folder>/<YYYY-MM-DD>.parquet``: which dates a folder holds, and which one is asked for.

Standard library only: the service imports it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

from perfml.home_reads import note_file

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.parquet")


def dates_in(folder: Path) -> list[dt.date]:
    """The dates with a file in ``folder``, newest first; files that are still being written have other names."""
    note_file(folder)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted((day for name in names if _NAME.fullmatch(name) and (day := _date(name))), reverse=True)


def pick(available: Sequence[dt.date], as_of: dt.date | None) -> dt.date | None:
    """``as_of`` (default: the newest, which is first in ``available``); None where it is not available."""
    day = as_of or next(iter(available), None)
    return day if day in available else None


def dated_file(folder: Path, as_of: dt.date | None = None) -> tuple[dt.date, Path] | None:
    """The date (default: the newest) and its file in ``folder``; None where none is kept."""
    day = pick(dates_in(folder), as_of)
    return None if day is None else (day, folder / f"{day}.parquet")


def _date(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(name.removesuffix(".parquet"))
    except ValueError:
        return None

"""Suggestion files: one Parquet file a policy and as-of date under ``home``, written whole, read by the service.

In plain Python and pyarrow: pyarrow's own comparisons import pandas, which a process that serves rows does not need.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.dated_files import dates_in, pick
from perfml.errors import PerfmlError
from perfml.scoring.table_files import write_parts


def keep_suggestions(table: pa.Table, home: Path, *, policy: str, as_of: dt.date) -> Path:
    """Write the suggestions of a policy at a date, replacing those of an earlier run."""
    path = home / "suggestions" / policy / f"{as_of}.parquet"
    write_parts([table], path)
    return path


def suggestion_dates(home: Path, policy: str) -> list[dt.date]:
    """The dates for which suggestions of the policy are stored, newest first."""
    return dates_in(home / "suggestions" / policy)


def suggestion_file(home: Path, policy: str, as_of: dt.date | None = None) -> tuple[dt.date, Path]:
    """The date (default: the newest) and its file. Raises :class:`PerfmlError` where none is stored."""
    dates = suggestion_dates(home, policy)
    day = pick(dates, as_of)
    if day is None:
        raise PerfmlError(
            f"has no suggestions{f' of {as_of}' if as_of else ''}",
            where=policy,
            remedy=f"use one of: {', '.join(map(str, dates[:5]))}"
            if dates
            else "make some with `perfml targets` or `perfml courses`",
        )
    return day, home / "suggestions" / policy / f"{day}.parquet"


def find_suggestion(home: Path, suggestion_id: str) -> dict[str, Any] | None:
    """The newest stored row of this id, of any policy."""
    folder = home / "suggestions"
    for policy in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []:
        for day in suggestion_dates(home, policy):
            with pq.ParquetFile(folder / policy / f"{day}.parquet") as file:
                for group in range(file.num_row_groups):
                    ids = file.read_row_group(group, ["suggestion_id"], use_threads=False).column(0).to_pylist()
                    if suggestion_id in ids:
                        rows = file.read_row_group(group, use_threads=False)
                        return dict(rows.slice(ids.index(suggestion_id), 1).to_pylist()[0])
    return None

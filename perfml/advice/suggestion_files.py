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
    """The newest stored row of this id, of any policy; a case beyond a target policy is any row of it."""
    folder = home / "suggestions"
    for policy in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []:
        for day in suggestion_dates(home, policy):
            with pq.ParquetFile(folder / policy / f"{day}.parquet") as file:
                for group in range(file.num_row_groups):
                    names = [name for name in ("suggestion_id", "beyond") if name in file.schema_arrow.names]
                    ids = file.read_row_group(group, names, use_threads=False).to_pylist()
                    for position, row in enumerate(ids):
                        if suggestion_id in (row["suggestion_id"], (row.get("beyond") or {}).get("escalation_id")):
                            rows = file.read_row_group(group, use_threads=False)
                            return dict(rows.slice(position, 1).to_pylist()[0])
    return None

"""Where suggestions lie: one file a policy and as-of date under ``home``, written whole, read by the service.

In plain Python and pyarrow: pyarrow's own comparisons import pandas, which a process that serves rows has no use for.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.scoring.table_files import write_parts

_FILE = re.compile(r"\d{4}-\d{2}-\d{2}\.parquet")
Row = dict[str, Any]


def keep_suggestions(table: pa.Table, home: Path, policy: str, as_of: dt.date) -> Path:
    """Keep the suggestions of a policy at a date, in place of those kept before."""
    path = home / "suggestions" / policy / f"{as_of}.parquet"
    write_parts([table], path)
    return path


def suggested(home: Path, policy: str) -> list[dt.date]:
    """The dates that there are suggestions of, the newest first."""
    folder = home / "suggestions" / policy
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted((dt.date.fromisoformat(name[:10]) for name in names if _FILE.fullmatch(name)), reverse=True)


def suggestions(home: Path, policy: str, as_of: dt.date | None = None) -> tuple[dt.date, Path]:
    """The date, the newest by default, and its file. Raises :class:`PerfmlError` where there are none."""
    there = suggested(home, policy)
    day = as_of or next(iter(there), None)
    if day is None or day not in there:
        made = f"use one of: {', '.join(str(one) for one in there[:5])}"
        raise PerfmlError(
            f"has no suggestions{f' of {as_of}' if as_of else ''}",
            where=policy,
            remedy=made if there else "make some with `perfml targets` or `perfml courses`",
        )
    return day, home / "suggestions" / policy / f"{day}.parquet"


def find_suggestion(home: Path, suggestion_id: str) -> Row | None:
    """The newest kept row of this id, of whatever policy."""
    folder = home / "suggestions"
    for policy in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []:
        for day in suggested(home, policy):
            with pq.ParquetFile(folder / policy / f"{day}.parquet") as file:
                for group in range(file.num_row_groups):
                    given = file.read_row_group(group, ["suggestion_id"], use_threads=False).column(0).to_pylist()
                    if suggestion_id in given:
                        rows = file.read_row_group(group, use_threads=False)
                        return dict(rows.slice(given.index(suggestion_id), 1).to_pylist()[0])
    return None

"""Of whom anything is kept: who is who at a date, a score, or a suggestion."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FILES_OF_PEOPLE = ("people/*.parquet", "scores/*/*.parquet", "suggestions/*/*.parquet")
"""Files under ``home`` with a row for each person and date."""


def unknown_people(home: Path, employee_ids: Collection[str]) -> set[str]:
    """Those of ``employee_ids`` of whom no file under ``home`` has a row; the newest files are read first, as few as suffice."""
    unknown = set(employee_ids)
    for pattern in FILES_OF_PEOPLE:
        for path in sorted(home.glob(pattern), key=lambda path: path.name, reverse=True):
            if not unknown:
                return unknown
            unknown -= _people(path)
    return unknown


def _people(path: Path) -> frozenset[str]:
    """The people of a file; of a damaged one nobody, which other commands report."""
    try:
        with pq.ParquetFile(path) as file:
            return frozenset(file.read(["employee_id"], use_threads=False).column(0).to_pylist())
    except (pa.ArrowException, OSError):
        return frozenset()

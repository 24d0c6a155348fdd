"""What is kept of a person: rows of a file, and of whom there are any. With pyarrow alone, for the service."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.files import reading
from perfml.scoring.table_files import remedy_of

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


def rows_of(path: Path, employee_id: str) -> list[dict[str, object]]:
    """The rows of one person in a file of scores or suggestions. Raises :class:`PerfmlError` for a damaged file."""
    rows: list[dict[str, object]] = []
    with reading(path, remedy=remedy_of(path)), pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, ["employee_id"], use_threads=False).column(0).to_pylist()
            positions = [position for position, each in enumerate(ids) if each == employee_id]
            if positions:
                read = file.read_row_group(group, use_threads=False)
                rows += [read.slice(position, 1).to_pylist()[0] for position in positions]
    return rows


def _people(path: Path) -> frozenset[str]:
    """The people of a file; of a damaged one nobody, which other commands report."""
    try:
        with pq.ParquetFile(path) as file:
            return frozenset(file.read(["employee_id"], use_threads=False).column(0).to_pylist())
    except (pa.ArrowException, OSError, LookupError):
        return frozenset()

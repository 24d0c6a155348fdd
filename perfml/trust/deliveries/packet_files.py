"""Files of packets: read as people send them, counted by business day, written under the rows that they hold."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import DataError
from perfml.evidence.tables.cells import READABLE, ROW, as_text, read_cells
from perfml.files import atomic_write
from perfml.project.table_spec import TableSpec

Row = Mapping[str, str]
"""Column → value as text; an empty value is left out."""


def packet_rows(path: Path) -> list[Row]:
    """The rows of a CSV file, a workbook or a Parquet file. Raises :class:`DataError` where it cannot be read."""
    if path.suffix.lower() not in READABLE or not path.is_file():
        problem = "is no file that can be read" if path.exists() else "is not there"
        raise DataError(problem, where=str(path), remedy="name a CSV, Excel or Parquet file")
    return [
        {name: text for name, value in row.items() if name != ROW and (text := _text(value))}
        for row in read_cells(path).to_pylist()
    ]


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return ";".join(map(str, value)) or None
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if value is None or isinstance(value, str | int | float | dt.date):
        return as_text(value)
    return str(value)


def content_hash_of(rows: Sequence[Row], table: str) -> str:
    """SHA-256 of the rows for ``table`` as a multiset: their order and the order of columns do not matter.

    >>> content_hash_of([{"a": "1"}, {"a": "2"}], "t") == content_hash_of([{"a": "2"}, {"a": "1"}], "t")
    True
    """
    lines = sorted("\x1f".join(f"{name}={value}" for name, value in sorted(row.items())) for row in rows)
    return hashlib.sha256("\x1e".join([table, *lines]).encode()).hexdigest()


def require_rows(rows: Sequence[Row], spec: TableSpec, *, where: str) -> None:
    """Raise :class:`DataError` for a packet that cannot be applied once: without rows, with an unknown column, or with a row
    without its key."""
    if not rows:
        raise DataError("has no rows", where=where, remedy="send the rows")
    unknown = sorted({name for row in rows for name in row} - spec.columns.keys())
    if unknown:
        remedy = f"use the columns of the table: {', '.join(spec.columns)}"
        raise DataError(f"has the unknown column {unknown[0]!r}", where=where, remedy=remedy)
    needed = [name for name in spec.key if spec.columns[name].required] or list(spec.key)
    for number, row in enumerate(rows, start=1):
        empty = next((name for name in needed if not row.get(name)), None)
        if empty is not None:
            remedy = "give every row its key: without it a row that comes twice would count twice"
            raise DataError(f"row {number} has no {empty}", where=where, remedy=remedy)


def by_business_day(rows: Sequence[Row], spec: TableSpec) -> dict[dt.date, tuple[int, Decimal | None]]:
    """Business day → number of rows, and the total of ``value`` where the table has that column."""
    counted: dict[dt.date, tuple[int, Decimal | None]] = {}
    for row in rows:
        day = _day(row.get(spec.happened or "", ""))
        if day is None:
            continue
        n, total = counted.get(day, (0, Decimal(0) if "value" in spec.columns else None))
        counted[day] = n + 1, None if total is None else total + _decimal(row.get("value", "0"))
    return dict(sorted(counted.items()))


def write_packet(path: Path, rows: Sequence[Row]) -> str:
    """Write ``rows`` whole or not at all, every value as text; return the SHA-256 of the file."""
    names = sorted({name for row in rows for name in row})
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary)
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    return digest


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _decimal(text: str) -> Decimal:
    """A value that is no number counts as nothing: the row is set aside when it is read, with its reason."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)

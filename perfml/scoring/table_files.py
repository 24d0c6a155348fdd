"""Tables of answers on disk: written part by part, whole or not at all, and in row groups small enough to read one answer.

In pyarrow alone, but for CSV: a process that serves rows has no use for pandas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.files import atomic_write

ROWS_READ = 2_000
"""Rows of a row group: what is read for one page or one person."""


def write_parts(parts: Iterable[pa.Table], out: Path) -> None:
    """Write ``parts``, of one schema and at least one of them, to ``.csv`` (lists as JSON text) or Parquet."""
    with atomic_write(out) as path:
        _write_csv(parts, path) if out.suffix.lower() == ".csv" else _write_parquet(parts, path)


def read_parts(path: Path, *, rows: int = 10_000) -> Iterator[pa.Table]:
    """The rows of a Parquet file in their order, so many at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(rows, use_threads=False):
            yield pa.Table.from_batches([batch])


def _write_parquet(parts: Iterable[pa.Table], path: Path) -> None:
    rest = iter(parts)
    first = next(rest)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first, ROWS_READ)
        for part in rest:
            writer.write_table(part, ROWS_READ)


def _write_csv(parts: Iterable[pa.Table], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            frame = part.to_pandas(integer_object_nulls=True)  # a part without a gap must read like one with
            for field in part.schema:
                if pa.types.is_list(field.type):
                    frame[field.name] = [
                        None if lines is None else json.dumps(lines, ensure_ascii=False)
                        for lines in part.column(field.name).to_pylist()
                    ]
            frame.to_csv(file, index=False, header=number == 0, lineterminator="\n")

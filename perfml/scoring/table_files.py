"""Table files: written part by part, complete or not at all, in row groups small enough to read a few rows at a time.

Only CSV needs pandas: the service, which reads Parquet, does not load it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.files import atomic_write

ROW_GROUP = 2_000
"""Rows of a row group: what is read for one page or one person."""


def write_parts(parts: Iterable[pa.Table], out: Path) -> None:
    """Write ``parts``, at least one and all of the same schema, to ``.csv`` (lists as JSON text) or Parquet."""
    with atomic_write(out) as path:
        _write_csv(parts, path) if out.suffix.lower() == ".csv" else _write_parquet(parts, path)


def read_parts(path: Path, *, rows: int = 10_000) -> Iterator[pa.Table]:
    """The rows of a Parquet file in their order, at most ``rows`` at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(rows, use_threads=False):
            yield pa.Table.from_batches([batch])


def _write_parquet(parts: Iterable[pa.Table], path: Path) -> None:
    rest = iter(parts)
    first = next(rest)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first, ROW_GROUP)
        for part in rest:
            writer.write_table(part, ROW_GROUP)


def _write_csv(parts: Iterable[pa.Table], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            frame = part.to_pandas(integer_object_nulls=True)  # integers stay integers where a part has no null
            for field in part.schema:
                if pa.types.is_list(field.type):
                    frame[field.name] = [
                        None if lines is None else json.dumps(lines, ensure_ascii=False)
                        for lines in part.column(field.name).to_pylist()
                    ]
            frame.to_csv(file, index=False, header=number == 0, lineterminator="\n")

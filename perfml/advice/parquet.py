"""How rows of scores and suggestions are written: whole, in row groups of which a reader needs only a few."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.files import whole_file

ROWS_READ = 2_000
"""Rows of a row group: what the service has to read for one page or one person."""


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write ``table`` to ``path``, whole or not at all, in row groups of :data:`ROWS_READ`."""
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROWS_READ)

"""Tables as Spark carries them: each row is a block of Arrow's own bytes, with the part of persons that it is for.

Spark moves the blocks, stores them and brings lost ones back, and never looks into them: its cost does not depend on how many
columns and rows they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from perfml.arrays import Ints, Objects

Batches = Iterator[pa.RecordBatch]
BLOCKS: Final = pa.schema([("part", pa.int32()), ("content", pa.string()), ("block", pa.binary())])
"""``content`` says which table the block is a piece of."""
BLOCK_TYPES: Final = "part int, content string, block binary"
"""The same in Spark's words."""
BLOCK_BYTES: Final = 1 << 23
"""Of a block, roughly."""


def blocks(table: pa.Table, *, part: int, content: str) -> Batches:
    """Yield ``table`` in batches of one block; one without rows too, so that its columns are known."""
    rows = max(1, BLOCK_BYTES * table.num_rows // max(1, table.nbytes))
    for low in range(0, max(1, table.num_rows), rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(low, rows).combine_chunks())
        written = sink.getvalue()
        ends = pa.py_buffer(np.array([0, written.size], np.int32))
        block = pa.Array.from_buffers(pa.binary(), 1, [None, ends, written])
        yield pa.RecordBatch.from_arrays([pa.array([part], pa.int32()), pa.array([content]), block], schema=BLOCKS)


def tables_of_parts(batches: Batches) -> Iterator[tuple[int, dict[str, pa.Table]]]:
    """Yield the parts in ascending order, each with its tables by their content; a task gets all blocks of its parts."""
    pieces: defaultdict[int, defaultdict[str, list[pa.Table]]] = defaultdict(lambda: defaultdict(list))
    for batch in batches:
        parts, contents = (batch.column(name).to_pylist() for name in ("part", "content"))
        for part, content, table in zip(parts, contents, tables_of(iter([batch])), strict=True):
            pieces[part][content].append(table)
    for part in sorted(pieces):
        yield part, {content: pa.concat_tables(tables) for content, tables in pieces.pop(part).items()}


def tables_of(batches: Batches) -> Iterator[pa.Table]:
    """Yield the table in each block, one after the other."""
    for batch in batches:
        for block in batch.column("block"):
            yield pa.ipc.open_stream(block.as_buffer()).read_all()


@dataclass(frozen=True)
class RowsOfBlocks:
    """Gives the rows in blocks of ``evidence`` to Spark."""

    columns: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return pa.schema(
            [("employee_id", pa.string()), ("as_of", pa.date32()), *((n, pa.float64()) for n in self.columns)]
        )

    def __call__(self, batches: Batches) -> Batches:
        """Yield the rows of each block."""
        for table in tables_of(batches):
            yield from table.select(self.schema.names).to_batches()


@dataclass(frozen=True)
class PersonRanges:
    """Parts of persons by ranges of their ids: rows of one part stand before those of the next."""

    starts: tuple[str, ...]
    """The first id of each part but the first, ascending."""

    def __len__(self) -> int:
        """The number of parts."""
        return len(self.starts) + 1

    def parts(self, ids: pa.ChunkedArray) -> Ints:
        """The part of each of ``ids``; −1 for a missing one."""
        encoded = ids.combine_chunks().dictionary_encode()
        distinct: Objects = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
        part = np.searchsorted(np.asarray(self.starts, dtype=object), distinct, side="right")
        index = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        parts: Ints = np.append(part, -1).astype(np.int32)[index]
        return parts


def parted(table: pa.Table, parts: Ints) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of each part that has any, in their order; rows of part −1 are left out."""
    order = np.argsort(parts, kind="stable")
    own, first = np.unique(parts[order], return_index=True)
    ordered = table.take(pa.array(order))
    ends = np.append(first, len(order))[1:]
    for part, low, high in zip(own.tolist(), first.tolist(), ends.tolist(), strict=True):
        if part >= 0:
            yield part, ordered.slice(low, high - low)

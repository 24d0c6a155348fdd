"""Tables that tasks leave for each other, as Arrow's own bytes in files of a shared folder.

A file is written under a name of its own and then takes its place, so that a task that is tried again, or runs twice at once,
does no harm.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa

from perfml.arrays import Ints

ENDS = np.dtype(np.int64)


@dataclass(frozen=True)
class Exchange:
    """What some senders leave for some receivers: a file a sender, with the rows for each receiver in one stretch of it."""

    folder: Path
    senders: int
    receivers: int

    def write(self, sender: int, pieces: Iterable[tuple[int, pa.RecordBatch]]) -> None:
        """Leave ``pieces``, each with its receiver, in place of what ``sender`` left before."""
        of_receiver: defaultdict[int, list[pa.RecordBatch]] = defaultdict(list)
        for receiver, piece in pieces:
            of_receiver[receiver].append(piece)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(sender)
        unfinished = path.with_name(f"{path.name}.{uuid4().hex}")
        with pa.OSFile(str(unfinished), "wb") as sink:
            ends = [0]
            for receiver in range(self.receivers):
                batches = of_receiver.pop(receiver, [])
                if batches:
                    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
                        for batch in batches:
                            writer.write_batch(batch)
                ends.append(sink.tell())
            sink.write(np.array(ends, ENDS).tobytes())
        os.replace(unfinished, path)

    def piece(self, sender: int, receiver: int = 0) -> pa.Table | None:
        """What ``sender`` left for ``receiver``; None where it left nothing."""
        with pa.memory_map(str(self._path(sender))) as source:
            source.seek(source.size() - ENDS.itemsize * (self.receivers + 1 - receiver))
            low, high = np.frombuffer(source.read(2 * ENDS.itemsize), ENDS)
            source.seek(low)
            return pa.ipc.open_stream(source.read_buffer(high - low)).read_all() if low < high else None

    def pieces(self, receiver: int) -> Iterator[tuple[int, pa.Table]]:
        """Yield what each sender left for ``receiver``, in the order of senders."""
        for sender in range(self.senders):
            piece = self.piece(sender, receiver)
            if piece is not None:
                yield sender, piece

    def table(self, receiver: int) -> pa.Table | None:
        """All that was left for ``receiver``; None where nothing was."""
        tables = [table for _, table in self.pieces(receiver)]
        return pa.concat_tables(tables) if tables else None

    def _path(self, sender: int) -> Path:
        return self.folder / f"{sender}.arrow"


def parted(table: pa.Table, parts: Ints) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows of each part that has any, in their order; rows of part −1 are left out."""
    order = np.argsort(parts, kind="stable")
    own, first = np.unique(parts[order], return_index=True)
    ordered = table.combine_chunks().take(pa.array(order))
    ends = np.append(first, len(order))[1:]
    for part, low, high in zip(own.tolist(), first.tolist(), ends.tolist(), strict=True):
        if part >= 0:
            for rows in ordered.slice(low, high - low).to_batches():
                yield part, rows

"""An open score file: everything read from it comes from one run, even when another run replaces the file meanwhile.

Narrow columns are read whole, reasons only for the rows that are shown. Rows are compared in plain Python, because
pyarrow's own comparisons import pandas (0.5 s and 40 MB for a process that serves rows).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from perfml.scoring.score_files import COLUMNS
from perfml.scoring.sealed_files import open_sealed

BATCH = 500
"""Rows decoded at a time on the way to the ones that are shown."""
StoredRow = Mapping[str, object]


class ScoreFile:
    """Rows by position, in the order of the file."""

    def __init__(self, file: pq.ParquetFile, written: dt.datetime) -> None:
        self._file, self.written = file, written

    def column(self, name: str) -> list[object]:
        """All values of one narrow column."""
        return self.columns([name], slice(None))[0]

    def columns(self, names: Sequence[str], part: slice) -> list[list[object]]:
        """The values of narrow columns within ``part`` of the rows."""
        read = self._file.read(list(names), use_threads=False)
        low, high, _ = part.indices(len(read))
        return [read.column(name).slice(low, high - low).to_pylist() for name in names]

    def rows(self, positions: Sequence[int], columns: Sequence[str] | None = None) -> list[StoredRow]:
        """The rows at ``positions``, in that order. ``columns``: all by default; a field of a list is written
        ``reasons.list.element.zh``."""
        wanted = sorted(set(positions))
        by_position: dict[int, StoredRow] = {}
        first = 0
        for group in range(self._file.num_row_groups):
            end = first + self._file.metadata.row_group(group).num_rows
            within = [position - first for position in wanted if first <= position < end]
            for position, row in self._group(group, within, columns):
                by_position[first + position] = row
            first = end
        return [by_position[position] for position in positions]

    def _group(self, group: int, wanted: list[int], columns: Sequence[str] | None) -> Iterator[tuple[int, StoredRow]]:
        """Decode a row group as far as the last wanted row."""
        if not wanted:
            return
        decoded = 0
        for batch in self._file.iter_batches(BATCH, row_groups=[group], columns=columns, use_threads=False):
            for position in wanted:
                if decoded <= position < decoded + len(batch):
                    yield position, batch.slice(position - decoded, 1).to_pylist()[0]
            decoded += len(batch)
            if decoded > wanted[-1]:
                return


@contextmanager
def open_scores(path: Path, columns: Sequence[str] = COLUMNS) -> Iterator[ScoreFile]:
    """Open a file of scores, or of other rows with ``columns``. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    with open_sealed(path) as sealed:
        sealed.require(columns)
        yield ScoreFile(sealed.file, sealed.written)

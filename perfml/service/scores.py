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
from perfml.scoring.withheld.withholding import NOBODY, Withholding, withheld_row, withholding
from perfml.trust.holds.hold import Hold

BATCH = 500
"""Rows decoded at a time on the way to the ones that are shown."""
StoredRow = Mapping[str, object]


class ScoreFile:
    """Rows by position, in the order of the file."""

    def __init__(self, file: pq.ParquetFile, written: dt.datetime, with_holds: Withholding = NOBODY) -> None:
        self._file, self.written = file, written
        self._held = self._withheld(with_holds) if with_holds else {}

    def column(self, name: str) -> list[object]:
        """All values of one narrow column."""
        return self.columns([name], slice(None))[0]

    def columns(self, names: Sequence[str], part: slice) -> list[list[object]]:
        """The values of narrow columns within ``part`` of the rows."""
        read = self._file.read(list(names), use_threads=False)
        low, high, _ = part.indices(len(read))
        values = [read.column(name).slice(low, high - low).to_pylist() for name in names]
        for position, hold in self._held.items():
            if low <= position < high:
                row = withheld_row({name: each[position - low] for name, each in zip(names, values, strict=True)}, hold)
                for name, each in zip(names, values, strict=True):
                    each[position - low] = row[name]
        return values

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
        return [self._read_row(position, by_position[position]) for position in positions]

    def _read_row(self, position: int, row: StoredRow) -> StoredRow:
        hold = self._held.get(position)
        return row if hold is None else withheld_row(row, hold)

    def _withheld(self, with_holds: Withholding) -> Mapping[int, Hold]:
        """Position -> hold, of the rows of people and metrics that are held."""
        names = [name for name in ("employee_id", "metric") if name in self._file.schema_arrow.names]
        rows = self._file.read(names, use_threads=False).to_pylist()
        return {position: hold for position, row in enumerate(rows) if (hold := with_holds.hold(row)) is not None}

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
        yield ScoreFile(sealed.file, sealed.written, withholding(path, sealed.record))

"""One score file, open: everything read from it is of one run, even when another run replaces the file meanwhile.

The narrow columns are read whole, and the reasons only of the rows that are shown. In plain Python, because pyarrow's
own comparisons import pandas (0.5 s and 40 MB for a process that serves rows).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from perfml.service.problems import Unreadable

BATCH = 500
"""Rows decoded at a time on the way to the ones that are shown."""
COLUMNS = (
    "employee_id",
    "model_version",
    "horizon_days",
    "probability",
    "margin",
    "base_value",
    "incidence",
    "segments",
    "status",
    "rank",
    "band",
    "why_not",
    "reasons",
)
"""What is read of ``perfml.scoring.scoring.SCHEMA``; the model and the date stand in the file's path."""
Row = Mapping[str, object]


class ScoreFile:
    """Rows by position, in the order of the file."""

    def __init__(self, file: pq.ParquetFile, written: dt.datetime) -> None:
        self._file, self.written = file, written

    def column(self, name: str) -> list[object]:
        """One narrow column, whole."""
        return self.columns([name], slice(None))[0]

    def columns(self, names: Sequence[str], part: slice) -> list[list[object]]:
        """Narrow columns, between two positions."""
        read = self._file.read(list(names), use_threads=False)
        low, high, _ = part.indices(len(read))
        return [read.column(name).slice(low, high - low).to_pylist() for name in names]

    def rows(self, positions: Sequence[int], columns: Sequence[str] | None = None) -> list[Row]:
        """The rows at ``positions``, in that order, with all ``columns`` by default; a column of a list is written
        ``reasons.list.element.zh``."""
        wanted = sorted(set(positions))
        found: dict[int, Row] = {}
        first = 0
        for group in range(self._file.num_row_groups):
            end = first + self._file.metadata.row_group(group).num_rows
            here = [position - first for position in wanted if first <= position < end]
            for position, row in self._group(group, here, columns):
                found[first + position] = row
            first = end
        return [found[position] for position in positions]

    def _group(self, group: int, wanted: list[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Decode a row group no further than the last row that is wanted."""
        if not wanted:
            return
        done = 0
        for batch in self._file.iter_batches(BATCH, row_groups=[group], columns=columns, use_threads=False):
            for position in wanted:
                if done <= position < done + len(batch):
                    yield position, batch.slice(position - done, 1).to_pylist()[0]
            done += len(batch)
            if done > wanted[-1]:
                return


@contextmanager
def open_scores(path: Path, columns: Sequence[str] = COLUMNS) -> Iterator[ScoreFile]:
    """Open a file of scores, or of other rows with these ``columns``. Raises :class:`Unreadable` where it is damaged."""
    try:
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            if not file.metadata.num_rows or not set(columns) <= set(file.schema_arrow.names):
                raise _unreadable(path)
            yield ScoreFile(file, dt.datetime.fromtimestamp(os.fstat(opened.fileno()).st_mtime, dt.UTC))
    except (pa.ArrowException, OSError, ValidationError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> Unreadable:
    where = f"{path.parent.name}/{path.name}"
    return Unreadable(
        "cannot be read", where=where, remedy="score that date again", zh=f"评分文件 {where} 已损坏；请重新评分"
    )

"""The sums of the night before brought to tonight's as-of date: by the rows that came, that went, and that left a window."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Ints
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.windows import Plan
from perfml.evidence.nightly.blocks import BLOCK, BlockShape, SumsBlock, blocks
from perfml.evidence.nightly.difference import RowsAt, Types, difference
from perfml.evidence.nightly.state import NightManifest, StateFolder, StoredFile, StoredSums
from perfml.evidence.nightly.stored_rows import choose, counted, joined, of_plan, read_rows
from perfml.evidence.nightly.sync import StoredColumns
from perfml.files import writing
from perfml.progress import SILENT, Progress
from perfml.project.feature_spec import VALUE_MEASURES

MOST_DAYS = 31
"""Days between two nights up to which sums are brought forward; after a longer gap they are made from the stored rows."""
MOST_OTHER, FEWEST_OTHER = 0.25, 1_000_000
"""Share and number of stored rows that may be others than those of the last night."""
MOST_PLANS = 8
"""Plans whose sums are kept."""
ROWS_AT_ONCE = 4_000_000
"""Rows that are added up at once."""


def plan_hash(plan: Plan) -> str:
    """Changes with all that decides the sums of ``plan``."""
    columns = [
        (c.measure, c.side, c.kinds, c.window_days, c.past_days, c.last_events, c.column.name) for c in plan.columns
    ]
    conditions = [(c.kinds, c.where) for c in plan.conditions]
    text = json.dumps([plan.kinds, sorted(plan.mirrored), columns, conditions], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(kw_only=True)
class NightSums:
    """The sums of one plan at one as-of date."""

    state: StateFolder
    connection: duckdb.DuckDBPyConnection
    plan: Plan
    grid: Grid
    columns: StoredColumns
    n_persons: int
    kinds: Sequence[str]
    files: tuple[StoredFile, ...]
    progress: Progress = SILENT
    shape: BlockShape = field(init=False)
    stored: StoredSums | None = field(init=False, default=None)
    """What :meth:`make` has made."""

    def __post_init__(self) -> None:
        measures = {c.measure for c in self.plan.cell_columns}
        self.shape = BlockShape(plan=self.plan, grid=self.grid, values=bool(measures & {"sum", *VALUE_MEASURES}))
        channel = {kind: number for number, kind in enumerate(self.plan.kinds)}
        self._channel_of: Ints = np.array([channel.get(kind, len(channel)) for kind in self.kinds], np.int64)
        self._active: dict[tuple[int, ...], dict[int, Bools]] = {}
        self._met_of = [self.columns.conditions.index(condition.sql) for condition in self.plan.conditions]

    def make(self, manifest: NightManifest) -> Iterator[SumsBlock]:
        """Yield the blocks of tonight; :attr:`stored` names them then.

        They are those of ``manifest`` where these are of tonight, else made from these where they can be used, and written.
        """
        before = manifest.sums.get(plan_hash(self.plan))
        if before is not None and self._is_tonights(before):
            self.stored = before
            for (low, n), name in zip(blocks(self.n_persons), before.blocks, strict=True):
                yield SumsBlock.read(self.state, name, self.shape, low=low, n=n)
            return
        days = self.shape.as_of - before.as_of if before else -1
        if before is None or not 0 <= days <= MOST_DAYS or self._mostly_other(before.files):
            of_tonight = self._from_rows(self._all_rows())
        else:
            of_tonight = self._advanced(before, days)
        names = []
        for block in of_tonight:
            self.progress("sums of the log", block.low, self.n_persons)
            names.append(self.state.new_name("sums", "npz"))
            block.write(self.state.path(names[-1]))
            yield block
        self.stored = StoredSums(
            plan=plan_hash(self.plan), as_of=self.shape.as_of, files=self.files, blocks=tuple(names)
        )

    def _is_tonights(self, before: StoredSums) -> bool:
        """Whether the blocks are of this date and these rows, as another model of the same night has made them."""
        same = (before.as_of, before.files) == (self.shape.as_of, self.files)
        return same and len(before.blocks) == len(blocks(self.n_persons))

    def _mostly_other(self, before: Sequence[StoredFile]) -> bool:
        """Whether so many rows were stored again that adding all of them up costs less than their difference."""
        then, now = (
            {file.file: sum(batch.rows for batch in file.batches) for file in files} for files in (before, self.files)
        )
        other = sum(rows for name, rows in (then | now).items() if not (name in then and name in now))
        return other > max(FEWEST_OTHER, MOST_OTHER * sum(now.values()))

    def spool_valued(self, folder: Path) -> RowsByBlock | None:
        """The rows with a value in the longest window, block by block in ``folder``; None where no column needs them."""
        if not any(c.measure in VALUE_MEASURES for c in self.plan.cell_columns):
            return None
        spool = RowsByBlock(folder)
        for rows in read_rows(self.state, self.files, [(int(self.grid.edges[0]), self.shape.as_of)]):
            spool.add(self._of_plan(choose(rows, counted(rows, self.shape.as_of) & (rows["valued"] == 1))))
        spool.close()
        return spool

    def valued(self, spool: RowsByBlock | None, block: SumsBlock) -> Arrays:
        """The rows of one block of :meth:`spool_valued`."""
        parts = [] if spool is None else list(spool.rows(block.low))
        none = self._of_plan(self._none())
        return joined(parts, {name: values.dtype for name, values in none.items()})

    def active_days(self, channels: tuple[int, ...], low: int) -> Bools:
        """On which days the persons of the block from ``low`` on did anything of ``channels``: (days, n).

        Read from the stored rows: only what is missing of some channels asks for days that are not kept.
        """
        if channels not in self._active:
            first, end = int(self.grid.edges[0]), self.shape.as_of
            active = {start: np.zeros((end - first, n), bool) for start, n in blocks(self.n_persons)}
            for stored in read_rows(self.state, self.files, [(first, end)]):
                rows = self._of_plan(choose(stored, counted(stored, end)))
                for start, of_block in _by_block(choose(rows, np.isin(rows["channel"], channels))).items():
                    active[start][of_block["day"] - first, of_block["person"] - start] = True
            self._active[channels] = active
        return self._active[channels][low]

    def _advanced(self, before: StoredSums, days: int) -> Iterator[SumsBlock]:
        then = RowsAt(before.files, before.as_of)
        came, went = difference(self.connection, self.state, then, RowsAt(self.files, self.shape.as_of), self._types())
        edges = self.grid.edges - days
        stretches = [(int(edge), int(edge) + days) for edge in edges[:-1]] if days else []
        left = joined(
            [
                choose(rows, counted(rows, then.as_of))
                for rows in (read_rows(self.state, then.files, stretches) if stretches else ())
            ],
            self._types(),
        )
        again, again_of = self._again(went)
        plus, minus, out = (_by_block(self._of_plan(rows)) for rows in (came, went, left))
        whole = _by_block(self._of_plan(again))
        for number, (low, n) in enumerate(blocks(self.n_persons)):
            if number < len(before.blocks):
                block = SumsBlock.read(self.state, before.blocks[number], self.shape, low=low, n=n)
            else:
                block = SumsBlock.empty(self.shape, low=low, n=n)
            if low in out:
                block.leave(out[low], edges, self.grid.edges)
            block.advance(self.shape, days)
            if low in minus:
                block.add(minus[low], self.shape, sign=-1)
            if low in plus:
                block.add(plus[low], self.shape, sign=1)
            block.forget(again_of)
            for rows in (plus, whole):
                if low in rows:
                    block.mark(rows[low], self.shape)
            yield block

    def _from_rows(self, rows: Iterable[Arrays]) -> Iterator[SumsBlock]:
        with (
            writing(self.state.folder),
            tempfile.TemporaryDirectory(dir=self.state.folder, prefix=".blocks-") as folder,
        ):
            spool = RowsByBlock(Path(folder))
            for part in rows:
                spool.add(self._of_plan(part))
            spool.close()
            for low, n in blocks(self.n_persons):
                block = SumsBlock.empty(self.shape, low=low, n=n)
                for part in spool.rows(low):
                    block.add(part, self.shape, sign=1)
                    block.mark(part, self.shape)
                yield block

    def _all_rows(self) -> Iterator[Arrays]:
        for rows in read_rows(self.state, self.files):
            yield choose(rows, counted(rows, self.shape.as_of))

    def _again(self, went: Arrays) -> tuple[Arrays, Ints]:
        """All rows of the people who lost one, and these people: what came before it may have become their last day."""
        if not len(went["day"]) or not self.shape.has_last:
            return self._none(), np.empty(0, np.int64)
        people = np.unique(np.concatenate([went["person"], went["other"][went["other"] >= 0]])).astype(np.int64)
        concerned = np.zeros(self.n_persons + 1, bool)  # the last one: nobody
        concerned[people] = True
        parts = [
            choose(rows, counted(rows, self.shape.as_of) & (concerned[rows["person"]] | concerned[rows["other"]]))
            for rows in read_rows(self.state, self.files)
        ]
        return joined(parts, self._types()), people

    def _types(self) -> Types:
        kinds: dict[str, type] = {"person": np.int32, "kind": np.int16, "day": np.int32, "other": np.int32}
        if self.columns.values or self.columns.moments:
            kinds["scaled"] = np.int64
        if self.columns.moments:
            kinds |= {"valued": np.int8, "moment": np.int64}
        if self.columns.conditions:
            kinds["met"] = np.int64
        return {name: np.dtype(kind) for name, kind in kinds.items()}

    def _none(self) -> Arrays:
        return joined([], self._types())

    def _of_plan(self, rows: Arrays) -> Arrays:
        return of_plan(rows, self.plan, self._channel_of, self._met_of)


def _by_block(rows: Arrays) -> dict[int, Arrays]:
    """First person of a block → its rows."""
    number = rows["person"] // BLOCK
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=1))
    return {
        index * BLOCK: choose(rows, order[end - size : end])
        for index, (end, size) in enumerate(zip(ends.tolist(), np.diff(ends, prepend=0).tolist(), strict=True))
        if size
    }


class RowsByBlock:
    """Rows in a file for each block, while they are more than memory holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[int, pa.RecordBatchFileWriter] = {}

    def _path(self, low: int) -> Path:
        return self.folder / f"{low}.arrow"

    def add(self, rows: Arrays) -> None:
        """Add some rows of any blocks."""
        for low, part in _by_block(rows).items():
            batch = pa.RecordBatch.from_pydict(part)
            if low not in self._writers:
                self._writers[low] = pa.ipc.new_file(str(self._path(low)), batch.schema)
            self._writers[low].write_batch(batch)

    def close(self) -> None:
        """Say that all rows are there."""
        for writer in self._writers.values():
            writer.close()

    def rows(self, low: int) -> Iterator[Arrays]:
        """Yield the rows of the block from ``low`` on, some millions at a time."""
        if low not in self._writers:
            return
        with pa.memory_map(str(self._path(low))) as source:
            reader = pa.ipc.open_file(source)
            step = max(1, ROWS_AT_ONCE // max(1, reader.get_batch(0).num_rows))
            for first in range(0, reader.num_record_batches, step):
                last = min(first + step, reader.num_record_batches)
                table = pa.Table.from_batches([reader.get_batch(i) for i in range(first, last)]).combine_chunks()
                yield {name: table.column(name).to_numpy() for name in table.column_names}

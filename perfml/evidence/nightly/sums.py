"""The sums of the night before brought to tonight's as-of date: by the rows that came, that went, and that left a window."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
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

    def __post_init__(self) -> None:
        measures = {c.measure for c in self.plan.cell_columns}
        self.shape = BlockShape(plan=self.plan, grid=self.grid, values=bool(measures & {"sum", *VALUE_MEASURES}))
        channel = {kind: number for number, kind in enumerate(self.plan.kinds)}
        self._channel_of: Ints = np.array([channel.get(kind, len(channel)) for kind in self.kinds], np.int64)
        self._active: dict[tuple[int, ...], dict[int, Bools]] = {}
        self._met_of = [self.columns.conditions.index(condition.sql) for condition in self.plan.conditions]

    def make(self, manifest: NightManifest) -> StoredSums:
        """Make the blocks of tonight, from those of the night before where these can be used."""
        before = manifest.sums.get(plan_hash(self.plan))
        days = self.shape.as_of - before.as_of if before else -1
        if before is None or not 0 <= days <= MOST_DAYS or self._mostly_other(before.files):
            names = self._from_rows(self._all_rows())
        else:
            names = self._advanced(before, days)
        return StoredSums(plan=plan_hash(self.plan), as_of=self.shape.as_of, files=self.files, blocks=tuple(names))

    def _mostly_other(self, before: Sequence[StoredFile]) -> bool:
        """Whether so many rows were stored again that adding all of them up costs less than their difference."""
        then, now = (
            {file.file: sum(batch.rows for batch in file.batches) for file in files} for files in (before, self.files)
        )
        other = sum(rows for name, rows in (then | now).items() if not (name in then and name in now))
        return other > max(FEWEST_OTHER, MOST_OTHER * sum(now.values()))

    def read(self, sums: StoredSums) -> Iterator[tuple[SumsBlock, Arrays]]:
        """Yield each block, with its rows that have a value where a column needs them one by one."""
        valued = self._valued()
        for (low, n), name in zip(blocks(self.n_persons), sums.blocks, strict=True):
            yield SumsBlock.read(self.state, name, self.shape, low=low, n=n), valued.get(low, self._no_rows())

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

    def _advanced(self, before: StoredSums, days: int) -> list[str]:
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
        names = []
        for number, (low, n) in enumerate(blocks(self.n_persons)):
            self.progress("sums of the log", low, self.n_persons)
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
            names.append(self._write(block))
        return names

    def _from_rows(self, rows: Iterable[Arrays]) -> list[str]:
        with (
            writing(self.state.folder),
            tempfile.TemporaryDirectory(dir=self.state.folder, prefix=".blocks-") as folder,
        ):
            spool = _Spool(Path(folder), len(blocks(self.n_persons)))
            for part in rows:
                spool.add(self._of_plan(part))
            spool.close()
            names = []
            for number, (low, n) in enumerate(blocks(self.n_persons)):
                self.progress("sums of the log", low, self.n_persons)
                block = SumsBlock.empty(self.shape, low=low, n=n)
                for part in spool.rows(number):
                    block.add(part, self.shape, sign=1)
                    block.mark(part, self.shape)
                names.append(self._write(block))
        return names

    def _write(self, block: SumsBlock) -> str:
        name = self.state.new_name("sums", "npz")
        block.write(self.state.path(name))
        return name

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

    def _valued(self) -> dict[int, Arrays]:
        columns = [c for c in self.plan.cell_columns if c.measure in VALUE_MEASURES]
        if not columns:
            return {}
        stretch = [(int(self.grid.edges[0]), self.shape.as_of)]
        parts = []
        for rows in read_rows(self.state, self.files, stretch):
            parts.append(choose(rows, counted(rows, self.shape.as_of) & (rows["valued"] == 1)))
        return _by_block(self._of_plan(joined(parts, self._types())))

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

    def _no_rows(self) -> Arrays:
        return self._of_plan(self._none())

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


class _Spool:
    """Rows by block in files, while the sums of a long log are made for the first time."""

    def __init__(self, folder: Path, n_blocks: int) -> None:
        self.folder, self.n_blocks = folder, n_blocks
        self._writers: dict[int, pa.RecordBatchFileWriter] = {}
        self._parts: dict[int, list[Arrays]] = defaultdict(list)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.arrow"

    def add(self, rows: Arrays) -> None:
        for low, part in _by_block(rows).items():
            batch = pa.RecordBatch.from_pydict(part)
            number = low // BLOCK
            if number not in self._writers:
                self._writers[number] = pa.ipc.new_file(str(self._path(number)), batch.schema)
            self._writers[number].write_batch(batch)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def rows(self, number: int) -> Iterator[Arrays]:
        """Yield the rows of a block, some millions at a time."""
        if number not in self._writers:
            return
        with pa.memory_map(str(self._path(number))) as source:
            reader = pa.ipc.open_file(source)
            step = max(1, ROWS_AT_ONCE // max(1, reader.get_batch(0).num_rows))
            for first in range(0, reader.num_record_batches, step):
                last = min(first + step, reader.num_record_batches)
                table = pa.Table.from_batches([reader.get_batch(i) for i in range(first, last)]).combine_chunks()
                yield {name: table.column(name).to_numpy() for name in table.column_names}

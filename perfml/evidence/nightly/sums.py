"""The sums of the night before brought to tonight's as-of date: by the rows that came, that went, and that left a window."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats, Indexes, Ints
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.pairs import Departments
from perfml.evidence.log.windows import Plan
from perfml.evidence.nightly.blocks import BlockShape
from perfml.evidence.nightly.difference import RowsAt, Types, difference
from perfml.evidence.nightly.state import NightManifest, StateFolder, StoredFile, StoredSums
from perfml.evidence.nightly.step import ROWS_AT_ONCE, Content, NightWork, SumsStep, by_block
from perfml.evidence.nightly.stored_rows import joined
from perfml.evidence.nightly.storing import StoredColumns
from perfml.files import writing
from perfml.progress import Progress
from perfml.project.feature_spec import VALUE_MEASURES

MOST_DAYS = 31
"""Days between two nights up to which sums are brought forward; after a longer gap they are made from the stored rows."""
MOST_OTHER, FEWEST_OTHER = 0.25, 1_000_000
"""Share and number of stored rows that may be others than those of the last night."""
MOST_PLANS = 8
"""Plans whose sums are kept."""


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

    def work(
        self, manifest: NightManifest, *, departments: Departments, exposure: Exposure | None, decimals: int
    ) -> NightWork:
        """What tonight's columns are computed from: the sums of ``manifest`` where these are of tonight, these brought forward
        where they can be, or all stored rows.

        ``departments``, ``exposure``: of the persons of the state.
        """
        measures = {c.measure for c in self.plan.cell_columns}
        channel = {kind: number for number, kind in enumerate(self.plan.kinds)}
        before = manifest.sums.get(plan_hash(self.plan))
        step = SumsStep(
            folder=self.state.folder,
            shape=BlockShape(plan=self.plan, grid=self.grid, values=bool(measures & {"sum", *VALUE_MEASURES})),
            channel_of=np.array([channel.get(kind, len(channel)) for kind in self.kinds], np.int64),
            met_of=tuple(self.columns.conditions.index(condition.sql) for condition in self.plan.conditions),
            files=self.files,
            n_persons=self.n_persons,
            before=before,
            again=np.empty(0, np.int64),
        )
        new: dict[Content, Arrays] = {}
        if before is not None and not step.is_done:
            if not 0 <= step.days <= MOST_DAYS or self._mostly_other(before.files):
                step = replace(step, before=None)
            else:
                then, now = RowsAt(before.files, before.as_of), RowsAt(self.files, step.shape.as_of)
                came, went = difference(self.connection, self.state.folder, then, now, self._types())
                new = {"went": step.of_plan(went), "came": step.of_plan(came)}
                step = replace(step, again=self._again(went, step.shape))
        return NightWork(
            step=step,
            new=new,
            none=step.of_plan(joined([], self._types())),
            departments=departments,
            exposure=exposure,
            decimals=decimals,
        )

    def stored(self, names: Sequence[str]) -> StoredSums:
        """The sums of tonight, whose blocks have these ``names``."""
        return StoredSums(
            plan=plan_hash(self.plan), as_of=int(self.grid.as_ofs[0]), files=self.files, blocks=tuple(names)
        )

    def _mostly_other(self, before: Sequence[StoredFile]) -> bool:
        """Whether so many rows were stored again that adding all of them up costs less than their difference."""
        then, now = (
            {file.file: sum(batch.rows for batch in file.batches) for file in files} for files in (before, self.files)
        )
        other = sum(rows for name, rows in (then | now).items() if not (name in then and name in now))
        return other > max(FEWEST_OTHER, MOST_OTHER * sum(now.values()))

    def _again(self, went: Arrays, shape: BlockShape) -> Ints:
        """The people who lost a row: what came before it may have become their last day."""
        if not len(went["day"]) or not shape.has_last:
            return np.empty(0, np.int64)
        return np.unique(np.concatenate([went["person"], went["other"][went["other"] >= 0]])).astype(np.int64)

    def _types(self) -> Types:
        kinds: dict[str, type] = {"person": np.int32, "kind": np.int16, "day": np.int32, "other": np.int32}
        if self.columns.values or self.columns.moments:
            kinds["scaled"] = np.int64
        if self.columns.moments:
            kinds |= {"valued": np.int8, "moment": np.int64}
        if self.columns.conditions:
            kinds["met"] = np.int64
        return {name: np.dtype(kind) for name, kind in kinds.items()}


@dataclass(frozen=True, kw_only=True)
class NightColumns:
    """The windowed columns of everybody at one as-of date."""

    names: tuple[str, ...]
    values: np.memmap
    """(columns, persons of the state)."""
    number: Indexes
    """Person of the run → person of the state."""

    def columns(self, low: int, n: int) -> dict[str, Floats]:
        """Of the persons ``low`` … ``low + n − 1`` of the run: name → (1, n)."""
        number = self.number[low : low + n]
        return {name: self.values[index].take(number)[None, :] for index, name in enumerate(self.names)}


def columns_here(
    work: NightWork, number: Indexes, *, folder: Path, progress: Progress
) -> tuple[NightColumns, list[str]]:
    """The windowed columns of the persons who have these numbers in the state, computed in this process block by block, in a file
    in ``folder``; and the names of the blocks."""
    step, active = work.step, dict[tuple[int, ...], dict[int, Bools]]()

    def active_days(channels: tuple[int, ...], low: int) -> Bools:
        if channels not in active:
            active[channels] = step.active_days(channels, step.blocks)
        return active[channels][low]

    names = tuple(c.column.name for c in step.shape.plan.columns)
    values = np.memmap(folder / "windows.f64", np.float64, "w+", shape=(max(1, len(names)), max(1, step.n_persons)))
    files = list[str]()
    with tempfile.TemporaryDirectory(dir=folder) as spooled:
        spool = RowsByBlock(Path(spooled))
        with writing(folder):
            for content, rows in work.new.items():
                spool.add(content, rows)
            for reading in step.readings:
                for rows in step.read(reading):
                    spool.add(reading.content, rows)
            spool.close()
        for at, (low, n) in enumerate(step.blocks):
            progress("sums of the log", low, step.n_persons)
            block, valued = step.begun(at), list[Arrays]()
            for content, rows in spool.rows(low):
                step.give(block, content, rows)
                valued += [rows] if content == "valued" else []
            files.append(step.keep(block, at))
            columns = work.columns(block, valued, partial(active_days, low=low))
            for index, name in enumerate(names):
                values[index, low : low + n] = columns[name][0]
    return NightColumns(names=names, values=values, number=number), files


class RowsByBlock:
    """Rows in files for each block and content, while they are more than memory holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[tuple[Content, int], pa.RecordBatchFileWriter] = {}

    def _path(self, content: Content, low: int) -> Path:
        return self.folder / f"{content}-{low}.arrow"

    def add(self, content: Content, rows: Arrays) -> None:
        """Add some rows of any blocks."""
        for low, part in by_block(rows).items():
            batch, key = pa.RecordBatch.from_pydict(part), (content, low)
            if key not in self._writers:
                self._writers[key] = pa.ipc.new_file(str(self._path(content, low)), batch.schema)
            self._writers[key].write_batch(batch)

    def close(self) -> None:
        """Say that all rows are there."""
        for writer in self._writers.values():
            writer.close()

    def rows(self, low: int) -> Iterator[tuple[Content, Arrays]]:
        """Yield the rows of the block from ``low`` on, some millions of one content at a time."""
        for content in (content for content, start in self._writers if start == low):
            with pa.memory_map(str(self._path(content, low))) as source:
                reader = pa.ipc.open_file(source)
                step = max(1, ROWS_AT_ONCE // max(1, reader.get_batch(0).num_rows))
                for first in range(0, reader.num_record_batches, step):
                    last = min(first + step, reader.num_record_batches)
                    table = pa.Table.from_batches([reader.get_batch(i) for i in range(first, last)]).combine_chunks()
                    yield content, {name: table.column(name).to_numpy() for name in table.column_names}

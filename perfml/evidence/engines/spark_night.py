"""A night on Spark: executors bring the sums of a kept log to tonight, block by block, and send windowed columns to the parts.

What is exchanged: the stored rows that leave a window, or all of them on a first night, go to the block of their person; the
columns of a block go to the parts of its people. A block of sums is read and written by the task that has it, in the state
folder, and named in the manifest by the driver when all are there. The tasks need no Spark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perfml.arrays import Bools, Indexes
from perfml.errors import PerfmlError
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_blocks import BLOCK_TYPES, BLOCKS, Batches, PersonRanges, blocks, parted, tables_of
from perfml.evidence.engines.spark_log import numbers
from perfml.evidence.kept_log import KeptLog
from perfml.evidence.log.cells import Arrays
from perfml.evidence.nightly.blocks import BLOCK
from perfml.evidence.nightly.state import LOCK, DamagedState
from perfml.evidence.nightly.step import CONTENTS, ROWS_AT_ONCE, Content, NightWork, RowsToRead, SumsStep, by_block
from perfml.evidence.nightly.stored_rows import joined

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from perfml.evidence.engines.spark import SparkEngine

WINDOWS: Final = "windows"
"""Blocks of the windowed columns of some people, for their part."""
ASKED: Final = "people"
"""Blocks of the people of the run: number in the state, id, part."""
WRITTEN: Final = "written"
"""Blocks of what a block of sums is called in the state folder."""
DAMAGED: Final = "damaged"
"""Blocks of a file of the state that is not what was written."""
ROWS_TO_PART: Final = 1_000_000
"""Stored rows that a task sends to their blocks at once."""
ROWS_OF_SHARE: Final = 4_000_000
"""Stored rows that a task reads, at least those of one file."""


def window_blocks(engine: SparkEngine, kept_log: KeptLog, layout: Layout, ranges: PersonRanges) -> DataFrame:
    """The windowed columns of everyone at the one as-of date of ``layout``, as blocks for the parts of ``ranges``."""
    people = engine.data.connection.sql("select employee_id, department from people order by employee_id").df()
    persons = people["employee_id"].to_numpy(dtype=object)
    ids = pa.chunked_array([pa.array(persons, pa.string())])

    def compute(work: NightWork, number: Indexes) -> tuple[DataFrame, list[str]]:
        asked = pa.table({"person": number, "employee_id": ids, "part": ranges.parts(ids)})
        return _computed(engine, work, asked)

    return kept_log.computed(
        layout.plan,
        layout.grid,
        persons=persons,
        departments=pd.factorize(people["department"])[0].astype(np.int32)[None, :],
        exposure=layout.exposure(persons),
        decimals=layout.decimals,
        compute=compute,
    )


def _computed(engine: SparkEngine, work: NightWork, asked: pa.Table) -> tuple[DataFrame, list[str]]:
    """The columns of the people of ``asked`` as blocks for their parts, and the names of the blocks of sums.

    Raises :class:`DamagedState`.
    """
    step, path = work.step, engine.folder / "night.parquet"
    with pq.ParquetWriter(path, BLOCKS) as writer:
        for batch in _given(work, asked):
            writer.write_batch(batch)
    given = engine.session.read.parquet(str(path))
    shares = _shares(step.readings)
    if shares:
        numbered = engine.session.range(0, len(shares), 1, len(shares))
        given = given.union(numbered.mapInArrow(StoredRowsTask(step=step, shares=shares), BLOCK_TYPES))
    by_block_of_sums = given.repartitionById(len(step.blocks), "part")
    computed = engine.stored(by_block_of_sums.mapInArrow(SumsTask(work), BLOCK_TYPES), WINDOWS)
    answers = computed.where(f"content <> '{WINDOWS}'").toArrow()
    names = [""] * len(step.blocks)
    for content, answer in zip(answers.column("content").to_pylist(), tables_of(answers.to_batches()), strict=True):
        if content == DAMAGED:
            raise DamagedState(Path(answer.column("path")[0].as_py()))
        names[answer.column("number")[0].as_py()] = answer.column("name")[0].as_py()
    return computed.where(f"content = '{WINDOWS}'"), names


def _given(work: NightWork, asked: pa.Table) -> Batches:
    """Yield what this machine knows of each block: whose columns are asked for, and which rows came and went."""
    own = dict(parted(asked, asked.column("person").to_numpy() // BLOCK))
    for number in range(len(work.step.blocks)):
        yield from blocks(own.get(number, asked.slice(0, 0)), part=number, content=ASKED)
    for content, rows in work.new.items():
        yield from _row_blocks(content, rows)


def _row_blocks(content: Content, rows: Arrays) -> Batches:
    """Yield ``rows`` in blocks for the block of sums of each person."""
    for low, own in by_block(rows).items():
        yield from blocks(pa.table(own), part=low // BLOCK, content=content)


def _shares(readings: Sequence[RowsToRead]) -> tuple[tuple[RowsToRead, ...], ...]:
    """What each task reads: some files, or a large one."""
    shares, n = list[list[RowsToRead]](), ROWS_OF_SHARE
    for reading in readings:
        if n + reading.rows > ROWS_OF_SHARE:
            shares.append([])
            n = 0
        shares[-1].append(reading)
        n += reading.rows
    return tuple(map(tuple, shares))


@dataclass(frozen=True, kw_only=True)
class StoredRowsTask:
    """Sends stored rows to the blocks of sums that need them."""

    step: SumsStep
    shares: tuple[tuple[RowsToRead, ...], ...]

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of rows by their content; ``batches``: the numbers of shares."""
        try:
            _require_state(self.step)
            for number in numbers(batches):
                for content, rows in self._read(self.shares[number]):
                    yield from _row_blocks(content, rows)
        except DamagedState as error:
            yield from _damaged(error)

    def _read(self, readings: Sequence[RowsToRead]) -> Iterator[tuple[Content, Arrays]]:
        """Yield the rows of each content, many at once."""
        waiting = _Waiting(ROWS_TO_PART)
        for reading in readings:
            for rows in self.step.read(reading):
                yield from waiting.add(reading.content, rows)
        yield from waiting.rest()


@dataclass(frozen=True)
class SumsTask:
    """Brings blocks of sums to tonight, writes them, and sends the columns of their people to the parts."""

    work: NightWork

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of :data:`WINDOWS` and :data:`WRITTEN`; ``batches``: all rows of some blocks, and :data:`ASKED`."""
        try:
            _require_state(self.work.step)
            at_hand = dict[int, _BlockAtHand]()
            for batch in batches:
                parts, contents = (batch.column(name).to_pylist() for name in ("part", "content"))
                for part, content, table in zip(parts, contents, tables_of(iter([batch])), strict=True):
                    if content == DAMAGED:
                        raise DamagedState(Path(table.column("path")[0].as_py()))
                    if part not in at_hand:
                        at_hand[part] = _BlockAtHand(self.work, part)
                    at_hand[part].take(content, table)
            for block in at_hand.values():
                yield from block.finish()
        except DamagedState as error:
            yield from _damaged(error)


class _BlockAtHand:
    """A block of sums that rows are given to as they come."""

    def __init__(self, work: NightWork, number: int) -> None:
        self.work, self.number = work, number
        self.block = work.step.begun(number)
        self.asked, self.valued = list[pa.Table](), list[Arrays]()
        self.waiting = _Waiting(ROWS_AT_ONCE)

    def take(self, content: str, table: pa.Table) -> None:
        """Take one table that was sent to it."""
        if content == ASKED:
            self.asked.append(table)
            return
        arrays = {name: table.column(name).to_numpy() for name in table.column_names}
        self._give(self.waiting.add(_content(content), arrays))

    def _give(self, rows: Iterator[tuple[Content, Arrays]]) -> None:
        for content, arrays in rows:
            self.work.step.give(self.block, content, arrays)
            self.valued += [arrays] if content == "valued" else []

    def finish(self) -> Batches:
        """Write it, and yield what it gives."""
        self._give(self.waiting.rest())
        step, block = self.work.step, self.block
        asked = pa.concat_tables(self.asked)
        if asked.num_rows:
            columns = self.work.columns(block, self.valued, self._active_days)
            person = asked.column("person").to_numpy() - block.low
            of_people = {name: values[0][person] for name, values in columns.items()}
            table = pa.table({"employee_id": asked.column("employee_id"), **of_people})
            for part, own in parted(table, asked.column("part").to_numpy()):
                yield from blocks(own, part=part, content=WINDOWS)
        written = pa.table({"number": [self.number], "name": [step.keep(block, self.number)]})
        yield from blocks(written, part=self.number, content=WRITTEN)

    def _active_days(self, channels: tuple[int, ...]) -> Bools:
        return self.work.step.active_days(channels, [(self.block.low, self.block.n)])[self.block.low]


class _Waiting:
    """Rows of each content, until they are many."""

    def __init__(self, many: int) -> None:
        self.many = many
        self._parts = defaultdict[Content, list[Arrays]](list)

    def add(self, content: Content, rows: Arrays) -> Iterator[tuple[Content, Arrays]]:
        """Yield the rows of ``content`` where they are many now."""
        parts = self._parts[content]
        parts.append(rows)
        if sum(len(part["day"]) for part in parts) >= self.many:
            yield content, _together(self._parts.pop(content))

    def rest(self) -> Iterator[tuple[Content, Arrays]]:
        """Yield all that wait."""
        for content in tuple(self._parts):
            yield content, _together(self._parts.pop(content))


def _together(parts: Sequence[Arrays]) -> Arrays:
    return joined(parts, {name: values.dtype for name, values in parts[0].items()})


def _content(name: str) -> Content:
    return next(content for content in CONTENTS if content == name)


def _damaged(error: DamagedState) -> Batches:
    yield from blocks(pa.table({"path": [error.where]}), part=0, content=DAMAGED)


def _require_state(step: SumsStep) -> None:
    """Raise :class:`PerfmlError` where an executor does not see the state folder."""
    if not (step.folder / LOCK).exists():
        raise PerfmlError(
            "an executor does not see it",
            where=str(step.folder),
            remedy="let HOME lie on a disk that this machine and every executor read and write",
        )


def windows_of(people: pa.Table, windows: pa.Table) -> dict[str, pa.Array]:
    """The windowed columns of the rows of ``people``."""
    at = pc.index_in(people.column("employee_id"), windows.column("employee_id"))
    return {
        name: pa.array(windows.column(name).take(at).to_numpy(), from_pandas=True)
        for name in windows.column_names
        if name != "employee_id"
    }

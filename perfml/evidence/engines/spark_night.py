"""A night on Spark: executors bring the sums of a kept log to tonight, block by block, and send windowed columns to the parts.

What is exchanged: the stored rows that leave a window, or all of them on a first night, go to the block of their person; the
columns of a block go to the parts of its people. A block of sums is read and written by the task that has it, in the state
folder, and named in the manifest by the driver when all are there. The tasks need no Spark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Indexes
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_log import PersonsFile
from perfml.evidence.kept_log import KeptLog
from perfml.evidence.log.cells import Arrays, arrays_of
from perfml.evidence.nightly.blocks import BLOCK, SumsBlock
from perfml.evidence.nightly.state import DamagedState, require_state
from perfml.evidence.nightly.step import CONTENTS, ROWS_AT_ONCE, Content, NightWork, RowsToRead, SumsStep, by_block
from perfml.evidence.nightly.stored_rows import joined
from perfml.evidence.nightly.summed import ActiveOfChannels
from perfml.evidence.tasks.exchange import Exchange, parted

if TYPE_CHECKING:
    from perfml.evidence.engines.spark import SparkEngine

ROWS_OF_SHARE: Final = 4_000_000
"""Stored rows that a task reads, at least those of one file."""


def leave_windows(
    engine: SparkEngine, kept_log: KeptLog, layout: Layout, *, persons: PersonsFile, departments: Path
) -> Exchange:
    """Leave the windowed columns at the one as-of date of ``layout`` for the parts of ``persons``, each row with its ``person``.

    ``departments``: the codes of all persons, as NumPy stores them.
    """
    ids = engine.data.connection.sql("select employee_id from persons order by person").to_arrow_table()
    people = ids.column("employee_id").to_numpy()

    def compute(work: NightWork, number: Indexes) -> tuple[Exchange, list[str]]:
        night = NightOnSpark(engine=engine, work=work, folder=persons.path.parent / "night")
        return night.windows(number, persons)

    return kept_log.at(
        layout.plan,
        layout.grid,
        persons=people,
        departments=np.load(departments),
        exposure=layout.exposure(people),
        decimals=layout.decimals,
        compute=compute,
    )


@dataclass(frozen=True, kw_only=True)
class NightOnSpark:
    """The steps of one night."""

    engine: SparkEngine
    work: NightWork
    folder: Path
    """What tasks leave for each other."""

    def windows(self, number: Indexes, persons: PersonsFile) -> tuple[Exchange, list[str]]:
        """The columns of ``persons``, who have these numbers in the state, and the names of the blocks of sums.

        Raises :class:`DamagedState`.
        """
        step, n = self.work.step, len(self.work.step.blocks)
        asked = pa.table({"person": np.arange(len(number)), "number": number})
        people = Exchange(self.folder / "asked", 1, n)
        people.write(0, parted(asked, number // BLOCK))
        shares = _shares(step.readings)
        rows = {content: Exchange(self.folder / content, len(shares), n) for content in CONTENTS}
        if shares:
            reading = StoredRowsTask(step=step, shares=shares, rows=rows, answers=self._answers("read", len(shares)))
            if len(shares) == 1:  # a job of Spark costs more than one task saves
                reading(0)
            else:
                self.engine.run(reading, len(shares))
            _answered(reading.answers)
        task = SumsTask(
            work=self.work,
            asked=people,
            rows=rows,
            of_part=persons.of_part,
            windows=Exchange(self.folder / "windows", n, persons.parts),
            answers=self._answers("written", n),
        )
        self.engine.run(task, n)
        return task.windows, _answered(task.answers)

    def _answers(self, name: str, n: int) -> Exchange:
        return Exchange(self.folder / name, n, 1)


def _answer(answers: Exchange, number: int, *, name: str = "", damaged: str = "") -> None:
    """Leave what a task tells this machine: the ``name`` of what it wrote, or the file of the state that is ``damaged``."""
    answers.write(number, [(0, pa.RecordBatch.from_pydict({"name": [name], "damaged": [damaged]}))])


def _answered(answers: Exchange) -> list[str]:
    """The name that each task tells. Raises :class:`DamagedState`."""
    outcomes = answers.table(0)
    assert outcomes is not None, "every task answers"
    for path in filter(None, outcomes.column("damaged").to_pylist()):
        raise DamagedState(Path(path))
    names: list[str] = outcomes.column("name").to_pylist()
    return names


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
    """Leaves stored rows for the blocks of sums that need them."""

    step: SumsStep
    shares: tuple[tuple[RowsToRead, ...], ...]
    rows: Mapping[Content, Exchange]
    answers: Exchange

    def __call__(self, number: int) -> None:
        """Leave the rows of a share."""
        try:
            require_state(self.step.folder)
            of_content = defaultdict[Content, list[tuple[int, pa.RecordBatch]]](list)
            for reading in self.shares[number]:
                for rows in self.step.read(reading):
                    own = by_block(rows)
                    of_content[reading.content] += [(low // BLOCK, pa.RecordBatch.from_pydict(own[low])) for low in own]
            for content, exchange in self.rows.items():
                exchange.write(number, of_content[content])
            _answer(self.answers, number)
        except DamagedState as error:
            _answer(self.answers, number, damaged=error.where)


@dataclass(frozen=True, kw_only=True)
class SumsTask:
    """Brings blocks of sums to tonight, writes them, and leaves the columns of their people for the parts."""

    work: NightWork
    asked: Exchange
    """The people of the run: ``person``, and ``number`` in the state."""
    rows: Mapping[Content, Exchange]
    of_part: int
    """Persons of a part."""
    windows: Exchange
    answers: Exchange

    def __call__(self, number: int) -> None:
        """Bring one block to tonight."""
        try:
            require_state(self.work.step.folder)
            step, valued = self.work.step, list[Arrays]()
            block = step.begun(number)
            for content, rows in self._rows(number):
                step.give(block, content, rows)
                valued += [rows] if content == "valued" else []
            self._leave_columns(number, block, valued)
            _answer(self.answers, number, name=step.keep(block, number))
        except DamagedState as error:
            _answer(self.answers, number, damaged=error.where)

    def _rows(self, number: int) -> Iterator[tuple[Content, Arrays]]:
        """Yield the rows for a block, many at once."""
        for content, rows in self.work.new.items():
            own = by_block(rows).get(number * BLOCK)
            if own is not None:
                yield content, own
        for content, exchange in self.rows.items():
            waiting = list[Arrays]()
            for _, piece in exchange.pieces(number):
                waiting.append(arrays_of(piece))
                if sum(len(rows["day"]) for rows in waiting) >= ROWS_AT_ONCE:
                    yield content, _together(waiting)
                    waiting.clear()
            if waiting:
                yield content, _together(waiting)

    def _leave_columns(self, number: int, block: SumsBlock, valued: Sequence[Arrays]) -> None:
        asked, pieces = self.asked.table(number), list[tuple[int, pa.RecordBatch]]()
        if asked is not None:
            columns = self.work.columns(block, valued, self._active_days(block))
            position = asked.column("number").to_numpy() - block.low
            of_people = {name: values[0][position] for name, values in columns.items()}
            person = asked.column("person").to_numpy()
            pieces += parted(pa.table({"person": person, **of_people}), person // self.of_part)
        self.windows.write(number, pieces)

    def _active_days(self, block: SumsBlock) -> ActiveOfChannels:
        def of_channels(channels: tuple[int, ...]) -> Bools:
            return self.work.step.active_days(channels, [(block.low, block.n)])[block.low]

        return of_channels


def _together(parts: Sequence[Arrays]) -> Arrays:
    return joined(parts, {name: values.dtype for name, values in parts[0].items()})

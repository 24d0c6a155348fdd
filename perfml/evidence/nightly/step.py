"""One night's step of the sums of a plan: which stored rows the blocks need, and how rows change a block.

A step is small and holds no connection, so that it can be sent to whoever computes blocks. Rows may be given to a block in any
order and number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.pairs import Departments
from perfml.evidence.nightly.blocks import BLOCK, BlockShape, SumsBlock, blocks
from perfml.evidence.nightly.state import StoredFile, StoredSums, new_name
from perfml.evidence.nightly.stored_rows import choose, counted, joined, of_plan, read_rows, rows_of_days
from perfml.evidence.nightly.summed import ActiveOfChannels, block_columns
from perfml.project.feature_spec import VALUE_MEASURES

Content = Literal["came", "went", "left", "again", "all", "valued"]
"""What rows are to a block: they came or went since the last night, left a window, are all those of people who lost one, are all
there are, or have a value that a column needs one by one."""
CONTENTS: tuple[Content, ...] = get_args(Content)
ROWS_AT_ONCE = 4_000_000
"""Rows that are added up at once."""


@dataclass(frozen=True)
class RowsToRead:
    """Stored rows of one file that the blocks need."""

    content: Content
    file: StoredFile
    rows: int
    """How many are read, before those that do not count are left out."""


@dataclass(frozen=True, kw_only=True)
class SumsStep:
    """From the sums of the last night, or from nothing, to those of tonight."""

    folder: Path
    """The state folder."""
    shape: BlockShape
    channel_of: Ints
    """Kind of the state → channel."""
    met_of: tuple[int, ...]
    """The bit of each condition of the plan."""
    files: tuple[StoredFile, ...]
    """The stored rows of tonight."""
    n_persons: int
    before: StoredSums | None
    """The sums that are brought forward; None where tonight's are made from all stored rows."""
    again: Ints
    """Who lost a row: what came before it may have become their last day."""

    @cached_property
    def is_done(self) -> bool:
        """Whether :attr:`before` is tonight's, as another model of the same night has made it."""
        before = self.before
        if before is None or (before.as_of, before.files) != (self.shape.as_of, self.files):
            return False
        return len(before.blocks) == len(self.blocks)

    @cached_property
    def blocks(self) -> Sequence[tuple[int, int]]:
        """The first person of each block, and how many it has."""
        return blocks(self.n_persons)

    @property
    def days(self) -> int:
        """Days since the last night."""
        return self.shape.as_of - self.before.as_of if self.before else 0

    @property
    def _window(self) -> tuple[int, int]:
        """The longest window."""
        return int(self.shape.grid.edges[0]), self.shape.as_of

    @cached_property
    def readings(self) -> tuple[RowsToRead, ...]:
        """The stored rows that the blocks need, beside those that came and went."""
        sources: list[tuple[Content, Sequence[StoredFile]]] = []
        if self.before is None:
            sources.append(("all", self.files))
        elif not self.is_done:
            sources += [("left", self.before.files), ("again", self.files if len(self.again) else ())]
        if any(c.measure in VALUE_MEASURES for c in self.shape.plan.cell_columns):
            sources.append(("valued", self.files))
        readings = [
            RowsToRead(content, file, rows_of_days(file, self._days_of(content)))
            for content, files in sources
            for file in files
        ]
        return tuple(reading for reading in readings if reading.rows)

    def _days_of(self, content: Content) -> list[tuple[int, int]] | None:
        """The days of which rows are read; None for all."""
        if content == "left":
            edges = self.shape.grid.edges[:-1] - self.days
            return [(int(edge), int(edge) + self.days) for edge in edges] if self.days else []
        return [self._window] if content == "valued" else None

    def read(self, reading: RowsToRead) -> Iterator[Arrays]:
        """Yield the rows of ``reading`` in the channels of the plan. Raises
        :class:`~perfml.evidence.nightly.state.DamagedState`."""
        content, as_of = reading.content, self.shape.as_of
        if content == "left" and self.before is not None:
            as_of = self.before.as_of
        concerned = np.zeros(self.n_persons + 1, bool)  # the last one: nobody
        concerned[self.again] = True
        for rows in read_rows(self.folder, [reading.file], self._days_of(content)):
            which = counted(rows, as_of)
            if content == "again":
                which &= concerned[rows["person"]] | concerned[rows["other"]]
            elif content == "valued":
                which &= rows["valued"] == 1
            yield self.of_plan(choose(rows, which))

    def of_plan(self, rows: Arrays) -> Arrays:
        """Stored rows in the channels of the plan."""
        return of_plan(rows, self.shape.plan, self.channel_of, self.met_of)

    def begun(self, number: int) -> SumsBlock:
        """The block ``number`` as the last night left it, at tonight's date: before any row is given to it.

        Raises :class:`~perfml.evidence.nightly.state.DamagedState`.
        """
        low, n = self.blocks[number]
        if self.before is None or number >= len(self.before.blocks):
            return SumsBlock.empty(self.shape, low=low, n=n)
        block = SumsBlock.read(self.folder / self.before.blocks[number], self.shape, low=low, n=n)
        block.advance(self.shape, self.days)
        block.forget(self.again)
        return block

    def give(self, block: SumsBlock, content: Content, rows: Arrays) -> None:
        """Let ``rows`` change ``block``, of whose persons they are."""
        match content:
            case "left":
                block.leave(rows, self.shape.grid.edges - self.days, self.shape.grid.edges)
            case "went":
                block.add(rows, self.shape, sign=-1)
            case "came" | "all":
                block.add(rows, self.shape, sign=1)
                block.mark(rows, self.shape)
            case "again":
                block.mark(rows, self.shape)
            case "valued":
                pass

    def keep(self, block: SumsBlock, number: int) -> str:
        """Write ``block`` under a new name, and return it; the name of a block that is tonight's already."""
        if self.before is not None and self.is_done:
            return self.before.blocks[number]
        name = new_name("sums", "npz")
        block.write(self.folder / name)
        return name

    def active_days(self, channels: tuple[int, ...], of_blocks: Sequence[tuple[int, int]]) -> dict[int, Bools]:
        """On which days the persons of each block did anything of ``channels``: first person → (days, n).

        Read from the stored rows: only what is missing of some channels asks for days that are not kept.
        """
        first, end = self._window
        active = {low: np.zeros((end - first, n), bool) for low, n in of_blocks}
        for stored in read_rows(self.folder, self.files, [(first, end)]):
            rows = self.of_plan(choose(stored, counted(stored, end)))
            for low, own in by_block(choose(rows, np.isin(rows["channel"], channels))).items():
                if low in active:
                    active[low][own["day"] - first, own["person"] - low] = True
        return active


@dataclass(frozen=True, kw_only=True)
class NightWork:
    """What the windowed columns of one night are computed from, wherever that is done."""

    step: SumsStep
    new: Mapping[Content, Arrays]
    """The rows that came and went since the last night."""
    none: Arrays
    """No rows, with the columns that rows have."""
    departments: Departments
    """(1, persons of the state) codes, −1 where unknown."""
    exposure: Exposure | None
    """Which days are missing, for the persons of the state."""
    decimals: int

    def columns(self, block: SumsBlock, valued: Sequence[Arrays], active_days: ActiveOfChannels) -> dict[str, Floats]:
        """The windowed columns of the persons of ``block``: name → (1, n); ``valued``: its rows of that content."""
        return block_columns(
            block,
            self.step.shape,
            joined(valued, {name: values.dtype for name, values in self.none.items()}),
            active_days=active_days,
            departments=self.departments,
            exposure=self.exposure and self.exposure.of_persons(block.low, block.n),
            decimals=self.decimals,
        )


def by_block(rows: Arrays) -> dict[int, Arrays]:
    """First person of a block → its rows."""
    number = rows["person"] // BLOCK
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=1))
    return {
        index * BLOCK: choose(rows, order[end - size : end])
        for index, (end, size) in enumerate(zip(ends.tolist(), np.diff(ends, prepend=0).tolist(), strict=True))
        if size
    }

"""From the sums of a block to its windowed columns, by the same steps as from rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Floats
from perfml.evidence.log.active_days import ActiveDays, days_counted
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.kernel import Batch, WindowSums, batch_columns
from perfml.evidence.log.latest import LatestEvents
from perfml.evidence.log.pairs import Departments, pair_columns
from perfml.evidence.log.validity import ValidityIntervals
from perfml.evidence.nightly.blocks import BlockShape, SumsBlock

ActiveOfChannels = Callable[[tuple[int, ...]], Bools]
"""Channels → on which days each person did anything of them: (days, n)."""
_NONE = np.empty(0, np.int64)


class SummedBatch(Batch):
    """A batch whose rows were added up before."""

    def __init__(self, block: SumsBlock, shape: BlockShape, valued: Arrays, active_days: ActiveOfChannels) -> None:
        """``valued``: the rows with a value in the longest window, where a column needs them one by one; ``active_days``: of
        channels whose active days are not kept (days, n)."""
        super().__init__(shape.plan, shape.grid, n=block.n, sides=shape.n_channels // shape.plan.n_channels)
        self.block, self.shape, self.valued, self._other_days = block, shape, valued, active_days
        self.hidden_as_of = self.hidden_person = self.hidden_channel = self.hidden_day = _NONE
        self.counts = WindowSums(self, block.counts, _NONE)
        if shape.values:
            self.totals = WindowSums(self, block.totals, _NONE)

    @property
    def last(self) -> npt.NDArray[np.int32]:
        """The last day of each channel: (channels, 1, n)."""
        return self.block.last[:, None, :]

    def make_active(self, channels: tuple[int, ...]) -> ActiveDays:
        """The days with any event of ``channels``."""
        sets = self.shape.active_sets
        active = self.block.active[sets.index(channels)] if channels in sets else self._other_days(channels)
        return ActiveDays(self.grid, days_counted(active), as_of=_NONE, day=_NONE, person=_NONE, step=_NONE)

    def make_latest(self, channels: tuple[int, ...]) -> LatestEvents:
        """The events of ``channels`` that have a value, in their order."""
        rows = self.valued
        chosen = np.isin(rows["channel"], channels) & (rows["valued"] == 1) & (rows["day"] >= self.grid.edges[0])
        person = rows["person"] - self.block.low
        return LatestEvents(
            rows, person, ValidityIntervals(rows, self.grid), self.grid, chosen=np.flatnonzero(chosen), n=self.n
        )


def block_columns(
    block: SumsBlock,
    shape: BlockShape,
    valued: Arrays,
    *,
    active_days: ActiveOfChannels,
    departments: Departments,
    exposure: Exposure | None,
    decimals: int,
) -> dict[str, Floats]:
    """The windowed columns of the persons of ``block``: name → (1, n).

    ``departments``: (1, all persons of the state), −1 where unknown; ``exposure``: which days are missing for these persons.
    """
    batch = SummedBatch(block, shape, valued, active_days)
    columns = batch_columns(batch, shape.plan, decimals=decimals, exposure=exposure) if shape.plan.cell_columns else {}
    return columns | pair_columns(
        block.pair_rows(),
        shape.plan,
        shape.grid,
        low=block.low,
        n=block.n,
        departments=departments,
        exposure=exposure,
    )

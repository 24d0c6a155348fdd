"""One part of the log, the rows of some persons, becomes their windowed columns: the same on every engine."""

from __future__ import annotations

from dataclasses import dataclass

from perfml.arrays import Floats
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.kernel import cell_columns
from perfml.evidence.log.pairs import Departments, pair_columns
from perfml.evidence.log.windows import Plan


@dataclass(frozen=True, kw_only=True)
class PartPlan:
    """What every part is computed with. It is small and can be sent to other processes."""

    plan: Plan
    grid: Grid
    decimals: int
    """Of the values of events."""

    def columns(
        self, rows: Arrays, *, low: int, n: int, departments: Departments, exposure: Exposure | None
    ) -> dict[str, Floats]:
        """The windowed columns of the persons ``low`` … ``low + n − 1``: name → (as-of dates, n).

        ``rows``: theirs, as :class:`~perfml.evidence.log.cells.EventLog` gives them; ``departments``: (as-of dates, all persons)
        codes, −1 where unknown; ``exposure``: which days are missing for these persons.
        """
        windows = cell_columns(
            rows, self.plan, self.grid, low=low, n=n, decimals=self.decimals, exposure=exposure
        ) | pair_columns(rows, self.plan, self.grid, low=low, n=n, departments=departments, exposure=exposure)
        return {column.column.name: windows[column.column.name] for column in self.plan.columns}

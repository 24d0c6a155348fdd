"""Who met whom: the last day on which each pair met, as known at each as-of date, gives the columns of counterparts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.log.cells import NO_ONE, Arrays
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.kernel import NEVER, divide
from perfml.evidence.log.validity import ValidityIntervals
from perfml.evidence.log.windows import Plan, Side, WindowColumn

Departments = npt.NDArray[np.int32]


def pair_columns(
    rows: Arrays,
    plan: Plan,
    grid: Grid,
    *,
    low: int,
    n: int,
    departments: Departments,
    exposure: Exposure | None = None,
) -> dict[str, Floats]:
    """Columns of counterparts for persons ``low`` … ``low + n − 1``: name → (as-of dates, n).

    ``departments``: (as-of dates, all persons) codes, −1 where unknown; ``exposure``: which days are missing for these persons.
    """
    if not plan.pair_columns:
        return {}
    pairs = _BatchPairs(rows, plan, grid, low=low, n=n, departments=departments)
    columns = {column.column.name: pairs.measure(column) for column in plan.pair_columns}
    if (
        exposure is not None and exposure.gaps and not exposure.estimate
    ):  # whom one met on a missing day is not estimated
        for column in plan.pair_columns:
            share = exposure.share(column.kinds, column.window_days)
            columns[column.column.name][share > column.missing_days_share] = np.nan
    return columns


class _BatchPairs:
    """The pairs of one batch of persons, ordered by person: those of person ``i`` lie between ``bounds[i]`` and the next."""

    def __init__(self, rows: Arrays, plan: Plan, grid: Grid, *, low: int, n: int, departments: Departments) -> None:
        self.plan, self.grid, self.departments = plan, grid, departments
        reach = int(grid.as_ofs[0]) - max(c.window_days for c in plan.pair_columns)
        met = np.flatnonzero((rows["other"] != NO_ONE) & (rows["other"] != rows["person"]) & (rows["day"] >= reach))
        self.rows = {name: values.take(met) for name, values in rows.items() if name != "scaled"}
        self.validity = ValidityIntervals(self.rows, grid)
        n_persons = departments.shape[1]
        other = _numbered(self.rows["other"], n_persons)
        n_others = int(other.max(initial=0)) + 1
        key = (self.rows["person"] - low) * n_others + other
        code, pairs = pd.factorize(key)
        order = np.argsort(pairs)
        rank = np.empty(len(order), np.intp)
        rank[order] = np.arange(len(order))
        self.pair, pairs = rank[code], pairs[order]
        self.person, self.other = pairs // n_others + low, pairs % n_others
        self.bounds = np.searchsorted(pairs, np.arange(n + 1) * n_others)
        self._last: dict[tuple[str, tuple[int, ...]], npt.NDArray[np.int32]] = {}

    def measure(self, column: WindowColumn) -> Floats:
        """The values of ``column``: (as-of dates, n)."""
        met = self._met(column.side, column)
        if column.measure == "distinct_counterparts":
            return self._count(met)
        if column.measure == "cross_department_share":
            known, across = self._departments()
            return divide(self._count(met & across), self._count(met & known))
        mutual = self._count(self._met("own", column) & self._met("received", column))
        if column.measure == "mutual_counterparts":
            return mutual
        return divide(mutual, self._count(self._met("either", column)))

    def _met(self, side: Side, column: WindowColumn) -> Bools:
        """Which pairs met, from this side, in the window before each as-of date: (as-of dates, pairs)."""
        if side == "either":
            last = np.maximum(self._last_day("own", column.kinds), self._last_day("received", column.kinds))
        else:
            last = self._last_day(side, column.kinds)
        since = self.grid.as_ofs - column.window_days
        return last >= since.astype(np.int32)[:, None]

    def _last_day(self, side: Side, kinds: tuple[int, ...]) -> npt.NDArray[np.int32]:
        """The last day on which each pair met, as known at each as-of date: (as-of dates, pairs)."""
        if (side, kinds) not in self._last:
            channels = self.plan.meetings(side, kinds)
            wanted = np.isin(np.arange(2 * self.plan.n_channels), channels)[self.rows["channel"]]
            self._last[side, kinds] = self._last_day_of(wanted)
        return self._last[side, kinds]

    def _last_day_of(self, wanted: Bools) -> npt.NDArray[np.int32]:
        shape = (len(self.grid.as_ofs), len(self.person))
        last, day = np.full(shape, NEVER, np.int32), self.rows["day"]
        lasting = wanted.copy()
        lasting[self.validity.superseded] = False
        some = np.flatnonzero(lasting & (self.validity.start < shape[0]))
        np.maximum.at(last.reshape(-1), self.validity.start[some] * shape[1] + self.pair[some], day[some])
        np.maximum.accumulate(last, axis=0, out=last)
        row, as_of = self.validity.spread_superseded()
        row, as_of = row[wanted[row]], as_of[wanted[row]]
        np.maximum.at(last, (as_of, self.pair[row]), day[row])
        return last

    def _departments(self) -> tuple[Bools, Bools]:
        """For which pairs both departments were known, and for which of them they differ: (as-of dates, pairs)."""
        inside = self.other < self.departments.shape[1]
        theirs = np.where(inside, self.departments[:, np.where(inside, self.other, 0)], -1)
        mine = self.departments[:, self.person]
        known = (mine >= 0) & (theirs >= 0)
        return known, known & (mine != theirs)

    def _count(self, pairs: Bools) -> Floats:
        """How many of each person's pairs are true: (as-of dates, n)."""
        upto = np.zeros((pairs.shape[0], pairs.shape[1] + 1), np.int32)
        np.cumsum(pairs, axis=1, out=upto[:, 1:])
        counts: Floats = np.diff(upto[:, self.bounds], axis=1).astype(np.float64)
        return counts


def _numbered(other: Ints, n_persons: int) -> Ints:
    """Counterparts as numbers from 0; those who are not among the persons (below 0) come last. Changes ``other``."""
    outside = np.flatnonzero(other < 0)
    other[outside] = n_persons + pd.factorize(other[outside])[0]
    return other

"""Days on which a person did anything: how many in a window, in how many weeks, and how long ago the last ones were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Floats, Indexes, Ints
from perfml.evidence.log.grid import Grid

WEEK = 7
"""Days."""


class ActiveDays:
    """Days on which ``n`` persons did anything of some channels.

    ``prefix`` (days + 1, n) counts the days that are ever known to be active, along the days from the first edge on. The
    exceptions — as-of dates at which such a day is not known yet (−1), or is known only from a row superseded later (+1) — are
    lists: ``as_of``, ``day``, ``person``, ``step``.
    """

    def __init__(
        self, grid: Grid, prefix: npt.NDArray[np.int32], *, as_of: Indexes, day: Ints, person: Ints, step: Ints
    ) -> None:
        self.grid, self.n, self.prefix, self.first_day = grid, prefix.shape[1], prefix, int(grid.edges[0])
        self.as_of, self.day, self.person, self.step = as_of, day, person, step

    def window(self, days: int) -> Floats:
        """Active days in the ``days`` before each as-of date: (as-of dates, n)."""
        active = self._between(days, 0)
        inside = self._within(self.day, self.as_of, days)
        np.add.at(active, (self.as_of[inside], self.person[inside]), self.step[inside])
        return active.astype(np.float64)

    def weeks(self, days: int) -> Floats:
        """Weeks with an active day in the ``days`` before each as-of date, the oldest one cut short: (as-of dates, n)."""
        week = (self.grid.as_ofs[self.as_of] - 1 - self.day) // WEEK
        order = np.argsort(week, kind="stable")
        weeks = np.zeros((len(self.grid.as_ofs), self.n))
        for number in range(-(-days // WEEK)):
            older = min((number + 1) * WEEK, days)
            active = self._between(older, number * WEEK)
            part = order[slice(*np.searchsorted(week, (number, number + 1), sorter=order))]
            part = part[self._within(self.day[part], self.as_of[part], older)]
            np.add.at(active, (self.as_of[part], self.person[part]), self.step[part])
            weeks += active > 0
        return weeks

    def since(self, days: int, *, last: int) -> Floats:
        """Days since the ``last``-last active day, missing where the ``days`` before hold fewer: (as-of dates, n)."""
        as_ofs, everyone = self.grid.as_ofs[:, None], np.arange(self.n)
        known = self.prefix[as_ofs - self.first_day, everyone]
        shortest = np.ones(known.shape, np.int64)
        longest = np.full(known.shape, days + 1)
        while (shortest < longest).any():  # the shortest window that holds so many
            middle = (shortest + longest) // 2
            start = np.maximum(as_ofs - middle - self.first_day, 0)
            active = known - self.prefix[start, everyone]
            inside = self.day >= (as_ofs - middle)[self.as_of, self.person]
            np.add.at(active, (self.as_of[inside], self.person[inside]), self.step[inside])
            shortest = np.where(active < last, middle + 1, shortest)
            longest = np.where(active < last, longest, middle)
        return np.where(shortest > days, np.nan, shortest)

    def _between(self, older: int, newer: int) -> Ints:
        """Days ever known to be active, from ``older`` to before ``newer`` days before each as-of date: (as-of dates, n)."""
        end = self.grid.as_ofs - self.first_day
        return self.prefix[end - newer] - self.prefix[end - older]

    def _within(self, day: Ints, as_of: Indexes, days: int) -> Bools:
        return within(self.grid, day, as_of, days)


def within(grid: Grid, day: npt.NDArray[np.integer], as_of: Indexes, days: int) -> Bools:
    """Whether ``day``, which precedes the as-of date, is among the ``days`` before it."""
    inside: Bools = day >= grid.as_ofs[as_of] - days
    return inside


def days_counted(active: Bools) -> npt.NDArray[np.int32]:
    """How many days are active before each day: (days, n) → (days + 1, n)."""
    counted = np.zeros((len(active) + 1, active.shape[1]), np.int32)
    for day, of_day in enumerate(
        active
    ):  # numpy's cumsum along the first axis jumps from row to row: ten times as slow
        np.add(counted[day], of_day, out=counted[day + 1])
    return counted

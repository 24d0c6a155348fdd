"""What each owner reached on each metric, day by day, so that any stretch of days can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints

APART = 1_000_000
"""Days between the series of two owners on the one axis that all series stand on."""


@dataclass(frozen=True)
class Series:
    """All series, cumulative by day, on one axis."""

    axis: Floats
    total: Floats
    begins: Floats
    """First and last day of each series; missing where it has no row."""
    ends: Floats

    @classmethod
    def of(cls, series: Ints, day: Floats, amount: Floats, *, count: int) -> Series:
        """From rows (n,) of ``amount`` on a ``day`` in a ``series`` of 0 … ``count`` - 1.

        >>> weeks = Series.of(np.array([0, 0]), np.array([7.0, 14.0]), np.array([5.0, 6.0]), count=1)
        >>> weeks.between(np.array([0]), np.array([0.0]), np.array([14.0]))
        array([11.])
        """
        begins, ends = np.full(count, np.nan), np.full(count, np.nan)
        if not len(series):
            return cls(np.zeros(1), np.zeros(1), begins, ends)
        key = series * float(APART) + day
        order = np.argsort(key, kind="stable")
        at = np.flatnonzero(np.diff(key[order], prepend=-np.inf) > 0)
        number, when, much = series[order][at], day[order][at], np.add.reduceat(amount[order], at)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        last = np.append(starts[1:], len(number)) - 1
        # Each series begins at nought on the day before its first row, a whole step earlier.
        step = np.where(starts < last, when[np.minimum(starts + 1, last)] - when[starts], 1.0)
        axis = np.concatenate([key[order][at], number[starts] * float(APART) + when[starts] - step])
        total = pd.Series(much).groupby(number).cumsum().to_numpy(dtype=np.float64)
        begins[number[starts]], ends[number[starts]] = when[starts] - step + 1, when[last]
        sort = np.argsort(axis, kind="stable")
        return cls(axis[sort], np.concatenate([total, np.zeros(len(starts))])[sort], begins, ends)

    def between(self, series: Ints, after: Floats, until: Floats) -> Floats:
        """What was reached on the days after ``after`` up to ``until``; missing where the series does not cover them (n,)."""
        found = self._at(series, until) - self._at(series, after)
        covered = (after >= self.begins[series] - 1) & (until <= self.ends[series])
        return np.where(covered & (found > 0), found, np.nan)

    def _at(self, series: Ints, day: Floats) -> Floats:
        # What is logged stands on its day whole, as a goal counts it: it is not spread over the days before.
        place = np.searchsorted(self.axis, series * float(APART) + day, side="right") - 1
        return np.asarray(np.where(place >= 0, self.total[np.maximum(place, 0)], 0.0), dtype=np.float64)

"""What each owner achieved on each metric by day, so that the total over any range of days can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints

SERIES_STRIDE = 1_000_000
"""Days between two series on the one axis that holds all of them."""


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
        """Sum rows (n,) of ``amount`` on a ``day`` in a ``series`` of 0 … ``count`` - 1.

        >>> weeks = Series.of(np.array([0, 0]), np.array([7.0, 14.0]), np.array([5.0, 6.0]), count=1)
        >>> weeks.between(np.array([0]), np.array([0.0]), np.array([14.0]))
        array([11.])
        """
        begins, ends = np.full(count, np.nan), np.full(count, np.nan)
        if not len(series):
            return cls(np.zeros(1), np.zeros(1), begins, ends)
        key = series * float(SERIES_STRIDE) + day
        order = np.argsort(key, kind="stable")
        at = np.flatnonzero(np.diff(key[order], prepend=-np.inf) > 0)
        number, when, daily = series[order][at], day[order][at], np.add.reduceat(amount[order], at)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        last = np.append(starts[1:], len(number)) - 1
        # Each series starts at 0, one whole step before its first row.
        step = np.where(starts < last, when[np.minimum(starts + 1, last)] - when[starts], 1.0)
        axis = np.concatenate([key[order][at], number[starts] * float(SERIES_STRIDE) + when[starts] - step])
        total = pd.Series(daily).groupby(number).cumsum().to_numpy(dtype=np.float64)
        begins[number[starts]], ends[number[starts]] = when[starts] - step + 1, when[last]
        sort = np.argsort(axis, kind="stable")
        return cls(axis[sort], np.concatenate([total, np.zeros(len(starts))])[sort], begins, ends)

    def between(self, series: Ints, after: Floats, until: Floats) -> Floats:
        """The total on the days after ``after`` up to ``until``, inclusive (n,); missing where a series does not cover them."""
        total = self._at(series, until) - self._at(series, after)
        covered = (after >= self.begins[series] - 1) & (until <= self.ends[series])
        return np.where(covered & (total > 0), total, np.nan)

    def _at(self, series: Ints, day: Floats) -> Floats:
        # An amount counts on the day it is logged, as a goal counts it; it is not spread over the days before.
        index = np.searchsorted(self.axis, series * float(SERIES_STRIDE) + day, side="right") - 1
        return np.asarray(np.where(index >= 0, self.total[np.maximum(index, 0)], 0.0), dtype=np.float64)

"""The last events of a person that have a value, as known at each as-of date: their mean, lowest and highest value.

The rows of one person are one list, in the order in which they happened; the last events before an as-of date are a stretch
of it. Who has rows that became known late or were superseded has a list of their own for every as-of date.
"""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats, Indexes, Ints
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.validity import ValidityIntervals, spread


class LatestEvents:
    """Some rows of a batch in lists, one after the other; events of one moment stand in the order of their values."""

    def __init__(
        self, rows: Arrays, person: Ints, validity: ValidityIntervals, grid: Grid, *, chosen: Ints, n: int
    ) -> None:
        """``person`` (rows,): below ``n``; ``chosen``: the rows that are listed."""
        self.grid, self.first_day = grid, int(grid.edges[0])
        self.days = int(grid.as_ofs[-1]) - self.first_day + 1
        stop = np.full(len(person), len(grid.as_ofs), np.intp)
        stop[validity.superseded] = validity.stop
        irregular = np.zeros(n, bool)
        irregular[person[chosen[(validity.start > validity.first)[chosen] | (stop < len(grid.as_ofs))[chosen]]]] = True
        regular, several = chosen[~irregular[person[chosen]]], chosen[irregular[person[chosen]]]
        index, as_of = spread(validity.start[several], stop[several])
        row = np.concatenate([regular, several[index]])
        of_list = np.concatenate([person[regular], n * (1 + as_of) + person[several[index]]]).astype(np.int64)
        order = np.lexsort((rows["scaled"][row], rows["moment"][row], of_list))
        self.values = rows["scaled"][row[order]]
        self.position = of_list[order] * self.days + rows["day"][row[order]] - self.first_day
        self.lists = np.where(irregular, n * (1 + np.arange(len(grid.as_ofs))[:, None]), 0) + np.arange(n)
        self.total = np.concatenate([[0], np.cumsum(self.values)])
        self._ends: dict[int, Indexes] = {}

    def measure(self, name: str, window: int, *, last: int, decimals: int) -> Floats:
        """Mean, lowest or highest value of the ``last`` events (0: of all) in the ``window`` days before each as-of date:
        (as-of dates, n), missing where there is none. ``decimals``: of the values."""
        stop, start = self._until(0), self._until(window)
        start = np.maximum(start, stop - last) if last else start
        length, out = stop - start, np.full(stop.shape, np.nan)
        some = length > 0
        if name == "mean":
            out[some] = (self.total[stop] - self.total[start])[some] / (length[some] * 10.0**decimals)
        else:
            out[some] = _extremes(self.values, start[some], stop[some], lowest=name == "lowest") / 10.0**decimals
        return out

    def _until(self, days: int) -> Indexes:
        """Where the events end that happened more than ``days`` days before each as-of date (0: before it): (as-of dates, n)."""
        if days not in self._ends:
            day = np.maximum(self.grid.as_ofs - days - self.first_day, 0)
            self._ends[days] = np.searchsorted(self.position, self.lists * self.days + day[:, None])
        return self._ends[days]


def _extremes(values: Ints, start: Indexes, stop: Indexes, *, lowest: bool) -> Ints:
    """The lowest or highest of ``values[start:stop]``, of two overlapping stretches whose length is a power of two.

    >>> _extremes(np.array([3, 1, 2, 5]), np.array([0, 2]), np.array([3, 4]), lowest=True).tolist()
    [1, 2]
    """
    choose = np.minimum if lowest else np.maximum
    power = np.frexp(stop - start)[1] - 1
    out, best = np.zeros(len(start), np.int64), values
    for exponent in range(int(power.max(initial=-1)) + 1):  # best[i]: of the 2**exponent values from i on
        if exponent:
            half = 1 << (exponent - 1)
            best = choose(best[:-half], best[half:])
        reached = power == exponent
        out[reached] = choose(best[start[reached]], best[stop[reached] - (1 << exponent)])
    return out

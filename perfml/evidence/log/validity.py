"""At which as-of dates each row of the log counts: from the day it was known, until a correction replaces it."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Indexes
from perfml.evidence.log.cells import FOREVER, Arrays
from perfml.evidence.log.grid import Grid


class ValidityIntervals:
    """The as-of dates at which each row counts: ``[start, stop)``; ``first`` is its start if it was known at once.

    ``superseded``: rows that a correction replaces, with their ``stop``; ``lasting``: all others, which never stop.
    """

    def __init__(self, rows: Arrays, grid: Grid) -> None:
        self.n_as_ofs = len(grid.as_ofs)
        self.first = grid.as_of_after(rows["day"])
        self.start = grid.as_of_after(rows["usable_day"]) if "usable_day" in rows else self.first
        superseded_day = rows.get("superseded_day")
        if superseded_day is None:
            self.superseded = self.stop = np.empty(0, np.intp)
        else:
            self.superseded = np.flatnonzero(superseded_day < FOREVER)
            self.stop = grid.as_of_after(superseded_day[self.superseded])
        self.lasting = np.delete(np.arange(len(self.start)), self.superseded) if len(self.superseded) else slice(None)

    def spread_superseded(self) -> tuple[Indexes, Indexes]:
        """(row, as-of date) for every as-of date at which a row counted before it was superseded."""
        index, as_of = spread(self.start[self.superseded], self.stop)
        return self.superseded[index], as_of

    def spread_hidden(self) -> tuple[Indexes, Indexes]:
        """(row, as-of date) for every as-of date after the row happened at which it does not count."""
        late = np.flatnonzero(self.start > self.first) if self.start is not self.first else np.empty(0, np.intp)
        before, as_of_before = spread(self.first[late], self.start[late])
        end = np.full(len(self.superseded), self.n_as_ofs)
        after, as_of_after = spread(np.maximum(self.stop, self.start[self.superseded]), end)
        return np.concatenate([late[before], self.superseded[after]]), np.concatenate([as_of_before, as_of_after])


def spread(start: Indexes, stop: Indexes) -> tuple[Indexes, Indexes]:
    """Expand each span ``[start, stop)``: (index of the span, value) for every value in it.

    >>> [a.tolist() for a in spread(np.array([2, 5]), np.array([4, 6]))]
    [[0, 0, 1], [2, 3, 5]]
    """
    length = np.maximum(stop - start, 0)
    row = np.repeat(np.arange(len(length)), length)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, start[row] + offset

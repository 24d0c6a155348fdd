"""The grid that makes one pass over the log sufficient.

Its edges are all dates (as-of date − window). A day belongs to the first edge *strictly after* it, so that "strictly before
the as-of date" follows from the structure, not from a filter that someone could forget. The sum over a window is a difference
of prefix sums over the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from perfml.arrays import Indexes, Ints


@dataclass(frozen=True)
class Grid:
    """Edges of the windows of all ``as_ofs``."""

    as_ofs: Ints
    """Ascending, distinct."""
    windows: tuple[int, ...]

    @cached_property
    def edges(self) -> Ints:
        """Ascending; the last one is the last as-of date. Days before the first edge share a cell that no window includes."""
        return np.unique(np.concatenate([self.as_ofs, *(self.as_ofs - window for window in self.windows)]))

    def position(self, days: Ints) -> Indexes:
        """The index of each edge ``days``."""
        return np.searchsorted(self.edges, days)

    def edge_after(self, days: npt.NDArray[np.integer]) -> Indexes:
        """The index of the first edge strictly after each day; ``len(edges)`` where none is."""
        return _first_after(self.edges, days)

    def as_of_after(self, days: npt.NDArray[np.integer]) -> Indexes:
        """The index of the first as-of date strictly after each day; ``len(as_ofs)`` where none is."""
        return _first_after(self.as_ofs, days)


def _first_after(marks: Ints, days: npt.NDArray[np.integer]) -> Indexes:
    """The index of the first of ``marks`` strictly after each day.

    Days are looked up in a table of all days between the marks, which is faster than a search per row of a long log.

    >>> _first_after(np.array([10, 20]), np.array([9, 10, 19, 20])).tolist()
    [0, 1, 1, 2]
    """
    low, high = int(marks[0]) - 1, int(marks[-1])
    table = np.searchsorted(marks, np.arange(low, high + 1), side="right")
    index: Indexes = table.take(np.clip(days, low, high) - low)
    return index


def epoch_days(dates: Sequence[object]) -> Ints:
    """Dates as days since 1970-01-01."""
    return np.array(dates, dtype="M8[D]").astype(np.int64)

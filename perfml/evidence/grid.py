"""The grid that makes one pass over the log enough.

Its edges are all (as-of date − window) dates, and more where two lie over 63 days apart, so that the days of a cell fit the
bits of one integer. A day belongs to the first edge *strictly after* it: "strictly before the as-of date" is then a matter of
structure, not of a filter that someone could forget. The sum over a window is a difference of prefix sums over the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import numpy.typing as npt

MOST_DAYS = 63
"""Days of one cell: the bits of a signed 64-bit integer that DuckDB shifts safely."""

Days = npt.NDArray[np.int64]
"""Days since 1970-01-01."""


@dataclass(frozen=True)
class Grid:
    """Edges over the days that the windows of ``as_ofs`` reach back to."""

    as_ofs: Days
    """Ascending, distinct."""
    windows: tuple[int, ...]

    @cached_property
    def edges(self) -> Days:
        """Ascending; all days before the first edge share its cell, which no window includes."""
        wanted = np.unique(np.concatenate([self.as_ofs] + [self.as_ofs - w for w in self.windows]))
        extra = [
            np.arange(low + MOST_DAYS, high, MOST_DAYS) for low, high in zip(wanted[:-1], wanted[1:], strict=True)
        ]
        return np.unique(np.concatenate([wanted, *extra]))

    def position(self, days: Days) -> Days:
        """The index of each edge ``days``."""
        return np.searchsorted(self.edges, days)

    def make_calendar(self, connection: duckdb.DuckDBPyConnection, first_day: int) -> None:
        """The temp table ``calendar``: for each day its cell ``edge``, its bit ``off`` and ``first_as_of``, the index of the
        first as-of date strictly after it. It ends the day before the last as-of date: later rows find no partner."""
        days = np.arange(min(first_day, int(self.edges[0]) - 1), int(self.as_ofs[-1]), dtype=np.int64)
        edge = np.searchsorted(self.edges, days, side="right")
        table = {
            "day": days.astype("M8[D]").astype("M8[us]"),
            "edge": edge.astype(np.int32),
            "off": np.minimum(self.edges[edge] - 1 - days, MOST_DAYS - 1).astype(np.int32),
            "first_as_of": np.searchsorted(self.as_ofs, days, side="right").astype(np.int32),
            "number": days.astype(np.int32),
        }
        connection.register("calendar_arrays", table)
        connection.execute(
            "create or replace temp table calendar as select day::date as day, edge, off, first_as_of, number from calendar_arrays"
        )
        connection.unregister("calendar_arrays")


def epoch_days(dates: Sequence[object]) -> Days:
    """Dates as days since 1970-01-01."""
    return np.array(dates, dtype="M8[D]").astype(np.int64)

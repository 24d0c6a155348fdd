"""A panel of units and periods: how many people each unit had at the start of each period, and how many had the outcome in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class UnitPanel:
    """Units that begin a programme one after another, or not at all."""

    people: Floats
    """(units, periods): at the start of the period, with a known outcome."""
    cases: Floats
    """(units, periods): of these, with the outcome within the period."""
    start: Ints
    """(units,): the first period that lies wholly after the unit's start; the number of periods where it never starts."""
    partial: bool = False
    """Whether some unit starts within a period: the period before ``start`` then belongs to neither side."""

    @property
    def periods(self) -> int:
        """How many."""
        return int(self.people.shape[1])

    @property
    def first(self) -> int:
        """How many periods lie before any start; at least one."""
        return max(int(self.start.min()) - int(self.partial), 1)

    @property
    def share(self) -> Floats:
        """(units, periods): the share with the outcome; 0 where there is nobody."""
        return np.divide(self.cases, self.people, out=np.zeros_like(self.cases), where=self.people > 0)

    @property
    def treated(self) -> Bools:
        """(units, periods): wholly after the start."""
        after: Bools = np.arange(self.periods) >= self.start[:, None]
        return after

    @property
    def clean(self) -> Bools:
        """(units, periods): wholly before the start."""
        before: Bools = np.arange(self.periods) < self.start[:, None] - int(self.partial)
        return before

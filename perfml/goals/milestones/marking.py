"""How many days after the end of the work owners mark a milestone as done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Ints

PRIOR_MILESTONES = 4.0
"""Weight, in milestones, of everybody together in what is expected of one owner."""


@dataclass(frozen=True, kw_only=True)
class Marking:
    """Days between the end of the work and its mark, in past milestones with both."""

    days: Floats
    """(m,), not negative."""
    owner: Ints
    """(m,)."""

    @property
    def on_record(self) -> bool:
        """Whether any day of work is known beside its mark."""
        return len(self.days) > 0

    def weights(self, owner: int) -> Floats:
        """The probability of each of ``days`` for an owner (m,): own ones as observed, shrunk towards those of everybody."""
        own = self.owner == owner
        count = int(own.sum())
        everybody = np.full(len(self.days), PRIOR_MILESTONES / len(self.days))
        return np.asarray((everybody + own) / (PRIOR_MILESTONES + count))

    def quantile(self, owner: int, probability: float) -> float:
        """The days that an owner does not pass with ``probability``; 0 where nothing is on record."""
        if not self.on_record:
            return 0.0
        order = np.argsort(self.days, kind="stable")
        reached = np.cumsum(self.weights(owner)[order])
        return float(self.days[order][min(int(np.searchsorted(reached, probability)), len(order) - 1)])

    def drawn(self, owner: int, uniform: Floats) -> Floats:
        """Days for each of ``uniform`` numbers of an owner; 0 where nothing is on record."""
        if not self.on_record:
            return np.zeros(len(uniform))
        return np.asarray(self.days[np.searchsorted(np.cumsum(self.weights(owner))[:-1], uniform)])

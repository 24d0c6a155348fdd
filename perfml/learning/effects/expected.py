"""What a unit would have had without the programme, told from its own periods before the start in three ways.

``as_before``: its mean before, which assumes that units would otherwise have moved alike. ``as_it_drifted``: the straight line
through the periods before, so that units may drift apart as long as each goes on as it did (the linear case of Rambachan & Roth
2023). :class:`Shrunken`: its mean before drawn towards the mean of all, as far as differences between units are chance; it
needs an order of starts drawn by lot, and is then the sharpest (Roth & Sant'Anna 2023).

Each is linear in the outcome, so that an effect can be taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats
from perfml.learning.effects.panel import UnitPanel

Expected = Callable[[UnitPanel, Floats, int, int], Floats]
"""(panel, outcome (units, periods), number of periods before the start, period) -> (units,): expected in that period."""


def as_before(panel: UnitPanel, outcome: Floats, before: int, _at: int) -> Floats:
    """The mean of the periods before, weighted by people."""
    return _mean(panel, outcome, before)


def as_it_drifted(panel: UnitPanel, outcome: Floats, before: int, at: int) -> Floats:
    """The line through the periods before (least squares, weighted by people), read off at ``at``."""
    people, periods = panel.people[:, :before], np.broadcast_to(np.arange(float(before)), (len(outcome), before))
    middle = _mean(panel, periods, before)
    away = periods - middle[:, None]
    spread = np.maximum((people * away**2).sum(axis=1), 1e-9)
    slope: Floats = (people * away * outcome[:, :before]).sum(axis=1) / spread
    return _mean(panel, outcome, before) + slope * (at - middle)


@dataclass(frozen=True, kw_only=True)
class Shrunken:
    """The mean before, as reliable as it is (empirical Bayes); the outcome is taken as a difference from the mean of all."""

    within: float
    """Variance of one person's outcome."""
    between: float
    """Variance of the units' own shares."""

    @classmethod
    def of(cls, panel: UnitPanel) -> Shrunken:
        """Learn both from the periods before any start, whichever unit has it: by moments, as in a one-way layout."""
        first = panel.first
        people, cases = panel.people[:, :first].sum(axis=1), panel.cases[:, :first].sum(axis=1)
        total = max(people.sum(), 1e-9)
        share = cases.sum() / total
        within = share * (1 - share)
        squares = (people * (np.divide(cases, people, out=np.zeros_like(cases), where=people > 0) - share) ** 2).sum()
        units = (people > 0).sum()
        between = (squares - (units - 1) * within) / max(total - (people**2).sum() / total, 1e-9)
        return cls(within=float(within), between=max(float(between), 0.0))

    def __call__(self, panel: UnitPanel, outcome: Floats, before: int, _at: int) -> Floats:
        """The shrunken mean of the periods before."""
        explained = self.between * panel.people[:, :before].sum(axis=1)
        reliability: Floats = explained / np.maximum(explained + self.within, 1e-12)
        return reliability * _mean(panel, outcome, before)


def _mean(panel: UnitPanel, outcome: Floats, before: int) -> Floats:
    people = panel.people[:, :before]
    means: Floats = (outcome[:, :before] * people).sum(axis=1) / np.maximum(people.sum(axis=1), 1e-9)
    return means

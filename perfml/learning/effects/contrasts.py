"""Group-time effects with not-yet-treated controls, pooled over the treated people (Callaway & Sant'Anna 2021).

For each group of units that start in one period, and each period after it, the difference from what is expected by the periods
before the start (:mod:`perfml.learning.effects.expected`) is compared with that of the units that have not started by then. All
periods before are used, and not the last one alone, because shares of rare outcomes are noisy (Marcus & Sant'Anna 2021 on what
is gained and assumed).

The estimate is linear in the outcomes, so that it is computed for many orders of starts at once: those under which another
order of the same starts could have been drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.learning.effects.expected import Expected, as_before
from perfml.learning.effects.panel import UnitPanel

BEFORE = 2
"""Fewest periods before a start."""
SLOPE_PERIODS = 3
"""Fewest periods before a start through which a line is drawn."""
CONTROLS = 2
"""Fewest units that have not started, in a period that counts."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One group of units in one period."""

    first: int
    """The period in which the group starts."""
    at: int
    last_before: int
    """The number of periods before the start that it is compared with."""


def contrasts(panel: UnitPanel) -> list[Contrast]:
    """The groups and periods after their start that have enough periods before, and units that have not started."""
    gap = int(panel.partial)
    return [
        Contrast(first=first, at=at, last_before=first - gap)
        for first in _starts(panel)
        for at in range(first, panel.periods)
        if first - gap >= BEFORE and panel.clean[:, at].sum() >= CONTROLS
    ]


def nearby(chosen: list[Contrast]) -> list[Contrast]:
    """Those to which a line through the periods before is drawn on: half as far as these reach back."""
    return [
        each
        for each in chosen
        if each.last_before >= SLOPE_PERIODS and each.at - each.first < max(each.last_before // 2, 1)
    ]


def placebos(panel: UnitPanel, *, periods: int = 2) -> list[Contrast]:
    """The same for the last ``periods`` before each start, as if the programme had started with them: nothing should differ."""
    gap = int(panel.partial)
    return [
        Contrast(first=first, at=at, last_before=first - gap - periods)
        for first in _starts(panel)
        if first - gap - periods >= BEFORE
        for at in range(first - gap - periods, first - gap)
        if (panel.clean[:, at] & (panel.start != first)).sum() >= CONTROLS
    ]


def pooled(
    panel: UnitPanel, chosen: list[Contrast], outcome: Floats, orders: Ints, *, expected: Expected = as_before
) -> Floats:
    """(orders,): the pooled difference in differences of ``outcome`` (units, periods) were the starts ``orders``
    (orders, units)."""
    total, weight = np.zeros(len(orders)), np.zeros(len(orders))
    for each in chosen:
        change = outcome[:, each.at] - expected(panel, outcome, each.last_before, each.at)
        ours = (orders == each.first) * panel.people[:, each.at]
        theirs = ((orders - int(panel.partial) > each.at) & (orders != each.first)) * panel.people[:, each.at]
        size, others = ours.sum(axis=1), theirs.sum(axis=1)
        both = (size > 0) & (others > 0)
        total[both] += (ours[both] @ change) - size[both] * (theirs[both] @ change) / others[both]
        weight[both] += size[both]
    means: Floats = np.divide(total, weight, out=np.full(len(orders), np.nan), where=weight > 0)
    return means


def _starts(panel: UnitPanel) -> list[int]:
    return sorted({int(first) for first in panel.start if first < panel.periods})

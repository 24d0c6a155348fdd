"""What changed with a programme that departments began one after another, as far as the order of starts allows to say.

Intervals come from randomisation: had the same starts fallen on other units, the estimate would scatter as it does over random
orders (Fisher 1935; Athey & Imbens 2022 for staggered starts). An effect of a size is held against them by taking it out of
every outcome after a start, and the interval holds the sizes that are not rejected. It does not need many departments, but an
order of starts that has nothing to do with the outcome; that is looked at first, and nothing is said where it fails.

Where no lot was drawn, departments may drift apart for years without a check of the few periods before the start finding it
(Roth 2022). So the effect told is the one with each unit's own drift before the start taken out, and it counts as shown only if
the one without taking it out says the same (after Rambachan & Roth 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.learning.effects.contrasts import Contrast, contrasts, nearby, placebos, pooled
from perfml.learning.effects.difference import Difference
from perfml.learning.effects.expected import Expected, Shrunken, as_before, as_it_drifted
from perfml.learning.effects.panel import UnitPanel

ORDERS = 999
"""Random orders of the starts."""
UNITS = 8
"""Fewest units, and half as many that have started."""
CASES = 20
"""Fewest outcomes after a start, and among those who had not started."""
DOUBT = 0.05
"""A check fails where chance alone would show as much less often than so."""
REACH = 12.0
"""How far an interval is looked for, in standard deviations over the orders."""

EffectRefusal = Literal[
    "no start", "few units", "no controls", "few outcomes", "moved before", "start explained", "unbounded"
]
"""Why no effect is given."""


@dataclass(frozen=True, kw_only=True)
class StaggeredEffect(Difference):
    """The mean change of the share with the outcome in a period, among the people of units after their start."""

    units: int
    started: int
    people: int
    """Person-periods after a start that are compared."""
    alike: Difference | None
    """The same had the units otherwise moved alike, over all periods; None where a lot was drawn, which needs no assumption."""
    placebo_p: float | None
    """How often chance alone would show as large a difference in the two periods before the start. None with too few periods
    before, or where a lot was drawn."""

    @property
    def shown(self) -> bool:
        """Whether something changed, also if the units drifted apart as they did before."""
        return self.side != 0 and (self.alike is None or self.alike.side == self.side)


def staggered(
    panel: UnitPanel, *, random: bool = False, orders_drawn: int = ORDERS, seed: int = 48
) -> StaggeredEffect | EffectRefusal:
    """The effect, or why none is given. ``random``: whether the order of starts was drawn by lot."""
    chosen, started = contrasts(panel), panel.start < panel.periods
    if not started.any():
        return "no start"
    if len(panel.start) < UNITS or started.sum() < UNITS / 2:
        return "few units"
    compared = chosen if random else nearby(chosen)
    if not compared:
        return "no controls"
    if min(panel.cases[panel.treated].sum(), panel.cases[panel.clean].sum()) < CASES:
        return "few outcomes"
    rng = np.random.default_rng(seed)
    orders = np.concatenate([panel.start[None], rng.permuted(np.tile(panel.start, (orders_drawn, 1)), axis=1)])
    if _explained(panel, orders) < DOUBT:
        return "start explained"
    before = [] if random else placebos(panel)
    moved = _p(pooled(panel, before, panel.share, orders)) if before else None
    if moved is not None and moved < DOUBT:
        return "moved before"
    effect = _difference(panel, compared, orders, expected=Shrunken.of(panel) if random else as_it_drifted)
    alike = None if random else _difference(panel, chosen, orders, expected=as_before)
    if effect is None or not (random or alike):
        return "unbounded"
    return StaggeredEffect(
        units=len(panel.start),
        started=int(started.sum()),
        people=_people(panel, compared),
        estimate=effect.estimate,
        interval_80=effect.interval_80,
        interval_95=effect.interval_95,
        alike=alike,
        placebo_p=moved,
    )


def _difference(panel: UnitPanel, chosen: list[Contrast], orders: Ints, *, expected: Expected) -> Difference | None:
    """The pooled difference with its intervals; None where one has no end."""
    share = panel.share - panel.cases.sum() / max(panel.people.sum(), 1.0)
    outcome, dose = (
        pooled(panel, chosen, each, orders, expected=expected) for each in (share, panel.treated.astype(np.float64))
    )
    intervals = [_interval(outcome, dose, level) for level in (0.80, 0.95)]
    if intervals[0] is None or intervals[1] is None:
        return None
    return Difference(estimate=float(outcome[0] / dose[0]), interval_80=intervals[0], interval_95=intervals[1])


def _people(panel: UnitPanel, chosen: list[Contrast]) -> int:
    return int(sum(panel.people[panel.start == each.first, each.at].sum() for each in chosen))


def _p(values: Floats) -> float:
    """The share of orders whose value is at least as far from zero as that of the first, the order that was."""
    far = np.abs(values[np.isfinite(values)])
    return float((far >= far[0] - 1e-12).mean())


def _explained(panel: UnitPanel, orders: Ints) -> float:
    """How often chance alone would tie the order of starts as closely to the outcome before the first start."""
    people, cases = panel.people[:, : panel.first], panel.cases[:, : panel.first]
    level = cases.sum(axis=1) / np.maximum(people.sum(axis=1), 1e-9)
    rank = np.argsort(np.argsort(level)).astype(np.float64)
    return _p((orders - orders.mean()) @ (rank - rank.mean()))


def _interval(outcome: Floats, dose: Floats, level: float) -> tuple[float, float] | None:
    """The effects that are not rejected at ``level``; None where one side has no end within :data:`REACH`."""
    given = np.isfinite(outcome) & np.isfinite(dose)
    outcome, dose = outcome[given], dose[given]
    middle, spread = float(outcome[0] / dose[0]), float(outcome.std())
    ends = []
    for side in (-1.0, 1.0):
        sizes = middle + side * np.linspace(0, REACH, 601)[1:] * max(spread, 1e-9)
        left = outcome[:, None] - dose[:, None] * sizes
        rejected = (np.abs(left) >= np.abs(left[0]) - 1e-12).mean(axis=0) <= 1 - level
        if not rejected.any():
            return None
        ends.append(float(sizes[int(np.argmax(rejected))]))
    return ends[0], ends[1]

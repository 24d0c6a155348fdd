"""Whose goals add up to a whole: targets and forecasts of one metric, unit and period as sums. In plain Python, for the service.

A sum has no interval: those of its goals depend on each other, such as through one market, and how is not known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

NOT_ADDITIVE = frozenset(
    {"%", "percent", "per cent", "share", "ratio", "rate", "rating", "rank", "level", "score", "分", "比率"}
)
"""Units of which a sum says nothing."""
NoSum = Literal["unit_unknown", "units_differ", "not_additive", "no_forecast"]


@dataclass(frozen=True, kw_only=True)
class GoalFigures:
    """A goal of one person with its forecast; None where it has none or may not be shown."""

    employee_id: str
    metric: str
    period_end: dt.date
    unit: str | None
    target: float | None
    expected: float | None


@dataclass(frozen=True, kw_only=True, order=True)
class MetricPeriod:
    """What can be summed: one metric in one period."""

    metric: str
    period_end: dt.date


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """The goals of some people on one metric and period."""

    people: int
    goals: int
    unit: str | None
    target: float
    """Of the goals with a forecast."""
    expected: float
    unknown: int
    """Goals without a forecast, which are in no sum."""
    problem: NoSum | None
    """Why there is no sum."""

    @property
    def share(self) -> float | None:
        """Of the target that is expected."""
        return self.expected / self.target if self.problem is None and self.target > 0 else None


def contribution(goals: Iterable[GoalFigures]) -> Contribution:
    """The sum of ``goals`` on one metric and period, or why there is none.

    >>> end = dt.date(2026, 9, 30)
    >>> goal = GoalFigures(employee_id="E1", metric="visits", period_end=end, unit="visits", target=80, expected=60)
    >>> contribution([goal, goal]).expected, contribution([goal]).share
    (120, 0.75)
    """
    own = list(goals)
    known = [(goal.target, goal.expected) for goal in own if goal.target is not None and goal.expected is not None]
    units = {goal.unit for goal in own if goal.target is not None}
    return Contribution(
        people=len({goal.employee_id for goal in own}),
        goals=len(own),
        unit=next(iter(units)) if len(units) == 1 else None,
        target=sum(target for target, _ in known),
        expected=sum(expected for _, expected in known),
        unknown=len(own) - len(known),
        problem=_problem(units, known=bool(known)),
    )


def by_metric(goals: Iterable[GoalFigures]) -> Mapping[MetricPeriod, list[GoalFigures]]:
    """Goals by what can be summed, the one with most goals first."""
    out: dict[MetricPeriod, list[GoalFigures]] = {}
    for goal in goals:
        out.setdefault(MetricPeriod(metric=goal.metric, period_end=goal.period_end), []).append(goal)
    return dict(sorted(out.items(), key=lambda item: (-len(item[1]), item[0])))


def _problem(units: set[str | None], *, known: bool) -> NoSum | None:
    if not known:
        return "no_forecast"
    if len(units) > 1:
        return "units_differ"
    unit = next(iter(units))
    if unit is None:
        return "unit_unknown"
    return "not_additive" if unit.strip().casefold() in NOT_ADDITIVE else None

"""Whose goals add up to a whole: kept sums of one metric, unit and period, put together again. Light: the service reads it.

Amounts of parts add up to those of the whole. An interval does not: it is taken from the kept row over exactly the same goals.
Where there is none, such as for a part of a team or after somebody was held, there is no interval.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

NOT_ADDITIVE = frozenset(
    {"%", "percent", "per cent", "share", "ratio", "rate", "rating", "rank", "level", "score", "分", "比率"}
)
"""Units of which a sum says nothing."""
NoSum = Literal["unit_unknown", "units_differ", "not_additive", "no_forecast"]
SumLevel = Literal["company", "department", "line", "team", "person"]
LEVELS: tuple[SumLevel, ...] = get_args(SumLevel)
PARTS: Mapping[SumLevel, tuple[str, ...]] = {
    "company": (),
    "department": ("department",),
    "line": ("line",),
    "team": ("department", "manager_id"),
    "person": ("department", "manager_id", "employee_id"),
}
"""Level → the columns that say whose sum it is. A team are the direct reports of a manager in one department."""
SAME = 1e-9
"""Relative difference up to which two sums are of the same amounts."""
_STEPS = 1e6
"""Steps, in log points, by which sums are looked up."""


@dataclass(frozen=True, kw_only=True, order=True)
class MetricPeriod:
    """What can be summed: one metric in one period."""

    metric: str
    period_end: dt.date
    period_start: dt.date


@dataclass(frozen=True, kw_only=True)
class SumRow:
    """A kept row of ``perfml.goals.sums.levels.SUMS``; amounts are None where there is no sum or it may not be shown."""

    level: SumLevel
    department: str | None
    manager_id: str | None
    employee_id: str | None
    metric: str
    unit: str | None
    period_start: dt.date
    period_end: dt.date
    people: int
    goals: int
    unknown: int
    target: float | None
    actual: float | None
    expected: float | None
    low: float | None
    high: float | None
    problem: NoSum | None

    @property
    def key(self) -> MetricPeriod:
        """What it is a sum of."""
        return MetricPeriod(metric=self.metric, period_start=self.period_start, period_end=self.period_end)


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """The goals of some people on one metric and period."""

    people: int
    goals: int
    unit: str | None
    target: float
    """Of the goals with a forecast."""
    actual: float
    """Of those measured so far."""
    expected: float
    unknown: int
    """Goals without a forecast, which are in no sum."""
    problem: NoSum | None
    """Why there is no sum."""
    low: float | None = None
    """The 80 % interval of the final sum; None where it was not computed for exactly these goals."""
    high: float | None = None

    @property
    def share(self) -> float | None:
        """Of the target that is expected."""
        return self.expected / self.target if self.problem is None and self.target > 0 else None


class KeptIntervals:
    """The intervals of kept sums, found again by the goals that they are over."""

    def __init__(self, rows: Iterable[SumRow]) -> None:
        self._rows: dict[tuple[object, ...], list[SumRow]] = {}
        for row in rows:
            if row.expected is not None and row.expected > 0 and row.low is not None:
                at = round(math.log(row.expected) * _STEPS)
                self._rows.setdefault((row.key, row.goals, row.unknown, at), []).append(row)

    def of(self, key: MetricPeriod, whole: Contribution) -> Contribution:
        """``whole`` with the interval of the kept sum over the same goals, where there is one."""
        if whole.problem is not None or whole.expected <= 0:
            return whole
        middle = round(math.log(whole.expected) * _STEPS)
        near = (self._rows.get((key, whole.goals, whole.unknown, at), ()) for at in range(middle - 1, middle + 2))
        same = next((row for rows in near for row in rows if _same(row, whole)), None)
        return whole if same is None else replace(whole, low=same.low, high=same.high)


def contribution(people: Iterable[SumRow], intervals: KeptIntervals | None = None) -> Contribution:
    """The sum of rows of persons on one metric and period, or why there is none.

    >>> day = dt.date(2026, 9, 30)
    >>> row = SumRow(level="person", department=None, manager_id=None, employee_id="E1", metric="visits", unit="visits",
    ...     period_start=day, period_end=day, people=1, goals=1, unknown=0, target=80, actual=30, expected=60, low=50, high=70,
    ...     problem=None)
    >>> contribution([row, row]).expected, contribution([row]).share, contribution([row], KeptIntervals([row])).low
    (120.0, 0.75, 50)
    """
    own = list(people)
    known = [row for row in own if row.expected is not None]
    units = {row.unit for row in own if row.expected is not None or row.problem not in (None, "no_forecast")}
    whole = Contribution(
        people=len({row.employee_id for row in own}),
        goals=sum(row.goals for row in own),
        unit=next(iter(units)) if len(units) == 1 else None,
        target=math.fsum(row.target or 0.0 for row in known),
        actual=math.fsum(row.actual or 0.0 for row in known),
        expected=math.fsum(row.expected or 0.0 for row in known),
        unknown=sum(row.goals if row.expected is None else row.unknown for row in own),
        problem=_problem(units),
    )
    return whole if intervals is None or not own else intervals.of(own[0].key, whole)


def by_metric(rows: Iterable[SumRow]) -> Mapping[MetricPeriod, list[SumRow]]:
    """Rows by what can be summed, the one with most goals first."""
    out: dict[MetricPeriod, list[SumRow]] = {}
    for row in rows:
        out.setdefault(row.key, []).append(row)
    return dict(sorted(out.items(), key=lambda item: (-sum(row.goals for row in item[1]), item[0])))


def not_additive(unit: str | None) -> bool:
    """Whether a sum in this unit says nothing."""
    return unit is not None and unit.strip().casefold() in NOT_ADDITIVE


def _same(row: SumRow, whole: Contribution) -> bool:
    return (
        row.expected is not None
        and (row.goals, row.unknown) == (whole.goals, whole.unknown)
        and math.isclose(row.expected, whole.expected, rel_tol=SAME)
        and math.isclose(row.target or 0.0, whole.target, rel_tol=SAME)
    )


def _problem(units: set[str | None]) -> NoSum | None:
    if not units:
        return "no_forecast"
    if len(units) > 1:
        return "units_differ"
    unit = next(iter(units))
    if unit is None:
        return "unit_unknown"
    return "not_additive" if not_additive(unit) else None

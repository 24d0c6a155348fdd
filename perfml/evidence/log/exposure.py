"""How much of each window is missing for whom, and what the delivered days lead one to expect of the missing ones.

Missing days are weighed by weekday, in average days: a lost Tuesday is more than a lost Sunday. What they would have held is
estimated from the person's own rate on the delivered days of a reference window; that serves predictions, which need a number,
while evidence itself is missing where more of a window is missing than its definition tolerates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.holes.hole import Hole, MissingDays
from perfml.evidence.log.windows import Plan, WindowColumn
from perfml.project.feature_spec import COUNTERPART_MEASURES

REFERENCE_DAYS = 91
"""The window that a person's own rate is taken from; the plan's next longer one where it has none of this length."""
LEAST_DELIVERED = 0.25
"""Share of a reference window that must have been delivered to take a rate from."""
EPOCH = dt.date(1970, 1, 1)

Count = Callable[[tuple[int, ...], int], Floats | Ints]
"""A count of channels in a window before each as-of date: (as-of dates, persons)."""


@dataclass(frozen=True, kw_only=True)
class LogGap:
    """A hole as known at one as-of date, in the terms of a plan."""

    hole: Hole
    row: int
    """The as-of date, as a position."""
    channels: frozenset[int]
    """The channels whose rows are missing, of both sides."""
    people: Bools
    """(persons,): who is concerned."""
    missing_days: MissingDays
    """The hole, for whom reads of it."""


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The gaps of a run, for some of its persons."""

    as_ofs: Ints
    """Day numbers."""
    n: int
    """Persons."""
    gaps: tuple[LogGap, ...]
    windows: tuple[int, ...]
    """All windows of the plan, ascending."""
    estimate: bool
    """Whether missing evidence is estimated instead of left out."""

    def of_persons(self, low: int, n: int) -> Exposure:
        """The exposure of the persons ``low`` … ``low + n − 1``."""
        gaps = (replace(gap, people=gap.people[low : low + n]) for gap in self.gaps)
        return replace(self, n=n, gaps=tuple(gap for gap in gaps if gap.people.any()))

    def reached(self, plan: Plan) -> tuple[MissingDays, ...]:
        """The holes with the evidence that they make missing for the people concerned: of more days than it tolerates."""
        return tuple(
            replace(gap.missing_days, evidence=tuple(sorted({c.column.evidence for c in self._missing(gap, plan)})))
            for gap in self.gaps
        )

    def _missing(self, gap: LogGap, plan: Plan) -> Iterator[WindowColumn]:
        for column in plan.columns:
            days = max(column.window_days, column.past_days)
            channels = column.kinds if column.measure in COUNTERPART_MEASURES else plan.channels(column)
            if not gap.channels.isdisjoint(channels) and (
                not days or self.missing(gap, days) > column.missing_days_share * days
            ):
                yield column

    def of_channels(self, channels: Sequence[int]) -> tuple[LogGap, ...]:
        """The gaps in which rows of any of ``channels`` are missing."""
        return tuple(gap for gap in self.gaps if not gap.channels.isdisjoint(channels))

    def missing(self, gap: LogGap, days: int) -> float:
        """The missing part of the window of ``days`` before the as-of date of ``gap``, in average days."""
        end = EPOCH + dt.timedelta(days=int(self.as_ofs[gap.row]))
        return min(gap.hole.weight(end - dt.timedelta(days=days), end), days)

    def share(self, channels: Sequence[int], days: int) -> Floats:
        """The missing share of a window, of any of ``channels``: (as-of dates, persons)."""
        missing = np.zeros((len(self.as_ofs), self.n))
        for gap in self.of_channels(channels):
            missing[gap.row] += self.missing(gap, days) * gap.people
        return np.minimum(missing / days, 1.0)

    def lacking(self, count: Count, channels: Sequence[int], days: int) -> Floats:
        """What the missing days of a window would have held at the person's own rate: (as-of dates, persons); NaN where too
        few days were delivered to take a rate from."""
        lacking = np.zeros((len(self.as_ofs), self.n))
        for gap in self.of_channels(channels):
            missing = self.missing(gap, days)
            if missing > 0:
                mine = tuple(channel for channel in channels if channel in gap.channels)
                lacking[gap.row] += np.where(gap.people, missing * self._rate(count, mine)[gap.row], 0.0)
        return lacking

    def _rate(self, count: Count, channels: tuple[int, ...]) -> Floats:
        """Rows a delivered day in the shortest window of at least :data:`REFERENCE_DAYS` of which enough was delivered."""
        rate = np.full((len(self.as_ofs), self.n), np.nan)
        longer = [window for window in self.windows if window >= REFERENCE_DAYS] or list(self.windows[-1:])
        for window in reversed(longer):
            delivered = window * (1.0 - self.share(channels, window))
            enough = delivered >= LEAST_DELIVERED * window
            rate = np.where(enough, count(channels, window) / np.maximum(delivered, 1.0), rate)
        return rate


def gap_of(plan: Plan, missing_days: MissingDays, kinds: frozenset[str], *, row: int, people: Bools) -> LogGap:
    """The gap of a hole that lacks rows of ``kinds``, at the as-of date ``row``, for ``people``, in channels of ``plan``."""
    if not {"source", "kind"} & missing_days.hole.part.given.keys():
        channels = frozenset(range(2 * plan.n_channels))
        return LogGap(hole=missing_days.hole, row=row, channels=channels, people=people, missing_days=missing_days)
    own = {index for index, kind in enumerate(plan.kinds) if kind in kinds}
    if kinds - set(plan.kinds):
        own.add(len(plan.kinds))
    channels = frozenset(own | {plan.n_channels + channel for channel in own})
    return LogGap(hole=missing_days.hole, row=row, channels=channels, people=people, missing_days=missing_days)

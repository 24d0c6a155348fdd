"""The bridge from one system's total to the other's: parts that add up exactly, and the gap between like and like."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

from perfml.json_types import JsonObject

PARTS = ("timing", "missing", "returns", "attribution", "unexplained")
"""The parts of a bridge, in the order in which they are taken away."""
GapStanding = Literal["held", "provisional", "final", "insufficient"]


@dataclass(frozen=True, kw_only=True)
class GapBridge:
    """The way from the reference's total to that of the actuals, in the metric's unit. The parts add up to their difference."""

    reference: Decimal
    timing: Decimal
    """Days that are not closed yet: what the actuals lack of them, in the reference's meaning."""
    missing: Decimal
    """Closed days whose delivery did not arrive, in the reference's meaning."""
    returns: Decimal
    """Closed, delivered days: from the reference's basis to that of the actuals."""
    attribution: Decimal
    """Closed, delivered days: from the reference's attribution to that of the actuals."""
    unexplained: Decimal
    """What is left; 0 where everything is explained."""
    actuals: Decimal

    @property
    def parts(self) -> dict[str, Decimal]:
        """The parts by name, in order."""
        return {name: getattr(self, name) for name in PARTS}


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Like and like: the closed days of both sides in one basis and one attribution."""

    reference: Decimal
    actuals: Decimal
    missing: Decimal
    """The part of the gap that undelivered packets explain; the rest is unexplained."""

    @property
    def gap(self) -> Decimal:
        """What the actuals have more (or, negative, less) than the reference."""
        return self.actuals - self.reference

    @property
    def percent(self) -> Decimal | None:
        """The size of the gap in percent of the reference; None where the reference is 0."""
        return abs(self.gap) * 100 / abs(self.reference) if self.reference else None

    def exceeds(self, limit_percent: Decimal) -> bool:
        """Whether the gap is larger than ``limit_percent``; a gap of exactly this much is not."""
        return abs(self.gap) * 100 > limit_percent * abs(self.reference)


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """One entity in one month."""

    metric: str
    month: dt.date
    """The first day of the month."""
    entity: str
    """``employee:South-01`` or ``location:South``."""
    belongs_to: str
    """The entity of the level at which gaps are judged."""
    bridge: GapBridge
    matched: Matched
    days: int
    """Business days that either side reports or should have."""
    closed_days: int
    missing_days: int
    """Closed days with a packet that did not arrive."""
    unreported_days: int
    """Closed days that the reference did not deliver: they are compared with nothing."""
    first_gap_day: dt.date | None
    """The first closed day on which like differs from like; None where none does."""
    limit_percent: Decimal

    @property
    def over_limit(self) -> bool:
        """Whether the gap between like and like is over the limit."""
        return self.matched.exceeds(self.limit_percent)

    @property
    def standing(self) -> GapStanding:
        """Held over the limit; final where every day is closed and delivered; else provisional."""
        if self.closed_days == self.unreported_days:
            return "insufficient"
        if self.over_limit:
            return "held"
        complete = self.closed_days == self.days and not self.missing_days and not self.unreported_days
        return "final" if complete and not self.matched.gap else "provisional"

    def to_json(self) -> JsonObject:
        """The figures as JSON; amounts are texts, as a JSON number would not be exact."""
        percent = self.matched.percent
        return {
            "metric": self.metric,
            "month": f"{self.month:%Y-%m}",
            "entity": self.entity,
            "belongs_to": self.belongs_to,
            "standing": self.standing,
            "bridge": {field.name: str(getattr(self.bridge, field.name)) for field in fields(GapBridge)},
            "matched": {
                "reference": str(self.matched.reference),
                "actuals": str(self.matched.actuals),
                "gap": str(self.matched.gap),
                "missing": str(self.matched.missing),
                "percent": None if percent is None else f"{percent:.2f}",
            },
            "days": self.days,
            "closed_days": self.closed_days,
            "missing_days": self.missing_days,
            "unreported_days": self.unreported_days,
            "first_gap_day": None if self.first_gap_day is None else str(self.first_gap_day),
            "limit_percent": str(self.limit_percent),
        }


def added_up(rows: Iterable[Reconciled]) -> Reconciled:
    """The entity that all of ``rows`` belong to, in their month: amounts are summed, days are those of the longest row."""
    members = list(rows)
    first = members[0]

    def total(part: str, name: str) -> Decimal:
        return sum((getattr(getattr(row, part), name) for row in members), Decimal(0))

    return Reconciled(
        metric=first.metric,
        month=first.month,
        entity=first.belongs_to,
        belongs_to=first.belongs_to,
        bridge=GapBridge(**{field.name: total("bridge", field.name) for field in fields(GapBridge)}),
        matched=Matched(**{field.name: total("matched", field.name) for field in fields(Matched)}),
        days=max(row.days for row in members),
        closed_days=max(row.closed_days for row in members),
        missing_days=max(row.missing_days for row in members),
        unreported_days=max(row.unreported_days for row in members),
        first_gap_day=min((row.first_gap_day for row in members if row.first_gap_day), default=None),
        limit_percent=first.limit_percent,
    )

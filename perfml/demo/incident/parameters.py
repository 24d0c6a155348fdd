"""The parameters of the incident, and every sale that follows from them, in whole cents."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

CENT: Final = Decimal("0.01")


class RegisteredElsewhere(NamedTuple):
    """The share of what one office delivers that belongs to customers registered with another."""

    delivered: str
    registered: str
    percent: Decimal


class Lost(NamedTuple):
    """Packets of one office that do not arrive: those of ``days`` days from day ``first`` of the month."""

    office: str
    first: int
    days: int


class Sale(NamedTuple):
    """What one person delivered on one day, in cents, and where it is counted."""

    office: str
    person: str
    day: dt.date
    gross: int
    returned: int
    moved: int
    counted_for: str
    """Who is credited with ``moved``."""

    @property
    def settled(self) -> int:
        """What is left for the person who delivered."""
        return self.gross - self.returned - self.moved


@dataclass(frozen=True, kw_only=True)
class Incident:
    """The parameters of the incident."""

    month: dt.date = dt.date(2025, 3, 1)
    """First day of the month."""
    offices: tuple[str, ...] = ("North", "East", "South", "West")
    people: int = 10
    """In each office."""
    daily: Decimal = Decimal("1000.00")
    """What a person delivers on a day, gross."""
    spread: Decimal = Decimal(0)
    """Largest random deviation from ``daily``, as a share of it."""
    returned_percent: Decimal = Decimal(4)
    settlement_days: int = 2
    """From the business day to its settlement."""
    lost: tuple[Lost, ...] = (Lost("East", 11, 3), Lost("South", 11, 3))
    moves: tuple[RegisteredElsewhere, ...] = (RegisteredElsewhere("South", "West", Decimal(20)),)
    """One for each office at most."""
    target: Decimal = Decimal("28500.00")
    """Of a person for the month, set under version 1."""
    days_before: int = 7
    days_after: int = 4
    """Business days on record before and after the month."""
    backfilled_at: dt.datetime | None = dt.datetime(2025, 4, 1, 12)
    """When the lost packets arrive; None: never."""
    version_2_on: dt.date | None = None
    """From when the performance system says that it measures version 2."""
    rebased: Mapping[str, Decimal] = field(default_factory=dict)
    """Targets of people that were set anew, under version 2, on ``version_2_on``."""
    seed: int = 0

    @cached_property
    def end(self) -> dt.date:
        """First day after the month."""
        return (self.month + dt.timedelta(days=31)).replace(day=1)

    @property
    def days(self) -> list[dt.date]:
        """The business days on record."""
        first = self.month - dt.timedelta(days=self.days_before)
        count = (self.end - first).days + self.days_after
        return [first + dt.timedelta(days=n) for n in range(count)]

    def staff(self, office: str) -> list[str]:
        """The people of an office."""
        return [f"{office}-{n:02}" for n in range(1, self.people + 1)]

    @cached_property
    def sales(self) -> tuple[Sale, ...]:
        """Every day of every person; amounts are whole cents."""
        rng = random.Random(self.seed)
        moves = {move.delivered: move for move in self.moves}
        return tuple(
            self._sale(office, n, day, moves.get(office), rng)
            for day in self.days
            for office in self.offices
            for n in range(self.people)
        )

    def _sale(self, office: str, n: int, day: dt.date, move: RegisteredElsewhere | None, rng: random.Random) -> Sale:
        gross = cents(self.daily * (1 + self.spread * Decimal(str(rng.uniform(-1, 1)))))
        returned = cents(Decimal(gross) * self.returned_percent / 100 * CENT)
        moved = cents(Decimal(gross - returned) * move.percent / 100 * CENT) if move else 0
        counted_for = self.staff(move.registered)[n] if move else ""
        return Sale(office, self.staff(office)[n], day, gross, returned, moved, counted_for)

    def is_lost(self, office: str, day: dt.date) -> bool:
        """Whether the settled packet of an office for a day does not arrive when it is due."""
        return any(
            lost.office == office and 0 <= (day - self.month).days - lost.first + 1 < lost.days for lost in self.lost
        )

    def settled_at(self, office: str, day: dt.date) -> dt.datetime | None:
        """When the packet of an office for a day arrives; None: never."""
        if self.is_lost(office, day):
            return self.backfilled_at
        return dt.datetime.combine(day + dt.timedelta(days=self.settlement_days), dt.time(5))

    def due_at(self, day: dt.date) -> dt.datetime:
        """The deadline of the packets of a day."""
        return dt.datetime.combine(day + dt.timedelta(days=self.settlement_days), dt.time(6))


def cents(amount: Decimal) -> int:
    """An amount in whole cents."""
    return int((amount / CENT).to_integral_value())

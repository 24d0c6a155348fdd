"""A hole: days of a part of the log that are missing, as known at an as-of date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from perfml.arrays import Floats
from perfml.json_types import JsonObject
from perfml.messages import Message, chain

HoleCause = Literal["undelivered", "silent", "stopped", "lost"]
"""Why days are missing: the table ``deliveries`` says so; a stretch without rows that its rhythm does not explain and that
ended, or that lasts until the as-of date; or a person said so in ``features/holes.toml``."""
EVERY_DAY = (1.0,) * 7


@dataclass(frozen=True, kw_only=True)
class LogPart:
    """A part of the log: rows of a source or kind, by people of a department or location. Without any of them, the whole log."""

    source: str | None = None
    kind: str | None = None
    department: str | None = None
    location: str | None = None

    @property
    def given(self) -> Mapping[str, str]:
        """What narrows it: name → value."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def text(self) -> Message | str:
        """The part, in a sentence."""
        given = [Message.of(f"log_part_{name}", value=value) for name, value in self.given.items()]
        return chain("listed", given) if given else Message.of("log_part_all")

    def within(self, other: LogPart) -> bool:
        """Whether every row of this part is one of ``other``."""
        return other.given.items() <= self.given.items()


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A stretch of missing days."""

    part: LogPart
    first: dt.date
    last: dt.date
    cause: HoleCause
    expected: float = 0.0
    """Rows that the part's rhythm leads one to expect in the stretch; 0 where there is no rhythm to go by."""
    rows: int = 0
    """Rows there are."""
    chance: float | None = None
    """The probability of so few rows in some part of the log within a year, had nothing been lost; None where nobody asked."""
    weekdays: tuple[float, ...] = EVERY_DAY
    """How much of an average day each weekday has, Monday first."""

    @property
    def days(self) -> int:
        """Calendar days, both ends included."""
        return (self.last - self.first).days + 1

    def weight(self, start: dt.date, end: dt.date) -> float:
        """The missing part of the days from ``start`` to before ``end``, in average days."""
        low, high = max(start, self.first), min(end, self.last + dt.timedelta(days=1))
        if low >= high:
            return 0.0
        weekdays = (low.weekday() + np.arange((high - low).days)) % 7
        weights: Floats = np.array(self.weekdays)[weekdays]
        return float(weights.sum())

    def text(self) -> Message:
        """The hole as a statement or, where nobody has said what it was, as a question."""
        return Message.of(
            f"hole_{self.cause}",
            part=self.part.text(),
            first=str(self.first),
            last=str(self.last),
            days=self.days,
            rows=self.rows,
            expected=round(self.expected),
        )

    @property
    def answer(self) -> str:
        """What to write into ``features/holes.toml``, with the verdict left to choose."""
        part = "".join(f'{name} = "{_escaped(value)}"\n' for name, value in self.part.given.items())
        return f'[[answers]]\n{part}first = {self.first}\nlast = {self.last}\nverdict = "lost"  # or "shutdown"\n'

    def to_json(self) -> JsonObject:
        """The hole as a JSON object, with dates as text."""
        return {
            **self.part.given,
            "first": str(self.first),
            "last": str(self.last),
            "days": self.days,
            "cause": self.cause,
            "expected": round(self.expected, 1),
            "rows": self.rows,
            "chance": self.chance,
        }


@dataclass(frozen=True, kw_only=True)
class MissingDays:
    """A hole as known at an as-of date, and what it reaches."""

    hole: Hole
    as_of: dt.date
    people: tuple[str, ...]
    """Employee ids, ascending."""
    evidence: tuple[str, ...] = ()
    """The evidence that is missing for at least one of them."""
    log_share: float = 1.0
    """The share of these people's rows that lies in the part."""

    def share(self, days: int) -> float:
        """The missing share of the rows of the ``days`` before the as-of date."""
        return self.log_share * min(1.0, self.hole.weight(self.as_of - dt.timedelta(days=days), self.as_of) / days)

    def text(self) -> Message:
        """Which evidence is missing for how many people because of the hole."""
        return Message.of(
            "missing_days",
            days=self.hole.days,
            part=self.hole.part.text(),
            first=str(self.hole.first),
            last=str(self.hole.last),
            evidence=chain("listed", self.evidence) if self.evidence else Message.of("no_evidence_missing"),
            people=len(self.people),
        )

    def to_json(self) -> JsonObject:
        """The hole with the number of people and the evidence."""
        reached: JsonObject = {"as_of": str(self.as_of), "people": len(self.people), "evidence": list(self.evidence)}
        return {**self.hole.to_json(), **reached}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')

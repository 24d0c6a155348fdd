"""What a rule saw of a person on a day, and the alert that days in a row add up to: frozen facts."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from perfml.json_types import JsonObject
from perfml.messages import Bilingual, Message
from perfml.project.trust.alert_spec import AlertReader

AlertState = Literal["open", "acknowledged", "escalated", "resolved"]


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """A row that an alert stands on, by its key; who else is in it is not kept."""

    table: str
    key: str
    happened: str
    """Day, ISO 8601; empty for a table without days."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A rule's condition was true of a person on a day."""

    rule: str
    employee_id: str
    """Whom it concerns; for a rule about a team its manager."""
    day: dt.date
    """What had happened and was known before this day counts."""
    numbers: Mapping[str, float | None]
    """Column, or figure of the team, → value."""
    rows: tuple[AlertRow, ...] = ()
    people: tuple[str, ...] = ()
    """For a rule about a team: the reports who meet the condition."""
    manager_id: str | None = None
    """Whom the person reported to on the day."""
    texts: Mapping[AlertReader, Bilingual] = field(default_factory=dict)
    """Reader → what they are told, as the rule worded it on the day."""

    @property
    def alert_id(self) -> str:
        """Twelve hexadecimal digits; of an alert, those of its first day."""
        return hashlib.sha256(f"{self.rule}/{self.employee_id}/{self.day}".encode()).hexdigest()[:12]

    def to_json(self) -> JsonObject:
        """As JSON."""
        texts = {reader: text.model_dump() for reader, text in self.texts.items()}
        return {**asdict(self), "day": self.day.isoformat(), "people": list(self.people), "texts": texts}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a rule saw on one day."""

    rule: str
    day: dt.date
    seen: tuple[Sighting, ...]
    silent: frozenset[str]
    """People of whom nothing is said: held, opted out, away, or without the evidence."""
    insufficient: Message | None = None
    """Why the rule cannot be computed from this record."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """Who takes care of an alert."""

    by: str
    on: dt.date
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert about a person: the first day of a stretch on which a rule saw them, and what became of it."""

    first: Sighting
    """What was seen when it was raised; never changes with what comes later."""
    last_seen: dt.date
    ids: frozenset[str]
    """The ids of all its days."""
    acknowledged: Acknowledged | None = None
    escalated_on: dt.date | None = None
    """The first look after the deadline at which the condition still held and nobody had acknowledged."""
    resolved_on: dt.date | None = None
    """The first look after ``last_seen`` at which the condition no longer held."""

    @property
    def state(self) -> AlertState:
        """What it is now."""
        if self.resolved_on is not None:
            return "resolved"
        if self.acknowledged is not None:
            return "acknowledged"
        return "open" if self.escalated_on is None else "escalated"

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {
            "alert_id": self.first.alert_id,
            **self.first.to_json(),
            "state": self.state,
            "last_seen": str(self.last_seen),
            "acknowledged_by": None if self.acknowledged is None else self.acknowledged.by,
            "acknowledged_on": None if self.acknowledged is None else str(self.acknowledged.on),
            "note": "" if self.acknowledged is None else self.acknowledged.note,
            "escalated_on": None if self.escalated_on is None else str(self.escalated_on),
            "resolved_on": None if self.resolved_on is None else str(self.resolved_on),
        }

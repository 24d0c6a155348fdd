"""Windowed measures as one would first write them: row by row, date by date. The oracle of the one-pass plan."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Event:
    """One row of the log; ``known`` is when it became known."""

    who: str
    happened: dt.datetime
    kind: str
    value: str = ""
    whom: str = ""
    event_id: str = ""
    known_at: dt.datetime | None = None

    @property
    def known(self) -> dt.datetime:
        return self.known_at or self.happened

    def row(self) -> dict[str, str]:
        """As a row of ``events``."""
        return {
            "employee_id": self.who,
            "happened_at": str(self.happened),
            "kind": self.kind,
            "value": self.value,
            "counterpart_id": self.whom,
            "event_id": self.event_id,
            "known_at": str(self.known_at or ""),
        }


@dataclass(frozen=True)
class ValidityIntervals:
    """What the log says of one person at one as-of date."""

    person: str
    as_of: dt.date
    events: Sequence[Event]
    departments: Mapping[str, str]
    """Of those employed on that date, where it is known."""

    @classmethod
    def of(cls, log: Sequence[Event], person: str, as_of: dt.date, departments: Mapping[str, str]) -> ValidityIntervals:
        """Keep what happened before and was known before, and of several versions the one known last."""
        start = dt.datetime.combine(as_of, dt.time())
        usable = [event for event in log if event.happened < start and event.known < start]
        newest = {event.event_id: event for event in sorted(usable, key=lambda event: event.known)}
        return cls(person, as_of, [e for e in usable if not e.event_id or newest[e.event_id] is e], departments)

    def rows(self, side: str, kinds: Sequence[str] | None, days: int) -> list[Event]:
        """The person's own (or received) events of ``kinds`` in the ``days`` before the as-of date; 0: ever."""
        if side == "own":
            mine = [event for event in self.events if event.who == self.person]
        else:
            mine = [event for event in self.events if event.whom == self.person != event.who]
        chosen = [event for event in mine if kinds is None or event.kind in kinds]
        return [e for e in chosen if not days or (self.as_of - e.happened.date()).days <= days]

    def met(self, side: str, kinds: Sequence[str] | None, days: int) -> set[str]:
        """The other people of those events."""
        own = {event.whom for event in self.rows("own", kinds, days)}
        received = {event.who for event in self.rows("received", kinds, days)}
        return {"own": own, "received": received, "either": own | received}[side] - {"", self.person}

    def measure(
        self,
        name: str,
        *,
        side: str = "own",
        kinds: Sequence[str] | None = None,
        days: int = 0,
        past: int = 0,
        last: int = 0,
    ) -> float:
        """The value of a measure; NaN where it is missing."""
        rows = self.rows(side, kinds, days) if side != "either" else []
        if name == "count":
            return len(rows)
        if name == "sum":
            return float(sum(Fraction(event.value) for event in rows if event.value))
        if name in ("mean", "lowest", "highest"):
            valued = sorted((event.happened, Fraction(event.value)) for event in rows if event.value)
            values = [value for _, value in valued][-last:]
            summary = {"mean": lambda values: sum(values) / len(values), "lowest": min, "highest": max}[name]
            return float(summary(values)) if values else math.nan
        if name == "active_days":
            return len({event.happened.date() for event in rows})
        if name == "active_weeks":
            return len({((self.as_of - event.happened.date()).days - 1) // 7 for event in rows})
        if name == "days_since_active_day":
            active = sorted({(self.as_of - event.happened.date()).days for event in rows})
            return active[last - 1] if len(active) >= last else math.nan
        if name == "days_since_last":
            return min(((self.as_of - event.happened.date()).days for event in rows), default=math.nan)
        if name in ("trend", "own_past"):
            recent, whole = len(rows) / days, len(self.rows(side, kinds, past))
            before = (whole - len(rows)) / (past - days)
            if name == "trend":
                return recent - before
            return recent / before if before else math.nan
        own, received = self.met("own", kinds, days), self.met("received", kinds, days)
        if name == "distinct_counterparts":
            return len(self.met(side, kinds, days))
        if name == "mutual_counterparts":
            return len(own & received)
        if name == "reciprocity":
            return len(own & received) / len(own | received) if own | received else math.nan
        assert name == "cross_department_share"
        mine = self.departments.get(self.person)
        theirs = [self.departments[other] for other in self.met(side, kinds, days) if other in self.departments]
        return sum(department != mine for department in theirs) / len(theirs) if mine and theirs else math.nan

"""The alarms about packets as the store has them: what was raised, acknowledged, escalated and closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from perfml.errors import PerfmlError
from perfml.json_types import Json, JsonObject
from perfml.store.record_store import (
    NewEntry,
    RecordStore,
    StoredEntry,
    add_entries,
    caller_key,
    read_entries,
    stored_before,
)
from perfml.store.tables import DELIVERIES

AlarmKind = Literal["missing", "wrong"]
KINDS: tuple[AlarmKind, ...] = ("missing", "wrong")


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm about one packet, and what became of it. Moments are in UTC, without a zone."""

    source: str
    business_date: dt.date
    kind: AlarmKind
    """``missing``: it was due and has not come; ``wrong``: it came with figures out of their range."""
    raised_at: dt.datetime
    recipient: str | None
    """Who was told; None where no owner is named."""
    acknowledged_by: str | None = None
    note: str = ""
    escalated_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    """When the packet came after all, or came right."""

    @property
    def is_open(self) -> bool:
        """Whether nobody has acknowledged it and the packet has not come."""
        return self.closed_at is None and self.acknowledged_by is None

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {name: str(value) if isinstance(value, dt.date) else value for name, value in vars(self).items()}


AlarmKey = tuple[str, dt.date, AlarmKind]


def fold_alarms(entries: Iterable[StoredEntry]) -> dict[AlarmKey, Alarm]:
    """The alarms that ``entries`` add up to, in the order in which they were raised."""
    alarms: dict[AlarmKey, Alarm] = {}
    for entry in entries:
        text = {name: str(value) for name, value in entry.entry.items()}
        kind = next((each for each in KINDS if each == text.get("kind")), None)
        if kind is None:
            continue
        key = (entry.subject, dt.date.fromisoformat(text["business_date"]), kind)
        at = dt.datetime.fromisoformat(text["at"])
        match text["event"]:
            case "raised":
                recipient = text["recipient"] or None
                alarms[key] = Alarm(source=key[0], business_date=key[1], kind=kind, raised_at=at, recipient=recipient)
            case "acknowledged":
                alarms[key] = replace(alarms[key], acknowledged_by=text["by"], note=text["note"])
            case "escalated":
                alarms[key] = replace(alarms[key], escalated_at=at)
            case "closed":
                alarms[key] = replace(alarms[key], closed_at=at)
    return alarms


def read_alarms(home: Path) -> dict[AlarmKey, Alarm]:
    """Every alarm in the store of ``home``."""
    return fold_alarms(RecordStore(home).read(DELIVERIES))


def unclosed_alarms(home: Path) -> list[Alarm]:
    """The alarms whose packet has not come, or not come right."""
    return [alarm for alarm in read_alarms(home).values() if alarm.closed_at is None]


def acknowledge(
    home: Path,
    source: str,
    *,
    by: str,
    at: dt.datetime,
    note: str = "",
    day: dt.date | None = None,
    idempotency_key: str | None = None,
) -> list[Alarm]:
    """Store that ``by`` takes care of the open alarms of ``source`` (of one business day: ``day``); return them.

    Raises :class:`PerfmlError` where no name is given or no alarm is open.
    """
    if not by.strip():
        raise PerfmlError("is empty", where="--by", remedy="say who takes care of it")
    with RecordStore(home).transaction() as connection:
        entries = read_entries(connection, DELIVERIES, subjects=[source])
        known = fold_alarms(entries)
        more: JsonObject = {"by": by, "note": note, "of_day": None if day is None else day.isoformat()}
        request: JsonObject = {"event": "acknowledged", **more}
        before = stored_before(connection, DELIVERIES, idempotency_key, subject=source, request=request)
        if before is not None:
            together = [each.entry for each in entries if _without_packet(each) == _without_packet(before)]
            packets = {(each["business_date"], each["kind"]) for each in together}
            return [alarm for key, alarm in known.items() if (key[1].isoformat(), key[2]) in packets]
        chosen = [alarm for alarm in known.values() if alarm.is_open and day in (None, alarm.business_date)]
        if not chosen:
            raise PerfmlError(
                f"no alarm is open{'' if day is None else f' for {day}'}",
                where=f"feed {source!r}",
                remedy="`perfml deliveries` lists the open ones",
            )
        new = [alarm_entry(alarm, "acknowledged", at=at, **more) for alarm in chosen]
        if idempotency_key is not None:
            new[0] = replace(new[0], key=caller_key(idempotency_key))
        add_entries(connection, DELIVERIES, new)
    return [replace(alarm, acknowledged_by=by, note=note) for alarm in chosen]


def alarm_entry(alarm: Alarm, event: str, *, at: dt.datetime, **more: Json) -> NewEntry:
    """The entry of one event in the life of an alarm."""
    return NewEntry(
        key=f"{event}/{alarm.source}/{alarm.business_date}/{alarm.kind}",
        subject=alarm.source,
        entry={
            "event": event,
            "kind": alarm.kind,
            "business_date": alarm.business_date.isoformat(),
            "at": at.isoformat(),
            **more,
        },
    )


def _without_packet(entry: StoredEntry) -> JsonObject:
    """What all entries of one acknowledgement have in common."""
    return {name: value for name, value in entry.entry.items() if name not in ("business_date", "kind")}

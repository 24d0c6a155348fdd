"""Alarms about packets: raised at the first missed deadline, acknowledged by a person, escalated where nobody does, closed when
the packet comes. Everything is an entry of the store, in one transaction with the message that tells of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.json_types import Json, JsonObject
from perfml.messages import Bilingual, Message
from perfml.project.trust.delivery_spec import DeliveriesSpec, FeedSpec, PersonSpec
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
from perfml.trust.deliveries.packets import Packet
from perfml.trust.outbox import queue

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


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What one look at the packets changed."""

    raised: tuple[Alarm, ...]
    escalated: tuple[Alarm, ...]
    closed: tuple[Alarm, ...]


def fold_alarms(entries: Iterable[StoredEntry]) -> dict[AlarmKey, Alarm]:
    """The alarms that ``entries`` add up to, in the order in which they were raised."""
    alarms: dict[AlarmKey, Alarm] = {}
    for entry in entries:
        text = {name: str(value) for name, value in entry.entry.items()}
        kind = next((each for each in KINDS if each == text.get("kind")), None)
        if kind is None:
            continue
        key, at = (entry.subject, dt.date.fromisoformat(text["business_date"]), kind), _moment(text["at"])
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


def watch(home: Path, spec: DeliveriesSpec, packets: Sequence[Packet], *, now: dt.datetime) -> Watch:
    """Raise an alarm for each packet that is missing or wrong, escalate, and close; the same look again changes nothing.

    The owner of a feed gets one message of all packets that are new on a look, and the person of its escalation likewise.
    """
    with RecordStore(home).transaction() as connection:
        known = fold_alarms(read_entries(connection, DELIVERIES))
        wanted = dict(_wanted(packets))
        raised = [
            Alarm(source=key[0], business_date=key[1], kind=key[2], raised_at=now, recipient=_owner(spec, key[0]))
            for key in wanted
            if key not in known
        ]
        closed = [
            replace(alarm, closed_at=now)
            for key, alarm in known.items()
            if alarm.closed_at is None and key not in wanted and (key[0], key[1]) in _arrived(packets)
        ]
        late = [
            replace(alarm, escalated_at=now)
            for key, alarm in known.items()
            if key in wanted and alarm.is_open and alarm.escalated_at is None and _is_ripe(spec, alarm, now)
        ]
        for event, alarms in (("raised", raised), ("escalated", late), ("closed", closed)):
            for _, group in groupby(sorted(alarms, key=_order), key=lambda a: (a.source, a.kind)):
                _enter(connection, spec, event=event, alarms=list(group), now=now)
    return Watch(raised=tuple(raised), escalated=tuple(late), closed=tuple(closed))


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
        known = fold_alarms(read_entries(connection, DELIVERIES, subjects=[source]))
        chosen = [alarm for alarm in known.values() if alarm.is_open and day in (None, alarm.business_date)]
        request: JsonObject = {"event": "acknowledged", "by": by, "note": note}
        if stored_before(connection, DELIVERIES, idempotency_key, subject=source, request=request):
            return [alarm for alarm in known.values() if (alarm.acknowledged_by, alarm.note) == (by, note)]
        if not chosen:
            raise PerfmlError(
                f"no alarm is open{'' if day is None else f' for {day}'}",
                where=f"feed {source!r}",
                remedy="`perfml deliveries` lists the open ones",
            )
        more = {"by": by, "note": note}
        entries = [_entry(alarm, "acknowledged", at=at, **more) for alarm in chosen]
        if idempotency_key is not None:
            entries[0] = replace(entries[0], key=caller_key(idempotency_key))
        add_entries(connection, DELIVERIES, entries)
    return [replace(alarm, acknowledged_by=by, note=note) for alarm in chosen]


def _wanted(packets: Sequence[Packet]) -> Iterable[tuple[AlarmKey, Packet]]:
    """The alarms that ``packets`` call for."""
    for packet in packets:
        if packet.status == "missing":
            yield (packet.source, packet.business_date, "missing"), packet
        elif packet.problems:
            yield (packet.source, packet.business_date, "wrong"), packet


def _arrived(packets: Sequence[Packet]) -> set[tuple[str, dt.date]]:
    return {(packet.source, packet.business_date) for packet in packets if packet.received_at is not None}


def _owner(spec: DeliveriesSpec, source: str) -> str | None:
    feed = spec.feeds.get(source)
    return None if feed is None else feed.owner.recipient


def _is_ripe(spec: DeliveriesSpec, alarm: Alarm, now: dt.datetime) -> bool:
    feed = spec.feeds.get(alarm.source)
    if feed is None or feed.escalation is None:
        return False
    return now >= alarm.raised_at + dt.timedelta(hours=feed.escalation.after_hours)


def _enter(
    connection: sql.Connection, spec: DeliveriesSpec, *, event: str, alarms: Sequence[Alarm], now: dt.datetime
) -> None:
    """Add the entries of one event, and the message to whom it concerns, all of one feed and kind."""
    first = alarms[0]
    more = {"recipient": first.recipient or ""} if event == "raised" else {}
    add_entries(connection, DELIVERIES, [_entry(alarm, event, at=now, **more) for alarm in alarms])
    feed = spec.feeds.get(first.source)
    if feed is None:
        return
    person: PersonSpec | None = feed.escalation if event == "escalated" else feed.owner
    if person is None:
        return
    queue(
        connection,
        recipient=person.recipient,
        message=_message(feed, event, alarms),
        key=f"delivery/{first.source}/{first.kind}/{event}/{first.business_date}/{len(alarms)}",
        subject=f"{first.source} {first.business_date}",
    )


def _message(feed: FeedSpec, event: str, alarms: Sequence[Alarm]) -> Message:
    first, last = alarms[0], alarms[-1]
    values: Mapping[str, str | int | Bilingual] = {
        "feed": Bilingual(en=feed.en, zh=feed.zh),
        "source": first.source,
        "count": len(alarms),
        "first": str(first.business_date),
        "last": str(last.business_date),
    }
    if event == "closed":
        return Message.of("delivery_closed", **values)
    if event == "escalated":
        return Message.of(
            "delivery_escalated", owner=feed.owner.name, raised=f"{first.raised_at:%Y-%m-%d %H:%M}", **values
        )
    return Message.of("delivery_missing" if first.kind == "missing" else "delivery_wrong", **values)


def _entry(alarm: Alarm, event: str, *, at: dt.datetime, **more: Json) -> NewEntry:
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


def _order(alarm: Alarm) -> tuple[str, str, dt.date]:
    return alarm.source, alarm.kind, alarm.business_date


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)

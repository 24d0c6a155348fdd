"""A look at the packets: an alarm is raised at the first missed deadline, escalated where nobody acknowledges it, and closed when
the packet comes. Everything is an entry of the store, in one transaction with the message that tells of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import sqlalchemy as sql

from perfml.messages import Bilingual, Message
from perfml.project.trust.delivery_spec import DeliveriesSpec, FeedSpec, PersonSpec
from perfml.store.record_store import RecordStore, add_entries, read_entries
from perfml.store.tables import DELIVERIES
from perfml.trust.deliveries.alarm_log import Alarm, AlarmKey, alarm_entry, fold_alarms
from perfml.trust.deliveries.packets import Packet
from perfml.trust.outbox import queue


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What one look at the packets changed."""

    raised: tuple[Alarm, ...]
    escalated: tuple[Alarm, ...]
    closed: tuple[Alarm, ...]


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
    add_entries(connection, DELIVERIES, [alarm_entry(alarm, event, at=now, **more) for alarm in alarms])
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


def _order(alarm: Alarm) -> tuple[str, str, dt.date]:
    return alarm.source, alarm.kind, alarm.business_date

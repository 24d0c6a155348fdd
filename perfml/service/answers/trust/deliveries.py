"""Deliveries: what was due from each feed, what came, and who takes care of what did not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from perfml.service.answers.shared import Answer, IsoDate, ServiceQuery, TextAnswer
from perfml.service.answers.trust.holds import refused
from perfml.service.answers.trust.signed import SignedByAccount
from perfml.service.store import Store
from perfml.trust.deliveries.alarm_log import Alarm, AlarmKind, acknowledge, unclosed_alarms

FeedState = Literal["expected", "received", "late", "missing"]
"""Of a packet; as the module of packets says, which brings DuckDB."""
Moment = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(tzinfo=dt.UTC))]
"""A moment in UTC, of which the store does not say so."""


class PacketAnswer(Answer):
    """The delivery of one feed for one business day."""

    source: str
    business_date: dt.date
    due_at: Moment | None
    received_at: Moment | None
    rows: int | None
    total: Decimal | None
    status: FeedState
    problems: tuple[TextAnswer, ...]
    """Figures out of the range that is expected."""


class AlarmAnswer(Answer):
    """An alarm about one packet that is not closed."""

    source: str
    business_date: dt.date
    kind: AlarmKind
    raised_at: Moment
    recipient: str | None
    """Who was told."""
    acknowledged_by: str | None
    note: str
    escalated_at: Moment | None
    closed_at: Moment | None

    @classmethod
    def of(cls, alarm: Alarm) -> AlarmAnswer:
        """From an alarm."""
        return cls(**vars(alarm))


class FeedAnswer(Answer):
    """A feed, and how many of its packets are in which state."""

    source: str
    title: TextAnswer | None
    """Null for one that nobody declared."""
    packets: dict[FeedState, int]
    wrong: int
    """Packets with figures out of their range."""


class DeliveriesAnswer(Answer):
    """The state of the feeds at a moment, as far as receipts tell."""

    now: Moment
    complete: bool
    """Whether every packet that was due has come with figures in their range."""
    feeds: tuple[FeedAnswer, ...]
    packets: tuple[PacketAnswer, ...]
    """Those that did not simply come in time."""
    alarms: tuple[AlarmAnswer, ...]


class AlarmsAnswer(Answer):
    """The alarms that somebody takes care of now."""

    alarms: tuple[AlarmAnswer, ...]


class DeliveryAcknowledgementBody(ServiceQuery):
    """Who takes care of the open alarms of a feed."""

    by: SignedByAccount = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    business_date: IsoDate | None = None
    """Only the alarm of this day; all that are open when absent."""


def delivery_state(store: Store) -> DeliveriesAnswer:
    """Return what was due and what came. Looking changes nothing: alarms are raised by ``perfml deliveries``."""
    from perfml.trust.deliveries.report import delivery_packets  # it brings DuckDB, which nothing else here needs

    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    spec = store.folder.deliveries
    packets = delivery_packets(store.home, spec, None, now=now)
    feeds: dict[str, dict[FeedState, int]] = {name: {} for name in spec.feeds}
    wrong: dict[str, int] = {}
    for packet in packets:
        counted = feeds.setdefault(packet.source, {})
        counted[packet.status] = counted.get(packet.status, 0) + 1
        wrong[packet.source] = wrong.get(packet.source, 0) + bool(packet.problems)
    return DeliveriesAnswer(
        now=now,
        complete=not any(packet.is_faulty for packet in packets),
        feeds=tuple(
            FeedAnswer(
                source=name,
                title=TextAnswer(zh=spec.feeds[name].zh, en=spec.feeds[name].en) if name in spec.feeds else None,
                packets=counted,
                wrong=wrong.get(name, 0),
            )
            for name, counted in feeds.items()
        ),
        packets=tuple(
            PacketAnswer.model_validate(vars(packet) | {"problems": tuple(map(TextAnswer.of, packet.problems))})
            for packet in packets
            if packet.is_notable
        ),
        alarms=tuple(map(AlarmAnswer.of, unclosed_alarms(store.home))),
    )


def acknowledge_feed(
    store: Store, source: str, body: DeliveryAcknowledgementBody, *, key: str | None = None
) -> AlarmsAnswer:
    """Store who takes care of the open alarms of a feed. Raises :class:`Invalid` where none is open."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    with refused("source"):
        alarms = acknowledge(
            store.home, source, by=body.by, note=body.note, day=body.business_date, at=now, idempotency_key=key
        )
    return AlarmsAnswer(alarms=tuple(map(AlarmAnswer.of, alarms)))

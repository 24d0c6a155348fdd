"""Packets: what was due from each feed for each business day, and what came of it, as known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.messages import Message, chain
from perfml.project.trust.delivery_spec import DeliveriesSpec, FeedSpec, Limits
from perfml.trust.deliveries.due import business_days, deadline

PacketStatus = Literal["expected", "received", "late", "missing"]
PacketDays = Mapping[tuple[str, dt.date], "Arrival"]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What is recorded of one packet: in the table ``deliveries``, or on its receipt."""

    due_at: dt.datetime | None = None
    received_at: dt.datetime | None = None
    rows: int | None = None
    total: Decimal | None = None
    applied: int | None = None
    """Rows of the day that the table of the feed holds; None where they are not counted."""

    def with_more(self, other: Arrival) -> Arrival:
        """This arrival together with another one for the same day: the first moment, all rows."""
        moments = [each.received_at for each in (self, other) if each.received_at is not None]
        totals = [each.total for each in (self, other) if each.total is not None]
        return Arrival(
            due_at=self.due_at or other.due_at,
            received_at=min(moments, default=None),
            rows=(self.rows or 0) + (other.rows or 0),
            total=sum(totals, Decimal(0)) if totals else None,
        )


@dataclass(frozen=True, kw_only=True)
class Packet:
    """The delivery of one feed for one business day. Moments are in UTC, without a zone."""

    source: str
    business_date: dt.date
    due_at: dt.datetime | None
    """None where nobody says until when it is due."""
    received_at: dt.datetime | None
    rows: int | None
    total: Decimal | None
    status: PacketStatus
    """``expected`` until it is due; then ``missing`` until it comes; ``late`` where it came after it was due."""
    problems: tuple[Message, ...] = ()
    """Figures out of the range that is expected."""

    @property
    def is_faulty(self) -> bool:
        """Whether it was due and has not come, or came with figures out of their range."""
        return self.status == "missing" or bool(self.problems)

    @property
    def is_notable(self) -> bool:
        """Whether it did not simply come in time."""
        return self.status != "received" or bool(self.problems)

    def to_json(self) -> dict[str, object]:
        """As JSON; problems as codes with values."""
        return {
            "source": self.source,
            "business_date": self.business_date.isoformat(),
            "due_at": _iso(self.due_at),
            "received_at": _iso(self.received_at),
            "rows": self.rows,
            "total": None if self.total is None else str(self.total),
            "status": self.status,
            "problems": [problem.model_dump(mode="json") for problem in self.problems],
        }


def packets(spec: DeliveriesSpec, arrivals: Sequence[PacketDays], *, now: dt.datetime) -> list[Packet]:
    """Every packet that was expected up to ``now`` or is recorded in ``arrivals``, ordered by source and day.

    Of several records of a packet the first arrival counts; the first of ``arrivals`` that has a due moment or a figure says it.
    What arrives after ``now`` has not arrived.
    """
    expected: set[tuple[str, dt.date]] = {
        (source, day)
        for source, feed in spec.feeds.items()
        for day in business_days(feed, spec.calendar_of(feed), until=now.date())
    }
    recorded = {key for days in arrivals for key in days if key[1] <= now.date()}
    return [
        _packet(spec, key, [days[key] for days in arrivals if key in days], now=now)
        for key in sorted(expected | recorded)
    ]


def _packet(spec: DeliveriesSpec, key: tuple[str, dt.date], records: Sequence[Arrival], *, now: dt.datetime) -> Packet:
    source, day = key
    feed = spec.feeds.get(source)
    moments = [each.received_at for each in records if each.received_at is not None and each.received_at <= now]
    received = min(moments, default=None)
    due = next((each.due_at for each in records if each.due_at is not None), None)
    if due is None and feed is not None:
        due = deadline(feed, spec.calendar_of(feed), day)
    rows = next((each.rows for each in records if each.rows is not None), None) if received else None
    total = next((each.total for each in records if each.total is not None), None) if received else None
    applied = next((each.applied for each in records if each.applied is not None), None) if received else None
    return Packet(
        source=source,
        business_date=day,
        due_at=due,
        received_at=received,
        rows=rows,
        total=total,
        status=_status(due, received, now),
        problems=tuple(_problems(feed, rows, total, applied=applied)) if feed is not None else (),
    )


def _status(due: dt.datetime | None, received: dt.datetime | None, now: dt.datetime) -> PacketStatus:
    if received is not None:
        return "late" if due is not None and received > due else "received"
    return "missing" if due is not None and now > due else "expected"


def _problems(feed: FeedSpec, rows: int | None, total: Decimal | None, *, applied: int | None) -> Iterable[Message]:
    if rows is not None and applied is not None and applied < rows:
        yield Message.of("delivery_incomplete", announced=f"{rows:,}", applied=f"{applied:,}")
    figures: tuple[tuple[str, int | Decimal | None, Limits], ...] = (
        ("delivery_rows", rows, feed.rows),
        ("delivery_total", total, feed.total),
    )
    for code, value, limits in figures:
        if value is not None and not limits.hold(value):
            yield Message.of(code, value=f"{value:,}", limits=_range(limits))


def _range(limits: Limits) -> Message | str:
    low = None if limits.least is None else Message.of("delivery_least", value=f"{limits.least:,}")
    high = None if limits.most is None else Message.of("delivery_most", value=f"{limits.most:,}")
    return chain("listed", [bound for bound in (low, high) if bound is not None])


def table_days(data: Data, spec: DeliveriesSpec) -> PacketDays:
    """What the table ``deliveries`` records. A row counts whenever it was written: its own moments say what came when."""
    if not data.has("deliveries"):
        return {}
    rows = data.connection.execute(
        "select source, business_date, due_at, received_at, row_count, total from deliveries where superseded_day is null"
    ).fetchall()
    counted = {source: _rows_by_day(data, source, feed) for source, feed in spec.feeds.items()}
    return {
        (source, day): Arrival(
            due_at=due,
            received_at=received,
            rows=count,
            total=None if total is None else Decimal(repr(total)),
            applied=None if (days := counted.get(source)) is None else days.get(day, 0),
        )
        for source, day, due, received, count, total in rows
    }


def _rows_by_day(data: Data, source: str, feed: FeedSpec) -> dict[dt.date, int] | None:
    """Rows of each business day in the table of a feed, those set aside included; None where the table does not say which
    source and which day a row belongs to: a moment may belong to another day in the zone of the feed."""
    table = feed.table
    if table is None or not data.has(table) or "source" not in data.columns[table]:
        return None
    happened = data.specs[table].happened
    if happened is None or data.specs[table].columns[happened].type != "date":
        return None
    rows = data.connection.execute(
        f"select day, sum(n)::bigint from (select happened_day as day, count(*) as n from {quoted(table)} where source = $1"
        " group by all union all select happened_day, count(*) from quarantine where table_name = $2 group by all)"
        " where day is not null group by day",
        [source, table],
    ).fetchall()
    return dict(rows)


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

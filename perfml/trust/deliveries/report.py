"""One look at the deliveries: what came, what is open, who was told."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfml.errors import DefinitionError, choose_from
from perfml.evidence.sources import Data
from perfml.project.folder import ProjectFolder
from perfml.project.trust.delivery_spec import DeliveriesSpec
from perfml.trust.deliveries.alarm_log import Alarm, unclosed_alarms
from perfml.trust.deliveries.alarms import Watch, watch
from perfml.trust.deliveries.inbox import receipt_days
from perfml.trust.deliveries.packets import Packet, packets, table_days
from perfml.trust.outbox import Carried, deliver


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """The packets up to a moment (UTC, without a zone), the alarms that are not closed, and what the look at them changed."""

    now: dt.datetime
    packets: tuple[Packet, ...]
    alarms: tuple[Alarm, ...]
    watch: Watch
    carried: Carried
    """The messages that were carried to people, and those that wait."""

    @property
    def complete(self) -> bool:
        """Whether every packet that was due has come with figures in their range."""
        return not any(packet.is_faulty for packet in self.packets)

    def counts(self) -> dict[str, Counter[str]]:
        """Source → status → number of packets."""
        by_source: dict[str, Counter[str]] = {}
        for packet in self.packets:
            counted = by_source.setdefault(packet.source, Counter())
            counted[packet.status] += 1
            counted["wrong"] += bool(packet.problems)
        return by_source

    def to_json(self) -> dict[str, object]:
        """As JSON; of the packets those that did not simply come in time."""
        return {
            "now": self.now.isoformat(),
            "complete": self.complete,
            "counts": {source: dict(counted) for source, counted in self.counts().items()},
            "packets": [packet.to_json() for packet in self.packets if packet.is_notable],
            "alarms": [alarm.to_json() for alarm in self.alarms],
            "raised": [alarm.to_json() for alarm in self.watch.raised],
            "escalated": [alarm.to_json() for alarm in self.watch.escalated],
            "closed": [alarm.to_json() for alarm in self.watch.closed],
            "messages": {"carried": len(self.carried.delivered), "waiting": len(self.carried.waiting)},
            "problem": self.carried.problem,
        }


def table_of_feed(folder: ProjectFolder, source: str, table: str | None) -> str:
    """The table that the packets of a feed are for: ``table``, else what its definition says.

    Raises :class:`DefinitionError` where neither names one.
    """
    feed, tables = folder.deliveries.feeds.get(source), folder.definitions.tables
    name = table or (feed.table if feed is not None else None)
    if name is None:
        remedy = f'write table = "…" for it in features/deliveries.toml, or --table: one of {", ".join(tables)}'
        raise DefinitionError("does not say whose rows its packets hold", where=f"feed {source!r}", remedy=remedy)
    if name not in tables:
        raise DefinitionError(f"{name!r} is no table", where="--table", remedy=choose_from(tables, instead_of=name))
    return name


def delivery_packets(home: Path, spec: DeliveriesSpec, data: Data | None, *, now: dt.datetime) -> list[Packet]:
    """The packets up to ``now``: the table ``deliveries`` of ``data`` together with the receipts of ``home``."""
    tables = [] if data is None else [table_days(data, spec)]
    return packets(spec, [*tables, receipt_days(home)], now=now)


def report_deliveries(home: Path, spec: DeliveriesSpec, seen: Sequence[Packet], *, now: dt.datetime) -> DeliveryReport:
    """Raise, escalate and close alarms for the packets ``seen``, and carry the messages."""
    changed = watch(home, spec, seen, now=now)
    return DeliveryReport(
        now=now,
        packets=tuple(seen),
        alarms=tuple(unclosed_alarms(home)),
        watch=changed,
        carried=deliver(home),
    )

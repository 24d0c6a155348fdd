"""The verbs of deliveries: what was due and what came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perfml.api.shared import DataLocation, date_or_none
from perfml.dates import DateLike, MomentLike, moment_of

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.trust.deliveries.alarm_log import Alarm
    from perfml.trust.deliveries.inbox import Receipt
    from perfml.trust.deliveries.report import DeliveryReport


def deliveries(project: Project, data: DataLocation | None = None, *, now: MomentLike | None = None) -> DeliveryReport:
    """What was due from each feed of ``features/deliveries.toml`` by ``now`` (default: the clock's), and what came.

    A missed deadline raises an alarm once; its owner is told through the outbox, and the person of the escalation where
    nobody acknowledges. ``data``: where the table ``deliveries`` lies (default: ``perfml.toml``'s source, if it names one).
    """
    from perfml.trust.deliveries.report import delivery_packets, report_deliveries

    moment, spec = moment_of(now), project.folder.deliveries
    if data is None and project.folder.spec.data.source is None:
        seen = delivery_packets(project.home, spec, None, now=moment)
    else:
        with project.open(data, strict=False) as opened:
            seen = delivery_packets(project.home, spec, opened, now=moment)
    return report_deliveries(project.home, spec, seen, now=moment)


def acknowledge(
    project: Project,
    source: str,
    *,
    by: str,
    note: str = "",
    day: DateLike | None = None,
    now: MomentLike | None = None,
) -> list[Alarm]:
    """Store that ``by`` takes care of the open alarms of a feed (of one business ``day``); nobody is told further.

    Raises :class:`PerfmlError` where none is open.
    """
    from perfml.trust.deliveries.alarm_log import acknowledge

    return acknowledge(project.home, source, by=by, note=note, day=date_or_none(day), at=moment_of(now))


def receive(
    project: Project, source: str, file: str | Path, *, table: str | None = None, now: MomentLike | None = None
) -> Receipt:
    """Keep a late packet of rows of a feed, once: its rows are read with the tables of the company from then on.

    ``table``: whose rows they are (default: the one of the feed in ``features/deliveries.toml``). A correction or a
    retraction is a row with the same key and a later ``known_at``. When this returns, the packet is on disk.
    Raises :class:`DataError` for a file that cannot be read or rows without their key.
    """
    from perfml.trust.deliveries.inbox import receive
    from perfml.trust.deliveries.packet_files import packet_rows
    from perfml.trust.deliveries.report import table_of_feed

    name = table_of_feed(project.folder, source, table)
    spec = project.folder.definitions.tables[name]
    return receive(project.home, source, packet_rows(Path(file)), table=name, spec=spec, at=moment_of(now))

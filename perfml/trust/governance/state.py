"""The state of the system that the checklist judges, read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.evidence.sources import Data
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import current_version, read_record, versions
from perfml.project.folder import ProjectFolder
from perfml.trust.audit.verifying import Verification, verify
from perfml.trust.definitions.clashes import Clash, clashes
from perfml.trust.definitions.undefined import OtherVersion, UndefinedMetric, other_versions, undefined_metrics
from perfml.trust.definitions.versions import VersionHistory, history
from perfml.trust.deliveries.alarm_log import Alarm, read_alarms
from perfml.trust.deliveries.inbox import inbox, receipts
from perfml.trust.deliveries.packets import Packet
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.notices.notice_log import NoticeLog, NoticeState
from perfml.trust.notices.retention import Retention, retention
from perfml.trust.notices.withheld import notices_of
from perfml.trust.reconciliation.reconcile import Reconciliation, reconcile


@dataclass(frozen=True, kw_only=True)
class SystemState:
    """What the rules look at. ``None``: it is not known, as no data were named or nothing is recorded."""

    day: dt.date
    folder: ProjectFolder
    history: VersionHistory
    clashes: tuple[Clash, ...]
    undefined: tuple[UndefinedMetric, ...] | None
    other_versions: tuple[OtherVersion, ...] | None
    packets: tuple[Packet, ...] | None
    alarms: tuple[Alarm, ...]
    received: int
    """Packets in the inbox."""
    damaged_inbox: str | None
    """What is wrong with the inbox."""
    holds: tuple[Hold, ...]
    disputes: tuple[Dispute, ...]
    reconciliation: Reconciliation | None
    records: Mapping[str, TrainingRecord]
    """Model → training record of the version in use, of models that are trained."""
    scored: Mapping[str, dt.date]
    """Employee → the newest date at which they have a score."""
    notices: Mapping[str, NoticeState]
    retention: Retention
    audit: Verification

    @classmethod
    def of(
        cls,
        home: Path,
        folder: ProjectFolder,
        data: Data | None,
        *,
        day: dt.date,
        packets: Sequence[Packet],
        scored: Mapping[str, dt.date],
    ) -> SystemState:
        """Read it from ``home``, ``folder`` and, where it is given, ``data``."""
        known, metrics = history(home), folder.metrics
        try:
            inbox(home)
            damaged = None
        except PerfmlError as error:
            damaged = str(error)
        return cls(
            day=day,
            folder=folder,
            history=known,
            clashes=clashes(metrics, known, data, day),
            undefined=None if data is None else undefined_metrics(data, metrics),
            other_versions=None if data is None else other_versions(data, metrics, day),
            packets=tuple(packets) if folder.deliveries.feeds or packets else None,
            alarms=tuple(read_alarms(home).values()),
            received=len(receipts(home)),
            damaged_inbox=damaged,
            holds=HoldLog(home).active(),
            disputes=DisputeLog(home, folder.spec.disputes).disputes(),
            reconciliation=None if data is None else reconcile(data, metrics, known, day, packets=packets),
            records=_records(home, folder),
            scored=scored,
            notices=NoticeLog(home).states(),
            retention=retention(home, years=notices_of(folder).retention_years, today=day),
            audit=verify(home),
        )


def _records(home: Path, folder: ProjectFolder) -> dict[str, TrainingRecord]:
    trained = [name for name in folder.models if versions(home, name)]
    return {name: read_record(home, name, current_version(home, name)) for name in trained}

"""The verbs of figures that two systems tell differently: definitions, reconciliation, re-based targets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from perfml.api.shared import DataLocation, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike, date_of
from perfml.evidence.record_end import as_of_day, end_of_record
from perfml.evidence.sources import Data
from perfml.trust.definitions.holding import hold_clashes

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.trust.definitions.report import DefinitionsReport
    from perfml.trust.definitions.versions import MetricVersion
    from perfml.trust.reconciliation.reconcile import Reconciliation


def definitions(
    project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None
) -> DefinitionsReport:
    """What each metric means, who signed off its version, where sources clash and, given ``data``, whom that affects
    and which metrics nobody has defined."""
    from perfml.trust.definitions.report import definitions_report

    if data is None and project.folder.spec.data.source is None:
        return definitions_report(project.folder.metrics, project.home)
    with project.open(data, strict=False) as opened:
        day = date_of(as_of) if as_of else end_of_record(opened)
        return definitions_report(project.folder.metrics, project.home, data=opened, as_of=day)


def sign_off(
    project: Project, metric: str, version: int, *, by: str, reason: str, on: DateLike | None = None
) -> MetricVersion:
    """Put a version of a metric's definition in force, in the name of ``by``, and lift what its clashes held.

    ``on``: default today. Raises :class:`PerfmlError` for another version than the one that stands in
    ``features/definitions.toml``, and without a name or a reason.
    """
    from perfml.trust.definitions.holding import lift_holds
    from perfml.trust.definitions.versions import sign_off

    signed = sign_off(project.home, project.folder.metrics, metric, version=version, by=by, reason=reason)
    day = date_of(on) if on else dt.datetime.now(dt.UTC).date()
    lift_holds(project.home, metric, by=by, reason=reason, on=day)
    return signed


def reconcile(project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> Reconciliation:
    """Compare what two systems report of each metric, on the same basis, the same attribution and closed days only.

    Each gap comes with its bridge, exact to the last decimal place; ``as_of``: default the end of the facts. A gap over the
    limit holds the affected entities and nobody else; for those held before, it is noted whether the day was clean.
    """
    from perfml.trust.reconciliation.cells import end_of_facts
    from perfml.trust.reconciliation.holding import hold_gaps

    with project.open(data) as opened:
        reconciliation = reconciled(project, opened, date_of(as_of) if as_of else end_of_facts(opened))
    hold_gaps(project.home, reconciliation, project.folder.metrics)
    return reconciliation


def write_reconciliation(project: Project, reconciliation: Reconciliation, out: str | Path) -> Path:
    """Write a reconciliation as an HTML page with the picture of each bridge, in English and Chinese; return its path."""
    from perfml.report.reconciliation.writing import write_reconciliation

    return write_reconciliation(Path(out), reconciliation, project.folder.metrics)


def rebase(project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> pa.Table:
    """Propose what targets set under an earlier meaning of their metric become; see ``perfml.advice.targets.rebase``.

    Kept under ``home`` like suggestions, so that :meth:`decide` takes their ids. Nothing applies by itself.
    """
    from perfml.advice.suggestion_files import keep_suggestions
    from perfml.advice.targets.rebase import POLICY, rebase
    from perfml.trust.definitions.versions import history

    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        proposals = rebase(opened, project.folder.metrics, history(project.home), day, held=held)
        keep_who_is_who(project, opened, day)
    keep_suggestions(proposals, project.home, policy=POLICY, as_of=day)
    seen(project, f"suggestions {POLICY}/{day}", people_of(proposals))
    return proposals


def reconciled(project: Project, opened: Data, day: dt.date) -> Reconciliation:
    """The reconciliation of ``day`` over tables that are open."""
    from perfml.trust.deliveries.report import delivery_packets
    from perfml.trust.reconciliation.holding import doubted_since
    from perfml.trust.reconciliation.reconcile import reconcile

    history = hold_clashes(project.home, project.folder.metrics, opened, day)
    end = dt.datetime.combine(day, dt.time()) - dt.timedelta(microseconds=1)
    packets = delivery_packets(project.home, project.folder.deliveries, opened, now=end)
    return reconcile(opened, project.folder.metrics, history, day, packets=packets, since=doubted_since(project.home))

"""The verbs of exports: lists for other systems."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from perfml.api.shared import GivenData, date_or_none, keep_who_is_who, people_of, seen, today_or
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.project.trust.export_spec import ExportsSpec

if TYPE_CHECKING:
    import pyarrow as pa

    from perfml.api import Project
    from perfml.outgoing.facts.rows import FactKind
    from perfml.outgoing.ledger import ExportDelivery
    from perfml.outgoing.sending import DueExport


def export(
    project: Project,
    name: str,
    as_of: DateLike | None = None,
    *,
    slot: DateLike | None = None,
) -> ExportDelivery:
    """Make the export ``name`` of ``serve/exports.toml`` at ``as_of`` (default: the newest date) and send it to its receiver.

    The same content is delivered once, however often this is called; what a receiver does not take stands in the result as
    ``waiting`` or ``given_up``. Nobody is in it who is held, has opted out or disputes a fact; lists of facts say so instead.
    ``slot``: the due day that it answers. Raises :class:`PerfmlError` where it cannot be made.
    """
    from perfml.outgoing.sending import export_of, send_export

    return send_export(
        project.home,
        name,
        export_of(project.folder.exports, name),
        as_of=date_or_none(as_of),
        slot=date_or_none(slot),
        now=dt.datetime.now(dt.UTC),
    )


def prepare_exports(project: Project, data: GivenData | None = None, as_of: DateLike | None = None) -> dict[str, int]:
    """Read the facts that exports carry at ``as_of`` (default: the end of the record) and keep them: eligibility for openings,
    ratings with those in dispute, the feed of events. Returns how many rows there are of each kind. No score is read."""
    from perfml.outgoing.facts.making import eligibility, events, ratings
    from perfml.outgoing.facts.rows import RATING, keep_facts, newest_before

    metric = project.folder.metrics.metrics.get(RATING)
    version = metric.version if metric else 1
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        tables: dict[FactKind, pa.Table] = {
            "eligibility": eligibility(opened, day),
            "ratings": ratings(opened, day, definition_version=version),
            "events": events(opened, day, before=newest_before(project.home, "events", day)),
        }
        keep_who_is_who(project, opened, day)
    if opened.withheld != opened.withheld.decided:
        with project.open(data, disputed=True) as opened:
            tables["ratings"] = ratings(opened, day, definition_version=version)
    for kind, table in tables.items():
        keep_facts(kind, table, project.home, as_of=day)
    seen(project, f"facts {day}", {person for table in tables.values() for person in people_of(table)})
    return {kind: len(table) for kind, table in tables.items()}


def exports(project: Project) -> ExportsSpec:
    """The exports that are defined. Raises :class:`DefinitionError`, also for a column that there is not."""
    from perfml.outgoing.content import columns_of

    for name, spec in project.folder.exports.exports.items():
        columns_of(name, spec)
    return project.folder.exports


def exports_due(project: Project, today: DateLike | None = None) -> tuple[DueExport, ...]:
    """What is scheduled, was due by ``today`` (default: the clock's day) and is neither delivered nor given up."""
    from perfml.outgoing.sending import due_exports

    return due_exports(project.home, project.folder.exports, today_or(today))


def export_ledger(project: Project, name: str | None = None) -> list[ExportDelivery]:
    """What was sent where, and what came of it, in the order in which it began."""
    from perfml.outgoing.ledger import ExportLedger

    return ExportLedger(project.home).deliveries(name)

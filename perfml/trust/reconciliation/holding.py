"""Holds on gaps over the limit, and the clean days after which a person may lift them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.messages import Message
from perfml.project.trust.metrics import MetricsSpec
from perfml.trust.entity_names import entity_message
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import hold_key, notify
from perfml.trust.reconciliation.bridge import Reconciled
from perfml.trust.reconciliation.reconcile import Reconciliation


def doubted_since(home: Path) -> dt.date | None:
    """The first day of a gap that an entity is held for now; None where none is."""
    holds = (hold for hold in HoldLog(home).active() if hold.cause == "reconciliation")
    return min((hold.since for hold in holds), default=None)


def hold_gaps(home: Path, reconciliation: Reconciliation, metrics: MetricsSpec) -> tuple[Hold, ...]:
    """Hold every entity over its limit and nobody else, tell the owner, and note of each earlier hold whether the day was clean.

    Return the holds on gaps that are in force now.
    """
    log, day = HoldLog(home), reconciliation.as_of
    over: dict[str, Reconciled] = {}
    for row in reconciliation.over_limit:
        over.setdefault(row.entity, row)
    before = {hold.entity: hold for hold in log.active() if hold.cause == "reconciliation"}
    compared = {
        row.entity for row in (*reconciliation.rows, *reconciliation.entities) if row.standing != "insufficient"
    }
    for entity, hold in before.items():
        if entity in compared:
            log.seen(hold.hold_id, day=day, clean=entity not in over)
    for entity, row in over.items():
        if entity not in before:
            message = _message(row, metrics)
            hold = log.set(entity, cause="reconciliation", message=message, on=day, since=row.first_gap_day)
            owner = metrics.metrics[row.metric].owner
            notify(home, recipient=owner, message=message, key=hold_key(hold.hold_id), subject=entity)
    return tuple(hold for hold in log.active() if hold.cause == "reconciliation")


def _message(row: Reconciled, metrics: MetricsSpec) -> Message:
    spec, matched = metrics.metrics[row.metric], row.matched
    percent = matched.percent
    return Message.of(
        "reconcile_held",
        entity=entity_message(row.entity),
        month=f"{row.month:%Y-%m}",
        reference=spec.reference or "",
        actuals=spec.actuals or "",
        percent="∞" if percent is None else f"{percent:.2f}",
        limit=f"{row.limit_percent:f}",
        missing=f"{matched.missing:,} {spec.unit}",
        unexplained=f"{matched.gap - matched.missing:,} {spec.unit}",
    )

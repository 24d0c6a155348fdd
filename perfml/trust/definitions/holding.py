"""Holds on whom a clash of definitions affects: set before anybody is scored, lifted by the sign-off of a new version."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.evidence.sources import Data
from perfml.messages import Message, chain
from perfml.project.trust.metrics import MetricsSpec
from perfml.trust.definitions.affected import affected
from perfml.trust.definitions.clashes import Clash, clashes
from perfml.trust.definitions.versions import VersionHistory, remember
from perfml.trust.entity_names import entity_message
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import notify


def hold_clashes(home: Path, metrics: MetricsSpec, data: Data, as_of: dt.date) -> VersionHistory:
    """Hold everybody whom a clash that stops affects, as known before ``as_of``, and tell the metric's owner.

    Return the versions that the clashes were looked for in. Whoever is held already is not held again.
    """
    history = remember(home, metrics)
    for clash in clashes(metrics, history, data, as_of):
        if clash.stops:
            _hold(home, metrics, data, clash, as_of)
    return history


def _hold(home: Path, metrics: MetricsSpec, data: Data, clash: Clash, as_of: dt.date) -> None:
    entities = affected(data, clash, metrics.metrics[clash.metric], as_of)
    message = Message.of(
        "definition_told",
        clash=clash.message,
        metric=clash.metric,
        affected=chain("listed", map(entity_message, entities)),
    )
    log = HoldLog(home)
    held = {hold.entity for hold in log.active() if hold.cause == "definition"}
    holds = [
        log.set(entity, cause="definition", message=message, on=as_of, since=_first_day(data, clash.metric, as_of))
        for entity in entities
        if entity not in held
    ]
    if holds:
        key = f"definition/{clash.metric}/{clash.aspect}/{min(hold.hold_id for hold in holds)}"
        notify(home, recipient=clash.owner, message=message, key=key, subject=f"metric:{clash.metric}")


def _first_day(data: Data, metric: str, as_of: dt.date) -> dt.date:
    """The day from which numbers of ``metric`` are in doubt: the first that any table has, at the latest the one before."""
    dated = {"facts": "business_date", "goals": "period_start"}
    days = [as_of - dt.timedelta(days=1)]
    for table, column in dated.items():
        if data.has(table):
            query = f"select min({column}) from {table} where metric = ? and usable_day < ?"
            days += [day for (day,) in data.connection.execute(query, [metric, as_of]).fetchall() if day is not None]
    return min(days)


def lift_holds(home: Path, metric: str, *, by: str, reason: str, on: dt.date) -> tuple[Hold, ...]:
    """Lift the holds that a clash of ``metric`` set, in the name of who signed the new version off; return them."""
    log = HoldLog(home)
    return tuple(
        log.release(hold.hold_id, by=by, reason=reason, on=on)
        for hold in log.active()
        if hold.cause == "definition" and hold.message.values.get("metric") == metric
    )

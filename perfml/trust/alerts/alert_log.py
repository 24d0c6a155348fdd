"""Alerts in the store: looks entered with the messages that they cause, and who takes care of what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.project.trust.alert_spec import AlertReader, AlertsSpec
from perfml.store.record_store import (
    NewEntry,
    RecordStore,
    StoredEntry,
    add_entries,
    caller_key,
    read_entries,
    stored_before,
)
from perfml.store.tables import ALERTS
from perfml.trust.alerts.alert import Acknowledged, Alert, Look, Sighting
from perfml.trust.alerts.folding import ACKNOWLEDGED, LOOKED, SEEN, fold
from perfml.trust.alerts.wording import escalated_message, raised_message
from perfml.trust.outbox import queue


def read_alerts(home: Path) -> tuple[Alert, ...]:
    """Every alert in the store of ``home``."""
    return fold(RecordStore(home).read(ALERTS))


def looked(home: Path) -> frozenset[tuple[str, dt.date]]:
    """The rules with the days on which they looked."""
    return frozenset(_looked(RecordStore(home).read(ALERTS)))


def enter(home: Path, spec: AlertsSpec, looks: Iterable[Look], *, day: dt.date) -> tuple[Alert, ...]:
    """Store what rules saw on ``day``, with the messages to whom it concerns, all or nothing; return every alert.

    The first look of a rule at a day stands: what is entered again changes nothing. A look at a day before the newest one of the
    rule is history, and nobody is told of it.
    """
    with RecordStore(home).transaction() as connection:
        days: dict[str, set[dt.date]] = {}
        entries = read_entries(connection, ALERTS)
        for rule, earlier in _looked(entries):
            days.setdefault(rule, set()).add(earlier)
        new = [look for look in looks if look.insufficient is None and day not in days.get(look.rule, ())]
        entries += add_entries(connection, ALERTS, [entry for look in new for entry in _entries(spec, look)])
        alerts = fold(entries)
        for look in new:
            if day >= max(days.get(look.rule, ()), default=day):
                _inform(connection, spec, look, [each for each in alerts if each.first.rule == look.rule])
    return alerts


def acknowledge(
    home: Path, alert_id: str, *, by: str, on: dt.date, note: str = "", idempotency_key: str | None = None
) -> Alert:
    """Store that ``by`` takes care of an alert. The first acknowledgement stands.

    Raises :class:`PerfmlError` for an unknown alert, one that is acknowledged already, and without a name.
    """
    if not by.strip():
        raise PerfmlError("is empty", where="--by", remedy="say who takes care of it")
    with RecordStore(home).transaction() as connection:
        alerts = fold(read_entries(connection, ALERTS))
        alert = next((each for each in alerts if alert_id in each.ids), None)
        if alert is None:
            raise PerfmlError(f"{alert_id!r} is no alert", where="alert", remedy="`perfml alerts` lists them")
        first = alert.first
        request: JsonObject = {
            "event": ACKNOWLEDGED,
            "rule": first.rule,
            "employee_id": first.employee_id,
            "day": first.day.isoformat(),
            "by": by,
            "note": note,
        }
        subject = f"employee:{first.employee_id}"
        if stored_before(connection, ALERTS, idempotency_key, subject=subject, request=request):
            return alert
        if alert.acknowledged is not None:
            taken = f"{alert.acknowledged.by} takes care of it since {alert.acknowledged.on}"
            raise PerfmlError(taken, where=f"alert {alert_id}", remedy="nothing needs to be done")
        own = f"{ACKNOWLEDGED}/{first.rule}/{first.employee_id}/{first.day}"
        entry = NewEntry(
            key=own if idempotency_key is None else caller_key(idempotency_key),
            subject=subject,
            entry={**request, "on": on.isoformat()},
        )
        add_entries(connection, ALERTS, [entry])
    return replace(alert, acknowledged=Acknowledged(by=by, on=on, note=note))


def _entries(spec: AlertsSpec, look: Look) -> Iterator[NewEntry]:
    rule = spec.rules[look.rule]
    yield NewEntry(
        key=f"{LOOKED}/{look.rule}/{look.day}",
        subject=f"rule:{look.rule}",
        entry={
            "event": LOOKED,
            "rule": look.rule,
            "version": rule.version,
            "day": look.day.isoformat(),
            "cooldown_days": rule.cooldown_days,
            "acknowledge_days": rule.acknowledge_days,
            "silent": sorted(look.silent),
        },
    )
    for sighting in look.seen:
        yield NewEntry(
            key=f"{SEEN}/{look.rule}/{sighting.employee_id}/{look.day}",
            subject=f"employee:{sighting.employee_id}",
            entry={"event": SEEN, **sighting.to_json()},
        )


def _inform(connection: sql.Connection, spec: AlertsSpec, look: Look, alerts: Iterable[Alert]) -> None:
    """Queue the messages of the alerts that ``look`` raises or escalates."""
    rule, seen = spec.rules[look.rule], {sighting.employee_id: sighting for sighting in look.seen}
    for alert in alerts:
        first = alert.first
        if first.day == look.day:
            for reader in rule.to:
                message = raised_message(rule, first, reader)
                _queue(connection, spec, first, reader, event="raised", message=message)
        if alert.escalated_on == look.day and rule.escalate_to is not None:
            now = seen[first.employee_id]
            message = escalated_message(now, rule.escalate_to, alert_id=first.alert_id, raised=first.day)
            _queue(connection, spec, now, rule.escalate_to, event="escalated", message=message)


def _queue(
    connection: sql.Connection,
    spec: AlertsSpec,
    sighting: Sighting,
    reader: AlertReader,
    *,
    event: str,
    message: Message,
) -> None:
    """Queue a message for ``reader``; HR reads for whoever has no manager."""
    person = {"employee": sighting.employee_id, "manager": sighting.manager_id, "hr": None}[reader]
    queue(
        connection,
        recipient=spec.hr.recipient if person is None else spec.address.format(employee_id=person),
        message=message,
        key=f"alert/{event}/{sighting.rule}/{sighting.employee_id}/{sighting.day}/{reader}",
        subject=f"alert {sighting.rule}",
    )


def _looked(entries: Iterable[StoredEntry]) -> Iterator[tuple[str, dt.date]]:
    for each in entries:
        if each.entry["event"] == LOOKED:
            yield str(each.entry["rule"]), dt.date.fromisoformat(str(each.entry["day"]))

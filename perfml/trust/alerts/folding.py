"""What the entries about alerts add up to: a pure function, in which the order of arrival does not matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from perfml.messages import Bilingual
from perfml.store.record_store import StoredEntry
from perfml.trust.alerts.alert import Acknowledged, Alert, AlertRow, Sighting

LOOKED, SEEN, ACKNOWLEDGED = "looked", "seen", "acknowledged"


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """A look of a rule: its deadlines as they were then, and of whom nothing was said."""

    cooldown_days: int
    acknowledge_days: int
    silent: Set[str]


def stretches(days: Iterable[dt.date], cooldown_days: Mapping[dt.date, int] | int) -> list[list[dt.date]]:
    """``days`` in stretches: a day within the cooldown after another belongs to the same stretch.

    >>> [len(each) for each in stretches([dt.date(2026, 1, day) for day in (1, 8, 22)], 7)]
    [2, 1]
    """
    parts: list[list[dt.date]] = []
    for day in sorted(set(days)):
        cooldown = cooldown_days if isinstance(cooldown_days, int) else cooldown_days[day]
        if parts and (day - parts[-1][-1]).days <= cooldown:
            parts[-1].append(day)
        else:
            parts.append([day])
    return parts


def fold(entries: Iterable[StoredEntry]) -> tuple[Alert, ...]:
    """The alerts of ``entries``, in the order of their first days. Of several acknowledgements the earliest counts."""
    looks: dict[str, dict[dt.date, _Looked]] = {}
    seen: dict[tuple[str, str], dict[dt.date, Sighting]] = {}
    answers: dict[tuple[str, str], list[tuple[dt.date, Acknowledged]]] = {}
    for stored in sorted(entries, key=lambda entry: entry.number):
        entry: Mapping[str, Any] = stored.entry
        day = dt.date.fromisoformat(entry["day"])
        if entry["event"] == LOOKED:
            looks.setdefault(entry["rule"], {})[day] = _Looked(
                cooldown_days=entry["cooldown_days"],
                acknowledge_days=entry["acknowledge_days"],
                silent=frozenset(entry["silent"]),
            )
            continue
        whose = (entry["rule"], entry["employee_id"])
        if entry["event"] == SEEN:
            seen.setdefault(whose, {}).setdefault(day, _sighting(entry, day))
        elif entry["event"] == ACKNOWLEDGED:
            given = Acknowledged(by=entry["by"], on=dt.date.fromisoformat(entry["on"]), note=entry["note"])
            answers.setdefault(whose, []).append((day, given))
    alerts = []
    for whose, sightings in seen.items():
        of_rule = looks.get(whose[0], {})
        cooldowns = {day: of_rule[day].cooldown_days for day in sightings if day in of_rule}  # a look may be erased
        for days in stretches(cooldowns, cooldowns):
            alerts.append(_alert([sightings[day] for day in days], of_rule, answers.get(whose, ())))
    return tuple(sorted(alerts, key=lambda alert: (alert.first.day, alert.first.rule, alert.first.employee_id)))


def _alert(
    sightings: Sequence[Sighting],
    looks: Mapping[dt.date, _Looked],
    answers: Iterable[tuple[dt.date, Acknowledged]],
) -> Alert:
    first, last = sightings[0], sightings[-1].day
    given = [answer for day, answer in answers if first.day <= day <= last]
    acknowledged = min(given, key=lambda answer: (answer.on, answer.by, answer.note), default=None)
    ripe = first.day + dt.timedelta(days=looks[first.day].acknowledge_days)
    late = [each.day for each in sightings if each.day >= ripe and (acknowledged is None or acknowledged.on > each.day)]
    clear = [day for day, look in looks.items() if day > last and first.employee_id not in look.silent]
    return Alert(
        first=first,
        last_seen=last,
        ids=frozenset(each.alert_id for each in sightings),
        acknowledged=acknowledged,
        escalated_on=min(late, default=None),
        resolved_on=min(clear, default=None),
    )


def _sighting(entry: Mapping[str, Any], day: dt.date) -> Sighting:
    return Sighting(
        rule=entry["rule"],
        employee_id=entry["employee_id"],
        day=day,
        numbers=dict(entry["numbers"]),
        rows=tuple(AlertRow(**row) for row in entry["rows"]),
        people=tuple(entry["people"]),
        manager_id=entry["manager_id"],
        texts={reader: Bilingual(**text) for reader, text in entry["texts"].items()},
    )

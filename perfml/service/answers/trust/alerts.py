"""Alerts: what rules over evidence said of people, and who takes care of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Annotated

from pydantic import Field

from perfml.errors import DefinitionError
from perfml.messages import Bilingual, Message
from perfml.project.trust.alert_spec import AlertReader, AlertRule, AlertsSpec, Severity
from perfml.scoring.withheld.withholding import withholding_now
from perfml.service.answers.shared import (
    Answer,
    PageAnswer,
    PageCursor,
    PageLimit,
    PeopleQuery,
    ServiceQuery,
    TextAnswer,
)
from perfml.service.answers.trust.holds import refused, today
from perfml.service.answers.trust.signed import SignedByAccount
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.trust.alerts.alert import Alert, AlertState
from perfml.trust.alerts.alert_log import acknowledge, read_alerts

MOST_A_DAY = 1_000_000
_NOTHING: Mapping[str, AlertRule] = {}


class AlertRowAnswer(Answer):
    """A row that an alert stands on."""

    table: str
    key: str
    happened: str
    """Day; empty for a table without days."""


class ConcernedAnswer(Answer):
    """One of the people of a team whom an alert about their manager counts."""

    employee_id: str


class AlertAnswer(Answer):
    """What a rule said of a person, from the first day of it on."""

    alert_id: str
    rule: str
    title: TextAnswer | None
    """Of the rule; null where the project has no such rule any more."""
    severity: Severity | None
    employee_id: str
    """Whom it concerns; for a rule about a team its manager."""
    day: dt.date
    """When it was raised; what had happened and was known before this day counts."""
    last_seen: dt.date
    state: AlertState
    text: TextAnswer
    """What the reader is told."""
    numbers: Mapping[str, float | None]
    """The figures in the text, by name."""
    rows: tuple[AlertRowAnswer, ...]
    people: tuple[ConcernedAnswer, ...]
    acknowledged_by: str | None
    acknowledged_on: dt.date | None
    note: str
    escalated_on: dt.date | None
    resolved_on: dt.date | None


class AlertsAnswer(PageAnswer):
    """One page of the alerts, the newest first."""

    reader: AlertReader
    states: dict[str, int]
    """Alerts by state, whatever filter was requested."""
    withheld: int
    """Alerts about people of whom nothing is said now: held, or opted out."""
    alerts: tuple[AlertAnswer, ...]


class AlertsQuery(PeopleQuery):
    """Which alerts, and for whom they are worded."""

    employee_id: str | None = None
    rule: str | None = None
    state: AlertState | None = None
    reader: AlertReader = "hr"
    """``manager`` and ``employee`` get the alerts that are meant for them, in the words for them; ``hr`` gets all."""
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


class AcknowledgementBody(ServiceQuery):
    """Who takes care of it."""

    by: SignedByAccount = ""
    note: Annotated[str, Field(max_length=2_000)] = ""


def alert_list(store: Store, query: AlertsQuery, *, reach: Set[str] | None = None) -> AlertsAnswer:
    """Return one page of the alerts of which something may be said now."""
    rules, day = _rules(store), today()
    withheld = withholding_now(store.home, day, facts=False)
    known = store.people(day) if query.filtered else {}
    mine = [
        (number, alert, text)
        for number, alert in _numbered(read_alerts(store.home))
        if (text := _text(alert, query.reader)) is not None
        and query.selects(known, alert.first.employee_id, reach)
        and query.employee_id in (None, alert.first.employee_id)
        and query.rule in (None, alert.first.rule)
    ]
    said_now = [each for each in mine if not withheld.hold({"employee_id": each[1].first.employee_id})]
    chosen = [each for each in said_now if query.state in (None, each[1].state)]
    whole = ListVersion(
        address="/v1/alerts",
        parameters=query.model_dump(exclude={"limit", "cursor"}, exclude_defaults=True),
        version=str(max((alert.last_seen for _, alert, _ in mine), default="")),
    )
    page = whole.page(chosen, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return AlertsAnswer(
        reader=query.reader,
        states=dict(Counter(alert.state for _, alert, _ in said_now)),
        withheld=len(mine) - len(said_now),
        alerts=tuple(_alert(alert, text, rules.get(alert.first.rule)) for _, alert, text in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def acknowledge_one(store: Store, alert_id: str, body: AcknowledgementBody, *, key: str | None = None) -> AlertAnswer:
    """Store who takes care of an alert.

    Raises :class:`NotFound` for an unknown one, :class:`Invalid` where somebody takes care of it already.
    """
    if not any(alert_id in alert.ids for alert in read_alerts(store.home)):
        raise NotFound(Message.of("service_no_alert"), where="alert_id", remedy=Message.of("service_see_alerts"))
    with refused("alert_id"):
        alert = acknowledge(store.home, alert_id, by=body.by, on=today(), note=body.note, idempotency_key=key)
    text = _text(alert, "hr")
    assert text is not None  # for HR every alert has one
    return _alert(alert, text, _rules(store).get(alert.first.rule))


def _numbered(alerts: Iterable[Alert]) -> list[tuple[int, Alert]]:
    """All alerts, the newest first, with numbers that rise along the list, and stay whoever is held, takes care of one or comes
    later."""
    of_day: Counter[dt.date] = Counter()
    numbered = []
    for alert in alerts:
        day = alert.first.day
        of_day[day] += 1
        numbered.append(((dt.date.max - day).days * MOST_A_DAY + of_day[day], alert))
    return sorted(numbered, key=lambda each: each[0])


def _text(alert: Alert, reader: AlertReader) -> Bilingual | None:
    """What ``reader`` is told; HR may read what others are told."""
    texts = alert.first.texts
    return (
        next(iter(texts.values()), Bilingual(en="", zh=""))
        if reader == "hr" and "hr" not in texts
        else texts.get(reader)
    )


def _alert(alert: Alert, text: Bilingual, rule: AlertRule | None) -> AlertAnswer:
    first, care = alert.first, alert.acknowledged
    return AlertAnswer(
        alert_id=first.alert_id,
        rule=first.rule,
        title=None if rule is None else TextAnswer(zh=rule.zh, en=rule.en),
        severity=None if rule is None else rule.severity,
        employee_id=first.employee_id,
        day=first.day,
        last_seen=alert.last_seen,
        state=alert.state,
        text=TextAnswer(zh=text.zh, en=text.en),
        numbers=first.numbers,
        rows=tuple(AlertRowAnswer(table=row.table, key=row.key, happened=row.happened) for row in first.rows),
        people=tuple(ConcernedAnswer(employee_id=person) for person in first.people),
        acknowledged_by=None if care is None else care.by,
        acknowledged_on=None if care is None else care.on,
        note="" if care is None else care.note,
        escalated_on=alert.escalated_on,
        resolved_on=alert.resolved_on,
    )


def _rules(store: Store) -> Mapping[str, AlertRule]:
    """The rules of the project; none where it has none, or several policies of them."""
    try:
        return store.folder.policy_of(AlertsSpec)[1].rules
    except DefinitionError:
        return _NOTHING

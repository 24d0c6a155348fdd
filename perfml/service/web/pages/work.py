"""HR's work: the data first, then alerts, disputes and holds, each with the form that settles it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING
from perfml.project.table_spec import ColumnType
from perfml.scoring.people.files import facts_of
from perfml.service.answers.shared import IsoDate, TextAnswer
from perfml.service.answers.trust.alerts import (
    AcknowledgementBody,
    AlertAnswer,
    AlertsQuery,
    acknowledge_one,
    alert_list,
)
from perfml.service.answers.trust.deliveries import AlarmAnswer, DeliveryAcknowledgementBody, acknowledge_feed
from perfml.service.answers.trust.disputes import (
    DisputeAnswer,
    DisputesQuery,
    JudgementBody,
    disputes_of,
    judge,
    one_dispute,
)
from perfml.service.answers.trust.holds import (
    HoldAnswer,
    SignOffBody,
    release_hold,
    resume_everything,
    stop_everything,
)
from perfml.service.web.forms import PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor
from perfml.store.audit.acting import acting
from perfml.trust.deliveries.alarm_log import unclosed_alarms
from perfml.trust.disputes.dispute import DisputeVerdict
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog

work = APIRouter(include_in_schema=False, route_class=PageRoute)
SHOWN = 20
"""Alerts, and decided disputes, that the page shows."""
READ_ALERTS = 500


@dataclass(frozen=True, kw_only=True)
class HoldView:
    """A hold, and whether the visitor may lift it: one of a dispute ends with it, an opt-out with the person's own choice."""

    hold: HoldAnswer
    employee_id: str | None
    liftable: bool


class ReasonForm(WebForm):
    """A sign-off with its reason."""

    reason: str = ""


class JudgementForm(ReasonForm):
    """What was decided about a dispute."""

    verdict: DisputeVerdict


class NoteForm(WebForm):
    """Who takes care of something signs; a note may be added."""

    note: str = ""
    business_date: IsoDate | None = None


@work.get("/hr/work")
def work_list(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What waits for HR."""
    store = visit.store
    disputes = visible_disputes(visit)
    waiting = [each for each in disputes if each.state == "open"]
    decided = [each for each in disputes if each.state != "open"][: -SHOWN - 1 : -1]
    alerts, more = _alerts(visit)
    holds = list(holds_of(visit))
    people = {each.employee_id for each in (*waiting, *decided)} | {each.employee_id for each in alerts}
    people |= {each.employee_id for each in holds if each.employee_id is not None}
    known = store.people(visit.day, people)
    return visit.page(
        "hr/work.html",
        people=people,
        alarms=[*map(AlarmAnswer.of, unclosed_alarms(store.home))],
        alerts=alerts,
        more_alerts=more,
        waiting=waiting,
        decided=decided,
        rows={each.dispute_id: one_dispute(store, each.dispute_id).row_before for each in waiting},
        tables=store.tables,
        labels={
            name: {column: _short(spec) for column, spec in table.columns.items()}
            for name, table in store.tables.items()
        },
        holds=holds,
        stopped=any(each.hold.cause == "stop" for each in holds),
        names={person: facts_of(known, person).label for person in people},
        today=visit.day,
    )


@work.post("/hr/disputes/{dispute_id}/decision")
def decide_dispute(visit: Visitor, dispute_id: str, form: Annotated[JudgementForm, Form()]) -> Response:
    """Uphold or reject a dispute."""
    return carry_out(visit, form, "judged", lambda: _judge(visit, dispute_id, form, second=False))


@work.post("/hr/disputes/{dispute_id}/reviews")
def review_dispute(visit: Visitor, dispute_id: str, form: Annotated[JudgementForm, Form()]) -> Response:
    """Store what a second reviewer would have decided."""
    return carry_out(visit, form, "reviewed", lambda: _judge(visit, dispute_id, form, second=True))


@work.post("/hr/holds/{hold_id}/release")
def lift_hold(visit: Visitor, hold_id: str, form: Annotated[ReasonForm, Form()]) -> Response:
    """Lift a hold."""
    return carry_out(visit, form, "released", lambda: release_hold(visit.store, hold_id, _sign_off(form), key=form.key))


@work.post("/hr/stop")
def stop(visit: Visitor, form: Annotated[ReasonForm, Form()]) -> Response:
    """Hold everything at once."""
    return carry_out(visit, form, "stopped", lambda: stop_everything(visit.store, _sign_off(form), key=form.key))


@work.post("/hr/resume")
def resume(visit: Visitor, form: Annotated[ReasonForm, Form()]) -> Response:
    """Lift the stop."""
    return carry_out(visit, form, "resumed", lambda: resume_everything(visit.store, _sign_off(form), key=form.key))


@work.post("/alerts/{alert_id}")
def take_alert(visit: Visitor, alert_id: str, form: Annotated[NoteForm, Form()]) -> Response:
    """Take care of an alert."""

    def write() -> AlertAnswer:
        body = AcknowledgementBody(by=visit.signer, note=form.note)
        return acknowledge_one(visit.store, alert_id, body, key=form.key)

    return carry_out(visit, form, "acknowledged", write)


@work.post("/hr/deliveries/{source}")
def take_delivery(visit: Visitor, source: str, form: Annotated[NoteForm, Form()]) -> Response:
    """Take care of a delivery that is missing or wrong."""

    def write() -> object:
        body = DeliveryAcknowledgementBody(by=visit.signer, note=form.note, business_date=form.business_date)
        return acknowledge_feed(visit.store, source, body, key=form.key)

    return carry_out(visit, form, "acknowledged", write)


def _judge(visit: Visit, dispute_id: str, form: JudgementForm, *, second: bool) -> DisputeAnswer:
    signer = acting().employee_id or acting().name
    body = JudgementBody(verdict=form.verdict, by=signer, reason=form.reason)
    return judge(visit.store, dispute_id, body, second=second, key=form.key)


def _sign_off(form: ReasonForm) -> SignOffBody:
    return SignOffBody(by=acting().name, reason=form.reason)


def visible_disputes(visit: Visit) -> list[DisputeAnswer]:
    """The disputes of the visitor's people, oldest first."""
    return [each for each in disputes_of(visit.store, DisputesQuery()).disputes if visit.sees(each.employee_id)]


def _alerts(visit: Visit) -> tuple[list[AlertAnswer], int]:
    """The escalated and the open alerts that the visitor may see, the newest first, and how many more there are."""
    if not visit.may(Action.LIST_ALERTS):
        return [], 0
    listed = [
        alert
        for query in (
            AlertsQuery(state="escalated", limit=READ_ALERTS),
            AlertsQuery(state="open", limit=READ_ALERTS),
        )
        for alert in alert_list(visit.store, query).alerts
        if visit.sees(alert.employee_id)
    ]
    return listed[:SHOWN], max(0, len(listed) - SHOWN)


def holds_of(visit: Visit) -> Iterator[HoldView]:
    """The holds in force that concern the visitor's people."""
    for hold in HoldLog(visit.store.home).active():
        person = _person_of(hold)
        if person is None and not _concerns(visit, hold):
            continue
        if person is not None and not visit.sees(person):
            continue
        may = visit.may(Action.RESUME_EVERYTHING) if person is None else visit.may(Action.RELEASE_HOLD, person)
        yield HoldView(
            hold=HoldAnswer.of(hold),
            employee_id=person,
            liftable=may and hold.cause not in ("dispute", "opt_out", "stop"),
        )


def _person_of(hold: Hold) -> str | None:
    return hold.employee_id or (hold.name if hold.kind == "employee" else None)


def _concerns(visit: Visit, hold: Hold) -> bool:
    """Whether a hold of no single person is of the visitor's units; of a metric or of everything it is everybody's."""
    return EVERYTHING in visit.units or hold.entity in visit.units or hold.kind in ("metric", EVERYTHING)


def _short(spec: ColumnType) -> TextAnswer:
    """What a column says, without what follows the first comma."""
    return TextAnswer(zh=spec.zh.partition("，")[0], en=spec.en.partition(",")[0])

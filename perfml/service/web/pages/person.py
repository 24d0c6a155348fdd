"""One person for HR: the risk with its reasons, whose they are to act on, and what was suggested, offered and disputed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response
from pydantic import TypeAdapter, ValidationError

from perfml.access.actions import Action
from perfml.advice.decision_log import InterventionStatus
from perfml.advice.person import BothLanguages, HrRisk, PersonForHr
from perfml.messages import Message
from perfml.reasons.leading import UNLISTED
from perfml.scoring.people.files import facts_of
from perfml.scoring.personal.record import PersonalRecord
from perfml.service.answers.bundle import BundleQuery, bundle
from perfml.service.answers.decisions import DecisionBody, InterventionBody, decide, log_intervention
from perfml.service.answers.of_person.what_if import WhatIfBody, what_if
from perfml.service.answers.people import PersonAnswer, PersonQuery, PersonRowAnswer, person_risk
from perfml.service.answers.personal import BehindQuery, ReaderQuery, behind_of, record_of
from perfml.service.answers.suggestions import decisions_about
from perfml.service.answers.trust.disputes import DisputesQuery, disputes_of
from perfml.service.problems import Invalid, NotFound
from perfml.service.store import Store
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, ChartRow, bars
from perfml.service.web.forms import Optional, PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import openings_of
from perfml.service.web.visit import HtmlPage, Visit, Visitor

person = APIRouter(include_in_schema=False, route_class=PageRoute)
OFFER_KINDS = (msgid("conversation"), msgid("mentoring"), msgid("course"), msgid("workload"), msgid("internal move"))
"""What is mostly offered; any other may be written."""


@dataclass(frozen=True, kw_only=True)
class OwnedReason:
    """A reason with what its owner can do."""

    evidence: str
    owner: str
    raises: bool
    zh: str
    en: str
    action: BothLanguages | None


@dataclass(frozen=True, kw_only=True)
class RiskView:
    """What one model says of the person, with the reasons of its shortest horizon that has a score."""

    risk: HrRisk
    horizon_days: int | None
    """Of the reasons; None without a score."""
    row: PersonRowAnswer | None
    chart: Chart | None
    reasons: tuple[OwnedReason, ...]


class RowsQuery(PageQuery):
    """Which reason of which model."""

    model: str
    evidence: str


class WhatIfQuery(PageQuery):
    """Of which model, and what would be otherwise."""

    model: str
    evidence: Annotated[str | None, Optional] = None
    value: Annotated[float | None, Optional] = None

    @property
    def changes(self) -> list[dict[str, object]]:
        """What would be otherwise; nothing before a value was entered."""
        return [] if self.evidence is None or self.value is None else [{"evidence": self.evidence, "value": self.value}]


class DecisionForm(WebForm):
    """What was decided about a suggestion."""

    verdict: Literal["accept", "refuse"]
    reason: str = ""


class OfferForm(WebForm):
    """Help that was offered."""

    employee_id: str
    kind: str
    offered_on: str
    status: InterventionStatus
    done_on: Annotated[str | None, Optional] = None
    outcome: str = ""


@person.get("/hr/people/{employee_id:path}/rows")
def rows_behind(visit: Visitor, employee_id: str, query: Annotated[RowsQuery, Query()]) -> HtmlPage:
    """The rows that one reason of a person was computed from."""
    reading = visit.reading(employee_id)
    asked = BehindQuery(model=query.model, evidence=query.evidence)
    behind = behind_of(visit.store, employee_id, asked, reading=reading)
    version = visit.store.version(query.model)
    titles = _titles(visit, query.model, version)
    return visit.page(
        "hr/rows.html",
        people=[employee_id],
        employee_id=employee_id,
        name=_name(visit.store, employee_id, behind.as_of),
        behind=behind,
        title=titles.get(query.evidence, query.evidence),
    )


@person.get("/hr/people/{employee_id:path}/what-if")
def other_values(visit: Visitor, employee_id: str, query: Annotated[WhatIfQuery, Query()]) -> HtmlPage:
    """What the model would predict for a person with another value of one piece of evidence."""
    problem = None
    try:
        body = WhatIfBody.model_validate({"model": query.model, "changes": query.changes})
        answer = what_if(visit.store, employee_id, body)
    except (Invalid, ValidationError):
        problem = Message.of("web_unusual_value")
        answer = what_if(visit.store, employee_id, WhatIfBody(model=query.model))
    return visit.page(
        "hr/what_if.html",
        people=[employee_id],
        employee_id=employee_id,
        name=_name(visit.store, employee_id, answer.as_of),
        answer=answer,
        problem=problem,
    )


@person.get("/hr/people/{employee_id:path}/record")
def held_record(visit: Visitor, employee_id: str, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What is held about a person, table by table."""
    record = record_of(visit.store, employee_id, ReaderQuery(), reading=visit.reading(employee_id))
    return visit.page(
        "hr/record.html",
        people=[employee_id],
        employee_id=employee_id,
        name=_name(visit.store, employee_id, record.as_of),
        record=record,
    )


@person.get("/hr/people/{employee_id:path}")
def one_person(visit: Visitor, employee_id: str, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Everything that HR needs to support one person."""
    known = bundle(visit.store, employee_id, BundleQuery())
    assert isinstance(known, PersonForHr)
    rows = _rows(visit.store, employee_id)
    may_read_openings = visit.may(Action.READ_ELIGIBILITY, employee_id)
    suggested = [each.suggestion_id for each in known.courses] + [each.suggestion_id for each in known.targets]
    return visit.page(
        "hr/person.html",
        people=[employee_id],
        known=known,
        risks=[_risk_view(visit, risk, rows) for risk in known.risks],
        decisions=decisions_about(visit.store, [{"suggestion_id": each} for each in suggested]),
        disputes=disputes_of(visit.store, DisputesQuery(employee_id=employee_id)).disputes,
        recorded=_recorded(visit, employee_id),
        may_read_openings=may_read_openings,
        openings=openings_of(visit.store, employee_id) if may_read_openings else None,
        kinds=OFFER_KINDS,
        today=visit.day,
    )


@person.post("/suggestions/{suggestion_id}")
def decide_suggestion(visit: Visitor, suggestion_id: str, form: Annotated[DecisionForm, Form()]) -> Response:
    """Accept or refuse a suggestion."""

    def write() -> object:
        fields = {"verdict": form.verdict, "reason": form.reason, "decided_by": visit.signer}
        return decide(visit.store, suggestion_id, TypeAdapter(DecisionBody).validate_python(fields), key=form.key)

    return carry_out(visit, form, "decided", write)


@person.post("/offers")
def log_offer(visit: Visitor, form: Annotated[OfferForm, Form()]) -> Response:
    """Log help that was offered."""

    def write() -> object:
        fields = form.model_dump(exclude={"key", "back"}) | {"entered_by": visit.signer}
        return log_intervention(visit.store, InterventionBody.model_validate(fields), key=form.key)

    return carry_out(visit, form, "offered", write)


def _rows(store: Store, employee_id: str) -> tuple[PersonRowAnswer, ...]:
    """The newest rows of every model; none for somebody who has suggestions alone."""
    with suppress(NotFound):
        answer = person_risk(store, employee_id, PersonQuery())
        assert isinstance(answer, PersonAnswer)
        return answer.rows
    return ()


def _risk_view(visit: Visit, risk: HrRisk, rows: Iterable[PersonRowAnswer]) -> RiskView:
    own = sorted((row for row in rows if row.model == risk.model), key=lambda row: row.horizon_days)
    row = next((row for row in own if row.status == "scored"), None)
    if row is None:
        return RiskView(risk=risk, horizon_days=None, row=next(iter(own), None), chart=None, reasons=())
    titles = _titles(visit, risk.model, row.model_version)
    actions = {reason.evidence: reason.action for reason in risk.reasons}
    reasons = tuple(
        OwnedReason(
            evidence=reason.evidence,
            owner=reason.owner,
            raises=reason.contribution > 0,
            zh=reason.zh,
            en=reason.en,
            action=actions.get(reason.evidence),
        )
        for reason in row.reasons
        if reason.evidence != UNLISTED
    )
    chart = bars(
        [
            ChartRow(
                label=titles.get(reason.evidence, reason.evidence),
                value=reason.contribution,
                text=f"{reason.contribution:+.2f}".replace("-", "−"),
            )
            for reason in row.reasons
        ],
        title=visit.translate(msgid("What raises the risk (right) and what lowers it (left)")),
        heads=(visit.translate(msgid("Reason")), visit.translate(msgid("Weight in log-odds"))),
    )
    return RiskView(risk=risk, horizon_days=row.horizon_days, row=row, chart=chart, reasons=reasons)


def _titles(visit: Visit, model: str, version: str) -> Mapping[str, str]:
    """Reason → its name in the language of the page."""
    columns = visit.store.columns(model, version).values()
    chinese = visit.language == "zh"
    titles = {column.reason: column.reason_zh if chinese else column.reason_en for column in columns}
    titles = {name: title[:1].upper() + title[1:] for name, title in titles.items()}
    return titles | {UNLISTED: visit.translate(msgid("Everything else together"))}


def _recorded(visit: Visit, employee_id: str) -> PersonalRecord | None:
    """What is held about the person; None where nothing is stored of the newest date."""
    with suppress(NotFound):
        return record_of(visit.store, employee_id, ReaderQuery(), reading=visit.reading(employee_id))
    return None


def _name(store: Store, employee_id: str, day: dt.date) -> str:
    return facts_of(store.people(day, {employee_id}), employee_id).label

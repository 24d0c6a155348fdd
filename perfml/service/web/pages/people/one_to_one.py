"""Before a one-to-one: the brief to take along, targets to decide, courses, and the conversation entered afterwards; the card."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from pydantic import Field

from perfml.access.actions import Action
from perfml.service.answers.decisions import InterventionBody, log_intervention
from perfml.service.answers.personal import DateQuery, card_of
from perfml.service.answers.shared import IsoDate
from perfml.service.web.forms import PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import (
    MemberReader,
    courses_of,
    goals_of,
    kept_brief,
    person_facts,
)
from perfml.service.web.visit import HtmlPage, Visitor

one_to_one = APIRouter(include_in_schema=False, route_class=PageRoute)
ConversationKind = Literal["conversation", "target", "course", "workload", "career", "other"]
"""What help a conversation can lead to."""


class ConversationForm(WebForm):
    """A conversation as a manager enters it."""

    kind: ConversationKind
    held_on: IsoDate
    status: Literal["offered", "refused", "done"] = "done"
    outcome: Annotated[str, Field(max_length=2_000)] = ""


@one_to_one.get("/team/{employee_id:path}/card")
def card_of_report(visit: Visitor, employee_id: str) -> HtmlPage:
    """The development card of somebody in the line."""
    return visit.page(
        "me/card.html",
        people={employee_id},
        card=card_of(visit.store, employee_id, DateQuery()),
        facts=person_facts(visit.store, employee_id),
        own=employee_id == visit.employee_id,
        back=f"/team/{employee_id}",
    )


@one_to_one.get("/team/{employee_id:path}")
def prepare(visit: Visitor, employee_id: str, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What a manager takes into a one-to-one, each line with the rows that it comes from."""
    store, reader = visit.store, MemberReader(visit.store)
    targets = goals_of(store, employee_id) if visit.may(Action.READ_TARGETS, employee_id) else ()
    return visit.page(
        "team/one_to_one.html",
        people={employee_id},
        brief=kept_brief(store, employee_id),
        facts=person_facts(store, employee_id),
        held=reader.now.standing(employee_id).why_nothing,
        reasons=list(reader.reasons(employee_id)),
        proposals=[target for target in targets if target.status == "suggested"],
        beyond=[target for target in targets if target.status == "beyond"],
        courses=courses_of(store, employee_id) if visit.may(Action.READ_COURSES, employee_id) else (),
        may_decide=visit.may(Action.DECIDE_TARGET, employee_id),
        may_log=visit.may(Action.LOG_INTERVENTION, employee_id),
        today=visit.day,
    )


@one_to_one.post("/team/{employee_id:path}/conversations")
def enter_conversation(visit: Visitor, employee_id: str, form: Annotated[ConversationForm, Form()]) -> Response:
    """Store a conversation and the help that was offered in it."""

    def write() -> object:
        body = InterventionBody(
            employee_id=employee_id,
            kind=form.kind,
            offered_on=form.held_on,
            status=form.status,
            done_on=form.held_on if form.status == "done" else None,
            outcome=form.outcome,
            entered_by=visit.signer,
        )
        return log_intervention(visit.store, body, key=form.key)

    return carry_out(visit, form, "talked", write)

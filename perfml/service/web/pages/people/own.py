"""What is held about whoever is signed in: reasons with what they can do, themselves beside others, courses, rows, notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from perfml.advice.talks.brief import OneToOneBrief
from perfml.advice.talks.lines import TalkLine
from perfml.evidence.withheld.disputable import owner_column
from perfml.messages import Bilingual
from perfml.messages.values import value_text
from perfml.project.trust.notice_spec import NoticesSpec
from perfml.scoring.personal.peers import PeerFigures
from perfml.scoring.personal.record import PersonalRecord
from perfml.scoring.personal.standing import RecordReading
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.personal import DateQuery, ReaderQuery, card_of, peers_of, record_of
from perfml.service.answers.trust.disputes import DisputesQuery, disputes_of
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, Pair, pairs
from perfml.service.web.confirmations import Done
from perfml.service.web.forms import PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import (
    MemberReader,
    courses_of,
    goals_of,
    kept_brief,
    person_facts,
)
from perfml.service.web.visit import HtmlPage, Visit, Visitor
from perfml.store.audit.acting import acting
from perfml.trust.notices.notice_log import Notice, NoticeLog, NoticeState

own = APIRouter(include_in_schema=False, route_class=PageRoute)
AS_EMPLOYEE = RecordReading(reader="employee")


@dataclass(frozen=True, kw_only=True)
class GivenNotice:
    """A notice that was given, with its text."""

    notice: Notice
    text: Bilingual | None
    """None for a version that is not defined any more."""


class TurnForm(WebForm):
    """Whether somebody wants a score."""

    wish: Literal["out", "in"]


@own.get("/me")
def me(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Everything about whoever is signed in."""
    store, person = visit.store, own_id(visit)
    reader = MemberReader(store, "employee")
    peers = _peers(store, person)
    disputes = disputes_of(store, DisputesQuery(employee_id=person)).disputes
    brief = kept_brief(store, person)
    return visit.page(
        "me/me.html",
        people={person},
        facts=person_facts(store, person),
        record=own_record(store, person),
        can_dispute={name for name, spec in store.tables.items() if owner_column(name, spec) is not None},
        disputed={(each.table, each.key) for each in disputes if each.state == "open"},
        disputes=disputes,
        standing=reader.now.standing(person),
        reasons=list(reader.reasons(person)),
        alerts=reader.alerts(person, "employee"),
        peers=peers,
        beside=None if peers is None else _beside(visit, peers),
        gaps=_gaps(brief),
        goals=() if brief is None else brief.goals,
        proposals=[goal for goal in goals_of(store, person) if goal.status == "suggested"],
        courses=courses_of(store, person),
        notices=_notices(store, person),
        opted_out_on=_notice_state(store, person).opted_out_on,
    )


@own.get("/me/card")
def my_card(visit: Visitor) -> HtmlPage:
    """The development card of whoever is signed in, one page to print."""
    person = own_id(visit)
    return visit.page(
        "me/card.html",
        people={person},
        card=card_of(visit.store, person, DateQuery()),
        facts=person_facts(visit.store, person),
        own=True,
        back="/me",
    )


@own.post("/me/opt-out")
def turn(visit: Visitor, form: Annotated[TurnForm, Form()]) -> Response:
    """Opt out, or take part again; asked twice, it is entered once."""
    log, person = NoticeLog(visit.store.home), own_id(visit)
    verb = log.opt_out if form.wish == "out" else log.opt_in
    done: Done = "opted_out" if form.wish == "out" else "opted_in"
    return carry_out(visit, form, done, lambda: verb(person, by=acting().name, on=visit.day))


def own_id(visit: Visit) -> str:
    """Which employee the visitor is. Raises :class:`NotFound` for an account of nobody."""
    if visit.employee_id is None:
        raise not_for_you()
    return visit.employee_id


def own_record(store: Store, person: str) -> PersonalRecord | None:
    """The rows of a person as they read them; None where none are kept."""
    try:
        return record_of(store, person, ReaderQuery(), reading=AS_EMPLOYEE)
    except NotFound:
        return None


def _peers(store: Store, person: str) -> PeerFigures | None:
    try:
        return peers_of(store, person, ReaderQuery(), reading=AS_EMPLOYEE)
    except NotFound:
        return None


def _beside(visit: Visit, peers: PeerFigures) -> Chart | None:
    """The figures that can be compared, each beside the mean of the others."""
    shown = [
        Pair(
            label=figure.title.zh if visit.language == "zh" else figure.title.en,
            own=figure.value,
            other=figure.mean,
            own_text=value_text(figure.value, figure.unit, visit.language),
            other_text=value_text(figure.mean, figure.unit, visit.language),
        )
        for figure in peers.figures
        if figure.status == "shown" and figure.value is not None and figure.mean is not None
    ]
    heads = (visit.translate(msgid("What")), visit.translate(msgid("me")), visit.translate(msgid("mean of the others")))
    return pairs(shown, title=visit.translate(msgid("Me beside the others")), heads=heads) if shown else None


def _gaps(brief: OneToOneBrief | None) -> tuple[TalkLine, ...]:
    return () if brief is None else brief.questions[-1].lines


def _notice_state(store: Store, person: str) -> NoticeState:
    return NoticeLog(store.home).states().get(person, NoticeState(employee_id=person))


def _notices(store: Store, person: str) -> list[GivenNotice]:
    versions = store.folder.policy_of(NoticesSpec)[1].versions
    return [
        GivenNotice(
            notice=notice,
            text=Bilingual(zh=versions[notice.version].zh, en=versions[notice.version].en)
            if notice.version in versions
            else None,
        )
        for notice in reversed(_notice_state(store, person).notices)
    ]

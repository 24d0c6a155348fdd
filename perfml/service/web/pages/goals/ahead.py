"""What lies ahead: milestones and lines, of a line or unit for whoever answers for it, and of oneself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from perfml.access.actions import Action
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.work.lines import LinesAnswer, LinesQuery, lines
from perfml.service.answers.work.milestones import MilestoneAnswer, MilestonesAnswer, MilestonesQuery, milestones
from perfml.service.problems import NotFound
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, DatedRow, timeline
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import openings_of
from perfml.service.web.pages.people.own import own_id
from perfml.service.web.visit import HtmlPage, Visit, Visitor

ahead = APIRouter(include_in_schema=False, route_class=PageRoute)
ROWS = 200
"""Milestones of one page."""


@ahead.get("/ahead")
def ahead_of_others(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What is late or waits, of the people whom the visitor may see; how far each is from a line stands on their own page."""
    if not visit.line and not visit.units:
        raise not_for_you()
    looked = _milestones(visit, MilestonesQuery(limit=ROWS))
    listed = () if looked is None else looked.milestones
    late = [each for each in listed if each.status not in ("on_time", "running")]
    late.sort(key=lambda each: (each.finished_on or each.marked_on) is not None)  # what can still be helped comes first
    waiting = [each for each in listed if each.waiting and each.status == "running"]
    shown = {each.employee_id for each in (*late, *waiting)}
    store = visit.store
    return visit.page(
        "goals/ahead.html",
        people=shown,
        looked=looked,
        late=late,
        waiting=waiting,
        known={} if looked is None else store.people(looked.as_of, shown),
    )


@ahead.get("/me/ahead")
def ahead_of_me(visit: Visitor) -> HtmlPage:
    """The milestones, lines and internal openings of whoever is signed in."""
    person = own_id(visit)
    looked = _milestones(visit, MilestonesQuery(employee_id=person, limit=ROWS))
    mine = () if looked is None else looked.milestones
    run = _lines(visit, person)
    return visit.page(
        "goals/me_ahead.html",
        people={person},
        looked=looked,
        run=run,
        openings=openings_of(visit.store, person) if visit.may(Action.READ_ELIGIBILITY, person) else None,
        course=_course(visit, sorted(mine, key=lambda each: (each.due_on, each.name)), looked.as_of)
        if looked is not None and mine
        else None,
    )


def _milestones(visit: Visit, query: MilestonesQuery) -> MilestonesAnswer | None:
    try:
        return milestones(visit.store, query, reach=visit.reach)
    except NotFound:
        return None


def _lines(visit: Visit, person: str) -> LinesAnswer | None:
    try:
        return lines(visit.store, LinesQuery(employee_id=person, limit=ROWS), reach={person})
    except NotFound:
        return None


def _course(visit: Visit, mine: Sequence[MilestoneAnswer], today: dt.date) -> Chart:
    """Each milestone with its due day, and where it ended or is expected to."""
    day = visit.templates.day
    rows = []
    for each in mine:
        ended = each.finished_on or each.marked_on
        low, middle, high = (ended, ended, ended) if ended else (each.low_on, each.expected_on, each.high_on)
        between = (
            "" if ended or low is None or high is None else f"{day(low, visit.language)} – {day(high, visit.language)}"
        )
        cells = (day(each.due_on, visit.language), day(middle, visit.language), between)
        label = f"{each.name} · {each.metric}"
        rows.append(DatedRow(label=label, due=each.due_on, low=low, middle=middle, high=high, cells=cells))
    heads = (msgid("Milestone"), msgid("Due"), msgid("Finished, or expected"), msgid("80 %% range"))
    title = visit.translate(msgid("My milestones: planned (circle), finished or expected (dot)"))
    return timeline(rows, today=today, title=title, heads=tuple(map(visit.translate, heads)))

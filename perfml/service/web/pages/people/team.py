"""A manager's first page: what is theirs to mend, then each person with what changed and what helps. Never by risk."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from perfml.access.actions import Action
from perfml.access.reporting_lines import current_lines
from perfml.scoring.people.files import facts_of
from perfml.service.access.refusals import not_for_you
from perfml.service.web.forms import Optional, PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import MemberReader, TeamMember, newest_day
from perfml.service.web.visit import HtmlPage, Visitor

team = APIRouter(include_in_schema=False, route_class=PageRoute)
PAGE = 30
"""People on one page."""


class TeamPageQuery(PageQuery):
    """What the form of the page sends."""

    manager_id: Annotated[str | None, Optional] = None
    """Whose team; the visitor's when absent."""
    level: Annotated[int, Field(ge=1, le=30)] = 1
    """1: direct reports; 2: those who report to them, and so on."""
    order: Literal["name", "mine"] = "name"
    """By name, or with most to mend first."""
    page: Annotated[int, Field(ge=1, le=1_000)] = 1


@team.get("/team")
def my_team(visit: Visitor, query: Annotated[TeamPageQuery, Query()]) -> HtmlPage:
    """The people of one level of a line."""
    manager = query.manager_id or visit.employee_id
    lines = current_lines(visit.store.home)
    if manager is None:
        raise not_for_you()
    levels = {
        person: lines.levels(person, above=manager, day=visit.day)
        for person in lines.below(manager, visit.day)
        if visit.sees(person)
    }
    if not levels:
        raise not_for_you()
    chosen = sorted(person for person, level in levels.items() if level == query.level)
    day, reader = newest_day(visit.store), MemberReader(visit.store)
    known = {} if day is None else visit.store.people(day, {manager, *chosen})
    chosen.sort(key=lambda person: facts_of(known, person).label)
    pages = (len(chosen) + PAGE - 1) // PAGE
    shown = chosen[(query.page - 1) * PAGE : query.page * PAGE]
    members = [reader.member(facts_of(known, person)) for person in shown if visit.may(Action.READ_REASONS, person)]
    if query.order == "mine":
        members.sort(key=_to_do, reverse=True)
    own = manager == visit.employee_id
    return visit.page(
        "team/team.html",
        people={*shown, manager},
        query=query,
        manager=facts_of(known, manager),
        own=own,
        day=day,
        since=reader.since,
        levels=sorted(Counter(levels.values()).items()),
        pages=pages,
        members=[member for member in members if member.held is None],
        held=[member for member in members if member.held is not None],
        to_mend=[member for member in members if member.to_mend],
        own_alerts=reader.alerts(manager, "employee") if own else (),
        has_line={person for person in shown if lines.below(person, visit.day)},
    )


def _to_do(member: TeamMember) -> int:
    """How much is the manager's to do."""
    return len(member.to_mend) + len(member.alerts) + member.to_decide

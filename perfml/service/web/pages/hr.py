"""HR's first page: the data first, then the conversations of the month, those held and those whose setting needs support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING
from perfml.access.relations import GroupSubject
from perfml.errors import ModelError
from perfml.project.model_spec import ModelSpec
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.service.answers.models import health
from perfml.service.answers.priorities import PrioritiesQuery, priority_list
from perfml.service.store import Store
from perfml.service.web.forms import Optional, PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.work import holds_of, visible_disputes
from perfml.service.web.visit import HtmlPage, Visit, Visitor
from perfml.trust.deliveries.alarm_log import unclosed_alarms

hr = APIRouter(include_in_schema=False, route_class=PageRoute)
EXPORT = "at_risk"
LIMITS = (30, 40, 50, 60, 70, 80)
"""Percent of conversations without the outcome that the page offers as a limit."""
Tone = Literal["good", "care", "bad"]
DataKind = Literal["models", "damaged", "alarms", "holds", "disputes"]
OwnerChoice = Literal["employee", "manager", "company"]


class ConversationsQuery(PageQuery):
    """What the form of the page sends."""

    model: Annotated[str | None, Optional] = None
    """The first one with scores when absent."""
    capacity: Annotated[int, Field(ge=1, le=500)] = 20
    department: Annotated[str | None, Optional] = None
    owner: Annotated[OwnerChoice | None, Optional] = None
    wasted: Annotated[int | None, Optional, Field(ge=1, le=99)] = None
    """Percent of the conversations that may go to people without the outcome; any when absent."""


@dataclass(frozen=True, kw_only=True)
class DataLine:
    """One thing that is known about the state of the data."""

    kind: DataKind
    count: int
    tone: Tone


@hr.get("/hr")
def conversations(visit: Visitor, query: Annotated[ConversationsQuery, Query()]) -> HtmlPage:
    """The people to talk to this month, as far as capacity allows."""
    store, models = visit.store, model_titles(visit.store)
    model = query.model or next((name for name in models if store.scored(name)), None)
    if model is None:
        return visit.page("hr/conversations.html", listed=None, data=list(_data_lines(visit)))
    listed = priority_list(
        store,
        PrioritiesQuery(
            model=model,
            capacity=query.capacity,
            department=query.department,
            wasted_at_most=None if query.wasted is None else query.wasted / 100,
        ),
        reach=visit.reach,
    )
    known = store.people(listed.as_of)
    shown, setting = (
        [row for row in rows if query.owner is None or query.owner in row.owners[:1]]
        for rows in (listed.people, listed.setting)
    )
    lasting = [row for row in listed.lasting if visit.sees(row.employee_id)]
    others = {row.employee_id for row in listed.held} | {row.employee_id for row in lasting}
    return visit.page(
        "hr/conversations.html",
        people={row.employee_id for row in (*shown, *setting)} | others,
        listed=listed,
        models=models,
        data=list(_data_lines(visit)),
        departments=departments_of(visit, known),
        department=query.department,
        owner=query.owner,
        wasted=query.wasted,
        limits=sorted({*LIMITS, *([] if query.wasted is None else [query.wasted])}),
        exportable=_exportable(visit, query),
        shown=shown,
        setting=setting,
        held=listed.held,
        lasting=lasting,
        names={person: facts_of(known, person).label for person in others},
    )


def model_titles(store: Store) -> dict[str, ModelSpec]:
    """Every model that can be read, with its title in both languages."""
    titles: dict[str, ModelSpec] = {}
    for name in store.models():
        with suppress(ModelError):
            titles[name] = store.record(name, store.version(name)).spec
    return titles


def _exportable(visit: Visit, query: ConversationsQuery) -> bool:
    """Whether the people at risk of this choice may be had as a file."""
    units = frozenset() if query.department is None else frozenset({f"department:{query.department}"})
    return EXPORT in visit.store.folder.exports.exports and visit.may(Action.EXPORT_LISTS, GroupSubject(units=units))


def _data_lines(visit: Visit) -> Iterator[DataLine]:
    """What HR should know of the data before they believe a list; as many holds and disputes as their work lists."""
    models = health(visit.store).models
    damaged = sum(each.problem is not None for each in models)
    scored = sum(each.as_of is not None for each in models)
    if damaged:
        yield DataLine(kind="damaged", count=damaged, tone="bad")
    else:
        yield DataLine(kind="models", count=scored, tone="good" if scored else "care")
    counts: tuple[tuple[DataKind, int], ...] = (
        ("alarms", len(unclosed_alarms(visit.store.home))),
        ("holds", len(list(holds_of(visit)))),
        ("disputes", sum(each.state == "open" for each in visible_disputes(visit))),
    )
    for kind, count in counts:
        yield DataLine(kind=kind, count=count, tone="care" if count else "good")


def departments_of(visit: Visit, known: Mapping[str, PersonFacts] | None = None) -> list[str]:
    """The departments that the visitor may choose; of the people ``known``, by default of today's."""
    if EVERYTHING in visit.units:
        people = visit.store.people(visit.day) if known is None else known
        return sorted({each.department for each in people.values() if each.department})
    prefix = "department:"
    return sorted(unit.removeprefix(prefix) for unit in visit.units if unit.startswith(prefix))

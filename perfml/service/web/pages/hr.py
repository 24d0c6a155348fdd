"""HR's first page: the data first, then the conversations of the month, those held and those whose setting needs support."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING
from perfml.access.relations import GroupSubject
from perfml.service.answers.models import health
from perfml.service.answers.priorities import PrioritiesQuery, priority_list
from perfml.service.answers.shared import TextAnswer
from perfml.service.store import Store
from perfml.service.web.forms import Optional, PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor
from perfml.trust.deliveries.alarm_log import read_alarms
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold_log import HoldLog

hr = APIRouter(include_in_schema=False, route_class=PageRoute)
EXPORT = "at_risk"
Tone = Literal["good", "care", "bad"]
DataKind = Literal["models", "damaged", "alarms", "holds", "disputes"]
OwnerChoice = Literal["employee", "manager", "company"]


class ConversationsQuery(PageQuery):
    """What the form of the page sends."""

    model: str = "attrition"
    capacity: Annotated[int, Field(ge=1, le=500)] = 20
    department: Annotated[str | None, Optional] = None
    owner: Annotated[OwnerChoice | None, Optional] = None


@dataclass(frozen=True, kw_only=True)
class DataLine:
    """One thing that is known about the state of the data."""

    kind: DataKind
    count: int
    tone: Tone


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model that lists can be made by."""

    name: str
    title: TextAnswer


@hr.get("/hr")
def conversations(visit: Visitor, query: Annotated[ConversationsQuery, Query()]) -> HtmlPage:
    """The people to talk to this month, as far as capacity allows."""
    store = visit.store
    listed = priority_list(
        store,
        PrioritiesQuery(model=query.model, capacity=query.capacity, department=query.department),
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
        title=_title(visit.store, query.model),
        models=[ModelChoice(name=name, title=_title(visit.store, name)) for name in store.models()],
        data=list(_data_lines(store)),
        departments=_departments(visit, {each.department for each in known.values() if each.department}),
        department=query.department,
        owner=query.owner,
        exportable=_exportable(visit, query),
        shown=shown,
        setting=setting,
        held=listed.held,
        lasting=lasting,
        names={person: known[person].label for person in others if person in known},
    )


def _exportable(visit: Visit, query: ConversationsQuery) -> bool:
    """Whether the people at risk of this choice may be had as a file."""
    units = frozenset() if query.department is None else frozenset({f"department:{query.department}"})
    return EXPORT in visit.store.folder.exports.exports and visit.may(Action.EXPORT_LISTS, GroupSubject(units=units))


def _data_lines(store: Store) -> Iterator[DataLine]:
    """What HR should know of the data before they believe a list."""
    models = health(store).models
    damaged = sum(each.problem is not None for each in models)
    yield DataLine(
        kind="damaged" if damaged else "models", count=damaged or len(models), tone="bad" if damaged else "good"
    )
    counts: tuple[tuple[DataKind, int], ...] = (
        ("alarms", sum(alarm.closed_at is None for alarm in read_alarms(store.home).values())),
        ("holds", len(HoldLog(store.home).active())),
        ("disputes", sum(each.state == "open" for each in DisputeLog(store.home, store.dispute_rules).disputes())),
    )
    for kind, count in counts:
        yield DataLine(kind=kind, count=count, tone="care" if count else "good")


def _title(store: Store, model: str) -> TextAnswer:
    spec = store.record(model, store.version(model)).spec
    return TextAnswer(zh=spec.zh, en=spec.en)


def _departments(visit: Visit, known: Set[str]) -> list[str]:
    """The departments that the visitor may choose."""
    if EVERYTHING in visit.units:
        return sorted(known)
    prefix = "department:"
    return sorted(unit.removeprefix(prefix) for unit in visit.units if unit.startswith(prefix))

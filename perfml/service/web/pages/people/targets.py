"""How far goals are expected to be reached, and whose contribution adds up: company → department → manager → person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING
from perfml.goals.sums.contributions import Contribution, MetricPeriod, SumRow, by_metric, contribution
from perfml.goals.tree.alignment import GroupAlignment, PersonAlignment, together
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.scoring.personal.goal_units import goal_units
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.targets import TargetAnswer
from perfml.service.answers.work.goals import (
    GoalFlagsQuery,
    PathAnswer,
    TreeQuery,
    goal_flags,
    goal_paths,
)
from perfml.service.answers.work.kept_goals import NO_SUMS, KeptSums, kept_alignment, kept_sums
from perfml.service.problems import NotFound
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Attainment, Chart, ChartRow, attainments, bars
from perfml.service.web.forms import Optional, PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.members import goals_of, person_facts
from perfml.service.web.rendering import amount
from perfml.service.web.visit import HtmlPage, Visit, Visitor

targets = APIRouter(include_in_schema=False, route_class=PageRoute)
STEPS = (0.7, 0.9, 1.0, 1.2)
"""Shares of the target at which the colour of a cell changes."""
ChildKind = Literal["department", "manager_id", "employee_id"]


class TargetsPageQuery(PageQuery):
    """Which part of the company; the visitor's own when absent."""

    department: Annotated[str | None, Optional] = None
    manager_id: Annotated[str | None, Optional] = None
    employee_id: Annotated[str | None, Optional] = None
    metric: Annotated[str | None, Optional] = None
    """Whose contributions are shown in full; the metric with most goals when absent."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A department, a manager's direct reports, or a person, with what they contribute to each metric."""

    kind: ChildKind
    name: str
    label: str
    cells: Mapping[MetricPeriod, Contribution]
    alignment: GroupAlignment | None
    """How much of the weight of its people reaches a company goal."""


@targets.get("/targets")
def attainment(visit: Visitor, query: Annotated[TargetsPageQuery, Query()]) -> HtmlPage:
    """The goals of a person, or the contributions of the parts of a whole."""
    if query.employee_id is not None:
        return _of_person(visit, query.employee_id)
    if not (visit.units or visit.line):
        raise not_for_you()
    day, stored, aligned = _stored(visit)
    known = {} if day is None else visit.store.people(day)
    goals = [row for row in stored.people if visit.sees(str(row.employee_id))]
    kind, within = _within(visit, query, goals)
    goals = [row for row in goals if within(row)]
    aligned = [person for person in aligned if visit.sees(person.employee_id) and within(person)]
    parts = _parts(kind, goals, aligned, stored=stored, known=known)
    whole = {key: contribution(each, stored.intervals) for key, each in by_metric(goals).items()}
    chosen = next((key for key in whole if key.metric == query.metric), next(iter(whole), None))
    return visit.page(
        "targets/targets.html",
        people={str(goal.employee_id) for goal in goals} if kind == "employee_id" else set(),
        query=query,
        day=day,
        kind=kind,
        periods=sorted({key.period_end for key in whole}),
        parts=parts,
        whole=whole,
        alignment=together(aligned) if aligned else None,
        aligned=_alignment_chart(visit, parts) if aligned else None,
        flags=goal_flags(visit.store, GoalFlagsQuery()) if day and EVERYTHING in visit.units else None,
        chosen=chosen,
        manager=None if query.manager_id is None else facts_of(known, query.manager_id),
        level=_level,
        chart=None if chosen is None else _shares(visit, chosen, parts, whole[chosen]),
    )


def _stored(visit: Visit) -> tuple[dt.date | None, KeptSums, Sequence[PersonAlignment]]:
    """The newest date with sums, the sums and everyone's alignment; nothing where nobody looked at goals yet."""
    try:
        day, stored = kept_sums(visit.store)
        return day, stored, kept_alignment(visit.store, day)[1]
    except NotFound:
        return None, NO_SUMS, ()


def _level(cell: Contribution) -> int:
    """The colour of a cell: 1, far below the target, to 5, far above; 0 without a sum."""
    share = cell.share
    return 0 if share is None else 1 + sum(round(share, 2) >= step for step in STEPS)


def _within(
    visit: Visit, query: TargetsPageQuery, goals: list[SumRow]
) -> tuple[ChildKind, Callable[[SumRow | PersonAlignment], bool]]:
    """What the part that is asked for is divided into, and who belongs to it."""
    if query.manager_id is not None:
        return (
            "employee_id",
            lambda row: (
                row.manager_id == query.manager_id
                and query.department
                in (
                    None,
                    row.department,
                )
            ),
        )
    if query.department is not None:
        return "manager_id", lambda row: row.department == query.department
    if not visit.units:
        line = visit.line
        managers = {row.manager_id for row in goals if row.employee_id in line}
        return ("employee_id" if len(managers) <= 1 else "manager_id"), lambda row: row.employee_id in line
    return ("department" if EVERYTHING in visit.units or len(visit.units) > 1 else "manager_id"), lambda row: True


def _parts(
    kind: ChildKind,
    goals: list[SumRow],
    aligned: Sequence[PersonAlignment],
    *,
    stored: KeptSums,
    known: Mapping[str, PersonFacts],
) -> list[Part]:
    """The parts by name, those of nobody known last."""
    groups: dict[str, list[SumRow]] = {}
    for goal in goals:
        groups.setdefault(getattr(goal, kind) or "", []).append(goal)
    people: dict[str, list[PersonAlignment]] = {}
    for person in aligned:
        people.setdefault(getattr(person, kind) or "", []).append(person)
    parts = [
        Part(
            kind=kind,
            name=name,
            label=name if kind == "department" else facts_of(known, name).label,
            cells={key: contribution(each, stored.intervals) for key, each in by_metric(own).items()},
            alignment=together(people[name]) if name in people else None,
        )
        for name, own in groups.items()
    ]
    return sorted(parts, key=lambda part: (not part.name, part.label))


def _shares(visit: Visit, chosen: MetricPeriod, parts: list[Part], whole: Contribution) -> Chart | None:
    """What each part is expected to contribute: the bars add up to the whole."""
    if whole.problem is not None:
        return None
    rows = [
        ChartRow(
            label=part.label or visit.translate(msgid("nobody known")), value=cell.expected, text=amount(cell.expected)
        )
        for part in parts
        if (cell := part.cells.get(chosen)) is not None and cell.problem is None
    ]
    rows.sort(key=lambda row: -row.value)
    title = visit.translate(msgid("Expected contributions to %(metric)s"), metric=chosen.metric)
    return bars(rows, title=title, heads=(visit.translate(msgid("Part")), visit.translate(msgid("Expected"))))


def _alignment_chart(visit: Visit, parts: list[Part]) -> Chart:
    """How much of the weight of each part reaches a company goal, the most first."""
    rows = [
        ChartRow(label=part.label or visit.translate(msgid("nobody known")), value=share, text=f"{share:.0%}")
        for part in parts
        if part.alignment is not None and (share := part.alignment.share) is not None
    ]
    rows.sort(key=lambda row: -row.value)
    title = visit.translate(msgid("Share of weight that reaches a company goal"))
    return bars(rows, title=title, heads=(visit.translate(msgid("Part")), visit.translate(msgid("Share"))))


def _of_person(visit: Visit, employee_id: str) -> HtmlPage:
    store = visit.store
    goals = goals_of(store, employee_id)
    return visit.page(
        "targets/person.html",
        people={employee_id},
        facts=person_facts(store, employee_id),
        goals=goals,
        paths=_paths(visit, employee_id),
        chart=_attainment_chart(visit, goals),
        units=goal_units(store.home),
        may_decide=visit.may(Action.DECIDE_TARGET, employee_id),
    )


def _paths(visit: Visit, employee_id: str) -> tuple[PathAnswer, ...]:
    """Which goals those of a person serve; none where nobody looked yet."""
    try:
        return goal_paths(visit.store, TreeQuery(employee_id=employee_id, limit=500), reach=visit.reach).goals
    except NotFound:
        return ()


def _attainment_chart(visit: Visit, goals: tuple[TargetAnswer, ...]) -> Chart | None:
    """Forecasts of goals with their intervals beside old and new targets; None where no goal has one."""
    rows = [
        Attainment(
            label=goal.metric,
            expected=goal.expected / goal.old_target,
            low=goal.low / goal.old_target,
            high=goal.high / goal.old_target,
            new_target=goal.new_target / goal.old_target if _moves(goal) and goal.new_target is not None else None,
            texts=(
                amount(goal.old_target),
                f"{amount(goal.expected)} ({amount(goal.low)}–{amount(goal.high)})",
                amount(goal.new_target) if _moves(goal) and goal.new_target is not None else "",
            ),
        )
        for goal in goals
        if goal.expected is not None and goal.low is not None and goal.high is not None and goal.old_target
    ]
    heads = tuple(map(visit.translate, (msgid("Goal"), msgid("Target"), msgid("Forecast"), msgid("New target"))))
    return attainments(rows, title=visit.translate(msgid("Forecast beside the target")), heads=heads) if rows else None


def _moves(goal: TargetAnswer) -> bool:
    return goal.new_target is not None and goal.new_target != goal.old_target

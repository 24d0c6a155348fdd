"""How far goals are expected to be reached, and whose contribution adds up: company → department → manager → person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING
from perfml.advice.targets.contributions import Contribution, GoalFigures, MetricPeriod, by_metric, contribution
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.scoring.personal.goal_units import goal_units
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.overview.team import POLICIES
from perfml.service.answers.suggestions import suggestions_file
from perfml.service.answers.targets import TargetAnswer
from perfml.service.problems import NotFound
from perfml.service.scores import open_scores
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


@targets.get("/targets")
def attainment(visit: Visitor, query: Annotated[TargetsPageQuery, Query()]) -> HtmlPage:
    """The goals of a person, or the contributions of the parts of a whole."""
    if query.employee_id is not None:
        return _of_person(visit, query.employee_id)
    if not (visit.units or visit.line):
        raise not_for_you()
    day, goals = _visible_goals(visit)
    known = {} if day is None else visit.store.people(day)
    kind, goals = _within(visit, query, goals, known)
    parts = _parts(kind, goals, known)
    whole = {key: contribution(each) for key, each in by_metric(goals).items()}
    chosen = next((key for key in whole if key.metric == query.metric), next(iter(whole), None))
    return visit.page(
        "targets/targets.html",
        people={goal.employee_id for goal in goals} if kind == "employee_id" else set(),
        query=query,
        day=day,
        kind=kind,
        periods=sorted({key.period_end for key in whole}),
        parts=parts,
        whole=whole,
        chosen=chosen,
        manager=None if query.manager_id is None else facts_of(known, query.manager_id),
        level=_level,
        chart=None if chosen is None else _shares(visit, chosen, parts, whole[chosen]),
    )


def _visible_goals(visit: Visit) -> tuple[dt.date | None, list[GoalFigures]]:
    """The goals of the newest date that the visitor may see; none where nothing was suggested yet."""
    store = visit.store
    try:
        day, path = suggestions_file(store, POLICIES["targets"], None)
    except NotFound:
        return None, []
    file = open_scores(path, ("suggestion_id", "goal_id", "status"))
    names = ["employee_id", "goal_id", "metric", "period_end", "old_target", "expected"]
    units = goal_units(store.home)
    return day, [
        GoalFigures(
            employee_id=str(person),
            metric=str(metric),
            period_end=cast(dt.date, end),
            unit=units.get(str(goal)),
            target=cast(float | None, target),
            expected=cast(float | None, expected),
        )
        for person, goal, metric, end, target, expected in zip(*file.columns(names, slice(None)), strict=True)
        if visit.sees(str(person))
    ]


def _level(cell: Contribution) -> int:
    """The colour of a cell: 1, far below the target, to 5, far above; 0 without a sum."""
    share = cell.share
    return 0 if share is None else 1 + sum(round(share, 2) >= step for step in STEPS)


def _within(
    visit: Visit, query: TargetsPageQuery, goals: list[GoalFigures], known: Mapping[str, PersonFacts]
) -> tuple[ChildKind, list[GoalFigures]]:
    """The goals of the part that is asked for, and what it is divided into."""
    if query.manager_id is not None:
        return "employee_id", [
            goal for goal in goals if facts_of(known, goal.employee_id).manager_id == query.manager_id
        ]
    if query.department is not None:
        return "manager_id", [
            goal for goal in goals if facts_of(known, goal.employee_id).department == query.department
        ]
    if not visit.units:
        line = visit.line
        own = [goal for goal in goals if goal.employee_id in line]
        managers = {facts_of(known, goal.employee_id).manager_id for goal in own}
        return ("employee_id" if len(managers) <= 1 else "manager_id"), own
    return ("department" if EVERYTHING in visit.units or len(visit.units) > 1 else "manager_id"), goals


def _parts(kind: ChildKind, goals: list[GoalFigures], known: Mapping[str, PersonFacts]) -> list[Part]:
    """The parts by name, those of nobody known last."""
    groups: dict[str, list[GoalFigures]] = {}
    for goal in goals:
        facts = facts_of(known, goal.employee_id)
        name = (
            facts.department
            if kind == "department"
            else facts.manager_id
            if kind == "manager_id"
            else facts.employee_id
        )
        groups.setdefault(name or "", []).append(goal)
    parts = [
        Part(
            kind=kind,
            name=name,
            label=name if kind == "department" else facts_of(known, name).label,
            cells={key: contribution(each) for key, each in by_metric(own).items()},
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


def _of_person(visit: Visit, employee_id: str) -> HtmlPage:
    store = visit.store
    goals = goals_of(store, employee_id)
    return visit.page(
        "targets/person.html",
        people={employee_id},
        facts=person_facts(store, employee_id),
        goals=goals,
        chart=_attainment_chart(visit, goals),
        units=goal_units(store.home),
        may_decide=visit.may(Action.DECIDE_TARGET, employee_id),
    )


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

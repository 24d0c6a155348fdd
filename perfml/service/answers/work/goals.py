"""The goal tree, alignment and sums, of the people whom the asker may see."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import asdict
from typing import Annotated, Literal, cast

from pydantic import Field

from perfml.goals.files import kept_flags
from perfml.goals.sums.contributions import NoSum, SumRow, by_metric, contribution
from perfml.goals.tree.alignment import GroupAlignment, by_group, together
from perfml.goals.tree.flags import SiloBasis, TopBasis
from perfml.goals.tree.wording import KeptPath, coverage_text, silo_text
from perfml.service.answers.shared import (
    Answer,
    IsoDate,
    PageAnswer,
    PageCursor,
    PageLimit,
    PeopleQuery,
    PersonPlace,
    ServiceQuery,
    TextAnswer,
)
from perfml.service.answers.work.kept_goals import KeptSums, kept_alignment, kept_file, kept_sums
from perfml.service.paging import ListVersion
from perfml.service.scores import open_scores
from perfml.service.store import Store

PathStatusName = Literal["aligned", "orphan", "broken", "circle", "insufficient"]
GroupName = Literal["department", "manager_id", "employee_id"]


class StepAnswer(Answer):
    """One node above a goal."""

    id: str
    level: str
    """person, department or company."""
    metric: str | None
    title: str | None
    department: str | None
    owner: str | None
    """Whose goal it is; null where the asker may not see them, and for objectives."""


class PathAnswer(Answer):
    """One goal in force and the path above it."""

    goal_id: str
    employee_id: str
    metric: str
    weight: float
    share: float
    """Its weight as a share of its owner's goals."""
    status: PathStatusName
    cause: str | None
    """Why the path breaks: nothing_named, unknown, not_in_force, owner_left or circle; null where it reaches a company goal."""
    end_id: str
    """The company goal, or above which goal the path breaks."""
    path: tuple[StepAnswer, ...]
    text: TextAnswer
    """The same in a sentence."""


class TreeAnswer(PageAnswer):
    """One page of the goals in force at one date, with their paths."""

    as_of: dt.date
    statuses: dict[str, int]
    """Goals of that date by status, of everyone whom the asker may see."""
    goals: tuple[PathAnswer, ...]


class TreeQuery(PeopleQuery):
    """Which goals, and which page of them."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    employee_id: str | None = None
    status: PathStatusName | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


class AlignmentAnswer(Answer):
    """Where the weight of a group's goals leads; everybody counts the same."""

    name: str | None
    """The department or manager; null for people without one, and for one person."""
    employee_id: str | None
    """The person, where each is a group of their own."""
    people: int
    goals: int
    share: float | None
    """Of the weight, how much reaches a company goal; null where the record tells no company goal."""
    orphan: float
    broken: float
    circle: float


class AlignmentsAnswer(Answer):
    """Alignment at one date, of the people whom the asker may see."""

    as_of: dt.date
    whole: AlignmentAnswer | None
    """Of all of them; null where there is nobody."""
    groups: tuple[AlignmentAnswer, ...]


class AlignmentQuery(PeopleQuery):
    """By what, and of whom."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    by: GroupName = "department"


class SumAnswer(Answer):
    """The goals of a group on one metric and period as a sum."""

    name: str | None
    """The department or manager; null for people without one, and for one person."""
    employee_id: str | None
    """The person, where each is a group of their own."""
    metric: str
    unit: str | None
    period_start: dt.date
    period_end: dt.date
    people: int
    goals: int
    unknown: int
    """Goals without a forecast, which are in no sum."""
    target: float | None
    actual: float | None
    expected: float | None
    low: float | None
    """The 80 % interval of the final sum, ``low`` to ``high``; null where it was not computed for exactly these goals."""
    high: float | None
    problem: NoSum | None
    """Why there is no sum."""


class SumsAnswer(Answer):
    """Sums at one date, of the people whom the asker may see; groups add up to the whole."""

    as_of: dt.date
    whole: tuple[SumAnswer, ...]
    groups: tuple[SumAnswer, ...]


class SumsQuery(AlignmentQuery):
    """By what, of whom, and which metric."""

    metric: str | None = None


class CoverageAnswer(Answer):
    """Who works on one company goal."""

    goal_id: str
    title: str | None
    metric: str | None
    people: int
    people_share: Annotated[float, Field(ge=0, le=1)]
    weight_share: Annotated[float, Field(ge=0, le=1)]
    departments: tuple[str, ...]
    text: TextAnswer


class SiloAnswer(Answer):
    """A goal that several departments are needed for and only some have."""

    goal_id: str | None
    title: str | None
    metric: str | None
    basis: SiloBasis
    """declared: the objective names the departments; earlier: they had goals on the metric in periods before."""
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    text: TextAnswer


class GoalFlagsAnswer(Answer):
    """What is said of the goals of the whole company at one date."""

    as_of: dt.date
    basis: TopBasis
    """What company goals are: objectives, goals of the head of the company, or none that is on record."""
    coverage: tuple[CoverageAnswer, ...]
    silos: tuple[SiloAnswer, ...]


class GoalFlagsQuery(ServiceQuery):
    """Which date."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""


def goal_paths(store: Store, query: TreeQuery, *, reach: Set[str] | None = None) -> TreeAnswer:
    """One page of the goals of a date with their paths, of people within ``reach`` (default: everyone).

    Raises :class:`NotFound` where nothing is kept of the date.
    """
    day, path = kept_file(store, "paths", query.as_of)
    file = open_scores(path, ("goal_id", "status", "path"))
    texts = file.columns(["employee_id", "status", "department", "manager_id"], slice(None))
    people, statuses, departments, managers = cast("list[list[str | None]]", texts)
    chosen = [
        position
        for position, (person, status, department, manager) in enumerate(
            zip(people, statuses, departments, managers, strict=True)
        )
        if status != "held"
        and query.selects_row(PersonPlace(person, department, manager), reach)
        and query.employee_id in (None, person)
        and query.status in (None, status)
    ]
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    whole = ListVersion(address="/v1/goals/tree", parameters={"as_of": day, **parameters}, version=file.version)
    page = whole.page(chosen, int, limit=query.limit, cursor=query.cursor)
    seen = (str(s) for p, s in zip(people, statuses, strict=True) if s != "held" and (reach is None or p in reach))
    return TreeAnswer(
        as_of=day,
        statuses=dict(Counter(seen)),
        goals=tuple(_path_answer(KeptPath.of(row), reach) for row in file.rows(page.rows)),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def alignments(store: Store, query: AlignmentQuery, *, reach: Set[str] | None = None) -> AlignmentsAnswer:
    """Alignment by group, of people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, people = kept_alignment(store, query.as_of)
    own = [person for person in people if query.selects_row(person, reach)]
    groups = by_group(own, lambda person: str(value) if (value := getattr(person, query.by)) is not None else None)
    return AlignmentsAnswer(
        as_of=day,
        whole=_alignment_answer(query.by, None, together(own)) if own else None,
        groups=tuple(_alignment_answer(query.by, name, means) for name, means in groups.items()),
    )


def goal_sums(store: Store, query: SumsQuery, *, reach: Set[str] | None = None) -> SumsAnswer:
    """Sums by group, of people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, stored = kept_sums(store, query.as_of)
    own = [row for row in stored.people if query.metric in (None, row.metric) and query.selects_row(row, reach)]
    parts: dict[str | None, list[SumRow]] = {}
    for row in own:
        parts.setdefault(getattr(row, query.by), []).append(row)
    ordered = sorted(parts.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return SumsAnswer(
        as_of=day,
        whole=tuple(_sum_answers(query.by, None, own, stored=stored)),
        groups=tuple(answer for name, rows in ordered for answer in _sum_answers(query.by, name, rows, stored=stored)),
    )


def goal_flags(store: Store, query: GoalFlagsQuery) -> GoalFlagsAnswer:
    """Coverage of company goals and silo flags. Raises :class:`NotFound` where nothing is kept of the date."""
    day, path = kept_file(store, "paths", query.as_of)
    flags = kept_flags(path)
    return GoalFlagsAnswer(
        as_of=day,
        basis=flags.basis,
        coverage=tuple(
            CoverageAnswer(**asdict(each), text=TextAnswer.of(coverage_text(each))) for each in flags.coverage
        ),
        silos=tuple(SiloAnswer(**asdict(each), text=TextAnswer.of(silo_text(each))) for each in flags.silos),
    )


def _path_answer(path: KeptPath, reach: Set[str] | None) -> PathAnswer:
    steps = tuple(
        StepAnswer(**{**asdict(step), "owner": step.owner if reach is None or step.owner in reach else None})
        for step in path.path
    )
    return PathAnswer.model_validate({**asdict(path), "path": steps, "text": TextAnswer.of(path.text)})


def _alignment_answer(by: GroupName, name: str | None, means: GroupAlignment) -> AlignmentAnswer:
    return AlignmentAnswer(
        **_whose(by, name),
        people=means.people,
        goals=means.goals,
        share=means.share,
        orphan=means.orphan,
        broken=means.broken,
        circle=means.circle,
    )


def _sum_answers(by: GroupName, name: str | None, rows: Iterable[SumRow], *, stored: KeptSums) -> Iterable[SumAnswer]:
    for key, own in by_metric(rows).items():
        whole = contribution(own, stored.intervals)
        known = whole.problem is None
        yield SumAnswer(
            **_whose(by, name),
            metric=key.metric,
            unit=whole.unit,
            period_start=key.period_start,
            period_end=key.period_end,
            people=whole.people,
            goals=whole.goals,
            unknown=whole.unknown,
            target=whole.target if known else None,
            actual=whole.actual if known else None,
            expected=whole.expected if known else None,
            low=whole.low,
            high=whole.high,
            problem=whole.problem,
        )


def _whose(by: GroupName, name: str | None) -> dict[str, str | None]:
    """The fields that say whose a figure is: a person by id, so that whoever is shown is recorded."""
    person = by == "employee_id"
    return {"name": None if person else name, "employee_id": name if person else None}

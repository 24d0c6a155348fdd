"""Milestones of the people whom the asker may see: how each stands, when it will be finished, and what it waits for."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Set
from dataclasses import asdict
from pathlib import Path

from perfml.goals.kept_reports import report_notices
from perfml.goals.milestones.rows import (
    MilestoneRow,
    MilestoneStatusName,
    kept_milestones,
    milestones_file,
)
from perfml.goals.milestones.trajectory import trajectories
from perfml.messages import Message
from perfml.service.answers.shared import Answer, IsoDate, PageAnswer, PageCursor, PageLimit, PeopleQuery, TextAnswer
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store

URGENT: tuple[MilestoneStatusName, ...] = ("late_work", "unclear", "late_marking", "running", "on_time")


class MilestoneAnswer(Answer):
    """One milestone of a goal in its period."""

    goal_id: str
    employee_id: str
    department: str | None
    manager_id: str | None
    metric: str
    name: str
    status: MilestoneStatusName
    """on_time; late_marking: the work was finished in time; late_work; unclear: the record does not tell which; running."""
    due_on: dt.date
    first_due_on: dt.date
    """As planned first."""
    marked_on: dt.date | None
    finished_on: dt.date | None
    """The last day of the work, where it is on record."""
    in_time: float | None
    """Probability that the work was, or will be, finished by ``due_on``."""
    expected_on: dt.date | None
    """Of an open one: the middle of its forecast."""
    low_on: dt.date | None
    """The 80 % interval of the last day of work, ``low_on`` to ``high_on``."""
    high_on: dt.date | None
    inherited_days: int | None
    """How much later it begins because of what it waits for."""
    waits_for: str | None
    """The milestone that it waits for longest; null where the asker may not see whose it is."""
    waits_for_goal: str | None
    pushes: int
    """How many milestones begin later because of this one."""
    goal_expected_on: dt.date | None
    """When the last milestone of the goal is expected to be finished, with its 80 % interval."""
    goal_low_on: dt.date | None
    goal_high_on: dt.date | None
    text: TextAnswer
    waiting: TextAnswer | None
    """What it waits for, in a sentence."""


class TrajectoryPointAnswer(Answer):
    """One day of the course of a goal, as shares of its milestones."""

    day: dt.date
    planned: float
    """Due by then."""
    finished: float
    """Finished by then; from the as-of date on as expected."""


class TrajectoryAnswer(Answer):
    """The course of one goal."""

    goal_id: str
    metric: str
    milestones: int
    points: tuple[TrajectoryPointAnswer, ...]


class MilestonesAnswer(PageAnswer):
    """One page of the milestones of one date: late work first, then by the day they are due."""

    as_of: dt.date
    notices: tuple[TextAnswer, ...]
    """What could not be said, and why."""
    statuses: dict[str, int]
    """Milestones by status, of everyone whom the asker may see."""
    milestones: tuple[MilestoneAnswer, ...]
    trajectories: tuple[TrajectoryAnswer, ...]
    """The course of each goal of one person; empty where nobody is named."""


class MilestonesQuery(PeopleQuery):
    """Of whom, and which page."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    employee_id: str | None = None
    status: MilestoneStatusName | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def milestones(store: Store, query: MilestonesQuery, *, reach: Set[str] | None = None) -> MilestonesAnswer:
    """One page of the milestones of people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, path = _file(store, query.as_of)
    listed = sorted(
        kept_milestones(path), key=lambda row: (URGENT.index(row.status), row.due_on, row.goal_id, row.name)
    )
    seen = [
        (position, row)
        for position, row in enumerate(listed)
        if query.selects_row(row, reach) and query.employee_id in (None, row.employee_id)
    ]
    chosen = [each for each in seen if query.status in (None, each[1].status)]
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    version = f"{path.stat().st_mtime_ns:x}"
    whole = ListVersion(address="/v1/goals/milestones", parameters={"as_of": day, **parameters}, version=version)
    page = whole.page(chosen, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return MilestonesAnswer(
        as_of=day,
        notices=tuple(map(TextAnswer.of, report_notices(path))),
        statuses=dict(Counter(row.status for _, row in seen)),
        milestones=tuple(_answer(row, reach, query.employee_id) for _, row in page.rows),
        trajectories=tuple(
            TrajectoryAnswer.model_validate(asdict(each))
            for each in trajectories(row for _, row in seen if query.employee_id is not None)
        ),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def _answer(row: MilestoneRow, reach: Set[str] | None, asked: str | None) -> MilestoneAnswer:
    """One row as it is shown: what it waits for is named where the asker may see whose it is."""
    named = row.waits_for_employee in (None, row.employee_id) or (
        asked is None and (reach is None or row.waits_for_employee in reach)
    )
    waiting = row.waiting_text
    if waiting is not None and not named:
        code = "milestone_waits_other" if row.is_open else "milestone_waited_other"
        waiting = Message.of(code, days=row.inherited_days or 0)
    fields = {name: getattr(row, name) for name in MilestoneAnswer.model_fields if hasattr(row, name)}
    return MilestoneAnswer.model_validate(
        {
            **fields,
            "waits_for": row.waits_for if named else None,
            "waits_for_goal": row.waits_for_goal if named else None,
            "text": TextAnswer.of(row.text),
            "waiting": None if waiting is None else TextAnswer.of(waiting),
        }
    )


def _file(store: Store, as_of: dt.date | None) -> tuple[dt.date, Path]:
    file = milestones_file(store.home, as_of)
    if file is None:
        remedy = Message.of("service_make_milestones")
        raise NotFound(Message.of("service_no_milestones"), where="as_of", remedy=remedy)
    return file

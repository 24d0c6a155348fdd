"""What processes owe to the people whom the asker may see, and sums by unit, small groups withheld."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from pathlib import Path
from typing import Literal

from perfml.disclosure.primary import Suppression
from perfml.goals.kept_reports import report_notices
from perfml.goals.process_debt.rows import DebtRow, debts_file, kept_debts
from perfml.messages import Message
from perfml.project.goals.process_debt_spec import DebtRule
from perfml.service.answers.shared import Answer, IsoDate, PageAnswer, PageCursor, PageLimit, PeopleQuery, TextAnswer
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store


class DebtAnswer(Answer):
    """One thing that is owed to one person."""

    employee_id: str
    process: str
    rule: DebtRule
    """feedback, goal_unmentioned, overtime or review_late."""
    owner: str
    """Who can mend it: employee, manager, company or data."""
    department: str | None
    manager_id: str | None
    since: dt.date
    """From which day on."""
    days: int
    """Days owed, of all goals together."""
    hours: float | None
    """Above the limit, of overtime."""
    metrics: tuple[str, ...]
    """Of the goals that nobody mentioned."""
    text: TextAnswer


class DebtsAnswer(PageAnswer):
    """One page of what is owed at one date, the longest first."""

    as_of: dt.date
    notices: tuple[TextAnswer, ...]
    """Processes that could not be looked at, and why: of them nothing is listed, whatever is owed."""
    debts: tuple[DebtAnswer, ...]


class DebtsQuery(PeopleQuery):
    """Of whom, and which page."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    process: str | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


class UnitDebtAnswer(Answer):
    """One process in one unit; figures are null where they are withheld."""

    process: str
    group: str | None
    """The department or manager; null for people without one, and for everybody."""
    people: int
    owed: int | None
    """People to whom it is owed."""
    days: int | None
    """Days owed, of all people together."""
    hours: float | None
    risk_share: float | None
    """Share of the predicted risk that the reasons of this process carry, of those to whom it is owed; null without scores of the
    date."""
    withheld: Suppression | None


class UnitDebtsAnswer(Answer):
    """What is owed at one date as sums."""

    as_of: dt.date
    whole: tuple[UnitDebtAnswer, ...]
    """Of everybody whom the asker may see."""
    groups: tuple[UnitDebtAnswer, ...]


class UnitDebtsQuery(PeopleQuery):
    """By what, and of whom."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    by: Literal["department", "manager_id"] = "department"


def debts(store: Store, query: DebtsQuery, *, reach: Set[str] | None = None) -> DebtsAnswer:
    """One page of what is owed to people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, path = _file(store, query.as_of)
    own = [
        row
        for row in kept_debts(path)
        if row.owed and query.process in (None, row.process) and query.selects_row(row, reach)
    ]
    own.sort(key=lambda row: (-(row.days or 0), row.employee_id, row.process))
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    version = f"{path.stat().st_mtime_ns:x}"
    whole = ListVersion(address="/v1/process-debt", parameters={"as_of": day, **parameters}, version=version)
    page = whole.page(list(enumerate(own)), lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return DebtsAnswer(
        as_of=day,
        notices=tuple(map(TextAnswer.of, report_notices(path))),
        debts=tuple(debt_answer(row) for _, row in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def debt_answer(row: DebtRow) -> DebtAnswer:
    """One row as it is shown; without any figure of a risk."""
    return DebtAnswer(
        employee_id=row.employee_id,
        process=row.process,
        rule=row.rule,
        owner=row.owner or "manager",
        department=row.department,
        manager_id=row.manager_id,
        since=row.since or dt.date.min,
        days=row.days or 0,
        hours=row.hours,
        metrics=row.metrics,
        text=TextAnswer.of(row.text),
    )


def unit_debts(store: Store, query: UnitDebtsQuery, *, reach: Set[str] | None = None) -> UnitDebtsAnswer:
    """Sums over people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    from perfml.goals.process_debt.groups import by_group, whole  # it brings SciPy, which nothing else here needs

    day, path = _file(store, query.as_of)
    rows = [row for row in kept_debts(path) if query.selects_row(row, reach)]
    return UnitDebtsAnswer(
        as_of=day,
        whole=tuple(UnitDebtAnswer(**vars(each)) for each in whole(rows)),
        groups=tuple(UnitDebtAnswer(**vars(each)) for each in by_group(rows, query.by, store.disclosure)),
    )


def _file(store: Store, as_of: dt.date | None) -> tuple[dt.date, Path]:
    file = debts_file(store.home, as_of)
    if file is None:
        remedy = Message.of("service_make_process_debt")
        raise NotFound(Message.of("service_no_process_debt"), where="as_of", remedy=remedy)
    return file

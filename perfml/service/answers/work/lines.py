"""How far the people whom the asker may see are from each line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from pathlib import Path

from perfml.goals.kept_reports import report_notices
from perfml.goals.lines.rows import LineProblem, LineRow, kept_lines, lines_file
from perfml.messages import Message
from perfml.project.goals.lines_spec import LineRule
from perfml.service.answers.shared import Answer, IsoDate, PageAnswer, PageCursor, PageLimit, PeopleQuery, TextAnswer
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store


class LineDistanceAnswer(Answer):
    """One person and one line; figures are null where nothing can be said."""

    employee_id: str
    department: str | None
    manager_id: str | None
    line: str
    rule: LineRule
    """rank: among the first of a group; attainment: a share of the own target."""
    title: TextAnswer
    metric: str
    unit: str | None
    """% where amounts are shares of the own target."""
    group: str | None
    """The department, location or scope within which it is drawn; null for the whole company."""
    people: int
    """Who run for it."""
    on: dt.date
    """The day that counts."""
    days_left: int
    actual: float | None
    line_now: float | None
    """Where it lies now: of a rank the mean of the people around it, nobody's own figure."""
    distance: float | None
    """What is missing now; 0 where the line is crossed."""
    crossed: bool | None
    line_expected: float | None
    """Where it is expected to lie on its day."""
    expected: float | None
    """What is expected of the person by then."""
    probability: float | None
    """Of being above the line on its day; of a rank in steps of 0.05."""
    needed_a_week: float | None
    """To reach ``line_expected``."""
    pace_a_week: float | None
    """So far."""
    problem: LineProblem | None
    """Why figures are null."""
    text: TextAnswer


class LinesAnswer(PageAnswer):
    """One page of people and lines of one date, by person."""

    as_of: dt.date
    notices: tuple[TextAnswer, ...]
    """Lines that nothing could be said of, and why."""
    lines: tuple[LineDistanceAnswer, ...]


class LinesQuery(PeopleQuery):
    """Of whom, which line, and which page."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    employee_id: str | None = None
    line: str | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def lines(store: Store, query: LinesQuery, *, reach: Set[str] | None = None) -> LinesAnswer:
    """One page of the lines of people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, path = _file(store, query.as_of)
    own = [
        (position, row)
        for position, row in enumerate(kept_lines(path))
        if query.selects_row(row, reach)
        and query.employee_id in (None, row.employee_id)
        and query.line in (None, row.line)
    ]
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    version = f"{path.stat().st_mtime_ns:x}"
    whole = ListVersion(address="/v1/goals/lines", parameters={"as_of": day, **parameters}, version=version)
    page = whole.page(own, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return LinesAnswer(
        as_of=day,
        notices=tuple(map(TextAnswer.of, report_notices(path))),
        lines=tuple(_answer(row) for _, row in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def _answer(row: LineRow) -> LineDistanceAnswer:
    fields = {name: getattr(row, name) for name in LineDistanceAnswer.model_fields if name not in ("title", "text")}
    title = TextAnswer(zh=row.line_zh, en=row.line_en)
    return LineDistanceAnswer.model_validate({**fields, "title": title, "text": TextAnswer.of(row.text)})


def _file(store: Store, as_of: dt.date | None) -> tuple[dt.date, Path]:
    file = lines_file(store.home, as_of)
    if file is None:
        remedy = Message.of("service_make_lines")
        raise NotFound(Message.of("service_no_lines"), where="as_of", remedy=remedy)
    return file

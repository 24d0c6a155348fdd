"""Notices: what people were told before they were scored, and who wants no score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set

from perfml.service.answers.shared import Answer, PageAnswer, PageCursor, PageLimit, PeopleQuery
from perfml.service.answers.trust.holds import today
from perfml.service.paging import ListVersion
from perfml.service.store import Store
from perfml.trust.notices.notice_log import NoticeLog, NoticeState


class NoticeAnswer(Answer):
    """A notice that was given."""

    version: str
    given_on: dt.date
    how: str
    """By which way, such as e-mail or a signed sheet."""
    by: str


class AdverseOutcomeAnswer(Answer):
    """A decision of people to somebody's disadvantage, whose package is due."""

    on: dt.date
    what: str
    by: str
    package_on: dt.date | None
    """When the package was made; null while it is due."""


class PersonNoticesAnswer(Answer):
    """What the log adds up to for one person."""

    employee_id: str
    notices: tuple[NoticeAnswer, ...]
    opted_out_on: dt.date | None
    outcomes: tuple[AdverseOutcomeAnswer, ...]

    @classmethod
    def of(cls, state: NoticeState) -> PersonNoticesAnswer:
        """From the state of a person."""
        return cls(
            employee_id=state.employee_id,
            notices=tuple(
                NoticeAnswer(version=each.version, given_on=each.given_on, how=each.how, by=each.by)
                for each in state.notices
            ),
            opted_out_on=state.opted_out_on,
            outcomes=tuple(
                AdverseOutcomeAnswer(on=each.on, what=each.what, by=each.by, package_on=each.package_on)
                for each in state.outcomes
            ),
        )


class NoticesAnswer(PageAnswer):
    """One page of the people of whom something is recorded."""

    people: tuple[PersonNoticesAnswer, ...]


class NoticesQuery(PeopleQuery):
    """Whose notices."""

    employee_id: str | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def notice_states(store: Store, query: NoticesQuery, *, reach: Set[str] | None = None) -> NoticesAnswer:
    """Return one page of the people, in the order in which they were first told something."""
    states = NoticeLog(store.home).states()
    known = store.people(today()) if query.filtered else {}
    chosen = [
        (number, state)
        for number, (person, state) in enumerate(states.items())
        if query.employee_id in (None, person) and query.selects(known, person, reach)
    ]
    parameters = query.model_dump(exclude={"limit", "cursor"}, exclude_defaults=True)
    whole = ListVersion(address="/v1/notices", parameters=parameters, version="")  # people are only added, at the end
    page = whole.page(chosen, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return NoticesAnswer(
        people=tuple(PersonNoticesAnswer.of(state) for _, state in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )

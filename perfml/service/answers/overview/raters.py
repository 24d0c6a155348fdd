"""How severely reviewers rate, beside others who rated the same people: for HR, to talk about standards."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Set

from perfml.messages import Message
from perfml.scoring.people.files import facts_of
from perfml.scoring.people.raters import KeptRater, KeptRaters, RaterVerdict, kept_raters
from perfml.scoring.withheld.withholding import withholding_now
from perfml.service.answers.shared import (
    Answer,
    PageAnswer,
    PageCursor,
    PageLimit,
    PeopleQuery,
    PersonFactsAnswer,
    TextAnswer,
)
from perfml.service.answers.trust.holds import today
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store


class RaterAnswer(Answer):
    """One reviewer."""

    employee_id: str
    person: PersonFactsAnswer
    verdict: RaterVerdict
    """``severe`` or ``lenient`` where the interval excludes 0; ``cannot tell`` where it is too wide, or where too few people were
    rated by others as well."""
    severity: float | None
    """In rating points: how much lower the reviewer rates the same people than others do; null where nobody can be compared."""
    low: float | None
    """Of the 95 % interval."""
    high: float | None
    ratings: int
    people: int
    """People rated."""
    text: TextAnswer


class RatersAnswer(PageAnswer):
    """One page of the reviewers, the most severe first."""

    as_of: dt.date
    """What was known before this day counts."""
    verdicts: dict[RaterVerdict, int]
    """Reviewers by verdict, whatever verdict was requested."""
    not_shown: int
    """Reviewers with few ratings, or of few people, of whom nothing is said."""
    held: int
    """Reviewers about whom nothing is said now."""
    raters: tuple[RaterAnswer, ...]


class RatersQuery(PeopleQuery):
    """Which reviewers."""

    verdict: RaterVerdict | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def rater_list(store: Store, query: RatersQuery, *, reach: Set[str] | None = None) -> RatersAnswer:
    """Return one page of the reviewers of the newest date, as if those within ``reach`` were all (default: everyone).

    Raises :class:`NotFound` where no reviewers were kept, and :class:`DamagedFile`.
    """
    compared = _compared(store)
    known = store.people(compared.as_of)
    withheld = withholding_now(store.home, today(), facts=False)
    mine = [
        (number, each) for number, each in enumerate(compared.raters) if query.selects(known, each.employee_id, reach)
    ]
    said_now = [each for each in mine if not withheld.hold({"employee_id": each[1].employee_id})]
    chosen = [each for each in said_now if query.verdict in (None, each[1].verdict)]
    whole = ListVersion(
        address="/v1/raters",
        parameters=query.model_dump(exclude={"limit", "cursor"}),
        version=f"{compared.as_of} {compared.version}",
    )
    page = whole.page(chosen, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return RatersAnswer(
        as_of=compared.as_of,
        verdicts=dict(Counter(each.verdict for _, each in said_now)),
        not_shown=sum(query.selects(known, person, reach) for person in compared.not_shown),
        held=len(mine) - len(said_now),
        raters=tuple(_answer(each, PersonFactsAnswer.of(facts_of(known, each.employee_id))) for _, each in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def _compared(store: Store) -> KeptRaters:
    compared = kept_raters(store.home)
    if compared is None:
        raise NotFound(
            Message.of("service_no_raters"), where="raters", remedy=Message.of("service_score_with_reviewers")
        )
    return compared


def _answer(rater: KeptRater, person: PersonFactsAnswer) -> RaterAnswer:
    return RaterAnswer(
        employee_id=rater.employee_id,
        person=person,
        verdict=rater.verdict,
        severity=rater.severity,
        low=rater.low,
        high=rater.high,
        ratings=rater.ratings,
        people=rater.people,
        text=TextAnswer(zh=rater.zh, en=rater.en),
    )

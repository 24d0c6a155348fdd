"""The development card of an employee, one page: reviews, strengths, gaps, projects, courses; every line with its row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from perfml.advice.talks.brief import finished_courses, gaps, goal_line, open_courses
from perfml.advice.talks.goals import goal_reviews
from perfml.advice.talks.lines import TalkFacts, TalkLine, plain
from perfml.advice.talks.strengths import nothing_on_record, strengths
from perfml.messages import Bilingual
from perfml.project.trust.talks_spec import TalksSpec
from perfml.scoring.personal.record import PersonalPart, require_rows
from perfml.scoring.personal.standing import standing_record

REVIEWS = 2


class DevelopmentCard(PersonalPart):
    """What a person takes along: facts about them, in five parts."""

    employee_id: str
    as_of: dt.date
    withheld: Bilingual | None
    """Why nothing is shown: the person opted out."""
    reviews: tuple[TalkLine, ...]
    """The last two."""
    strengths: tuple[TalkLine, ...]
    nothing_on_record: Bilingual | None
    """Where no row supports a strength."""
    gaps: tuple[TalkLine, ...]
    """Noted within a year, with the words that they come from."""
    projects: tuple[TalkLine, ...]
    """Goals that run or ended lately."""
    courses: tuple[TalkLine, ...]
    """Finished within a year, or begun."""


def development_card(home: Path, employee_id: str, *, spec: TalksSpec, as_of: dt.date | None = None) -> DevelopmentCard:
    """The card of a person at ``as_of`` (default: the newest date with rows).

    Raises :class:`~perfml.scoring.score_files.NoScore` where nothing is kept of that date or person.
    """
    facts = TalkFacts(record=standing_record(home, employee_id, as_of))
    require_rows(facts.record)
    goals = tuple(goal_reviews(facts, {}))
    supported = tuple(strengths(facts, goals, spec))
    return DevelopmentCard(
        employee_id=employee_id,
        as_of=facts.record.as_of,
        withheld=facts.record.withheld,
        reviews=tuple(_reviews(facts)),
        strengths=supported,
        nothing_on_record=nothing_on_record() if not supported and facts.record.withheld is None else None,
        gaps=tuple(gaps(facts)),
        projects=tuple(
            goal_line("talk_goal_unmeasured" if goal.reached is None else "talk_goal_reached", goal) for goal in goals
        ),
        courses=(*finished_courses(facts), *open_courses(facts)),
    )


def _reviews(facts: TalkFacts) -> Iterator[TalkLine]:
    for row in facts.rows("reviews")[:REVIEWS]:
        rating, comment = Decimal(row.values["rating"]), row.values.get("comment")
        values = {"end": row.values["period_end"], "rating": plain(rating)}
        if comment is None:
            yield facts.line("talk_review", [row], **values)
        else:
            yield facts.line("talk_review_quoted", [row], quote=comment, **values)

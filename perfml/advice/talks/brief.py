"""The brief of a one-to-one: goals, success factors, wishes for development, three questions, and what is to be mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from perfml.advice.person import suggestions_of
from perfml.advice.suggestion_files import StoredTarget
from perfml.advice.talks.goals import FEEDBACK, GoalReview, goal_reviews
from perfml.advice.talks.lines import TalkFacts, TalkLine, plain, times, within
from perfml.advice.talks.strengths import YEAR_DAYS, nothing_on_record, strengths
from perfml.messages import Bilingual, Message, both
from perfml.project.trust.talks_spec import TalksSpec
from perfml.scoring.personal.record import PersonalPart, require_rows
from perfml.scoring.personal.standing import standing_record

OWED_DAYS = 28
"""Days without feedback on record after which it is owed, as in ``models/alerts.toml``."""


class TalkQuestion(PersonalPart):
    """A question to the person, with what is on record about it."""

    question: Bilingual
    lines: tuple[TalkLine, ...]


class OneToOneBrief(PersonalPart):
    """What a manager and an employee prepare a conversation with, for both the same."""

    employee_id: str
    as_of: dt.date
    withheld: Bilingual | None
    """Why nothing is shown: the person opted out."""
    goals: tuple[GoalReview, ...]
    success_factors: tuple[TalkLine, ...]
    nothing_on_record: Bilingual | None
    """Where no row supports a success factor: what the manager is asked for instead."""
    wishes: tuple[TalkLine, ...]
    """What the person may want to develop: gaps noted, courses begun."""
    questions: tuple[TalkQuestion, ...]
    """What I did, what was hard, what help I need."""
    to_mend: tuple[TalkLine, ...]
    """What is the manager's to mend: feedback owed, targets changed and not discussed."""


def one_to_one_brief(home: Path, employee_id: str, *, spec: TalksSpec, as_of: dt.date | None = None) -> OneToOneBrief:
    """The brief about a person at ``as_of`` (default: the newest date with rows).

    Raises :class:`~perfml.scoring.score_files.NoScore` where nothing is kept of that date or person.
    """
    facts = TalkFacts(record=standing_record(home, employee_id, as_of))
    require_rows(facts.record)
    goals = tuple(goal_reviews(facts, _forecasts(home, employee_id, facts.record.as_of)))
    factors = tuple(strengths(facts, goals, spec))
    return OneToOneBrief(
        employee_id=employee_id,
        as_of=facts.record.as_of,
        withheld=facts.record.withheld,
        goals=goals,
        success_factors=factors,
        nothing_on_record=nothing_on_record() if not factors and facts.record.withheld is None else None,
        wishes=(*gaps(facts), *open_courses(facts)),
        questions=(
            _question("talk_did", _did(facts, goals)),
            _question("talk_hard", _hard(facts, goals)),
            _question("talk_help", gaps(facts)),
        ),
        to_mend=tuple(_to_mend(facts, goals)),
    )


def gaps(facts: TalkFacts) -> Iterator[TalkLine]:
    """Gaps noted within a year, with the words that they come from."""
    for row in within(facts.rows("gap_tags"), facts.record.as_of, days=YEAR_DAYS):
        quote = row.values.get("quote")
        if quote is None:
            yield facts.line("talk_gap", [row], tag=row.values["tag"])
        else:
            yield facts.line("talk_gap_quoted", [row], tag=row.values["tag"], quote=quote)


def open_courses(facts: TalkFacts) -> Iterator[TalkLine]:
    """Courses that are not finished."""
    for row in facts.rows("enrolments"):
        if "completed_on" not in row.values:
            yield facts.line("talk_course_open", [row], title=facts.course(row), day=str(row.day))


def finished_courses(facts: TalkFacts) -> Iterator[TalkLine]:
    """Courses finished within a year."""
    since = facts.record.as_of - dt.timedelta(days=YEAR_DAYS)
    for row in facts.rows("enrolments"):
        done = row.values.get("completed_on")
        if done is not None and dt.date.fromisoformat(done) >= since:
            yield facts.line("talk_course_done", [row], title=facts.course(row), day=done)


def goal_line(code: str, goal: GoalReview) -> TalkLine:
    """A sentence about how far a goal is."""
    reached = 0.0 if goal.reached is None else float(goal.reached)
    message = Message.of(
        code, metric=goal.metric, reached=reached, elapsed=float(goal.elapsed), day=str(goal.measured_on)
    )
    return TalkLine(text=Bilingual(**both(message)), sources=goal.sources)


def _question(code: str, lines: Iterator[TalkLine]) -> TalkQuestion:
    return TalkQuestion(question=Bilingual(**both(Message.of(code))), lines=tuple(lines))


def _did(facts: TalkFacts, goals: Sequence[GoalReview]) -> Iterator[TalkLine]:
    yield from (goal_line("talk_goal_reached", goal) for goal in goals if goal.status in ("attained", "on_track"))
    yield from _counted(facts, "milestone_done_count_91d", "talk_milestones_met")
    yield from finished_courses(facts)


def _hard(facts: TalkFacts, goals: Sequence[GoalReview]) -> Iterator[TalkLine]:
    yield from (goal_line("talk_goal_reached", goal) for goal in goals if goal.status in ("behind", "missed"))
    yield from _counted(facts, "milestone_late_count_91d", "talk_milestones_missed")
    yield from _counted(facts, "overtime_count_28d", "talk_overtime")


def _to_mend(facts: TalkFacts, goals: Sequence[GoalReview]) -> Iterator[TalkLine]:
    as_of, feedback = facts.record.as_of, facts.counted(FEEDBACK)
    if feedback:
        days = (as_of - feedback[0].day).days
        if days >= OWED_DAYS:
            yield facts.line("talk_feedback_owed", feedback[:1], days=days, day=str(feedback[0].day))
    elif feedback is not None and facts.record.rows:
        yield facts.line("talk_no_feedback", [])
    for goal in goals:
        for change in goal.changes:
            if change.discussed is False:
                message = Message.of(
                    "talk_undiscussed",
                    metric=goal.metric,
                    day=str(change.effective_on),
                    old=plain(change.old_target),
                    new=plain(change.new_target),
                    old_weight=plain(change.old_weight),
                    new_weight=plain(change.new_weight),
                )
                yield TalkLine(text=Bilingual(**both(message)), sources=change.sources)


def _counted(facts: TalkFacts, column: str, code: str) -> Iterator[TalkLine]:
    """What a column counts within its window, where it counts anything."""
    rows = facts.counted(column)
    if rows:
        yield facts.line(code, rows, times=times(rows), day=str(rows[0].day))


def _forecasts(home: Path, employee_id: str, as_of: dt.date) -> Mapping[str, StoredTarget]:
    rows = (row for row in suggestions_of(home, employee_id, as_of) if "goal_id" in row)
    return {row["goal_id"]: row for row in (cast(StoredTarget, row) for row in rows)}

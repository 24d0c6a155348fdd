"""The courses suggested for one person."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from perfml.service.answers.decisions import DecisionAnswer
from perfml.service.answers.shared import Answer, IsoDate, ServiceQuery, TextAnswer
from perfml.service.answers.suggestions import LineAnswer, decisions_about, suggestion_fields, suggestions_file
from perfml.service.problems import no_courses
from perfml.service.scores import open_scores
from perfml.service.store import Store


class CourseAnswer(Answer):
    """One course suggested for one gap, or (status ``none`` or ``held``) why there is none."""

    suggestion_id: str
    policy: str
    status: Literal["suggested", "none", "held", "outside"]
    tag: str | None
    skill: str | None
    tag_source: str | None
    """``noted``, or ``proposed`` from a review: then a person has to confirm it."""
    quote: str | None
    """The words of the review."""
    course_id: str | None
    title: str | None
    rank: int | None
    """1 is the first to take."""
    score: float | None
    step: str | None
    """``prerequisite`` or ``main``."""
    hours: float | None
    level: int | None
    language: str | None
    why: tuple[LineAnswer, ...]
    zh: str | None
    en: str | None
    why_not: TextAnswer | None
    decisions: tuple[DecisionAnswer, ...]


class CoursesAnswer(Answer):
    """The courses suggested for one person at one date, the first to take first."""

    employee_id: str
    as_of: dt.date
    courses: tuple[CourseAnswer, ...]


class CoursesQuery(ServiceQuery):
    """Which date, and which policy."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "course_match"


def course_suggestions(store: Store, employee_id: str, query: CoursesQuery) -> CoursesAnswer:
    """Return a person's courses at one date.

    Raises :class:`NotFound` for a date or a person without any, with a text that depends neither on who exists nor on who
    has a gap.
    """
    day, path = suggestions_file(store, query.policy, query.as_of)
    file = open_scores(path, ("suggestion_id", "course_id", "status"))
    rows = file.rows(file.of(employee_id))
    if not rows:
        raise no_courses()
    decisions = decisions_about(store, rows)
    courses = tuple(CourseAnswer.model_validate(suggestion_fields(row, decisions)) for row in rows)
    return CoursesAnswer(employee_id=employee_id, as_of=day, courses=courses)

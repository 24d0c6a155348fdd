"""What a manager is shown of one of their people: what changed since last time, what is on record, and what helps.

Two dates are compared: the newest one and the one before, which the manager saw last time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from perfml.advice.talks.brief import OneToOneBrief
from perfml.advice.talks.goals import GoalReview, TargetChange
from perfml.advice.talks.lines import TalkLine
from perfml.messages import Bilingual
from perfml.project.voices import Reader
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.service.answers.courses import CourseAnswer, CoursesQuery, course_suggestions
from perfml.service.answers.personal import DateQuery, brief_of
from perfml.service.answers.shared import TextAnswer
from perfml.service.answers.targets import TargetAnswer, TargetsQuery, target_suggestions
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.service.web.pages.people.reasons import ReasonReader, ReasonToTalk
from perfml.trust.alerts.alert import Alert

OPEN = frozenset({"open", "escalated"})
"""States of an alert that nobody takes care of yet."""


@dataclass(frozen=True, kw_only=True)
class MovedTarget:
    """A target or weight that was changed."""

    goal: GoalReview
    change: TargetChange


@dataclass(frozen=True, kw_only=True)
class TeamMember:
    """One person of a team."""

    facts: PersonFacts
    reasons: tuple[ReasonToTalk, ...]
    held: TextAnswer | None
    """Why nothing is computed of the person now."""
    alerts: tuple[Alert, ...]
    """Open ones, the newest first."""
    moved: tuple[MovedTarget, ...]
    to_mend: tuple[TalkLine, ...]
    to_decide: int
    """Suggestions on targets that nobody has decided on."""

    @cached_property
    def new_reasons(self) -> list[ReasonToTalk]:
        """Those that were not among the reasons last time."""
        return [reason for reason in self.reasons if reason.new]

    @cached_property
    def actions(self) -> list[Bilingual]:
        """One or two things that help, what is new first."""
        ordered = sorted(self.reasons, key=lambda reason: not reason.new)
        return list({each.action.en: each.action for each in ordered if each.action is not None}.values())[:2]

    @property
    def changed(self) -> bool:
        """Whether anything is new."""
        return bool(self.new_reasons or self.alerts or self.moved)


def previous_date(store: Store) -> dt.date | None:
    """The scored date before the newest one: what a manager saw last time."""
    days = sorted({day for model in store.models() for day in store.scored(model)}, reverse=True)
    return days[1] if len(days) > 1 else None


def newest_date(store: Store) -> dt.date | None:
    """The newest scored date."""
    return max((day for model in store.models() for day in store.scored(model)[:1]), default=None)


class MemberReader:
    """Reads what is shown of people, against the date of last time."""

    def __init__(self, store: Store, voice: Reader = "manager") -> None:
        self._store, self.since = store, previous_date(store)
        self.now = ReasonReader(store, voice)
        self._before = None if self.since is None else ReasonReader(store, voice, self.since)

    def member(self, facts: PersonFacts, *, alerts: Iterable[Alert]) -> TeamMember:
        """What is shown of a person; ``alerts``: those that concern them."""
        person, since = facts.employee_id, self.since
        brief = kept_brief(self._store, person)
        return TeamMember(
            facts=facts,
            reasons=tuple(self.reasons(person)),
            held=self.now.why_nothing(person),
            alerts=tuple(sorted((each for each in alerts if each.state in OPEN), key=_newest_first)),
            moved=tuple(
                MovedTarget(goal=goal, change=change)
                for goal in (() if brief is None else brief.goals)
                for change in goal.changes
                if since is None or change.effective_on >= since
            ),
            to_mend=() if brief is None else brief.to_mend,
            to_decide=sum(goal.status == "suggested" and not goal.decisions for goal in goals_of(self._store, person)),
        )

    def reasons(self, employee_id: str) -> Iterator[ReasonToTalk]:
        """The reasons of now, with what is new marked; nothing is new where nothing is known of last time."""
        before = [] if self._before is None else [each.evidence for each in self._before.reasons(employee_id)]
        for reason in self.now.reasons(employee_id):
            yield replace(reason, new=bool(before) and reason.evidence not in before)


def kept_brief(store: Store, employee_id: str) -> OneToOneBrief | None:
    """The brief about a person; None where no rows are kept."""
    try:
        return brief_of(store, employee_id, DateQuery())
    except NotFound:
        return None


def _newest_first(alert: Alert) -> tuple[int, str]:
    return -alert.first.day.toordinal(), alert.first.alert_id


def person_facts(store: Store, employee_id: str) -> PersonFacts:
    """Who somebody is, as known at the newest date."""
    day = newest_date(store)
    return facts_of({} if day is None else store.people(day, {employee_id}), employee_id)


def goals_of(store: Store, employee_id: str) -> tuple[TargetAnswer, ...]:
    """The goals of a person with their suggestions; none where nothing was suggested yet."""
    try:
        return target_suggestions(store, TargetsQuery(employee_id=employee_id, limit=500)).targets
    except NotFound:
        return ()


def courses_of(store: Store, employee_id: str) -> tuple[CourseAnswer, ...]:
    """The courses that are suggested for a person."""
    try:
        answer = course_suggestions(store, employee_id, CoursesQuery())
    except NotFound:
        return ()
    return tuple(course for course in answer.courses if course.status != "outside")

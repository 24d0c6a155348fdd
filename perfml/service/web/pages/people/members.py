"""What a manager is shown of one of their people: what changed since last time, what is on record, and what helps.

Two dates are compared: the newest one and the one before, which the manager saw last time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from perfml.advice.talks.brief import OneToOneBrief
from perfml.advice.talks.goals import GoalReview, TargetChange
from perfml.advice.talks.lines import TalkLine
from perfml.messages import Bilingual
from perfml.outgoing.facts.own import OwnEligibility
from perfml.project.voices import Reader
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.service.answers.courses import CourseAnswer, CoursesQuery, course_suggestions
from perfml.service.answers.overview.team import POLICIES, undecided_of
from perfml.service.answers.personal import DateQuery, PreparedQuery, brief_of, prepared_eligibility
from perfml.service.answers.shared import TextAnswer
from perfml.service.answers.targets import TargetAnswer, TargetsQuery, target_suggestions
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.service.web.pages.people.reasons import ReasonReader, ReasonToTalk
from perfml.trust.alerts.alert import Alert
from perfml.trust.alerts.alert_log import read_alerts


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
    """Those that nobody takes care of, the newest first."""
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


def scored_days(store: Store) -> list[dt.date]:
    """The days that any model has scored, the newest first."""
    return sorted({day for model in store.models() for day in store.scored(model)}, reverse=True)


def newest_day(store: Store) -> dt.date | None:
    """The newest scored day."""
    return next(iter(scored_days(store)), None)


class MemberReader:
    """Reads what is shown of people, against the date of last time."""

    def __init__(self, store: Store, voice: Reader = "manager") -> None:
        self._store, self._voice = store, voice
        days = scored_days(store)
        self.since = days[1] if len(days) > 1 else None
        """The scored date before the newest one: what the reader saw last time."""
        self.now = ReasonReader(store, voice)
        self._before = None if self.since is None else ReasonReader(store, voice, self.since)

    def member(self, facts: PersonFacts) -> TeamMember:
        """What is shown of a person."""
        person, since = facts.employee_id, self.since
        brief = kept_brief(self._store, person)
        return TeamMember(
            facts=facts,
            reasons=tuple(self.reasons(person)),
            held=self.now.standing(person).why_nothing,
            alerts=self.alerts(person, self._voice),
            moved=tuple(
                MovedTarget(goal=goal, change=change)
                for goal in (() if brief is None else brief.goals)
                for change in goal.changes
                if since is None or change.effective_on >= since
            ),
            to_mend=() if brief is None else brief.to_mend,
            to_decide=self._undecided[person],
        )

    def alerts(self, employee_id: str, reader: Reader) -> tuple[Alert, ...]:
        """The alerts about a person that nobody takes care of, with words for ``reader``, the newest first."""
        return tuple(alert for alert in self._alerts.get(employee_id, ()) if reader in alert.first.texts)

    @cached_property
    def _alerts(self) -> Mapping[str, list[Alert]]:
        """Employee → alerts that nobody takes care of, the newest first."""
        waiting = [alert for alert in read_alerts(self._store.home) if alert.state in ("open", "escalated")]
        waiting.sort(key=lambda alert: (-alert.first.day.toordinal(), alert.first.alert_id))
        alerts: dict[str, list[Alert]] = {}
        for alert in waiting:
            alerts.setdefault(alert.first.employee_id, []).append(alert)
        return alerts

    @cached_property
    def _undecided(self) -> Counter[str]:
        """Employee → targets to decide on; none where nothing was suggested yet."""
        try:
            return undecided_of(self._store, POLICIES["targets"])
        except NotFound:
            return Counter()

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


def person_facts(store: Store, employee_id: str) -> PersonFacts:
    """Who somebody is, as known at the newest date."""
    day = newest_day(store)
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


def openings_of(store: Store, employee_id: str) -> OwnEligibility | Literal["unprepared"] | None:
    """The internal openings of a person; ``unprepared`` where no facts about openings are kept, None for somebody of whom nothing
    is."""
    try:
        return prepared_eligibility(store, employee_id, PreparedQuery()) or "unprepared"
    except NotFound:
        return None

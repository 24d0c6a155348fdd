"""A manager's team as it is today: who is in it, and what waits to be done for whom. No figure of a risk, and no rank."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Set
from typing import Annotated

from pydantic import Field

from perfml.access.reporting_lines import current_lines
from perfml.advice.decision_log import DecisionLog
from perfml.messages import Message
from perfml.scoring.people.files import facts_of
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.withheld.withholding import withholding_now
from perfml.service.answers.shared import Answer, PersonFactsAnswer, RequiredText, ServiceQuery, TextAnswer
from perfml.service.answers.suggestions import suggested
from perfml.service.answers.trust.holds import today
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.trust.alerts.alert_log import read_alerts

POLICIES: Mapping[str, str] = {"targets": "target_adjustment", "courses": "course_match"}


class TeamMemberAnswer(Answer):
    """Somebody in the line of the manager."""

    employee_id: str
    person: PersonFactsAnswer
    levels: int
    """Levels below the manager: 1 for a direct report."""
    held: bool
    """Whether what is computed about the person is withheld now."""
    alerts: int
    """Alerts that nobody takes care of yet, among those meant for the manager."""
    targets: int
    """Suggested targets that nobody has decided on."""
    courses: int
    """Suggested courses that nobody has decided on."""


class TeamAnswer(Answer):
    """The line of a manager on a day, by level and name."""

    manager_id: str
    day: dt.date
    people: tuple[TeamMemberAnswer, ...]
    missing: tuple[TextAnswer, ...]
    """Which counts are 0 because nothing was suggested yet, or cannot be read."""


class TeamQuery(ServiceQuery):
    """Whose team."""

    manager_id: RequiredText
    levels: Annotated[int, Field(ge=1, le=50)] = 1
    """How many levels down: 1 for direct reports alone."""


def team_of(store: Store, query: TeamQuery, *, reach: Set[str] | None = None) -> TeamAnswer:
    """Return the people who report to a manager today and are within ``reach`` (default: everyone).

    Raises :class:`NotFound` for whoever leads nobody, and nobody within reach.
    """
    day, lines = today(), current_lines(store.home)
    below = {
        person: lines.levels(person, above=query.manager_id, day=day)
        for person in lines.below(query.manager_id, day)
        if reach is None or person in reach
    }
    people = {person: levels for person, levels in below.items() if levels <= query.levels}
    if not people:
        raise NotFound(Message.of("service_no_team"), where="manager_id", remedy=Message.of("service_check_manager"))
    known = store.people(day)
    withheld = withholding_now(store.home, day, facts=False)
    held = {person for person in people if withheld.hold({"employee_id": person})}
    waiting = Counter(
        alert.first.employee_id
        for alert in read_alerts(store.home)
        if alert.state in ("open", "escalated") and "manager" in alert.first.texts
    )
    missing: list[TextAnswer] = []
    undecided: dict[str, Counter[str]] = {}
    for name, policy in POLICIES.items():
        try:
            undecided[name] = undecided_of(store, policy)
        except (NotFound, DamagedFile) as error:
            missing.append(TextAnswer.of_error(error))
            undecided[name] = Counter()
    members = [
        TeamMemberAnswer(
            employee_id=person,
            person=PersonFactsAnswer.of(facts_of(known, person)),
            levels=levels,
            held=person in held,
            alerts=0 if person in held else waiting[person],
            targets=0 if person in held else undecided["targets"][person],
            courses=0 if person in held else undecided["courses"][person],
        )
        for person, levels in people.items()
    ]
    members.sort(key=lambda each: (each.levels, each.person.name or "", each.employee_id))
    return TeamAnswer(manager_id=query.manager_id, day=day, people=tuple(members), missing=tuple(missing))


def undecided_of(store: Store, policy: str) -> Counter[str]:
    """Employee → suggestions of the newest file of a policy that nobody has decided on.

    Raises :class:`NotFound` where nothing was suggested yet, and :class:`DamagedFile`.
    """
    _, suggestions = suggested(store, policy)
    decided = DecisionLog(store.home).decisions().keys()
    return Counter(who for who, name in suggestions if name not in decided)

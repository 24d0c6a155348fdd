"""The one question of access: may this asker do this, about this subject, on this day?"""

from __future__ import annotations

import datetime as dt
from functools import cached_property, lru_cache
from pathlib import Path

from perfml.access.actions import OF_A_GROUP, OF_A_PERSON, Action
from perfml.access.policies import FOLDER, NO_POLICY, SUFFIX, AccessDecision, AccessFacts, Policies, load_policies
from perfml.access.principals import Principal
from perfml.access.relations import GroupSubject, PersonSubject, ServiceSubject, Subject, relation_of
from perfml.access.reporting_lines import ReportingLines, current_lines
from perfml.project.folder import ProjectFolder


class Access:
    """The policies of a project over the reporting lines of a home."""

    def __init__(self, home: Path, folder: ProjectFolder) -> None:
        self.home, self.folder = home, folder

    @cached_property
    def policies(self) -> Policies:
        """The policies, read once in the life of a process. Raises :class:`DefinitionError`."""
        return load_policies(self.folder.files(FOLDER, SUFFIX))

    def authorize(self, principal: Principal, action: Action, subject: Subject, as_of: dt.date) -> AccessDecision:
        """Decide by the rights of the day ``as_of``; for a service that is today, whatever the date of the scores.

        Somebody unknown is refused like a stranger, by the same policy. Raises :class:`DamagedFile` where the reporting lines
        cannot be read: then nobody is allowed anything.
        """
        return self.decide(principal, action, subject, lines=current_lines(self.home), day=as_of)

    def reach(self, principal: Principal, action: Action, as_of: dt.date) -> frozenset[str]:
        """Everyone about whom ``principal`` may do ``action`` on ``as_of``: what the rows of a list are limited to."""
        return _reach(self, current_lines(self.home), principal, action=action, day=as_of)

    def decide(
        self, principal: Principal, action: Action, subject: Subject, *, lines: ReportingLines, day: dt.date
    ) -> AccessDecision:
        """Like :meth:`authorize`, over ``lines`` that are at hand."""
        _require_kind(action, subject)
        if _has_left(principal, lines, day):
            return AccessDecision(allowed=False, policy=NO_POLICY)
        facts = AccessFacts(
            action=action,
            roles=principal.roles(day),
            relation=relation_of(principal, subject, lines, day),
            purpose=principal.purpose,
            in_token=principal.token_actions is None or action in principal.token_actions,
        )
        return self.policies.decide(facts)


@lru_cache(maxsize=256)
def _reach(
    access: Access, lines: ReportingLines, principal: Principal, *, action: Action, day: dt.date
) -> frozenset[str]:
    candidates = set(lines.periods) if principal.units(day) else set()
    if principal.employee_id is not None:
        candidates |= {principal.employee_id, *lines.below(principal.employee_id, day)}
    subjects = ((person, PersonSubject(employee_id=person)) for person in candidates)
    return frozenset(
        person
        for person, subject in subjects
        if access.decide(principal, action, subject, lines=lines, day=day).allowed
    )


def _has_left(principal: Principal, lines: ReportingLines, day: dt.date) -> bool:
    """Whether an employee's time in the company is over, or has not begun: whatever was granted rests then."""
    employee = principal.employee_id
    return employee in lines.periods and lines.at(str(employee), day) is None


def _require_kind(action: Action, subject: Subject) -> None:
    """Raise :class:`TypeError` for a subject that the action is never about: a mistake of the caller, and no question."""
    expected: type[Subject] = ServiceSubject
    if action in OF_A_PERSON:
        expected = PersonSubject
    elif action in OF_A_GROUP:
        expected = GroupSubject
    if not isinstance(subject, expected):
        raise TypeError(f"{action.value} is about {expected.__name__}, not {type(subject).__name__}")

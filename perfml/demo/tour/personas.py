"""Accounts to look at the demonstration company as: HR, a manager, one of the manager's people, a data scientist, an auditor, an
administrator.

With an administrator the service asks who somebody is, also at this machine; ``perfml serve --local-login`` lets a visitor
choose.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.access.principals import Role
from perfml.access.reporting_lines import current_lines
from perfml.advice.suggestion_files import read_suggestions, suggestion_file
from perfml.api import Project
from perfml.dated_files import dated_file
from perfml.scoring.table_files import read_rows

BY = "perfml demo"
POLICIES = ("course_match", "target_adjustment")


def grant_personas(project: Project, day: dt.date) -> list[str]:
    """Grant the accounts as of ``day``, and return their names; those of people only where somebody has suggestions."""
    project.grant("hr", Role.HR.value, by=BY, units=["everything"], begins=day)
    pair = _manager_and_report(project.home, day)
    for role, person in zip(("manager", "employee"), pair, strict=False):
        project.grant(f"{role} {person}", Role.EMPLOYEE.value, by=BY, employee=person, begins=day)
    project.grant("data scientist", Role.DATA_SCIENTIST.value, by=BY, begins=day)
    project.grant("auditor", Role.AUDITOR.value, by=BY, begins=day)
    project.grant("administrator", Role.ADMINISTRATOR.value, by=BY, begins=day)
    return [account.id for account in project.accounts()]


def _manager_and_report(home: Path, day: dt.date) -> tuple[str, ...]:
    """The manager of most people among those with both a course and a goal to decide, and the first of these people; somebody who
    asked to be considered for an opening rather than somebody who did not."""
    lines = current_lines(home)
    advised = set.intersection(*(_advised(home, policy) for policy in POLICIES))
    asked = _asking(home)
    pairs = [
        ((person in asked, len(lines.below(period.manager_id, day))), period.manager_id, person)
        for person in sorted(advised)
        if (period := lines.at(person, day)) is not None and period.manager_id is not None
    ]
    _, *pair = max(pairs, key=lambda pair: pair[0], default=((False, 0),))
    return tuple(pair)


def _asking(home: Path) -> set[str]:
    """Everyone who asked to be considered for an internal opening, as prepared last."""
    file = dated_file(home / "facts" / "eligibility", None)
    return set() if file is None else set(read_rows(file[1]).column("employee_id").to_pylist())


def _advised(home: Path, policy: str) -> set[str]:
    """Everyone with a suggestion of ``policy``."""
    rows = read_suggestions(suggestion_file(home, policy)[1]).select(["employee_id", "status"]).to_pylist()
    return {row["employee_id"] for row in rows if row["status"] in ("suggested", "beyond")}

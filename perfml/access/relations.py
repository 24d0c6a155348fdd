"""What an asker is to whom an action is about, on a day: computed here, so that a policy needs no data of the company."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from perfml.access.principals import EVERYTHING, Principal
from perfml.access.reporting_lines import ReportingLines


@dataclass(frozen=True, kw_only=True)
class PersonSubject:
    """A person, by employee id; whether there is such a person is another question."""

    employee_id: str


@dataclass(frozen=True, kw_only=True)
class GroupSubject:
    """The people for whom every filter holds: all of ``units``, and the line of ``team_of``; without a filter everyone."""

    units: frozenset[str] = frozenset()
    team_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceSubject:
    """perfml itself: its models, log, grants and health."""


Subject = PersonSubject | GroupSubject | ServiceSubject
SERVICE = ServiceSubject()


@dataclass(frozen=True, kw_only=True)
class SubjectRelation:
    """What the asker is to the subject; nothing of it is so for somebody unknown, as for a stranger."""

    oneself: bool = False
    levels: int = 0
    """Levels of the asker's line down to the subject: 1 for a direct report; 0 outside it. A group: 1 where it lies in it."""
    in_unit: bool = False
    """Whether a unit of the asker's HR grants covers the subject."""
    whole_company: bool = False
    """Whether the asker's HR grants cover everyone."""


def relation_of(principal: Principal, subject: Subject, lines: ReportingLines, day: dt.date) -> SubjectRelation:
    """The relation on ``day``."""
    units, asker = principal.units(day), principal.employee_id
    whole = EVERYTHING in units
    match subject:
        case PersonSubject(employee_id=person):
            period = lines.at(person, day)
            return SubjectRelation(
                oneself=asker == person,
                levels=0 if asker is None else lines.levels(person, above=asker, day=day),
                in_unit=period is not None and (whole or bool(units & period.units)),
                whole_company=whole,
            )
        case GroupSubject(units=filters, team_of=manager):
            own = asker is not None and manager is not None and lines.at(asker, day) is not None
            inside = own and (manager == asker or lines.levels(str(manager), above=str(asker), day=day) > 0)
            return SubjectRelation(levels=int(inside), in_unit=whole or bool(units & filters), whole_company=whole)
        case _:
            return SubjectRelation(whole_company=whole)

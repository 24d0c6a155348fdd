"""A company of eleven on the day of a transfer, and its accounts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from perfml.access.authorize import Access
from perfml.access.principals import Principal, Purpose, Role, RoleGrant, own_grants
from perfml.evidence.population.facts import PERIODS
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.people.periods import keep_periods

TRANSFER = dt.date(2026, 6, 1)
DAYS = (TRANSFER - dt.timedelta(days=1), TRANSFER, TRANSFER + dt.timedelta(days=1))
HIRED = dt.date(2020, 1, 1)
POSITIONS = (  # person, begins, ends, manager, department, location
    ("top", HIRED, None, None, "Board", "Berlin"),
    ("director", HIRED, None, "top", "South", "Rome"),
    ("lead", HIRED, None, "director", "South", "Rome"),
    ("worker", HIRED, None, "lead", "South", "Rome"),
    ("peer", HIRED, None, "lead", "South", "Rome"),
    ("mover", HIRED, TRANSFER, "lead", "South", "Rome"),
    ("mover", TRANSFER, None, "other_lead", "North", "Oslo"),
    ("other_lead", HIRED, None, "top", "North", "Oslo"),
    ("other", HIRED, None, "other_lead", "North", "Oslo"),
    ("partner", HIRED, None, "top", "People", "Berlin"),
    ("leaver", HIRED, dt.date(2026, 5, 11), "director", "South", "Rome"),
    ("orphan", HIRED, None, "leaver", "North", "Oslo"),
)


def keep(home: Path, positions: tuple[tuple[object, ...], ...] = POSITIONS) -> Path:
    """Keep the positions under ``home``."""
    columns = dict(zip(PERIODS.names, zip(*positions, strict=True), strict=True))
    return keep_periods(pa.table(columns, schema=PERIODS), home, as_of=dt.date(2026, 6, 1))


def access_of(home: Path) -> Access:
    """Access over ``home``, with the policies that perfml ships."""
    return Access(home, ProjectFolder(STARTER))


def account(
    name: str, *roles: Role, employee: str | None = None, units: frozenset[str] = frozenset(), **more: object
) -> Principal:
    """An account with granted ``roles``, and what follows from being employed."""
    grants = tuple(RoleGrant(role=role, units=units if role is Role.HR else frozenset()) for role in roles)
    values = {"purpose": Purpose.SUPPORT, **more}
    return Principal(id=name, employee_id=employee, grants=(*grants, *own_grants(employee)), **values)


SOUTH, ALL = frozenset({"department:South"}), frozenset({"everything"})
ACCOUNTS = {
    "hr of South": account("a1", Role.HR, employee="partner", units=SOUTH),
    "hr of all": account("a2", Role.HR, units=ALL),
    "director": account("a3", employee="director"),
    "lead": account("a4", employee="lead"),
    "worker": account("a5", employee="worker"),
    "other lead": account("a6", employee="other_lead"),
    "data scientist": account("a7", Role.DATA_SCIENTIST),
    "auditor": account("a8", Role.AUDITOR),
    "administrator": account("a9", Role.ADMINISTRATOR, Role.HR, employee="other", units=ALL),
    "leaver": account("a10", Role.HR, Role.AUDITOR, employee="leaver", units=ALL),
}

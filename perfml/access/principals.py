"""Who asks: roles with their reach and their days, what a token is limited to, and the purpose."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from perfml.access.actions import Action
from perfml.errors import PerfmlError, choose_from

EVERYTHING = "everything"
"""The unit that holds everyone, as in holds."""


class Role(StrEnum):
    """What somebody is to perfml."""

    HR = "hr"
    """Within units."""
    MANAGER = "manager"
    """Within the own reporting line of the day."""
    EMPLOYEE = "employee"
    """About oneself."""
    DATA_SCIENTIST = "data_scientist"
    """Pseudonyms alone."""
    AUDITOR = "auditor"
    """The log and the checklist."""
    ADMINISTRATOR = "administrator"
    """Grants, tokens and exports; no scores."""


def role_of(text: str) -> Role:
    """The role of this name. Raises :class:`PerfmlError` for another."""
    roles = {role.value: role for role in Role}
    if text not in roles:
        raise PerfmlError(f"{text!r} is not a role", where="role", remedy=choose_from(roles, instead_of=text))
    return roles[text]


class Purpose(StrEnum):
    """What somebody asks for."""

    SUPPORT = "support"
    DEVELOPMENT = "development"
    TARGETS = "targets"
    DATA_QUALITY = "data_quality"
    OWN_DATA = "own_data"
    OVERSIGHT = "oversight"
    OPERATION = "operation"
    PAY = "pay"
    DISMISSAL = "dismissal"


REFUSED = frozenset({Purpose.PAY, Purpose.DISMISSAL})
"""Purposes that nothing serves."""
SERVED = tuple(purpose for purpose in Purpose if purpose not in REFUSED)


@dataclass(frozen=True, kw_only=True)
class RoleGrant:
    """A role from ``begins`` until before ``ends``; for HR over ``units`` (``department:South``, ``location:…``, everything)."""

    role: Role
    units: frozenset[str] = frozenset()
    begins: dt.date = dt.date.min
    ends: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether it is in force on ``day``."""
        return self.begins <= day and (self.ends is None or day < self.ends)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks, and what for."""

    id: str
    """Of the account; not an employee id."""
    employee_id: str | None = None
    grants: tuple[RoleGrant, ...] = ()
    token_actions: frozenset[Action] | None = None
    """All that a token allows; None without a token."""
    purpose: Purpose | None = None

    def roles(self, day: dt.date) -> frozenset[Role]:
        """The roles on ``day``."""
        return frozenset(grant.role for grant in self.grants if grant.holds(day))

    def units(self, day: dt.date) -> frozenset[str]:
        """The units of HR's grants on ``day``."""
        return frozenset().union(*(grant.units for grant in self.grants if grant.role is Role.HR and grant.holds(day)))


def own_grants(
    employee_id: str | None, *, begins: dt.date = dt.date.min, ends: dt.date | None = None
) -> tuple[RoleGrant, ...]:
    """What follows from being employed: the own data, and the own reporting line, which for most people is empty."""
    roles = () if employee_id is None else (Role.EMPLOYEE, Role.MANAGER)
    return tuple(RoleGrant(role=role, begins=begins, ends=ends) for role in roles)

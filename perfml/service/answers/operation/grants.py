"""Accounts and their roles, as an administrator gives and ends them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from perfml.access.accounts import Account, AccountLog
from perfml.access.credentials import Credential, CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.access.reporting_lines import current_lines
from perfml.access.setting_up import LinkState, newest_link, state_of
from perfml.messages import Message
from perfml.service.answers.shared import IsoDate, RequiredText, ServiceQuery
from perfml.service.answers.trust.holds import refused
from perfml.service.problems import Invalid
from perfml.service.store import Store

GrantState = Literal["in force", "to come", "over"]


class GrantBody(ServiceQuery):
    """A role for an account."""

    account: RequiredText
    role: Role
    unit: str | None = None
    """Of HR: ``department:NAME``, ``location:NAME`` or ``everything``."""
    employee_id: str | None = None
    """Which employee the account is; the own data and the reporting line follow."""
    begins: IsoDate | None = None
    """Default: today."""
    ends: IsoDate | None = None
    """The first day without it; for good when absent."""


class RevocationBody(ServiceQuery):
    """What ends today."""

    account: RequiredText
    role: Role | None = None
    """Every role, token and session when absent."""


@dataclass(frozen=True, kw_only=True)
class GrantRow:
    """One grant as a page shows it."""

    grant: RoleGrant
    by: str
    state: GrantState


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """One account with its grants, those over last."""

    id: str
    employee_id: str | None
    grants: tuple[GrantRow, ...]

    @property
    def open_roles(self) -> frozenset[Role]:
        """The roles that can be ended."""
        return frozenset(each.grant.role for each in self.grants if each.state != "over")


@dataclass(frozen=True, kw_only=True)
class SetUpAnswer:
    """Whether somebody is administrator, and what became of the newest set-up link."""

    administrators: int
    link: Credential | None
    state: LinkState | None


def all_accounts(store: Store, day: dt.date) -> list[AccountRow]:
    """Every account, those with a role in force or to come first."""
    rows = [
        AccountRow(id=each.id, employee_id=each.employee_id, grants=tuple(_grants(each, day)))
        for each in AccountLog(store.home).accounts()
    ]
    return sorted(rows, key=lambda row: not row.open_roles)


def set_up_state(store: Store, now: dt.datetime) -> SetUpAnswer:
    """What the set-up link is good for."""
    link = newest_link(store.home)
    administrators = AccountLog(store.home).administrators(now.date())
    return SetUpAnswer(
        administrators=len(administrators), link=link, state=None if link is None else state_of(link, now)
    )


def units_of(store: Store, day: dt.date) -> list[str]:
    """The departments and locations in which somebody works on ``day``; of no person anything."""
    lines = current_lines(store.home)
    return sorted({unit for person in lines.periods if (at := lines.at(person, day)) is not None for unit in at.units})


def give(store: Store, body: GrantBody, *, by: str, day: dt.date, key: str) -> Account:
    """Grant a role. Raises :class:`Invalid` for one that gives nothing."""
    grant = RoleGrant(
        role=body.role,
        units=frozenset({body.unit}) if body.unit and body.role is Role.HR else frozenset(),
        begins=body.begins or day,
        ends=body.ends,
    )
    with refused("role"):
        return AccountLog(store.home).grant(body.account.strip(), grant, by=by, employee_id=body.employee_id, once=key)


def take_back(store: Store, body: RevocationBody, *, by: str, day: dt.date) -> int:
    """End a role today, or everything of an account; return how many tokens and sessions ended with it.

    Raises :class:`Invalid` where the account has no such role, and for the last administrator."""
    log = AccountLog(store.home)
    if body.role in (None, Role.ADMINISTRATOR) and log.administrators(day) == {body.account}:
        raise Invalid(
            Message.of("access_last_administrator"),
            where=body.account,
            remedy=Message.of("access_another_administrator"),
        )
    with refused("account"):
        if body.role is not None:
            log.revoke(body.account, body.role, by=by, day=day)
            return 0
        log.revoke_all(body.account, by=by, day=day)
        return CredentialLog(store.home).revoke_all(body.account, by=by)


def _grants(account: Account, day: dt.date) -> Iterator[GrantRow]:
    rows = [GrantRow(grant=grant, by=by, state=_state(grant, day)) for grant, by in account.grants]
    yield from sorted(rows, key=lambda row: (row.state == "over", row.grant.begins))


def _state(grant: RoleGrant, day: dt.date) -> GrantState:
    if grant.holds(day):
        return "in force"
    return "to come" if day < grant.begins and (grant.ends is None or day < grant.ends) else "over"

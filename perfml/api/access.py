"""The verbs of access: grants, tokens, the set-up link."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfml.api.shared import date_or_none
from perfml.dates import DateLike, MomentLike, moment_of

if TYPE_CHECKING:
    from perfml.access.accounts import Account
    from perfml.access.credentials import Credential, IssuedSecret
    from perfml.api import Project


def grant(
    project: Project,
    account: str,
    role: str,
    *,
    by: str,
    units: Sequence[str] = (),
    employee: str | None = None,
    begins: DateLike | None = None,
    until: DateLike | None = None,
) -> Account:
    """Grant ``account`` a role: hr (over ``units``: ``department:NAME``, ``location:NAME``, ``everything``), employee,
    data_scientist, auditor or administrator, from ``begins`` (default: today) until before ``until``.

    ``employee``: which employee the account is; their own data and reporting line follow. Raises :class:`PerfmlError`.
    """
    from perfml.access.accounts import AccountLog
    from perfml.access.principals import RoleGrant, role_of

    first = date_or_none(begins) or moment_of(None).date()
    grant = RoleGrant(role=role_of(role), units=frozenset(units), begins=first, ends=date_or_none(until))
    return AccountLog(project.home).grant(account, grant, by=by, employee_id=employee)


def revoke(
    project: Project, account: str, role: str | None = None, *, by: str, today: DateLike | None = None
) -> tuple[Account, int]:
    """End a role of ``account`` from today on; without ``role`` all of them, and its tokens and sessions, which are counted.

    Raises :class:`PerfmlError` where it does not have the role.
    """
    from perfml.access.accounts import AccountLog
    from perfml.access.credentials import CredentialLog
    from perfml.access.principals import role_of

    log, day = AccountLog(project.home), date_or_none(today) or moment_of(None).date()
    if role is not None:
        return log.revoke(account, role_of(role), by=by, day=day), 0
    ended = CredentialLog(project.home).revoke_all(account, by=by)
    return log.revoke_all(account, by=by, day=day), ended


def revoke_credential(project: Project, credential: str, *, by: str) -> Credential:
    """End a token or a session, by its id, at once. Raises :class:`PerfmlError` where there is none."""
    from perfml.access.credentials import CredentialLog

    return CredentialLog(project.home).revoke(credential, by=by)


def accounts(project: Project) -> list[Account]:
    """Every account with the roles granted to it."""
    from perfml.access.accounts import AccountLog

    return AccountLog(project.home).accounts()


def credentials(project: Project, *, now: MomentLike | None = None) -> list[Credential]:
    """The tokens, sessions and set-up links that are valid at ``now`` (default: the clock's), without their secrets."""
    from perfml.access.credentials import CredentialLog

    moment = moment_of(now)
    return [each for each in CredentialLog(project.home).credentials() if each.valid(moment)]


def token(
    project: Project,
    account: str,
    *,
    by: str,
    days: int = 90,
    actions: Sequence[str] | None = None,
    label: str = "",
    now: MomentLike | None = None,
) -> IssuedSecret:
    """Make an API token of ``account`` for ``days``, limited to ``actions`` (default: whatever the account may do).

    The secret is in the answer and nowhere else. Raises :class:`PerfmlError`.
    """
    from perfml.access.actions import actions_of
    from perfml.access.credentials import CredentialLog

    limits = None if actions is None else actions_of(actions)
    return CredentialLog(project.home).token(
        account, by=by, now=moment_of(now), lasts=dt.timedelta(days=days), actions=limits, label=label
    )


def is_set_up(project: Project) -> bool:
    """Whether somebody is administrator; before, the service answers this machine without asking who it is."""
    from perfml.access.setting_up import is_set_up

    return is_set_up(project.home, moment_of(None).date())


def setup_link(project: Project, *, by: str, now: MomentLike | None = None) -> IssuedSecret:
    """Make the link by which the first administrator is named, once and within an hour.

    Raises :class:`PerfmlError` where somebody is administrator already.
    """
    from perfml.access.setting_up import make_setup_link

    return make_setup_link(project.home, by=by, now=moment_of(now))

"""The first administrator: named by whoever holds the set-up link, which is made once and ends soon."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.access.accounts import Account, AccountLog
from perfml.access.credentials import CredentialLog, IssuedSecret
from perfml.access.principals import Role, RoleGrant
from perfml.errors import PerfmlError


def make_setup_link(home: Path, *, by: str, now: dt.datetime) -> IssuedSecret:
    """Make a set-up link in place of an earlier one. Raises :class:`PerfmlError` where somebody is administrator already."""
    if is_set_up(home, now.date()):
        raise PerfmlError(
            "somebody is administrator already",
            where="set-up link",
            remedy="they grant what is needed; on this machine `perfml access grant` does so as well",
        )
    return CredentialLog(home).setup_link(by=by, now=now)


def use_setup_link(home: Path, secret: str, *, account: str, now: dt.datetime) -> Account | None:
    """Make ``account`` administrator; None where the link does not open anything, or somebody is administrator already."""
    if is_set_up(home, now.date()) or not account.strip():
        return None
    link = CredentialLog(home).spend(secret, now=now)
    if link is None:
        return None
    grant = RoleGrant(role=Role.ADMINISTRATOR, begins=now.date())
    return AccountLog(home).grant(account.strip(), grant, by=f"set-up link {link.id}")


def is_set_up(home: Path, day: dt.date) -> bool:
    """Whether somebody can grant roles."""
    return AccountLog(home).has_administrator(day)

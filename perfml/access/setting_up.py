"""The first administrator: named by whoever holds the set-up link, which is made once and ends soon."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path

from perfml.access.accounts import Account, AccountLog
from perfml.access.credentials import Credential, CredentialKind, CredentialLog, IssuedSecret
from perfml.access.principals import Role, RoleGrant
from perfml.errors import PerfmlError


class LinkState(StrEnum):
    """What a set-up link is good for."""

    OPEN = "open"
    EXPIRED = "expired"
    USED = "used"
    REPLACED = "replaced"
    """By a newer one."""
    UNKNOWN = "unknown"
    """Not one of this home, or cut."""
    NOT_NEEDED = "not_needed"
    """Somebody is administrator already, whatever the link was."""


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


def link_state(home: Path, secret: str, *, now: dt.datetime) -> LinkState:
    """What the link of ``secret`` is good for at ``now``."""
    if is_set_up(home, now.date()):
        return LinkState.NOT_NEEDED
    link = CredentialLog(home).known(secret, CredentialKind.SETUP_LINK)
    return LinkState.UNKNOWN if link is None else state_of(link, now)


def newest_link(home: Path) -> Credential | None:
    """The set-up link that was made last; None where none is remembered."""
    links = [each for each in CredentialLog(home).credentials() if each.kind is CredentialKind.SETUP_LINK]
    return links[-1] if links else None


def state_of(link: Credential, now: dt.datetime) -> LinkState:
    """What a known link is good for at ``now``."""
    if link.spent:
        return LinkState.USED
    if link.revoked:
        return LinkState.REPLACED
    return LinkState.OPEN if link.valid(now) else LinkState.EXPIRED

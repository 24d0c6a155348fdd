"""API tokens and sessions, as an administrator sees, makes and ends them. No answer but the one that makes it holds a secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from perfml.access.actions import Action
from perfml.access.credentials import LONGEST_TOKEN, Credential, CredentialKind, CredentialLog, IssuedSecret
from perfml.messages import Message
from perfml.service.answers.shared import RequiredText, ServiceQuery
from perfml.service.problems import Invalid, KeyInUse
from perfml.service.store import Store
from perfml.store.record_store import KeyTaken, caller_key

SHOWN_ENDED = dt.timedelta(days=30)
"""How long a token that is over stays on the page."""


class TokenBody(ServiceQuery):
    """A token for a program."""

    label: RequiredText
    """What it is for, to recognise it by."""
    days: Annotated[int, Field(ge=1, le=LONGEST_TOKEN.days)]
    action: tuple[Action, ...]
    """All that it allows."""


@dataclass(frozen=True, kw_only=True)
class CredentialsAnswer:
    """Tokens and sessions, the newest first."""

    tokens: tuple[Credential, ...]
    """That are valid."""
    ended: tuple[Credential, ...]
    """Tokens that ended a short while ago."""
    sessions: tuple[Credential, ...]
    """That are valid."""


def all_credentials(store: Store, now: dt.datetime) -> CredentialsAnswer:
    """What opens something at ``now``, and which tokens do not any more."""
    newest = CredentialLog(store.home).credentials()[::-1]
    tokens = [each for each in newest if each.kind is CredentialKind.TOKEN]
    return CredentialsAnswer(
        tokens=tuple(each for each in tokens if each.valid(now)),
        ended=tuple(each for each in tokens if not each.valid(now) and now - SHOWN_ENDED < each.expires_at),
        sessions=tuple(each for each in newest if each.kind is CredentialKind.SESSION and each.valid(now)),
    )


def make_token(
    store: Store, body: TokenBody, *, account: str, may: Callable[[Action], bool], now: dt.datetime, key: str
) -> IssuedSecret:
    """Make a token of the administrator's own account, with actions that they may do themselves: whoever gives out rights
    gets no view of people by it.

    Raises :class:`Invalid` for another action or none, :class:`KeyInUse` for the second time of one form.
    """
    if not body.action or not all(may(action) for action in body.action):
        raise Invalid(Message.of("access_more_than_own"), where="action", remedy=Message.of("access_tick_actions"))
    try:
        return CredentialLog(store.home).token(
            account,
            by=account,
            now=now,
            lasts=dt.timedelta(days=body.days),
            actions=body.action,
            label=body.label.strip(),
            once=caller_key(key),
        )
    except KeyTaken as error:
        raise KeyInUse(
            Message.of("access_shown_once"), where=body.label, remedy=Message.of("access_make_another")
        ) from error


def end_credential(
    store: Store, credential_id: str, *, kinds: Collection[CredentialKind], by: str, now: dt.datetime
) -> Credential:
    """End a token or a session at once. Raises :class:`Invalid` where none of this id and kind is valid."""
    log = CredentialLog(store.home)
    known = {each.id: each for each in log.credentials() if each.kind in kinds and each.valid(now)}
    if credential_id not in known:
        raise Invalid(Message.of("access_no_credential"), where="id", remedy=Message.of("look_again"))
    return log.revoke(credential_id, by=by)

"""Admission of requests, once somebody is administrator: who asks, what for, and whether a policy permits it.

Before the first administrator is named the service answers whoever sits at this machine, as it did before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from perfml.access.accounts import AccountLog
from perfml.access.authorize import Access
from perfml.access.credentials import CredentialKind, CredentialLog, IssuedSecret
from perfml.access.identity import Identities
from perfml.access.policies import REFUSED_PURPOSE
from perfml.access.principals import SERVED, Principal, Purpose
from perfml.access.setting_up import is_set_up, use_setup_link
from perfml.messages import Message
from perfml.project.folder import ProjectFolder
from perfml.service.access.attempts import WrongSecrets
from perfml.service.access.rules import RULES, question_of
from perfml.service.problems import NotFound, Refusal
from perfml.store.audit.acting import Actor, acting
from perfml.store.standing import StoreVersions
from perfml.store.tables import GRANTS

COOKIE, PURPOSE_COOKIE = "__Host-perfml", "__Host-perfml-purpose"
PURPOSE_HEADER = "X-Purpose"
REACH = "perfml.reach"
"""Where a request keeps whom its rows are limited to."""
_READING = frozenset({"GET", "HEAD"})


class NotSignedIn(Refusal):
    """Without a token or a session that is valid."""

    status = 401
    description = "without a valid token or session."


class PurposeRefused(Refusal):
    """Without a purpose, or for one that nothing serves."""

    status = 403
    description = "without a purpose, or for one that is refused to everyone."


class OtherOrigin(Refusal):
    """A page of another site tries to write with the session of somebody who is signed in."""

    status = 403
    description = "a page of another site may not write."


class TooManyWrong(Refusal):
    """After many wrong secrets of one client."""

    status = 429
    description = "after many wrong secrets; wait a minute."


class Admission:
    """Admits requests to the service of one home.

    ``required``: also before anybody is administrator, as where other machines are answered; ``local_login``: whoever sits at
    this machine may sign in as anybody.
    """

    def __init__(
        self,
        home: Path,
        folder: ProjectFolder,
        versions: StoreVersions,
        *,
        now: Callable[[], dt.datetime] | None = None,
        required: bool = False,
        local_login: bool = False,
    ) -> None:
        self._home, self._access, self._identities = home, Access(home, folder), Identities(home, versions)
        self.local_login, self._wrong = local_login, WrongSecrets()
        self._now = now or (lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None))
        self._versions, self._set_up = versions, required or local_login
        self._asked: object = None

    async def admit(self, request: Request) -> Actor:
        """Who acts. Raises :class:`Refusal`: 401 without a valid secret, 403 for the purpose alone, and 404 alike for what is
        unknown and for what is not permitted."""
        if not await self._enforced():
            return acting()
        now = self._now()
        principal = await self._principal(request, now)
        key = f"{request.method} {request.scope['route'].path_format}"
        if key not in RULES:
            raise not_for_you()
        rule = RULES[key]
        action, subject = await question_of(request, rule, principal)
        decision = self._access.authorize(principal, action, subject, now.date())
        if not decision.allowed:
            raise _purpose_refused() if decision.policy.startswith(REFUSED_PURPOSE) else not_for_you()
        if rule.rows is not None:
            request.scope[REACH] = await run_in_threadpool(self._access.reach, principal, rule.rows, now.date())
        return Actor(name=principal.id, purpose=str(principal.purpose))

    async def set_up(self, request: Request, code: str, account: str) -> IssuedSecret | None:
        """The session of the first administrator; None for a code that opens nothing."""
        named = await run_in_threadpool(use_setup_link, self._home, code, account=account, now=self._now())
        if named is None:
            self._count_wrong(request)
            return None
        self._set_up = True
        return await run_in_threadpool(CredentialLog(self._home).session, named.id, now=self._now())

    def accounts(self) -> list[str]:
        """The accounts that somebody granted anything."""
        return [account.id for account in AccountLog(self._home).accounts()]

    def log_in_locally(self, account: str) -> IssuedSecret | None:
        """A session of any account; None where that is not enabled."""
        if not self.local_login or account not in self.accounts():
            return None
        return CredentialLog(self._home).session(account, now=self._now())

    def log_out(self, secret: str) -> None:
        """End a session."""
        log = CredentialLog(self._home)
        known = log.find(secret, CredentialKind.SESSION, now=self._now())
        if known is not None:
            log.revoke(known.id, by=known.account)

    async def _enforced(self) -> bool:
        """Whether somebody is administrator. Once so, it stays so: when the last one is revoked nobody is let in."""
        if not self._set_up:
            today = self._now().date()
            asked = (today, self._versions.now()[GRANTS.name])
            if asked != self._asked:
                self._set_up, self._asked = await run_in_threadpool(is_set_up, self._home, today), asked
        return self._set_up

    async def _principal(self, request: Request, now: dt.datetime) -> Principal:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        kind = CredentialKind.TOKEN
        if scheme.lower() != "bearer":
            secret, kind = request.cookies.get(COOKIE, ""), CredentialKind.SESSION
            if request.method not in _READING:
                refuse_other_origin(request)
        known = self._identities.known(secret, kind, now=now)
        if known is None and secret:
            known = await run_in_threadpool(self._identities.principal, secret, kind, now=now)
        if known is None:
            if secret:
                self._count_wrong(request)
            raise NotSignedIn(
                Message.of("access_not_signed_in"), where="Authorization", remedy=Message.of("access_sign_in")
            )
        return replace(known, purpose=_purpose(request))

    def _count_wrong(self, request: Request) -> None:
        """Raise :class:`TooManyWrong` after many; who has a valid secret is let in all the same."""
        client = request.client.host if request.client else ""
        self._wrong.add(client)
        if self._wrong.too_many(client):
            raise TooManyWrong(
                Message.of("access_too_many"), where="Authorization", remedy=Message.of("access_wait_a_minute")
            )


def refuse_other_origin(request: Request) -> None:
    """Raise :class:`OtherOrigin` unless a page of this service sends a request: browsers name the origin whenever they write."""
    if request.headers.get("origin") != f"{request.url.scheme}://{request.headers.get('host', '')}":
        raise OtherOrigin(
            Message.of("access_other_origin"), where="Origin", remedy=Message.of("access_other_origin_remedy")
        )


def _purpose(request: Request) -> Purpose | None:
    """The purpose that a request states; None without one, and for text that names none."""
    text = request.headers.get(PURPOSE_HEADER, request.cookies.get(PURPOSE_COOKIE, "")).strip().lower()
    return next((purpose for purpose in Purpose if purpose.value == text), None)


def _purpose_refused() -> PurposeRefused:
    allowed = ", ".join(purpose.value for purpose in SERVED)
    return PurposeRefused(
        Message.of("access_purpose_refused"),
        where=PURPOSE_HEADER,
        remedy=Message.of("access_state_purpose", purposes=allowed),
    )


def not_for_you() -> NotFound:
    """Unknown and not permitted are answered alike, so that nobody learns which it was."""
    return NotFound(Message.of("access_not_for_you"), where="address", remedy=Message.of("access_check_grants"))

"""Admission of requests, once somebody is administrator: who asks, what for, and whether a policy permits it.

Before the first administrator is named the service answers whoever sits at this machine, as it did before.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from perfml.access.authorize import REFUSED_PURPOSE, Access
from perfml.access.credentials import CredentialKind
from perfml.access.identity import REMEMBERED, Identities
from perfml.access.principals import Principal, Purpose
from perfml.access.setting_up import is_set_up
from perfml.messages import Message
from perfml.project.folder import ProjectFolder
from perfml.service.access.rules import RULES, question_of
from perfml.service.problems import NotFound, Refusal
from perfml.store.audit.acting import Actor, acting

COOKIE = "__Host-perfml"
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


class Admission:
    """Admits requests to the service of one home."""

    def __init__(self, home: Path, folder: ProjectFolder, *, now: Callable[[], dt.datetime] | None = None) -> None:
        self._home, self._access, self._identities = home, Access(home, folder), Identities(home)
        self._now = now or (lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None))
        self._asked, self._set_up = float("-inf"), False

    async def admit(self, request: Request) -> Actor:
        """Who acts. Raises :class:`Refusal`: 401 without a valid secret, 403 for the purpose alone, and 404 alike for what is
        unknown and for what is not permitted."""
        if not await self._enforced():
            return acting()
        now = self._now()
        principal = await self._principal(request, now)
        key = f"{request.method} {request.scope['route'].path_format}"
        if key not in RULES:
            raise _not_for_you()
        rule = RULES[key]
        action, subject = await question_of(request, rule, principal)
        decision = self._access.authorize(principal, action, subject, now.date())
        if not decision.allowed:
            raise _purpose_refused() if decision.policy.startswith(REFUSED_PURPOSE) else _not_for_you()
        if rule.rows is not None:
            request.scope[REACH] = self._access.reach(principal, rule.rows, now.date())
        return Actor(name=principal.id, purpose=str(principal.purpose))

    async def _enforced(self) -> bool:
        """Whether somebody is administrator. Once so, it stays so: when the last one is revoked nobody is let in."""
        if not self._set_up and time.monotonic() - self._asked >= REMEMBERED:
            self._set_up = await run_in_threadpool(is_set_up, self._home, self._now().date())
            self._asked = time.monotonic()
        return self._set_up

    async def _principal(self, request: Request, now: dt.datetime) -> Principal:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        kind = CredentialKind.TOKEN
        if scheme.lower() != "bearer":
            secret, kind = request.cookies.get(COOKIE, ""), CredentialKind.SESSION
            if request.method not in _READING and not _from_here(request):
                raise OtherOrigin(
                    Message.of("access_other_origin"), where="Origin", remedy=Message.of("access_other_origin_remedy")
                )
        known = await run_in_threadpool(self._identities.principal, secret, kind, now=now) if secret else None
        if known is None:
            raise NotSignedIn(
                Message.of("access_not_signed_in"), where="Authorization", remedy=Message.of("access_sign_in")
            )
        return replace(known, purpose=_purpose(request))


def _from_here(request: Request) -> bool:
    """Whether a page of this service sends a request: browsers name the origin whenever they write."""
    return request.headers.get("origin") == f"{request.url.scheme}://{request.headers.get('host', '')}"


def _purpose(request: Request) -> Purpose | None:
    """The purpose that a request states; None without one, and for text that names none."""
    text = request.headers.get(PURPOSE_HEADER, "").strip().lower()
    return next((purpose for purpose in Purpose if purpose.value == text), None)


def _purpose_refused() -> PurposeRefused:
    allowed = ", ".join(purpose.value for purpose in Purpose if purpose not in (Purpose.PAY, Purpose.DISMISSAL))
    return PurposeRefused(
        Message.of("access_purpose_refused"),
        where=PURPOSE_HEADER,
        remedy=Message.of("access_state_purpose", purposes=allowed),
    )


def _not_for_you() -> NotFound:
    """Unknown and not permitted are answered alike, so that nobody learns which it was."""
    return NotFound(Message.of("access_not_for_you"), where="address", remedy=Message.of("access_check_grants"))

"""Admission of requests, once somebody is administrator: who asks, what for, and whether a policy permits it.

Before the first administrator is named the service answers whoever sits at this machine, as it did before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from perfml.access.accounts import AccountLog
from perfml.access.actions import Action
from perfml.access.authorize import Access
from perfml.access.credentials import CredentialKind, CredentialLog, IssuedSecret
from perfml.access.identity import Identities
from perfml.access.policies import REFUSED_PURPOSE
from perfml.access.principals import Principal, Purpose
from perfml.access.reading import reading_of
from perfml.access.relations import Subject
from perfml.access.setting_up import LinkState, is_set_up, link_state, use_setup_link
from perfml.home_reads import HomeLook, noting
from perfml.project.folder import ProjectFolder
from perfml.scoring.personal.standing import RecordReading
from perfml.service.access.caller_limits import CallerLimits, client_of
from perfml.service.access.forgery import refuse_forged, refuse_other_origin
from perfml.service.access.questions import question_of
from perfml.service.access.refusals import (
    PURPOSE_HEADER,
    not_for_you,
    not_signed_in,
    purpose_refused,
)
from perfml.service.access.rules import RULES, RouteRule
from perfml.service.access.sessions import COOKIE, PURPOSE_COOKIE
from perfml.service.access.stated import stated_actor
from perfml.service.serving.routing.headers import header_of
from perfml.store.audit.acting import Actor
from perfml.store.record_store import KeyTaken
from perfml.store.standing import StoreVersions
from perfml.store.tables import GRANTS

PRINCIPAL, TODAY, REACH = "perfml.principal", "perfml.today", "perfml.reach"
"""Where a request keeps who asks (a :class:`Principal`; None before the first administrator), on which day, and whom its rows
are limited to."""
_READING = frozenset({"GET", "HEAD"})
_PURPOSE_HEADER, _PURPOSES = PURPOSE_HEADER.lower(), {purpose.value: purpose for purpose in Purpose}


class Admission:
    """Admits requests to the service of one home.

    ``rules``: the declared policy of every address; ``required``: also before anybody is administrator, as where other machines
    are answered; ``local_login``: whoever sits at this machine may sign in as anybody; ``look``: how what is kept is
    compared with the home, see :func:`~perfml.home_reads.noting`.
    """

    def __init__(
        self,
        home: Path,
        folder: ProjectFolder,
        versions: StoreVersions,
        *,
        rules: Mapping[str, RouteRule] = RULES,
        now: Callable[[], dt.datetime] | None = None,
        required: bool = False,
        local_login: bool = False,
        look: HomeLook | None = None,
    ) -> None:
        self._home, self._access, self._identities = home, Access(home, folder), Identities(home, versions)
        self.rules, self.local_login, self.limits = rules, local_login, CallerLimits(folder.spec.service)
        self.now = now or (lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None))
        self._versions, self._look, self._set_up = versions, look, required or local_login
        self._asked: object = None

    async def admit(self, request: Request) -> Actor:
        """Who acts. Raises :class:`Refusal`: 401 without a valid secret, 403 for the purpose alone, and 404 alike for what is
        unknown and for what is not permitted."""
        with noting(self._versions.now(), self._look, collecting=False):
            return await self._admitted(request)

    async def _admitted(self, request: Request) -> Actor:
        now = self.now()
        request.scope[PRINCIPAL], request.scope[TODAY] = None, now.date()
        if not await self._enforced(now.date()):
            if request.method not in _READING and {"origin", "sec-fetch-site"}.intersection(request.headers):
                refuse_other_origin(request)
            return stated_actor(request)
        request.scope[PRINCIPAL] = principal = await self._principal(request, now)
        self.limits.count(request, f"account {principal.id}")
        rule = self.rules.get(f"{request.method} {request.scope['route'].path_format}")
        if rule is None:
            raise not_for_you()
        action, subject = await question_of(request, rule, principal, now.date())
        if action is not None:
            decision = self._access.authorize(principal, action, subject, now.date())
            if not decision.allowed:
                raise purpose_refused() if decision.policy.startswith(REFUSED_PURPOSE) else not_for_you()
        if rule.rows is not None:
            request.scope[REACH] = await run_in_threadpool(self._access.reach, principal, rule.rows, now.date())
        return Actor(
            name=principal.id, purpose=str(principal.purpose), employee_id=principal.employee_id, admitted=True
        )

    def may(self, request: Request, action: Action, subject: Subject) -> bool:
        """Whether whoever asks may do ``action`` as well: what a page offers. Everything, before the first administrator."""
        principal, today = request.scope[PRINCIPAL], request.scope[TODAY]
        return principal is None or self._access.authorize(principal, action, subject, today).allowed

    def reading(self, request: Request, employee_id: str) -> RecordReading:
        """As what whoever asks reads the rows of a person; as HR before the first administrator."""
        principal, today = request.scope[PRINCIPAL], request.scope[TODAY]
        return (
            RecordReading.of("hr") if principal is None else reading_of(self._access, principal, employee_id, day=today)
        )

    async def set_up(self, request: Request, code: str, account: str) -> IssuedSecret | None:
        """The session of the first administrator; None for a code that opens nothing."""
        named = await run_in_threadpool(use_setup_link, self._home, code, account=account, now=self.now())
        if named is None:
            self.limits.count_wrong(request)
            return None
        self._set_up = True
        return await run_in_threadpool(CredentialLog(self._home).session, named.id, now=self.now())

    def setup_link(self, code: str) -> LinkState:
        """What the set-up link with this code is good for."""
        return link_state(self._home, code, now=self.now())

    def accounts(self) -> list[str]:
        """The accounts that somebody granted anything."""
        return [account.id for account in AccountLog(self._home).accounts()]

    def log_in_locally(self, account: str) -> IssuedSecret | None:
        """A session of any account; None where that is not enabled."""
        if not self.local_login or account not in self.accounts():
            return None
        return CredentialLog(self._home).session(account, now=self.now())

    def log_in(self, account: str, *, once: str) -> IssuedSecret | None:
        """A session of somebody who was named by the provider; None where they have no role, and for the second use of an
        attempt, which ``once`` names."""
        now = self.now()
        if not any(grant.holds(now.date()) for grant, _ in AccountLog(self._home).account(account).grants):
            return None
        try:
            return CredentialLog(self._home).session(account, now=now, once=once)
        except KeyTaken:
            return None

    def log_out(self, secret: str) -> None:
        """End a session."""
        log = CredentialLog(self._home)
        known = log.find(secret, CredentialKind.SESSION, now=self.now())
        if known is not None:
            log.revoke(known.id, by=known.account)

    async def _enforced(self, today: dt.date) -> bool:
        """Whether somebody is administrator. Once so, it stays so: when the last one is revoked nobody is let in."""
        if not self._set_up:
            asked = (today, self._versions.now()[GRANTS.name])
            if asked != self._asked:
                self._set_up, self._asked = await run_in_threadpool(is_set_up, self._home, today), asked
        return self._set_up

    async def _principal(self, request: Request, now: dt.datetime) -> Principal:
        scheme, _, secret = (header_of(request.scope, "authorization") or "").partition(" ")
        kind = CredentialKind.TOKEN
        if scheme.lower() != "bearer":
            secret, kind = request.cookies.get(COOKIE, ""), CredentialKind.SESSION
        known = self._identities.known(secret, kind, now=now)
        if known is None and secret:
            known = await run_in_threadpool(self._identities.principal, secret, kind, now=now)
        if known is None:
            if secret:
                self.limits.count_wrong(request)
            self.limits.count(request, client_of(request))
            raise not_signed_in()
        if kind is CredentialKind.SESSION and request.method not in _READING:
            await refuse_forged(request)
        return replace(known, purpose=_purpose(request))


def _purpose(request: Request) -> Purpose | None:
    """The purpose that a request states; None without one, and for text that names none."""
    stated = header_of(request.scope, _PURPOSE_HEADER)
    text = request.cookies.get(PURPOSE_COOKIE, "") if stated is None else stated
    return _PURPOSES.get(text.strip().lower())

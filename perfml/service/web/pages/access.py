"""For administrators: accounts and their roles, tokens and sessions. No score, and nobody's figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from perfml.access.actions import OF_THE_SERVICE, Action
from perfml.access.credentials import CredentialKind
from perfml.access.principals import EVERYTHING
from perfml.access.relations import SERVICE
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.operation.grants import (
    GrantBody,
    RevocationBody,
    all_accounts,
    give,
    set_up_state,
    take_back,
    units_of,
)
from perfml.service.answers.operation.tokens import TokenBody, all_credentials, end_credential, make_token
from perfml.service.web.forms import Optional, PageQuery, WebForm, attempt, carry_out
from perfml.service.web.names import ACTION_NAMES, ROLE_NAMES
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor

access = APIRouter(include_in_schema=False, route_class=PageRoute)
LASTS_DAYS = (30, 90, 180, 365)
"""How long a token may be made for on the page."""


class GrantForm(WebForm):
    """A role for an account."""

    account: str
    role: str
    unit: Annotated[str | None, Optional] = None
    employee_id: Annotated[str | None, Optional] = None
    begins: Annotated[str | None, Optional] = None
    ends: Annotated[str | None, Optional] = None


class RevocationForm(WebForm):
    """A role to end, or everything of an account."""

    account: str
    role: Annotated[str | None, Optional] = None


class TokenForm(WebForm):
    """A token for a program."""

    label: str
    days: int
    action: tuple[str, ...] = ()


@access.get("/access")
def accounts_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Who has which role, from when until when."""
    accounts = all_accounts(visit.store, visit.day)
    return visit.page(
        "access/accounts.html",
        people={each.employee_id for each in accounts if each.employee_id is not None},
        accounts=accounts,
        roles=ROLE_NAMES,
        everything=EVERYTHING,
        units=units_of(visit.store, visit.day),
        set_up=set_up_state(visit.store, visit.now),
        today=visit.day,
    )


@access.post("/access/grants")
def grant_role(visit: Visitor, form: Annotated[GrantForm, Form()]) -> Response:
    """Grant a role."""
    by = _administrator(visit)

    def write() -> object:
        body = GrantBody.model_validate(form.model_dump(exclude={"key", "back"}))
        return give(visit.store, body, by=by, day=visit.day, key=form.key)

    return carry_out(visit, form, "granted", write)


@access.post("/access/revocations")
def revoke_role(visit: Visitor, form: Annotated[RevocationForm, Form()]) -> Response:
    """End a role, or everything of an account."""
    by = _administrator(visit)

    def write() -> object:
        body = RevocationBody.model_validate(form.model_dump(exclude={"key", "back"}))
        return take_back(visit.store, body, by=by, day=visit.day)

    return carry_out(visit, form, "revoked", write)


@access.get("/access/tokens")
def tokens_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """The tokens and sessions, without their secrets."""
    return visit.page(
        "access/tokens.html",
        answer=all_credentials(visit.store, visit.now),
        action_names=ACTION_NAMES,
        offered=[action for action in ACTION_NAMES if _may(visit, action)],
        days=LASTS_DAYS,
        now=visit.now,
    )


@access.post("/access/tokens")
def new_token(visit: Visitor, form: Annotated[TokenForm, Form()]) -> Response:
    """Make a token, and show it this once."""
    account = _administrator(visit)

    def make() -> Response:
        body = TokenBody.model_validate(form.model_dump(exclude={"key", "back"}))
        issued = make_token(
            visit.store, body, account=account, may=lambda action: _may(visit, action), now=visit.now, key=form.key
        )
        return visit.page(
            "access/new_token.html", issued=issued, action_names=ACTION_NAMES, own_address="/access/tokens"
        )

    return attempt(visit, form, make)


@access.post("/access/tokens/{credential_id}/end")
def end_token(visit: Visitor, credential_id: str, form: Annotated[WebForm, Form()]) -> Response:
    """End a token at once."""
    return _end(visit, credential_id, form, CredentialKind.TOKEN)


@access.post("/access/sessions/{credential_id}/end")
def end_session(visit: Visitor, credential_id: str, form: Annotated[WebForm, Form()]) -> Response:
    """End a session at once."""
    return _end(visit, credential_id, form, CredentialKind.SESSION)


def _end(visit: Visit, credential_id: str, form: WebForm, kind: CredentialKind) -> Response:
    by = _administrator(visit)
    return carry_out(
        visit, form, "ended", lambda: end_credential(visit.store, credential_id, kinds={kind}, by=by, now=visit.now)
    )


def _administrator(visit: Visit) -> str:
    """The account that writes. Raises :class:`NotFound` before there is one: the set-up link names the first."""
    if visit.principal is None:
        raise not_for_you()
    return visit.principal.id


def _may(visit: Visit, action: Action) -> bool:
    return action in OF_THE_SERVICE and visit.may(action, SERVICE)

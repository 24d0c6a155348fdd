"""Signing in with the company's provider: a browser is sent there, and comes back with a code that is redeemed.

A form leads to a page that sends the browser on: a form itself may lead to this service alone.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from perfml.access.oidc.attempt import LASTS_SECONDS, SignInAttempt, attempt_of, seconds
from perfml.access.oidc.provider import OidcProvider, ProviderError
from perfml.service.access.caller_limits import client_of
from perfml.service.access.forgery import refuse_other_origin
from perfml.service.access.refusals import no_provider, not_for_you, sign_in_failed
from perfml.service.access.sessions import ATTEMPT_COOKIE
from perfml.service.web.pages.entry.sign_in import Next, SignInRoute, Text, admission_of, enter, ways_in
from perfml.service.web.visit import HtmlPage

oidc_sign_in = APIRouter(include_in_schema=False, route_class=SignInRoute)
BACK = "/login/oidc/back"


@oidc_sign_in.post("/login/oidc")
async def go_to_provider(request: Request, purpose: Text = "support", then: Next = "/") -> HtmlPage:
    """Begin an attempt, and send the browser to the provider."""
    refuse_other_origin(request)
    provider, admission = _provider(request), admission_of(request)
    admission.limits.count(request, client_of(request))
    now = admission.now()
    attempt = SignInAttempt(begun=seconds(now))
    try:
        address = await run_in_threadpool(provider.address, attempt, back=_back(request), now=now)
    except ProviderError as error:
        raise no_provider() from error
    response = await ways_in(request, address=address)
    response.headers["Refresh"] = f"0; url={address}"
    value = urlencode({"secret": attempt.secret, "purpose": purpose, "next": then})
    response.set_cookie(ATTEMPT_COOKIE, value, max_age=LASTS_SECONDS, secure=True, httponly=True, samesite="lax")
    return response


@oidc_sign_in.get(BACK)
async def come_back(request: Request, code: str = "", state: str = "", iss: str | None = None) -> Response:
    """Redeem the code, and begin a session of its own: one that was in the browser before ends."""
    provider, admission = _provider(request), admission_of(request)
    held = {name: values[0] for name, values in parse_qs(request.cookies.get(ATTEMPT_COOKIE, "")).items()}
    now = admission.now()
    attempt = attempt_of(held.get("secret", ""), state, now)
    if attempt is None or not code or iss not in (None, provider.issuer):
        admission.limits.count_wrong(request)
        raise sign_in_failed()
    try:
        account = await run_in_threadpool(provider.account, attempt, code, back=_back(request), now=now)
    except ProviderError as error:
        admission.limits.count_wrong(request)
        raise sign_in_failed() from error
    session = await run_in_threadpool(admission.log_in, account, once=attempt.key)
    response = await enter(request, session, held.get("purpose", ""), then=held.get("next", "/"))
    response.delete_cookie(ATTEMPT_COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def _provider(request: Request) -> OidcProvider:
    provider: OidcProvider | None = request.app.state.provider
    if provider is None:
        raise not_for_you()
    return provider


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}{BACK}"

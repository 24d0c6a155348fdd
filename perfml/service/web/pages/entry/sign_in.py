"""Signing in: by the company's provider, by the set-up link, and at this machine alone as anybody. Nothing here needs script."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from perfml.access.credentials import IssuedSecret
from perfml.access.setting_up import LinkState
from perfml.service.access.admission import Admission
from perfml.service.access.forgery import refuse_forged, refuse_other_origin
from perfml.service.access.refusals import NoProvider, OtherOrigin, SignInFailed, TooMany, not_for_you
from perfml.service.access.sessions import COOKIE, SIGN_IN, safe_next, signed_in, signed_out
from perfml.service.problems import Invalid, NotFound, Refusal
from perfml.service.web.catalogues import msgid
from perfml.service.web.names import PURPOSE_NAMES
from perfml.service.web.visit import HtmlPage, visit_of

SET_UP = "/setup"
Text = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Form(alias="next", max_length=2_000)]
PROBLEMS: Mapping[type[Refusal], str] = {
    SignInFailed: msgid(
        "Signing in did not work: it took longer than ten minutes, or was begun in another window. Please try again."
    ),
    NoProvider: msgid("Your company's sign-in does not answer right now. Please try again in a few minutes."),
    TooMany: msgid("Too many attempts within a minute. Please wait a minute and try again."),
    OtherOrigin: msgid("This came from another site. Please use the form on this page."),
    NotFound: msgid("This account has no role here. An administrator can grant one."),
    Invalid: msgid("An entry is missing or cannot be used. Please fill in the form again."),
}
"""What the page says of each refusal."""
LINKS: Mapping[LinkState, str] = {
    LinkState.EXPIRED: msgid("This link has expired: it is good for one hour."),
    LinkState.USED: msgid("This link was used already: it is good for one sign-in."),
    LinkState.REPLACED: msgid("This link was replaced by a newer one."),
    LinkState.UNKNOWN: msgid("This is not a set-up link of this service, or a part of it is missing."),
}
"""What the page says of a link that opens nothing."""


class SignInRoute(APIRoute):
    """A route of the way in: what goes wrong is said on its page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Answer, or show the page again with what is wrong."""
        answer = super().get_route_handler()

        async def explaining(request: Request) -> Response:
            response: Response
            try:
                response = await answer(request)
            except Refusal as refusal:
                response = await _shown_again(request, type(refusal), status=refusal.status)
                response.headers.update(refusal.headers)
            except RequestValidationError:
                response = await _shown_again(request, Invalid, status=Invalid.status)
            response.headers["Vary"] = "Cookie, Accept-Language"
            return response

        return explaining


sign_in = APIRouter(include_in_schema=False, route_class=SignInRoute)


@sign_in.get(SIGN_IN)
async def sign_in_page(request: Request) -> HtmlPage:
    """The ways to sign in."""
    return await ways_in(request, then=safe_next(request.query_params.get("next", "/")))


@sign_in.get(SET_UP)
async def setup_page(request: Request, code: str = "") -> HtmlPage:
    """A form for the set-up link and the first administrator's account."""
    return await _set_up_form(request, code[:200])


@sign_in.post(SET_UP)
async def set_up(request: Request, code: Text, account: Text, purpose: Text = "operation") -> Response:
    """Name the first administrator, who is signed in then."""
    refuse_other_origin(request)
    session = await admission_of(request).set_up(request, code, account)
    if session is None:
        return await _set_up_form(request, code, status=NotFound.status)
    return await enter(request, session, purpose)


@sign_in.post("/login/local")
async def log_in_locally(request: Request, account: Text, purpose: Text = "support", then: Next = "/") -> Response:
    """Sign in as any account, for development."""
    refuse_other_origin(request)
    session = await run_in_threadpool(admission_of(request).log_in_locally, account)
    return await enter(request, session, purpose, then=then)


@sign_in.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    await refuse_forged(request)
    await run_in_threadpool(admission_of(request).log_out, request.cookies.get(COOKIE, ""))
    return signed_out()


def admission_of(request: Request) -> Admission:
    """The admission of the service that a request came to."""
    admission: Admission = request.app.state.admission
    return admission


async def ways_in(
    request: Request, *, then: str = "/", address: str | None = None, problem: str | None = None, status: int = 200
) -> HtmlPage:
    """The page with the ways to sign in; ``address``: of the provider, to go on to."""
    admission = admission_of(request)
    accounts = await run_in_threadpool(admission.accounts) if admission.local_login else []
    return visit_of(request).page(
        "entry/sign_in.html",
        status=status,
        then=then,
        address=address,
        problem=problem,
        ended=COOKIE in request.cookies and then != "/",
        provider=request.app.state.provider is not None,
        accounts=accounts,
        purposes=PURPOSE_NAMES,
        own_address=f"{SIGN_IN}?next={quote(then, safe='/')}",
    )


async def enter(request: Request, session: IssuedSecret | None, purpose: str, *, then: str = "/") -> Response:
    """Begin a session of its own; one that was in the browser before ends. Raises ``NotFound`` without one."""
    if session is None:
        raise not_for_you()
    await run_in_threadpool(admission_of(request).log_out, request.cookies.get(COOKIE, ""))
    return signed_in(session.secret, purpose, then=then)


async def _set_up_form(request: Request, code: str, *, problem: str | None = None, status: int = 200) -> HtmlPage:
    state = await run_in_threadpool(admission_of(request).setup_link, code)
    return visit_of(request).page(
        "entry/setup.html",
        status=status,
        code=code,
        state=state.value,
        problem=problem or (LINKS.get(state) if code else None),
        own_address=f"{SET_UP}?code={quote(code, safe='')}" if code else SET_UP,
    )


async def _shown_again(request: Request, kind: type[Refusal], *, status: int) -> HtmlPage:
    problem = PROBLEMS.get(kind, PROBLEMS[Invalid])
    if request.url.path == SET_UP:
        return await _set_up_form(request, "", problem=problem, status=status)
    return await ways_in(request, problem=problem, status=status)

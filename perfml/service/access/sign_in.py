"""Pages to sign in with: the company's provider, the set-up link, and at this machine alone any account. Forms without script."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool

from perfml.access.credentials import IssuedSecret
from perfml.access.principals import SERVED
from perfml.service.access.admission import Admission
from perfml.service.access.forgery import refuse_forged, refuse_other_origin
from perfml.service.access.refusals import not_for_you
from perfml.service.access.sessions import COOKIE, SIGN_IN, safe_next, signed_in, signed_out
from perfml.service.pages import POLICY, STYLE

sign_in = APIRouter(include_in_schema=False)
_PAGE = Environment(loader=PackageLoader("perfml.service.access", "."), autoescape=True).get_template("sign_in.html.j2")
_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
PURPOSES = [purpose.value for purpose in SERVED]
Text = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Form(alias="next", max_length=2_000)]


@sign_in.get(SIGN_IN)
async def sign_in_page(request: Request) -> HTMLResponse:
    """The ways to sign in."""
    admission = admission_of(request)
    accounts = await run_in_threadpool(admission.accounts) if admission.local_login else None
    then = safe_next(request.query_params.get("next", "/"))
    return page(then=then, accounts=accounts, provider=request.app.state.provider is not None)


@sign_in.get("/setup")
def setup_page(code: str = "") -> HTMLResponse:
    """A form for the set-up link and the first administrator's account."""
    return page(code=code[:200])


@sign_in.post("/setup")
async def set_up(request: Request, code: Text, account: Text, purpose: Text = "operation") -> Response:
    """Name the first administrator, who is signed in then."""
    refuse_other_origin(request)
    return await enter(request, await admission_of(request).set_up(request, code, account), purpose)


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


def page(**fields: str | bool | list[str] | None) -> HTMLResponse:
    """The page, with the ways to sign in for which there are ``fields``."""
    html = _PAGE.render(purposes=PURPOSES, style=STYLE, **fields)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})


async def enter(request: Request, session: IssuedSecret | None, purpose: str, *, then: str = "/") -> Response:
    """Begin a session of its own; one that was in the browser before ends. Raises ``NotFound`` without one."""
    if session is None:
        raise not_for_you()
    await run_in_threadpool(admission_of(request).log_out, request.cookies.get(COOKIE, ""))
    return signed_in(session.secret, purpose, then=then)

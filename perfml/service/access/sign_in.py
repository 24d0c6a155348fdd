"""Pages to sign in with: the set-up link, and at this machine alone any account. Forms without script."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool

from perfml.access.credentials import SESSION_LASTS, IssuedSecret
from perfml.access.principals import SERVED, Purpose
from perfml.service.access.admission import COOKIE, PURPOSE_COOKIE, Admission, not_for_you, refuse_other_origin
from perfml.service.pages import POLICY, STYLE

sign_in = APIRouter(include_in_schema=False)
_PAGE = Environment(loader=PackageLoader("perfml.service.access", "."), autoescape=True).get_template("sign_in.html.j2")
_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
PURPOSES = [purpose.value for purpose in SERVED]
Text = Annotated[str, Form(max_length=200)]


@sign_in.get("/setup")
def setup_page(code: str = "") -> HTMLResponse:
    """A form for the set-up link and the first administrator's account."""
    return _form("/setup", code=code[:200], accounts=None)


@sign_in.post("/setup")
async def set_up(request: Request, code: Text, account: Text, purpose: Text = "operation") -> Response:
    """Name the first administrator, who is signed in then."""
    admission = _admission(request)
    refuse_other_origin(request)
    return _signed_in(await admission.set_up(request, code, account), purpose)


@sign_in.get("/login/local")
async def local_page(request: Request) -> HTMLResponse:
    """A form with every account, for development."""
    admission = _admission(request)
    if not admission.local_login:
        raise not_for_you()
    accounts = await run_in_threadpool(admission.accounts)
    return _form("/login/local", code=None, accounts=accounts)


@sign_in.post("/login/local")
async def log_in_locally(request: Request, account: Text, purpose: Text = "support") -> Response:
    """Sign in as any account, for development."""
    admission = _admission(request)
    refuse_other_origin(request)
    return _signed_in(await run_in_threadpool(admission.log_in_locally, account), purpose)


@sign_in.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    admission = _admission(request)
    refuse_other_origin(request)
    await run_in_threadpool(admission.log_out, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/", 303)
    for cookie in (COOKIE, PURPOSE_COOKIE):
        response.delete_cookie(cookie, secure=True, httponly=True, samesite="lax")
    return response


def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


def _form(action: str, *, code: str | None, accounts: list[str] | None) -> HTMLResponse:
    html = _PAGE.render(action=action, code=code, accounts=accounts, purposes=PURPOSES, style=STYLE)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})


def _signed_in(session: IssuedSecret | None, purpose: str) -> Response:
    if session is None:
        raise not_for_you()
    response = RedirectResponse("/", 303)
    lasts = int(SESSION_LASTS.total_seconds())
    chosen = purpose if purpose in PURPOSES else Purpose.SUPPORT.value
    for cookie, value in ((COOKIE, session.secret), (PURPOSE_COOKIE, chosen)):
        response.set_cookie(cookie, value, max_age=lasts, secure=True, httponly=True, samesite="lax")
    return response

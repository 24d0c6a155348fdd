"""Pages to sign in with: the set-up link, and at this machine alone any account. Forms without script."""

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
    admission, then = _admission(request), request.query_params.get("next", "/")
    accounts = await run_in_threadpool(admission.accounts) if admission.local_login else None
    return _form("/login/local", accounts=accounts, then=then)


@sign_in.get("/setup")
def setup_page(code: str = "") -> HTMLResponse:
    """A form for the set-up link and the first administrator's account."""
    return _form("/setup", code=code[:200])


@sign_in.post("/setup")
async def set_up(request: Request, code: Text, account: Text, purpose: Text = "operation") -> Response:
    """Name the first administrator, who is signed in then."""
    refuse_other_origin(request)
    return _enter(await _admission(request).set_up(request, code, account), purpose)


@sign_in.post("/login/local")
async def log_in_locally(request: Request, account: Text, purpose: Text = "support", then: Next = "/") -> Response:
    """Sign in as any account, for development."""
    refuse_other_origin(request)
    return _enter(await run_in_threadpool(_admission(request).log_in_locally, account), purpose, then=then)


@sign_in.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session."""
    await refuse_forged(request)
    await run_in_threadpool(_admission(request).log_out, request.cookies.get(COOKIE, ""))
    return signed_out()


def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


def _form(action: str, *, code: str | None = None, accounts: list[str] | None = None, then: str = "/") -> HTMLResponse:
    html = _PAGE.render(
        action=action, code=code, accounts=accounts, then=safe_next(then), purposes=PURPOSES, style=STYLE
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})


def _enter(session: IssuedSecret | None, purpose: str, *, then: str = "/") -> Response:
    if session is None:
        raise not_for_you()
    return signed_in(session.secret, purpose, then=then)

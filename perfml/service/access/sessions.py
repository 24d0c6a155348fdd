"""The session in a browser: its cookies, and where somebody goes on after signing in."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from perfml.access.credentials import SESSION_LASTS
from perfml.access.principals import SERVED, Purpose

COOKIE, PURPOSE_COOKIE, ATTEMPT_COOKIE = "__Host-perfml", "__Host-perfml-purpose", "__Host-perfml-sign-in"
SIGN_IN = "/login"
LONGEST_NEXT = 500


def signed_in(secret: str, purpose: str, *, then: str = "/") -> Response:
    """Set the cookies of a session, and go on at ``then``."""
    response = RedirectResponse(safe_next(then), 303)
    lasts = int(SESSION_LASTS.total_seconds())
    served = {each.value for each in SERVED}
    chosen = purpose if purpose in served else Purpose.SUPPORT.value
    for cookie, value in ((COOKIE, secret), (PURPOSE_COOKIE, chosen)):
        response.set_cookie(cookie, value, max_age=lasts, secure=True, httponly=True, samesite="lax")
    return response


def signed_out() -> Response:
    """Delete the cookies."""
    response = RedirectResponse("/", 303)
    for cookie in (COOKIE, PURPOSE_COOKIE):
        response.delete_cookie(cookie, secure=True, httponly=True, samesite="lax")
    return response


def sign_in_first(request: Request) -> Response:
    """Lead somebody who is not signed in to the page that does it, and back afterwards."""
    path = "/"
    if request.method in ("GET", "HEAD"):
        path = request.scope["raw_path"].decode("latin-1") + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(safe_next(path), safe='/')}", 303)


def safe_next(text: str) -> str:
    """``text`` where it is an address of this service, else its first page: no other site, and not the way in or out.

    >>> [safe_next(text) for text in ("/team?q=1", "//evil.example", "/\\\\evil.example", "https://evil.example", "/login")]
    ['/team?q=1', '/', '/', '/', '/']
    """
    return text if own_address(text) and not text.startswith((SIGN_IN, "/logout")) else "/"


def own_address(text: str) -> bool:
    """Whether ``text`` is an address of this service."""
    printable = all("!" <= letter <= "~" and letter != "\\" for letter in text)
    return printable and text.startswith("/") and not text.startswith("//") and len(text) <= LONGEST_NEXT

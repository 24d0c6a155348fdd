"""Writes that a page of another site sends with the session of somebody who is signed in here are refused.

A write with a session names the origin of this service and carries a token that only its pages know. A token of the API is
no session: a page of another site does not have it.
"""

from __future__ import annotations

import hashlib
import hmac

from fastapi import Request

from perfml.service.access.refusals import other_origin
from perfml.service.access.sessions import COOKIE

FIELD, HEADER = "csrf", "X-CSRF"
"""The hidden field of a form, and the header of a script, that carry the token."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_PURPOSE = b"perfml csrf 1"


def csrf_token(request: Request) -> str:
    """What a form of this session carries in the field :data:`FIELD`; empty without a session, where nothing is asked.

    It follows from the secret of the session alone (HMAC-SHA-256), so that nothing is stored and it ends with the session.
    """
    secret = request.cookies.get(COOKIE, "")
    return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).hexdigest() if secret else ""


def is_form(request: Request) -> bool:
    """Whether a page sends its fields, and not JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() in FORMS


def refuse_other_origin(request: Request) -> None:
    """Raise :class:`~perfml.service.access.refusals.OtherOrigin` unless a page of this service sends a request: browsers name
    the origin whenever they write."""
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("origin") != own or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise other_origin("Origin")


async def refuse_forged(request: Request) -> None:
    """Raise :class:`~perfml.service.access.refusals.OtherOrigin` unless a write comes from this service and knows the token."""
    refuse_other_origin(request)
    given: object = request.headers.get(HEADER)
    if given is None and is_form(request):
        given = (await request.form()).get(FIELD)
    expected = csrf_token(request)
    if not expected or not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise other_origin(HEADER)

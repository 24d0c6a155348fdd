"""Who asks as the headers of a request state it, which is believed until somebody is administrator."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

from fastapi import Request

from perfml.harmless import CONTROL
from perfml.service.access.refusals import PURPOSE_HEADER
from perfml.service.serving.routing.headers import header_of
from perfml.store.audit.acting import UNSTATED, Actor, user_name

ACTOR_HEADER = "X-Actor"
LONGEST = 200
_NAMES = (ACTOR_HEADER.lower(), PURPOSE_HEADER.lower())


def stated_actor(request: Request) -> Actor:
    """Whom ``X-Actor`` and ``X-Purpose`` name, in UTF-8 or percent-encoded; the user of the service without them."""
    return _actor(*(header_of(request.scope, name) for name in _NAMES))


@lru_cache(maxsize=1_000)
def _actor(name: str | None, purpose: str | None) -> Actor:
    return Actor(name=_text(name) or user_name(), purpose=_text(purpose) or UNSTATED)


def _text(value: str | None) -> str:
    """A header's text: one line, without control characters."""
    if not value:
        return ""
    decoded = unquote(value.encode("latin-1").decode("utf-8", "replace"), errors="replace")
    return CONTROL.sub(" ", decoded).strip()[:LONGEST]

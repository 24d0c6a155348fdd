"""Who asks as the headers of a request state it, which is believed until somebody is administrator."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import Request

from perfml.harmless import CONTROL
from perfml.service.access.refusals import PURPOSE_HEADER
from perfml.store.audit.acting import UNSTATED, Actor, user_name

ACTOR_HEADER = "X-Actor"
LONGEST = 200


def stated_actor(request: Request) -> Actor:
    """Whom ``X-Actor`` and ``X-Purpose`` name, in UTF-8 or percent-encoded; the user of the service without them."""
    name, purpose = (_text(request.headers.get(header)) for header in (ACTOR_HEADER, PURPOSE_HEADER))
    return Actor(name=name or user_name(), purpose=purpose or UNSTATED)


def _text(value: str | None) -> str:
    """A header's text: one line, without control characters."""
    if not value:
        return ""
    decoded = unquote(value.encode("latin-1").decode("utf-8", "replace"), errors="replace")
    return CONTROL.sub(" ", decoded).strip()[:LONGEST]

"""No body is larger than the largest that is needed, neither one that says so nor one that turns out to be; or takes for ever."""

from __future__ import annotations

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope

from perfml.service.serving.routing.headers import header_of

MOST_BODY = 12_000_000
"""Bytes of a request: the largest proof in base64 and the keys beside it."""
BODY_SECONDS = 60.0
"""Time in which a body has to come."""
_TOO_LARGE, _TOO_SLOW = 413, 408


def refuse_large_body(scope: Scope) -> None:
    """Refuse a body by its declared length, before it is read."""
    declared = header_of(scope, "content-length")
    if declared is not None and declared.isdecimal() and int(declared[:20]) > MOST_BODY:
        raise HTTPException(_TOO_LARGE)


def limited_body(receive: Receive) -> Receive:
    """Refuse a body as soon as too much has come, and one that does not come in time."""
    come, whole, end = 0, False, time.monotonic() + BODY_SECONDS

    async def limited() -> AsgiMessage:
        nonlocal come, whole
        if whole:  # what is waited for now is the end of the connection
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), end - time.monotonic())
        except TimeoutError as error:
            raise HTTPException(_TOO_SLOW) from error
        come += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if come > MOST_BODY:
            raise HTTPException(_TOO_LARGE)
        return message

    return limited

"""No body is larger than the largest that is needed, neither one that says so nor one that turns out to be; or takes for ever."""

from __future__ import annotations

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.service.serving.errors.error_handlers import error_response, unrouted
from perfml.service.serving.routing.headers import header_of

MOST_BODY = 12_000_000
"""Bytes of a request: the largest proof in base64 and the keys beside it."""
BODY_SECONDS = 60.0
"""Time in which a body has to come."""
_TOO_LARGE, _TOO_SLOW = 413, 408


class BodyLimit:
    """Refuse a body by its declared length before it is read, any other as soon as too much has come, and one that does not
    come in time."""

    def __init__(self, app: ASGIApp, most: int = MOST_BODY) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = header_of(scope, "content-length") or ""
        if declared.isdecimal() and int(declared[:20]) > self.most:
            await error_response(unrouted(_TOO_LARGE))(scope, receive, send)
            return
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
            if come > self.most:
                raise HTTPException(_TOO_LARGE)
            return message

        await self.app(scope, limited, send)

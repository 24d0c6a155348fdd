"""No body is larger than the largest that is needed: neither one that says so nor one that turns out to be."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.service.serving.errors.error_handlers import error_response, unrouted

MOST_BODY = 12_000_000
"""Bytes of a request: the largest proof in base64 and the keys beside it."""
_TOO_LARGE = 413


class BodyLimit:
    """Refuse a body by its declared length before it is read, and any other as soon as too much has come."""

    def __init__(self, app: ASGIApp, most: int = MOST_BODY) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self.most:
            await error_response(unrouted(_TOO_LARGE))(scope, receive, send)
            return
        come = 0

        async def limited() -> AsgiMessage:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self.most:
                raise HTTPException(_TOO_LARGE)
            return message

        await self.app(scope, limited, send)

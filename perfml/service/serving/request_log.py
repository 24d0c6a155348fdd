"""One log line a request, without personal data: the address as its template, never an id, a query or a body."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

LOGGER = "perfml.requests"
_LOG = logging.getLogger(LOGGER)


class RequestLog:
    """Log method, template of the address, status and milliseconds of every request, at level INFO."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it has been answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: AsgiMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            template = getattr(scope.get("route"), "path_format", "(other)")
            _LOG.info("%s %s %d %.0f ms", scope["method"], template, status, 1000 * (time.perf_counter() - began))

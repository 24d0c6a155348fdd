"""Whatever the application raises is answered as a problem, before the server writes it to its log with all its text."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.service.problems import failure
from perfml.service.serving.errors.error_handlers import error_response
from perfml.service.serving.errors.failure_log import log_failure


class Failures:
    """Below the log of requests, above everything else. An answer that has begun is cut off."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watching(message: AsgiMessage) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watching)
        except Exception as error:
            name = log_failure(error)
            if not started:
                await error_response(failure(), instance=name)(scope, receive, send)

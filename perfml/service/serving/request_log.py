"""One log line a request, without personal data: the address as its template, never an id, a query or a body. What the line
says is counted."""

from __future__ import annotations

import logging
import os
import time

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.service.serving.log_lines import REQUEST_ID
from perfml.service.serving.metrics import ServiceMetrics

LOGGER = "perfml.requests"
REQUEST_HEADER = "X-Request-ID"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID_BYTES, _HEADER = 16, REQUEST_HEADER.lower().encode()
_LOG = logging.getLogger(LOGGER)


class RequestLog:
    """Log method, template of the address, status and milliseconds of every request, at level INFO, under an id that the answer
    carries, too. The id is made here: one that a client chose could name somebody."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it has been answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, request_id = time.perf_counter(), 500, os.urandom(_ID_BYTES).hex()
        token = REQUEST_ID.set(request_id)

        async def noting(message: AsgiMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((_HEADER, request_id.encode()))
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            template = getattr(scope.get("route"), "path_format", "(other)")
            method = scope["method"] if scope["method"] in METHODS else "(other)"
            seconds = time.perf_counter() - began
            self.metrics.count(method, template, status=status, seconds=seconds)
            if _LOG.isEnabledFor(logging.INFO):
                took = 1000 * seconds
                fields = {"method": method, "route": template, "status": status, "milliseconds": round(took, 1)}
                _LOG.info("%s %s %d %.0f ms", method, template, status, took, extra={"fields": fields})
            REQUEST_ID.reset(token)

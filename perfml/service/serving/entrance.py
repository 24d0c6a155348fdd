"""What every request passes, in one layer, as each layer costs all of them.

A request from elsewhere and a body that is too large are refused; whatever goes wrong is answered as a problem; every answer
gets its headers and the id of its log line. The line holds no personal data: the address as its template, never an id, a query
or a body. What the line says is counted.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.service.access.page_headers import HTTPS_ALONE, secure_page
from perfml.service.problems import Failure
from perfml.service.serving.errors.body_limit import limited_body, refuse_large_body
from perfml.service.serving.errors.error_handlers import HEADERS, error_answer
from perfml.service.serving.errors.failure_log import log_failure
from perfml.service.serving.log_lines import REQUEST_ID
from perfml.service.serving.loopback import is_elsewhere, refuse_elsewhere
from perfml.service.serving.metrics import ServiceMetrics

LOGGER = "perfml.requests"
REQUEST_HEADER = "X-Request-ID"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID_BYTES, _ID_HEADER = 16, REQUEST_HEADER.lower().encode()
_HTTPS_ALONE = (b"strict-transport-security", HTTPS_ALONE.encode())
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_LOG = logging.getLogger(LOGGER)


class Entrance:
    """The layer around all routes.

    ``hosts``: names under which other machines are answered too, where access control admits them.
    """

    def __init__(self, app: ASGIApp, *, metrics: ServiceMetrics, hosts: Collection[str] = ()) -> None:
        self._app, self._metrics, self._hosts = app, metrics, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The id is made here: one that a client chose could name somebody.
        began, status, request_id = time.perf_counter(), 0, os.urandom(_ID_BYTES).hex()

        async def send_completed(message: AsgiMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
                _complete(headers)
                if self._hosts and is_elsewhere(scope):
                    headers.append(_HTTPS_ALONE)
                headers.append((_ID_HEADER, request_id.encode()))
            await send(message)

        token = REQUEST_ID.set(request_id)
        try:
            refuse_elsewhere(scope, self._hosts)
            refuse_large_body(scope)
            await self._app(scope, limited_body(receive), send_completed)
        except Exception as error:
            if status:  # the answer that has begun is cut off
                log_failure(error)
            else:
                answer = await run_in_threadpool(error_answer, Request(scope), error)
                await answer(scope, receive, send_completed)
        finally:
            self._note(scope, status=status or Failure.status, seconds=time.perf_counter() - began)
            REQUEST_ID.reset(token)

    def _note(self, scope: Scope, *, status: int, seconds: float) -> None:
        """Count an answer and log it at level INFO."""
        template = getattr(scope.get("route"), "path_format", "(other)")
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        self._metrics.count(method, template, status=status, seconds=seconds)
        if _LOG.isEnabledFor(logging.INFO):
            took = 1000 * seconds
            fields = {"method": method, "route": template, "status": status, "milliseconds": round(took, 1)}
            _LOG.info("%s %s %d %.0f ms", method, template, status, took, extra={"fields": fields})


def _complete(headers: list[tuple[bytes, bytes]]) -> None:
    """Add :data:`HEADERS`, where an answer says nothing else, and what a page says."""
    given = dict(headers)
    headers.extend([header for header in _HEADERS if header[0] not in given])
    if given.get(b"content-type", b"").startswith(b"text/html"):
        secure_page(MutableHeaders(raw=headers))

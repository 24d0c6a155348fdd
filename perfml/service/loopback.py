"""Until access control exists, people's scores are for this machine alone.

Three doors: the address that is listened on, the address that a request comes from, and the name it was asked under.
The last one because a page on any website can have its own name resolve to 127.0.0.1 (DNS rebinding) and read what a
browser on this machine may read.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perfml.errors import PerfmlError
from perfml.service.problems import HEADERS, Misplaced, Refusal, WrongHost, answer, problem_of

_REMEDY = "use 127.0.0.1, ::1 or localhost; to reach it from elsewhere, forward a port over SSH"


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine.

    >>> [is_loopback(host) for host in ("127.0.0.9", "::1", "LOCALHOST", "0.0.0.0", "localhost.evil")]
    [True, True, True, False, False]
    """
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def refuse_other_machines(host: str) -> None:
    """Raises :class:`PerfmlError` where listening on ``host`` would let other machines in."""
    if not is_loopback(host):
        raise PerfmlError(
            "would show people's scores to other machines, and there is no access control yet",
            where=f"--host {host}",
            remedy=_REMEDY,
        )


class Loopback:
    """Answers only this machine, under its own names, and marks every answer with :data:`HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it before anything reads it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = _refused(scope)
        if refused:
            await answer(refused.status, problem_of(refused))(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, marked)


def _refused(scope: Scope) -> Refusal | None:
    """Behind a proxy, uvicorn puts the proxy's client into ``scope``, so a proxy lets nobody else in either."""
    client = scope.get("client")
    if client and _is_address(client[0]) and not is_loopback(client[0]):
        return Misplaced(
            "is on another machine",
            where="client",
            remedy=_REMEDY,
            zh="目前只允许本机访问（尚无访问控制）；可通过 SSH 端口转发使用",
        )
    if not is_loopback(_name(Headers(scope=scope).get("host", ""))):
        return WrongHost(
            "is not a name of this machine",
            where="Host",
            remedy=_REMEDY,
            zh="Host 不是本机名称；请使用 127.0.0.1、::1 或 localhost",
        )
    return None


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        return name if closed and (not port or port.startswith(":")) else ""
    return host.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

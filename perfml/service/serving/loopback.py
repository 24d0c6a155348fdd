"""Access from this machine only, unless other machines are answered under names that are allowed.

Three checks: the address that the server listens on, the address that a request comes from, and the name in its Host
header. The last one because a page on any website can have its own name resolve to 127.0.0.1 (DNS rebinding) and read
what a browser on this machine may read.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from functools import lru_cache
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from perfml.errors import PerfmlError
from perfml.messages import Message, render
from perfml.service.access.page_headers import HTTPS_ALONE, secure_page
from perfml.service.problems import OtherMachine, Refusal, WrongHost
from perfml.service.serving.errors.error_handlers import HEADERS, error_response
from perfml.service.serving.routing.headers import header_of

_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_REMEDY = Message.of("service_use_this_machine")


@lru_cache(maxsize=1_000)
def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine.

    >>> [is_loopback(host) for host in ("127.0.0.9", "::1", "LOCALHOST", "0.0.0.0", "localhost.evil")]
    [True, True, True, False, False]
    """
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def refuse_other_machines(host: str) -> None:
    """Raise :class:`PerfmlError` where listening on ``host`` would let other machines in."""
    if not is_loopback(host):
        raise PerfmlError(
            "would show people's scores to other machines",
            where=f"--host {host}",
            remedy=render(_REMEDY, "en"),
        )


class Loopback:
    """Answer only this machine, under its own names, and add :data:`HEADERS` to every answer, and what a page says.

    ``hosts``: names under which other machines are answered too, where access control admits them.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before anything reads it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = _refusal(scope, self.hosts)
        if refusal:
            await error_response(refusal)(scope, receive, send)
            return

        elsewhere = bool(self.hosts) and not is_loopback(_name(header_of(scope, "host") or ""))

        async def send_with_headers(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                given = {name for name, _ in headers.raw}
                headers.raw.extend(header for header in _HEADERS if header[0] not in given)
                secure_page(headers)
                if elsewhere:
                    headers["Strict-Transport-Security"] = HTTPS_ALONE
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _refusal(scope: Scope, hosts: Set[str]) -> Refusal | None:
    """Why a request is refused; None where it may pass.

    Behind a proxy, uvicorn puts the proxy's client into ``scope``, so other machines are refused there too.
    """
    name = _name(header_of(scope, "host") or "")
    if name.lower() in hosts:
        return None
    client = scope.get("client")
    if client and _is_address(client[0]) and not is_loopback(client[0]):
        return OtherMachine(Message.of("service_other_machine"), where="client", remedy=_REMEDY)
    if not is_loopback(name):
        return WrongHost(Message.of("service_wrong_host"), where="Host", remedy=_REMEDY)
    return None


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        return name if closed and (not port or port.startswith(":")) else ""
    return host.partition(":")[0]


@lru_cache(maxsize=1_000)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

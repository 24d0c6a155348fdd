"""Access from this machine only, unless other machines are answered under names that are allowed.

Three checks: the address that the server listens on, the address that a request comes from, and the name in its Host
header. The last one because a page on any website can have its own name resolve to 127.0.0.1 (DNS rebinding) and read
what a browser on this machine may read.
"""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache
from ipaddress import ip_address

from starlette.types import Scope

from perfml.errors import PerfmlError
from perfml.messages import Message, render
from perfml.service.problems import OtherMachine, WrongHost
from perfml.service.serving.routing.headers import header_of

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


def refuse_elsewhere(scope: Scope, hosts: Set[str]) -> None:
    """Raise :class:`~perfml.service.problems.Refusal` for a request from another machine, or under another name than one of
    ``hosts``.

    Behind a proxy, uvicorn puts the proxy's client into ``scope``, so other machines are refused there too.
    """
    name = _name(header_of(scope, "host") or "")
    if name.lower() in hosts:
        return
    client = scope.get("client")
    if client and _is_address(client[0]) and not is_loopback(client[0]):
        raise OtherMachine(Message.of("service_other_machine"), where="client", remedy=_REMEDY)
    if not is_loopback(name):
        raise WrongHost(Message.of("service_wrong_host"), where="Host", remedy=_REMEDY)


def is_elsewhere(scope: Scope) -> bool:
    """Whether a request asks for a name that other machines use."""
    return not is_loopback(_name(header_of(scope, "host") or ""))


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

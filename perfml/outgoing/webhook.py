"""Posting a file to a webhook that a definition names, and to nothing else.

The name is resolved once, every address is checked, and the connection goes to the address that was checked: neither a name that
resolves into the own network, nor a redirect, nor a proxy of the environment leads elsewhere. What is answered is read up to a
limit and kept nowhere.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from perfml.errors import PerfmlError
from perfml.project.trust.export_spec import ExportRecipient

CONNECT_SECONDS, WHOLE_SECONDS = 10.0, 60.0
"""How long a connection, and the whole exchange, may take."""
MOST_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
AGAIN = frozenset({408, 425, 429})
"""Refusals that may pass, like every 5xx."""


class NotDelivered(PerfmlError):
    """A file that was not taken. ``passing``: whether trying again may help."""

    def __init__(self, problem: str, *, where: str, remedy: str, passing: bool = True) -> None:
        self.passing = passing
        super().__init__(problem, where=where, remedy=remedy)


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, under the name that was asked for."""

    def __init__(self, host: str, port: int, address: str, *, encrypted: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._address, self._encrypted = address, encrypted

    def connect(self) -> None:
        """Connect to the checked address; the certificate is that of the name."""
        plain = socket.create_connection((self._address, self.port), timeout=CONNECT_SECONDS)
        self.sock = plain
        if self._encrypted:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def post(recipient: ExportRecipient, body: bytes, headers: Mapping[str, str]) -> int:
    """Post ``body``; return the status of the answer, which is 2xx. Raises :class:`NotDelivered`."""
    parts = urlsplit(recipient.webhook or "")
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    address = _checked(host, port, recipient.allow)
    connection = _Pinned(host, port, address, encrypted=encrypted)
    ending = threading.Timer(WHOLE_SECONDS, _end, [connection])
    ending.daemon = True
    ending.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        answer.read(MOST_ANSWER)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDelivered(
            f"does not answer ({type(error).__name__})", where=host, remedy="it is tried again with the next run"
        ) from error
    finally:
        ending.cancel()
        connection.close()
    if not 200 <= answer.status < 300:
        passing = answer.status >= 500 or answer.status in AGAIN
        remedy = (
            "it is tried again with the next run" if passing else "see the receiver's log; redirects are not followed"
        )
        raise NotDelivered(f"answers {answer.status}", where=host, remedy=remedy, passing=passing)
    return answer.status


def _end(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _checked(host: str, port: int, allow: Sequence[str]) -> str:
    """The first address of ``host``. Raises :class:`NotDelivered` where any of them is neither public nor allowed."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotDelivered("has no address", where=host, remedy="correct recipient.webhook") from error
    addresses = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    networks = [ip_network(text) for text in allow]
    for each in addresses:
        if not (_is_public(each) or any(each in network for network in networks)):
            raise NotDelivered(
                "lies in a private network",
                where=host,
                remedy="add the network to recipient.allow if it is meant",
                passing=False,
            )
    return str(addresses[0])


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)

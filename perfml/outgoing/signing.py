"""Signatures of what webhooks are sent, as https://www.standardwebhooks.com says, and their check for receivers.

Keys come from the environment alone: ``PERFML_EXPORT_KEY`` holds one or, while they are exchanged, two (the new one first),
separated by spaces or lines. What is sent is signed with each.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping, Sequence

from perfml.errors import PerfmlError
from perfml.trust.carriers import signature

KEY_VARIABLE = "PERFML_EXPORT_KEY"
SHORTEST_KEY, MOST_KEYS = 32, 2
TOLERANCE_SECONDS = 300
"""How far the time of a message may be from the receiver's clock."""
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def signing_keys() -> tuple[str, ...]:
    """The keys of the environment. Raises :class:`PerfmlError` for none, for too many and for a short one."""
    keys = tuple(os.environ.get(KEY_VARIABLE, "").split())
    if not 1 <= len(keys) <= MOST_KEYS or any(len(key) < SHORTEST_KEY for key in keys):
        raise PerfmlError(
            f"holds {len(keys)} keys" if len(keys) not in (1, MOST_KEYS) else "holds a short key",
            where=KEY_VARIABLE,
            remedy=f"set one of at least {SHORTEST_KEY} characters (`openssl rand -hex 32`), or the new and the old one",
        )
    return keys


def signed_headers(keys: Sequence[str], *, delivery_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message sent ``at`` (seconds since 1970): its id, its time, and a signature with each key."""
    signatures = (signature(key, number=delivery_id, at=str(at), body=body) for key in keys)
    return {ID: delivery_id, TIME: str(at), SIGNATURE: " ".join(signatures)}


def verify(keys: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """For receivers: whether a message is whole, recent and from somebody who has one of ``keys``.

    ``now``: seconds since 1970. Names of headers may be written in any case. One that is verified and whose ``Idempotency-Key``
    was processed before is answered with 200 and left alone.

    >>> message = signed_headers(["k" * 32], delivery_id="d1", at=1_000, body=b"rows")
    >>> verify(["k" * 32], message, b"rows", now=1_200), verify(["k" * 32], message, b"rows!", now=1_200)
    (True, False)
    >>> verify(["k" * 32], message, b"rows", now=1_301)
    False
    """
    lower = {name.lower(): value for name, value in headers.items()}
    number, at, signatures = (lower.get(name, "") for name in (ID, TIME, SIGNATURE))
    if not (at.isascii() and at.isdecimal()) or abs(now - int(at)) > TOLERANCE_SECONDS:
        return False
    expected = [signature(key, number=number, at=at, body=body).encode() for key in keys]
    sent = signatures.encode().split(b" ")
    return any([hmac.compare_digest(own, other) for own in expected for other in sent])

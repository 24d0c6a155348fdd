"""Entity tags: whoever has an answer already is told that it is the same, and nothing else.

A tag is strong: it changes with every byte of the answer as this asker gets it, without the rows that they may not see. It is
bound to who asks, so that the tag of one tells another nothing.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from fastapi import Request, Response

from perfml.service.serving.routing.headers import header_of
from perfml.store.audit.acting import acting

_DIGEST = 16


def tagged(request: Request, response: Response, digest: bytes) -> Response:
    """The answer with its tag; or, where the request names this tag, that it has not changed (304); ``digest``: what changes with
    every byte of the answer."""
    tag = f'"{hashlib.blake2b(digest, key=_of(acting().name), digest_size=_DIGEST).hexdigest()}"'
    if _names(header_of(request.scope, "if-none-match"), tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.raw_headers.append((b"etag", tag.encode()))
    return response


@lru_cache(maxsize=1_000)
def _of(asker: str) -> bytes:
    return hashlib.blake2b(asker.encode("utf-8", "replace"), digest_size=_DIGEST).digest()


def _names(named: str | None, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag. A weak one compares as a strong one does (RFC 9110, 13.1.2)."""
    if named is None:
        return False
    given = [each.strip().removeprefix("W/") for each in named.split(",")]
    return tag in given or given == ["*"]

"""One header of a request, for what asks with every request: a miss in a mapping of all of them ends with an exception."""

from __future__ import annotations

from starlette.types import Scope


def header_of(scope: Scope, name: str) -> str | None:
    """The first header with this ``name``, which is in lower case; None without one.

    >>> scope = {"headers": [(b"host", b"localhost")]}
    >>> header_of(scope, "host"), header_of(scope, "origin")
    ('localhost', None)
    """
    wanted = name.encode("latin-1")
    for each, value in scope["headers"]:
        if each == wanted:
            text: str = value.decode("latin-1")
            return text
    return None

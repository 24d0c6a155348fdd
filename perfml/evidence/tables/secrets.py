"""Addresses and errors without passwords, so that they can be shown."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|CREDENTIAL", re.IGNORECASE)
_LEAST_SECRET = 6
"""Characters from which the value of such a variable is looked for in errors."""


def public(source: str) -> str:
    """A URL without its password."""
    if "://" not in source or "@" not in source:
        return source
    scheme, rest = source.split("://", 1)
    user, host = rest.rsplit("@", 1)
    return f"{scheme}://{user.split(':')[0]}@{host}"


def without_secrets(text: str) -> str:
    """``text`` without the passwords of URLs and without what the environment keeps secret, such as ``AWS_SECRET_ACCESS_KEY``.

    >>> without_secrets("cannot reach postgresql://anna:hidden@host/db")
    'cannot reach postgresql://…@host/db'
    """
    for name, value in os.environ.items():
        if len(value) >= _LEAST_SECRET and _SECRET.search(name):
            text = text.replace(value, "…")
    return re.sub(r"://[^\s/@]+@", "://…@", re.sub(r"\blake\d+://", "s3://", text))

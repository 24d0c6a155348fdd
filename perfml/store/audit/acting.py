"""Who acts, and for what purpose: the user of the operating system, or whom a request names or is admitted as."""

from __future__ import annotations

import getpass
import os
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

PURPOSE_VARIABLE = "PERFML_PURPOSE"
UNSTATED = "unstated"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and why, in their own text."""

    name: str
    purpose: str = UNSTATED
    employee_id: str | None = None
    admitted: bool = False
    """Whether they showed who they are; otherwise it is what they state."""


_ACTING: ContextVar[Actor | None] = ContextVar("perfml_actor", default=None)


def acting() -> Actor:
    """Who acts now."""
    return _ACTING.get() or Actor(name=user_name(), purpose=os.environ.get(PURPOSE_VARIABLE) or UNSTATED)


class Acting(AbstractContextManager[None]):
    """A block in which somebody acts, see :func:`acting_as`; a generator would cost more, with every request."""

    __slots__ = ("_actor", "_token")

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def __enter__(self) -> None:
        self._token = _ACTING.set(self._actor)

    def __exit__(self, *_: object) -> None:
        _ACTING.reset(self._token)


def acting_as(actor: Actor) -> Acting:
    """Whatever the block does is done by ``actor``."""
    return Acting(actor)


@cache
def user_name() -> str:
    """The user of the operating system."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"

"""Reading again where a source was away for a moment: a server that restarts, a network drive that stalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import tenacity

from perfml.errors import DataError

ATTEMPTS = 3
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 20.0
"""The pause doubles, with a random part, so that many readers do not come back together."""
PASSING = (
    *("connection refused", "connection reset", "server closed the connection", "could not connect", "timed out"),
    *("timeout expired", "starting up", "shutting down", "too many clients", "broken pipe"),
    *("stale file handle", "input/output error", "resource temporarily unavailable", "device or resource busy"),
)
"""What PostgreSQL and file systems answer when the same request may succeed a moment later."""


class Opened(Protocol):
    """What is opened, with the tables that could not be read."""

    problems: list[DataError]


R = TypeVar("R", bound=Opened)


def is_passing(error: BaseException | None) -> bool:
    """Whether ``error``, or what it came from, may be gone a moment later."""
    while error is not None:
        if any(sign in str(error).lower() for sign in PASSING):
            return True
        error = error.__cause__ or error.__context__
    return False


def read_again(read: Callable[[], R]) -> R:
    """What ``read`` returns; called up to :data:`ATTEMPTS` times with growing pauses while an error, or a problem of a table,
    may pass. Raises the last error."""
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_passing)
        | tenacity.retry_if_result(lambda opened: any(map(is_passing, opened.problems))),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS),
        retry_error_callback=_last,
    )
    return attempts(read)


def _last(state: tenacity.RetryCallState) -> object:
    assert state.outcome is not None
    return state.outcome.result()

"""How often a caller may ask, write, and be wrong within a minute: whoever asks more is told how long to wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil

from fastapi import Request

from perfml.project.spec import ServiceSettings
from perfml.service.access.refusals import too_many

MOST_WRONG, WITHIN_SECONDS = 20, 60.0
"""Wrong secrets and attempts to sign in of one client, and the seconds in which anything counts."""
MOST_CALLERS = 10_000


class CallerLimits:
    """Counts by caller from the first request of each minute of theirs, in memory that is bounded. Used from one event loop."""

    def __init__(self, settings: ServiceSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads, self._writes, self._clock = settings.reads_a_minute, settings.writes_a_minute, clock
        self._counts: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def count(self, request: Request, caller: str) -> None:
        """Count a request of an account, or of a client. Raises :class:`~perfml.service.access.refusals.TooMany`."""
        reading = request.method in ("GET", "HEAD")
        self._count((caller, reading), most=self._reads if reading else self._writes)

    def count_wrong(self, request: Request) -> None:
        """Count a wrong secret, or an attempt to sign in. Raises :class:`~perfml.service.access.refusals.TooMany`."""
        self._count((client_of(request), "wrong"), most=MOST_WRONG)

    def _count(self, key: Hashable, *, most: int) -> None:
        now = self._clock()
        first, count = self._counts.pop(key, (now, 0))
        if now - first >= WITHIN_SECONDS:
            first, count = now, 0
        self._counts[key] = first, count + 1
        if len(self._counts) > MOST_CALLERS:
            self._counts.popitem(last=False)
        if count >= most:
            raise too_many(ceil(first + WITHIN_SECONDS - now))


def client_of(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else ""

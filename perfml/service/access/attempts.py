"""How often a client may be wrong: whoever guesses secrets is not answered for a while."""

from __future__ import annotations

import time
from collections import OrderedDict

MOST, WITHIN = 20, 60.0
"""Wrong secrets of one client, and the seconds in which they count."""
MOST_CLIENTS = 10_000


class WrongSecrets:
    """Wrong secrets by client, in memory that is bounded."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def add(self, client: str) -> None:
        """Count a wrong secret."""
        first, count = self._current(client)
        self._seen[client] = (first, count + 1)
        self._seen.move_to_end(client)
        if len(self._seen) > MOST_CLIENTS:
            self._seen.popitem(last=False)

    def too_many(self, client: str) -> bool:
        """Whether the client has to wait."""
        return self._current(client)[1] >= MOST

    def _current(self, client: str) -> tuple[float, int]:
        now = time.monotonic()
        first, count = self._seen.get(client, (now, 0))
        return (first, count) if now - first < WITHIN else (now, 0)

"""How many group figures one client may ask for in a day: differencing needs many answers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from threading import Lock


class QueryBudget:
    """Counts the requests of each client on the newest day; kept in this process, so that a restart begins anew."""

    def __init__(self, queries_a_day: int) -> None:
        self.queries_a_day = queries_a_day
        self._day, self._asked, self._lock = dt.date.min, Counter[str](), Lock()

    def spend(self, client: str, today: dt.date) -> bool:
        """Count one request of ``client``, and return whether it may be answered.

        >>> budget = QueryBudget(1)
        >>> [budget.spend("a", dt.date(2026, 3, day)) for day in (1, 1, 2)]
        [True, False, True]
        """
        with self._lock:
            if today > self._day:
                self._day, self._asked = today, Counter()
            self._asked[client] += 1
            return self._asked[client] <= self.queries_a_day

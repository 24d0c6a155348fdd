"""Deadlines in working days: Monday to Friday, without the holidays that the project names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container

SATURDAY = 5


def due(filed_on: dt.date, days: int, holidays: Container[dt.date] = ()) -> dt.date:
    """The last day on which a deadline of ``days`` working days is met; the day of filing does not count.

    >>> due(dt.date(2025, 3, 28), 2), due(dt.date(2025, 3, 28), 2, {dt.date(2025, 3, 31)})
    (datetime.date(2025, 4, 1), datetime.date(2025, 4, 2))
    """
    day = filed_on
    while days:
        day += dt.timedelta(days=1)
        days -= day.weekday() < SATURDAY and day not in holidays
    return day

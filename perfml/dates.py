"""Dates as callers name them: a :class:`datetime.date` or the text ``YYYY-MM-DD``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from perfml.errors import PerfmlError

DateLike = dt.date | str
DatesLike = DateLike | Sequence[DateLike]


def date_of(value: DateLike) -> dt.date:
    """Parse a date from a date or from YYYY-MM-DD. Raises :class:`PerfmlError` for other text."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise PerfmlError(f"{value!r} is not a date", where="as-of date", remedy="write YYYY-MM-DD") from None


def dates_of(values: DatesLike) -> list[dt.date]:
    """Parse one date or several: ascending, without duplicates. Raises :class:`PerfmlError` for an empty sequence."""
    dates = sorted({date_of(value) for value in ([values] if isinstance(values, str | dt.date) else values)})
    if not dates:
        raise PerfmlError("no date is named", where="as-of date", remedy="name one, e.g. 2026-10-01")
    return dates

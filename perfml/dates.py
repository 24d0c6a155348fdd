"""Dates as callers name them: a :class:`datetime.date` or the text ``YYYY-MM-DD``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from perfml.errors import PerfmlError

DateLike = dt.date | str
DatesLike = DateLike | Sequence[DateLike]
MomentLike = DateLike | dt.datetime


def moment_of(value: MomentLike | None) -> dt.datetime:
    """Parse a moment: UTC, without a zone, like all moments of the record; a date means its first moment, None the clock's.

    >>> moment_of("2025-03-14"), moment_of("2025-03-14T14:00+08:00")
    (datetime.datetime(2025, 3, 14, 0, 0), datetime.datetime(2025, 3, 14, 6, 0))

    Raises :class:`PerfmlError` for other text.
    """
    if value is None:
        value = dt.datetime.now(dt.UTC)
    elif isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise PerfmlError(f"{value!r} is not a moment", where="--now", remedy="write YYYY-MM-DDTHH:MM") from None
    elif not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)


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

"""The end of a record: the latest as-of date that its data support."""

from __future__ import annotations

import datetime as dt

from perfml.dates import DateLike, date_of
from perfml.errors import DataError
from perfml.evidence.sources import Data

STALE_DAYS = {"events": 31, "reviews": 366}
"""Days after its end for which a record still describes people: with an event log, and with reviews only."""


def end_of_record(data: Data) -> dt.date:
    """The day after the latest day on which a row became usable: the first as-of date that can use all rows."""
    return data.last_usable_day() + dt.timedelta(days=1)


def refuse_stale(data: Data, as_of: dt.date) -> None:
    """Raise :class:`DataError` where ``as_of`` is long after the end of the record: everyone would seem to have gone silent."""
    end = end_of_record(data)
    if as_of > end + dt.timedelta(days=STALE_DAYS["events" if data.has("events") else "reviews"]):
        raise DataError(
            f"ends on {end}, too long before {as_of}",
            where=data.source,
            remedy="export it again, or choose an earlier date",
        )


def until_day(data: Data, until: DateLike | None) -> dt.date:
    """``until`` (default: the end of the record), at most the end of the record: no label matures after it."""
    end = end_of_record(data)
    return min(date_of(until), end) if until else end


def as_of_day(data: Data, as_of: DateLike | None) -> dt.date:
    """``as_of`` (default: the end of the record). Raises :class:`DataError` where the record is stale at that date."""
    day = date_of(as_of) if as_of else end_of_record(data)
    refuse_stale(data, day)
    return day

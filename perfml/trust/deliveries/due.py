"""Which deliveries were due by a moment, and when each was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from perfml.project.trust.delivery_spec import CalendarSpec, FeedSpec


def business_days(feed: FeedSpec, calendar: CalendarSpec, *, until: dt.date) -> Iterator[dt.date]:
    """The business days of ``feed`` up to ``until``, that day included, oldest first."""
    last = until if feed.until is None else min(until, feed.until)
    for n in range((last - feed.since).days + 1):
        day = feed.since + dt.timedelta(days=n)
        if calendar.is_business_day(day):
            yield day


def deadline(feed: FeedSpec, calendar: CalendarSpec, day: dt.date) -> dt.datetime:
    """The moment, in UTC without a zone like all moments of the record, until which the delivery for ``day`` is due.

    A calendar whose business days have ended counts days.
    """
    due = day + dt.timedelta(days=feed.days_after)
    if feed.counted_in == "business_days":
        later = (day + dt.timedelta(days=n) for n in range(1, 31 * (feed.days_after + 1)))
        counted = [each for each in later if calendar.is_business_day(each)][: feed.days_after]
        due = counted[-1] if len(counted) == feed.days_after and counted else due if feed.days_after else day
    local = dt.datetime.combine(due, feed.due, tzinfo=ZoneInfo(feed.timezone))
    return local.astimezone(dt.UTC).replace(tzinfo=None)

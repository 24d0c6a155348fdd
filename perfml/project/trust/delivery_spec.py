"""What ``features/deliveries.toml`` may contain: what each feed should send, until when, and who answers for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from perfml.project.spec import Spec

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hours = Annotated[int, Field(ge=1, le=24 * 60)]


class CalendarSpec(Spec):
    """The business days of a feed."""

    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    """Days of the week with a delivery."""
    holidays: tuple[dt.date, ...] = ()
    """Days without a delivery although their weekday has one."""
    working_days: tuple[dt.date, ...] = ()
    """Days with a delivery although their weekday has none, such as the days on which holidays are worked in advance."""

    def is_business_day(self, day: dt.date) -> bool:
        """Whether a delivery is for ``day``.

        >>> CalendarSpec(weekdays=("mon",), working_days=(dt.date(2025, 3, 9),)).is_business_day(dt.date(2025, 3, 9))
        True
        """
        if day in self.working_days:
            return True
        return WEEKDAYS[day.weekday()] in self.weekdays and day not in self.holidays


class PersonSpec(Spec):
    """Somebody who is told."""

    name: str
    """The person's name."""
    address: str | None = None
    """Where messages go, such as an e-mail address; default: the name."""

    @property
    def recipient(self) -> str:
        """Whom the outbox addresses."""
        return self.address or self.name


class EscalationSpec(PersonSpec):
    """Who is told when nobody acknowledges an alarm."""

    after_hours: Hours = 24
    """Hours between the alarm and the escalation."""


class Limits(Spec):
    """The range in which a figure of a delivery is expected, both ends included."""

    least: Decimal | None = None
    """The lowest value; default: none."""
    most: Decimal | None = None
    """The highest value; default: none."""

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most; exchange them")
        return self

    def hold(self, value: Decimal | int) -> bool:
        """Whether ``value`` lies in the range."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class FeedSpec(Spec):
    """One feed: its name is the ``source`` of the tables ``deliveries`` and ``facts``."""

    zh: str
    """What the feed is called in Chinese."""
    en: str
    """What the feed is called in English."""
    since: dt.date
    """The first business day that the feed is expected for."""
    until: dt.date | None = None
    """The last business day that the feed is expected for; default: it goes on."""
    calendar: str | None = None
    """The calendar of its business days; default: every day."""
    due: dt.time
    """The time of day until which a delivery is due, such as ``06:00:00``."""
    days_after: Annotated[int, Field(ge=0, le=366)] = 1
    """Days from the business day to the day on which its delivery is due."""
    counted_in: Literal["days", "business_days"] = "days"
    """Which days ``days_after`` counts."""
    timezone: str = "UTC"
    """The time zone of ``due``, such as ``Asia/Shanghai``."""
    rows: Limits = Limits()
    """Expected number of rows."""
    total: Limits = Limits()
    """Expected total."""
    table: str | None = None
    """The table that its packets are for; needed by ``perfml receive``."""
    owner: PersonSpec
    """Who answers for the feed and is told of a missing delivery."""
    escalation: EscalationSpec | None = None
    """Who is told when the owner does not acknowledge."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("name a time zone such as Asia/Shanghai or UTC") from None
        return value


class DeliveriesSpec(Spec):
    """``features/deliveries.toml``: the feeds of a company, and the calendars that they follow."""

    calendars: Mapping[str, CalendarSpec] = {}
    """Calendars by name."""
    feeds: Mapping[str, FeedSpec] = {}
    """Feeds by the name that the table ``deliveries`` has in ``source``."""

    @model_validator(mode="after")
    def _known_calendars(self) -> DeliveriesSpec:
        for name, feed in self.feeds.items():
            if feed.calendar is not None and feed.calendar not in self.calendars:
                raise ValueError(f"feeds.{name}.calendar names {feed.calendar!r}; declare [calendars.{feed.calendar}]")
        return self

    def calendar_of(self, feed: FeedSpec) -> CalendarSpec:
        """The business days of ``feed``."""
        return CalendarSpec() if feed.calendar is None else self.calendars[feed.calendar]

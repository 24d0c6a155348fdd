"""Holds on people of whose log too many days are missing, computed from the data."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from perfml.evidence.holes.hole import MissingDays
from perfml.messages import Message
from perfml.trust.holds.hold import Hold

RECENT_DAYS = 91
"""The days before an as-of date of which too many may be missing."""


def delivery_holds(missing: Iterable[MissingDays], as_of: dt.date, *, hold_share: float) -> dict[str, Hold]:
    """Employee -> hold, for everyone of whose rows of the last :data:`RECENT_DAYS` more than ``hold_share`` is missing."""
    by_person: dict[str, list[MissingDays]] = defaultdict(list)
    for days in missing:
        if days.as_of == as_of:
            for person in days.people:
                by_person[person].append(days)
    held = {}
    for person, holes in by_person.items():
        if sum(days.share(RECENT_DAYS) for days in holes) > hold_share:
            worst = max(holes, key=lambda days: days.share(RECENT_DAYS))
            held[person] = Hold(
                hold_id=f"delivery-{worst.hole.first}-{person}",
                entity=f"employee:{person}",
                cause="delivery",
                message=Message.of(
                    "hold_missing_days",
                    days=worst.hole.days,
                    part=worst.hole.part.text(),
                    first=str(worst.hole.first),
                    last=str(worst.hole.last),
                ),
                set_on=as_of,
                since=worst.hole.first,
            )
    return held

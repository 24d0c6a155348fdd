"""All faults of an export that are looked for."""

from __future__ import annotations

import datetime as dt

from perfml.evidence.oddities.ends import tables_that_stopped
from perfml.evidence.oddities.log import doubled_events, events_under_one_id, values_in_another_unit
from perfml.evidence.oddities.ratings import ratings_turned_round
from perfml.evidence.sources import Data
from perfml.messages import Message


def oddities(data: Data, before: dt.date) -> tuple[Message, ...]:
    """What looks wrong in what was known before ``before``, as questions."""
    reports: list[Message] = [*tables_that_stopped(data, before)]
    if data.has("events"):
        reports += [
            *values_in_another_unit(data, before),
            *events_under_one_id(data, before),
            *doubled_events(data, before),
        ]
    if data.has("reviews"):
        reports += ratings_turned_round(data, before)
    return tuple(reports)

"""Faults of the log: values in another unit from a day on, events under one id, events written twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from perfml.evidence.sources import Data
from perfml.messages import Message

FACTOR = 30.0
"""How many times larger or smaller the middle value must be from a day on: more than work changes, less than another unit."""
FEWEST_VALUES = 20
"""Values on either side of the day."""
ONE_ID_SHARE = 0.25
"""Share of the events of a month under one id."""
ONE_ID_FACTOR = 5.0
"""How many times more events than the next person."""
FEWEST_PEOPLE = 20
"""People in a month to ask about: among a few, one may well do most."""
FEWEST_EVENTS = 200
"""Events of a month to ask about."""
TWICE = 0.5
"""Share of the events of a week that are written exactly twice."""
TWICE_USUALLY = 0.1
"""The same share in the other weeks, at most."""
FEWEST_TWICE = 30
"""Events of a week to ask about."""


def values_in_another_unit(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield the kinds whose middle value is :data:`FACTOR` times what it was, from a day on."""
    kinds = data.connection.execute(
        "select kind, happened_day, median(abs(value)), count(*) from events where usable_day < ? and value <> 0"
        " group by kind, happened_day order by kind, happened_day",
        [before],
    ).fetchall()
    for kind in sorted({row[0] for row in kinds}):
        days = [row[1] for row in kinds if row[0] == kind]
        middle = np.log10([float(row[2]) for row in kinds if row[0] == kind])
        counts = np.array([row[3] for row in kinds if row[0] == kind])
        after = counts[::-1].cumsum()[::-1]
        steps = [
            (float(np.median(middle[i : i + 20]) - np.median(middle[max(0, i - 20) : i])), i)
            for i in range(1, len(days))
            if counts[:i].sum() >= FEWEST_VALUES and after[i] >= FEWEST_VALUES
        ]
        if not steps:
            continue
        step, at = max(steps, key=lambda each: (abs(each[0]), abs(middle[each[1]] - middle[each[1] - 1])))
        lasting = float(np.median(middle[at:]) - np.median(middle[:at]))
        if min(abs(step), abs(lasting)) >= np.log10(FACTOR):
            yield Message.of("values_in_another_unit", kind=kind, day=str(days[at]), factor=float(10**lasting))


def events_under_one_id(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield the people under whose id a month has most events, far more than of anybody else."""
    rows = data.connection.execute(
        "with months as (select date_trunc('month', happened_day) as month, employee_id, count(*) as n from events"
        " where usable_day < ? group by all), ranked as (select *, sum(n) over (partition by month) as total,"
        " row_number() over (partition by month order by n desc, employee_id) as place,"
        " lead(n) over (partition by month order by n desc, employee_id) as next,"
        " count(*) over (partition by month) as people from months)"
        " select employee_id, strftime(min(month), '%Y-%m'), sum(n)::bigint, sum(total)::bigint from ranked"
        f" where place = 1 and people >= {FEWEST_PEOPLE} and total >= {FEWEST_EVENTS} and n >= {ONE_ID_SHARE} * total"
        f" and n >= {ONE_ID_FACTOR} * coalesce(next, 0)"
        " group by employee_id order by 3 desc",
        [before],
    ).fetchall()
    for person, month, n, total in rows:
        yield Message.of("events_under_one_id", employee=person, month=month, rows=n, total=total)


def doubled_events(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield the weeks in which most events without an ``event_id`` are written exactly twice, as they usually are not."""
    columns = set(data.columns["events"])
    content = [c for c in ("employee_id", "happened_at", "kind", "value", "counterpart_id", "source") if c in columns]
    bare = "event_id is null and " if "event_id" in columns else ""
    weeks = data.connection.execute(
        f"with groups as (select {', '.join(content)}, count(*) as n from events where {bare}usable_day < ? group by all)"
        " select date_trunc('week', happened_at)::date, sum(n)::bigint, sum(case when n % 2 = 0 then n else 0 end)::bigint"
        f" from groups group by 1 having sum(n) >= {FEWEST_TWICE} order by 1",
        [before],
    ).fetchall()
    shares = np.array([twice / n for _, n, twice in weeks])
    suspect = shares >= TWICE
    if not suspect.any():
        return
    usually = float(np.median(shares[~suspect])) if (~suspect).any() else 1.0
    whole = bool(suspect.all()) and float(np.median(shares)) > 1 - TWICE_USUALLY
    if usually <= TWICE_USUALLY or whole:
        chosen = [week for (week, _, _), each in zip(weeks, suspect, strict=True) if each]
        first, last = chosen[0], chosen[-1]
        rows = int(sum(twice for (_, _, twice), each in zip(weeks, suspect, strict=True) if each))
        yield Message.of("events_doubled", first=str(first), last=str(last), weeks=int(suspect.sum()), rows=rows)

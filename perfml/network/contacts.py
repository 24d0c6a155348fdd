"""Contacts of two people, and the people employed, as known at a date: from rows of the log, without any text.

A contact is one pair, direction, kind of contact and day: what two systems record of one feedback counts once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from perfml.evidence.snapshots import KNOWN, visible
from perfml.evidence.sources import Data
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """Who is employed, and who gave what to whom."""

    people: pd.DataFrame
    """employee_id, department, manager_id, location, level, ``days`` of the window at work; by id."""
    pairs: pd.DataFrame
    """giver, receiver, contact, ``line`` (one leads the other, or did), ``contacts`` within the days of units, ``recent`` within
    those of people. Either may be nobody who is employed."""


def read_contacts(data: Data, spec: FeedbackNetworkSpec, as_of: dt.date, *, held: Collection[str]) -> Contacts:
    """Read the contacts; the snapshots of ``as_of`` alone must stand. Nobody who is ``held`` is in it."""
    connection, first = data.connection, as_of - dt.timedelta(days=spec.days)
    people: pd.DataFrame = connection.sql(_people(data, as_of, first)).df()
    connection.register(
        "contact_kinds",
        pd.DataFrame(
            [(kind, each.contact, each.given_by == "counterpart") for kind, each in spec.kinds.items()],
            columns=["kind", "contact", "received"],
        ),
    )
    pairs: pd.DataFrame = connection.sql(
        f"""
        with days as (
          select distinct case when k.received then e.counterpart_id else e.employee_id end as giver,
            case when k.received then e.employee_id else e.counterpart_id end as receiver, k.contact, e.happened_day
          from main.events e, temp.asofs a, contact_kinds k
          where {visible("e")} and e.kind = k.kind and e.counterpart_id <> e.employee_id
            and e.happened_day >= date '{as_of - dt.timedelta(days=max(spec.days, spec.unit_days))}'
        ), lines as ({_lines(data)})
        select giver, receiver, contact, (giver, receiver) in (select (a, b) from lines) as line,
          count(*) filter (happened_day >= date '{as_of - dt.timedelta(days=spec.unit_days)}')::int as contacts,
          count(*) filter (happened_day >= date '{first}')::int as recent
        from days group by all order by giver, receiver, contact"""
    ).df()
    connection.unregister("contact_kinds")
    absent = list(held)
    pairs = pairs[~pairs["giver"].isin(absent) & ~pairs["receiver"].isin(absent)]
    return Contacts(people=people[~people["employee_id"].isin(absent)].reset_index(drop=True), pairs=pairs)


def _people(data: Data, as_of: dt.date, first: dt.date) -> str:
    """Days at work: those since the hire, without absences."""
    away = (
        f"""(select count(distinct day) from {KNOWN}.absences l,
          unnest(generate_series(greatest(l.first_day, date '{first}'),
            least(coalesce(l.last_day, date '{as_of}' - 1), date '{as_of}' - 1), interval 1 day)) as t(day)
          where l.employee_id = p.employee_id and day >= p.hired_on)"""
        if data.has("absences")
        else "0"
    )
    return f"""
      select p.employee_id, p.department, p.manager_id, p.location, p.level::double as level,
        date_diff('day', greatest(p.hired_on, date '{first}'), date '{as_of}') - {away} as days
      from temp.people p order by p.employee_id"""


def _lines(data: Data) -> str:
    """Both directions of everybody and whoever leads them, or led them once."""
    if not data.has("positions"):
        return "select null::text as a, null::text as b where false"
    line = f"select distinct employee_id, manager_id from {KNOWN}.positions where manager_id is not null"
    return f"select employee_id as a, manager_id as b from ({line}) union select manager_id, employee_id from ({line})"

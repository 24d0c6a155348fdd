"""Outcomes that the behaviour log records: an event of some kinds, with a condition on its value, within a horizon."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.errors import DataError, DefinitionError
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal
from perfml.learning.dataset.known import known_by
from perfml.messages import Message
from perfml.project.model_spec import Label
from perfml.project.spec import EVENT_FACTS

KINDS_NAMED = 8
"""Kinds of the log that an error names, at most."""


def logged_outcomes(data: Data, rows: pd.DataFrame, label: Label, *, horizon_days: int, until: dt.date) -> Floats:
    """1, 0 or missing for each row (employee_id, as_of): whether an event of the label fell on a day in [as_of, as_of + horizon).

    Only events that happened and were known before ``until`` count; one in quarantine does not. The label is missing where

    - it has not matured by ``until``, or by the day after the last row of the log if that is earlier: a log that was exported
      for fewer days than the other tables says nothing of the days after it,
    - the as-of date lies before the first event that meets the label: the company may not have recorded them yet,
    - none of the label's occasions falls within the horizon.

    Raises :class:`DataError` where the log has no such event, and :class:`DefinitionError` for a condition that does not run.
    """
    events = _events(data, label.kinds, label.where)
    known, wait = known_by(until), horizon_days + label.reporting_delay_days
    data.connection.register("label_rows", rows[["employee_id", "as_of"]].assign(row_number=np.arange(len(rows))))
    inside = f"t.happened_day >= r.as_of::date and t.happened_day < r.as_of::date + {horizon_days}"
    occasion = (
        f" and exists (select 1 from {_events(data, label.occasions, None)} t where t.employee_id = r.employee_id"
        f" and {known} and {inside})"
        if label.occasions
        else ""
    )
    outcomes = data.connection.execute(
        f"with first as (select min(t.happened_day) as day from {events} t where {known}),"
        f" last as (select max(t.day) + 1 as day from logged_days t where t.day < date '{until}')"
        f" select case when r.as_of::date + {wait} <= least(date '{until}', (select day from last))"
        f" and r.as_of::date >= (select day from first){occasion} then (count(t.employee_id) > 0)::double end as label"
        f" from label_rows r left join {events} t on t.employee_id = r.employee_id and {known} and {inside}"
        " group by r.row_number, r.employee_id, r.as_of order by r.row_number"
    ).fetchnumpy()["label"]
    data.connection.unregister("label_rows")
    return np.ma.filled(np.ma.asarray(outcomes, dtype=np.float64), np.nan)


def _events(data: Data, wanted: Sequence[str], where: str | None) -> str:
    """Name of a temp table of the events of the ``wanted`` kinds that meet ``where``, made once: training asks for labels many
    times, and the log is long."""
    kinds = ", ".join(map(literal, wanted))
    condition = f"t.kind in ({kinds}) and coalesce(({where or 'true'})::boolean, false)"
    name = f"logged_{hashlib.sha256(condition.encode()).hexdigest()[:12]}"
    facts = ", ".join(f"t.{fact}" for fact in EVENT_FACTS)
    select = data.connection.execute
    try:
        select(
            f"create temp table if not exists {name} as select employee_id, happened_day, usable_day, superseded_day from"
            f" (select t.employee_id, {facts}, t.happened_day, t.usable_day, t.superseded_day from events t) t where {condition}"
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise DefinitionError(
            f"{where!r} does not run ({reason})", where="[label] where", remedy=f"use {', '.join(EVENT_FACTS)}"
        ) from None
    select("create temp table if not exists logged_days as select distinct usable_day as day from events")
    if not select(f"select 1 from {name} limit 1").fetchall():
        logged = select(
            f"select kind from events group by kind order by count(*) desc, kind limit {KINDS_NAMED}"
        ).fetchall()
        kinds = ", ".join(wanted)
        raise DataError(
            Message.of("no_such_event_where", kinds=kinds, where=where)
            if where
            else Message.of("no_such_event", kinds=kinds),
            where=data.source,
            remedy=Message.of("no_such_event_remedy", kinds=", ".join(row[0] for row in logged)),
        )
    return name

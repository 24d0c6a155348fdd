"""The panel of a programme from a company's tables: which units began when, and who had the outcome in which period."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.learning.dataset.known import known_by
from perfml.learning.dataset.labels import LABEL_TABLES, labels
from perfml.learning.effects.panel import UnitPanel
from perfml.project.model_spec import Label

TABLE = "programmes"
MOST_PERIODS = 16
"""Before the first start, and after it."""


@dataclass(frozen=True, kw_only=True)
class ProgrammePanel:
    """The panel, and whether chance chose the order of starts."""

    panel: UnitPanel
    random: bool


def programme_kinds(data: Data, as_of: dt.date) -> list[str]:
    """The programmes that some unit had started before ``as_of``, as known by then."""
    if not data.has(TABLE):
        return []
    return [
        row[0]
        for row in data.connection.execute(
            f"select distinct t.kind from {TABLE} t where {known_by(as_of)} order by t.kind"
        ).fetchall()
    ]


def programme_panel(data: Data, kind: str, label: Label, *, days: int, as_of: dt.date) -> ProgrammePanel | None:
    """Periods of ``days`` counted from the first start on, with everyone employed at the beginning of each, as then known.

    A unit is a department, or a department in a location where some start names one; a start without a location is that of the
    whole department. None where no outcome has matured in a period before and after the first start.
    """
    starts = _starts(data, kind, as_of)
    first = starts["starts_on"].min()
    dates = _dates(data, label, first=first, days=days, as_of=as_of)
    if not dates or dates[0] >= first or dates[-1] < first:
        return None
    make_snapshots(data, dates)
    located = bool(starts["location"].notna().any())
    location = "coalesce(location, '')" if located else "''"
    people: pd.DataFrame = data.connection.sql(
        f"select employee_id, as_of, department, {location} as location from temp.people"
        " where department is not null order by employee_id, as_of"
    ).df()
    people["case"] = labels(data, people, label, horizon_days=days, until=as_of)
    people = people[people["case"].notna()]
    counts = people.groupby(["department", "location", "as_of"])["case"].agg(["size", "sum"])
    people_of, cases_of = (
        counts[name].unstack("as_of").reindex(columns=pd.to_datetime(dates)).fillna(0.0) for name in ("size", "sum")
    )
    begun = [_first(starts, department, location) for department, location in people_of.index]
    offset = [None if day is None else (day - dates[0]).days / days for day in begun]
    panel = UnitPanel(
        people=people_of.to_numpy(np.float64),
        cases=cases_of.to_numpy(np.float64),
        start=np.array([len(dates) if each is None else min(math.ceil(each), len(dates)) for each in offset]),
        partial=any(each is not None and not each.is_integer() for each in offset),
    )
    return ProgrammePanel(panel=panel, random=bool(starts["random"].fillna(False).all()))


def _starts(data: Data, kind: str, as_of: dt.date) -> pd.DataFrame:
    available = data.columns[TABLE]
    chosen = ", ".join(
        f"t.{name}" if name in available else f"null as {name}"
        for name in ("department", "location", "starts_on", "random")
    )
    rows: pd.DataFrame = data.connection.execute(
        f"select {chosen} from {TABLE} t where {known_by(as_of)} and t.kind = ?", [kind]
    ).df()
    return rows.assign(starts_on=[pd.Timestamp(day).date() for day in rows["starts_on"]])


def _first(starts: pd.DataFrame, department: str, location: str) -> dt.date | None:
    """The first start of a unit; None where it has not started."""
    own = (starts["department"] == department) & (starts["location"].isna() | (starts["location"] == location))
    day: dt.date | None = starts.loc[own, "starts_on"].min() if own.any() else None
    return day


def _dates(data: Data, label: Label, *, first: dt.date, days: int, as_of: dt.date) -> list[dt.date]:
    """The beginnings of periods, ascending, from the beginning of the record of outcomes on."""
    table = LABEL_TABLES[label.kind]
    data.require(table, remedy=f"a label of kind {label.kind!r} needs it")
    (begin,) = data.connection.execute(f"select min(happened_day) from {table}").fetchall()[0]
    if begin is None:
        return []
    last = as_of - dt.timedelta(days=days + label.reporting_delay_days)
    steps = [first + dt.timedelta(days=days * step) for step in range(-MOST_PERIODS, MOST_PERIODS)]
    return [day for day in steps if begin <= day <= last]

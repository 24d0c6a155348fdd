"""How many rows each part of the log had on each day, and how many people it is about: the counts that a rhythm is learnt from.

Aggregated in DuckDB in one pass. A person counts for the department and location that were known on the day itself, so that
nothing here depends on what became known later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.holes.hole import LogPart
from perfml.evidence.sources import Data

UNITS = ("department", "location")
CUTS = ((), ("source",), ("kind",), ("location",), ("department",), ("source", "location"), ("source", "department"))
"""The ways in which the log is cut into parts."""
FEWEST_ROWS = 200
"""Rows of a part below which it has no rhythm to speak of."""
HALF_YEAR = 182
SETTLED_DAYS = 60
"""Age of a day at which hardly any row is still to come."""
MOST_PARTS = 400
"""Parts that are watched, those with the most rows first."""
WITH_POSTS = (
    "events e left join posts p on e.employee_id = p.employee_id and e.happened_day >= p.usable_day"
    " and (p.until_day is null or e.happened_day < p.until_day)"
)
"""SQL of the log with ``posts`` (:func:`post_intervals`) as known on the day itself; an ASOF join takes four times as long."""
_DAY_NUMBER = "date_diff('day', date '1970-01-01', {})"
"""SQL of a date as days since 1970, in what Spark and DuckDB both say."""


@dataclass(frozen=True, kw_only=True)
class DailyCounts:
    """Rows by day of each part: all but the few that became known later than they happened are in ``on_time``."""

    parts: tuple[LogPart, ...]
    """The whole log first."""
    first_day: int
    """Day number of the first column."""
    on_time: Floats
    """(parts, days) rows known on the day they happened."""
    late: Ints
    """(n, 4): part, day, the day it became known (both as columns), rows."""
    heads: Floats
    """(parts, days) people employed in the part's department and location."""
    by_half_year: Callable[[], pd.DataFrame]
    """Reads :attr:`half_years`, which few logs need."""
    cells: pd.DataFrame
    """Rows (``n``) by source, kind, department, location, ``day`` and days ``late``."""

    @cached_property
    def half_years(self) -> pd.DataFrame:
        """Rows (``n``) of each employee by source, kind, department, location and half year (day number // :data:`HALF_YEAR`)."""
        return self.by_half_year()

    def shared(self, part: LogPart, other: LogPart, before: dt.date) -> float:
        """The share of the rows of ``part`` before a day that are rows of ``other`` too."""
        day = (before - dt.date(1970, 1, 1)).days - self.first_day
        rows = self.cells[_of(self.cells, part) & (self.cells["day"] + self.cells["late"] < day).to_numpy()]
        total = float(rows["n"].sum())
        return float(rows["n"][_of(rows, other)].sum()) / total if total else 0.0

    def people(self, part: LogPart, before: dt.date) -> float:
        """How many people the rows of ``part`` spread over, in the last two half years that ended before a day.

        The inverse of Simpson's index: 1 where one person has them all.
        """
        end = (before - dt.date(1970, 1, 1)).days // HALF_YEAR
        rows = self.half_years[_of(self.half_years, part) & self.half_years["half_year"].between(end - 2, end - 1)]
        each = rows.groupby("employee_id")["n"].sum().to_numpy(np.float64)
        return float(each.sum() ** 2 / (each**2).sum()) if len(each) else 0.0

    def known_by_age(self, part: int, as_of: int, ages: Ints) -> Floats:
        """The share of the rows of a part that are usually known when their day is ``ages`` days old, as known at ``as_of``."""
        settled = as_of - SETTLED_DAYS
        rows = self.late[(self.late[:, 0] == part) & (self.late[:, 1] < settled) & (self.late[:, 2] < as_of)]
        total = float(self.on_time[part, : max(0, settled)].sum()) + float(rows[:, 3].sum())
        if not total:
            return np.ones(len(ages))
        after: Floats = np.array([float(rows[rows[:, 2] - rows[:, 1] >= age, 3].sum()) for age in ages])
        return 1.0 - after / total

    def by_weekday(self, part: LogPart, before: dt.date) -> tuple[float, ...]:
        """The rows of ``part`` in the half year before a day, by weekday, Monday first."""
        day = (before - dt.date(1970, 1, 1)).days - self.first_day
        rows = self.cells[
            _of(self.cells, part) & (self.cells["day"] + self.cells["late"] < day) & (self.cells["day"] >= day - 182)
        ]
        weekday = (rows["day"].to_numpy() + self.first_day + 3) % 7  # day 0 is a Thursday
        totals = np.bincount(weekday, weights=rows["n"].to_numpy(), minlength=7)
        return tuple(float(total) for total in totals)

    def kinds(self, part: LogPart, before: dt.date) -> frozenset[str]:
        """The kinds of the rows of ``part`` that were known before a day."""
        day = (before - dt.date(1970, 1, 1)).days - self.first_day
        known = (self.cells["day"] + self.cells["late"] < day).to_numpy()
        return frozenset(self.cells["kind"][_of(self.cells, part) & known].tolist())


def _of(rows: pd.DataFrame, part: LogPart) -> Bools:
    chosen = np.ones(len(rows), bool)
    for name, value in part.given.items():
        chosen &= (rows[name] == value).to_numpy()
    return chosen


def daily_counts(data: Data, before: dt.date) -> DailyCounts | None:
    """The counts of the log as known before ``before``; None for a log without usable rows."""
    if data.counts_log_days:
        log = f"select source, kind, department, location, happened_day, usable_day, n from {data.log_days_table} e"
    else:
        log = (
            f"select {_source(data)} as source, e.kind, p.department, p.location, e.happened_day, e.usable_day, 1 as n"
            f" from {WITH_POSTS}"
        )
    rows = data.query(
        f"with posts as ({_posts(data, before)}), log as ({log}) select source, kind, department, location,"
        f" {_DAY_NUMBER.format('happened_day')} as day,"
        " greatest(date_diff('day', happened_day, usable_day), 0) as late, sum(n)::bigint as n"
        f" from log where usable_day < date '{before}' group by all"
    ).to_pandas()
    if rows.empty:
        return None
    first = int(rows["day"].min())
    n_days = (before - dt.date(1970, 1, 1)).days - first
    rows["day"] -= first
    parts: list[LogPart] = []
    on_time, late = [np.zeros((0, n_days))], [np.zeros((0, 4), np.int64)]
    for cut in CUTS:
        named, number = _numbered(rows, cut)
        on_day = rows["late"].to_numpy() == 0
        known, delayed_row = (number >= 0) & on_day, (number >= 0) & ~on_day
        cell = number[known] * n_days + rows["day"].to_numpy()[known]
        counts = np.bincount(cell, weights=rows["n"].to_numpy()[known], minlength=len(named) * n_days).astype(
            np.float64
        )
        on_time.append(counts.reshape(len(named), n_days))
        delayed, index = rows[delayed_row], len(parts) + number[delayed_row]
        day = delayed["day"].to_numpy(np.int64)
        late.append(np.column_stack([index, day, day + delayed["late"].to_numpy(np.int64), delayed["n"]]))
        parts += named
    heads = _heads(data, parts, before=before, first=first, n_days=n_days)
    return DailyCounts(
        parts=tuple(parts),
        first_day=first,
        on_time=np.concatenate(on_time),
        late=np.concatenate(late),
        heads=heads,
        by_half_year=partial(_by_half_year, data, before),
        cells=rows,
    )


def posts_sql(has_positions: bool) -> str:
    """SQL: the department and location of each employee from each day on which they became known."""
    if not has_positions:
        return (
            "select null::text as employee_id, null::date as usable_day, null::text as department, null::text as location"
            " limit 0"
        )
    return (
        "select employee_id, usable_day, arg_max(department, effective_on) as department,"
        " arg_max(location, effective_on) as location from positions group by employee_id, usable_day"
    )


def _by_half_year(data: Data, before: dt.date) -> pd.DataFrame:
    rows: pd.DataFrame = data.query(
        f"with posts as ({_posts(data, before)}) select {_source(data)} as source, e.kind, p.department, p.location,"
        f" e.employee_id, {_DAY_NUMBER.format('e.happened_day')} // {HALF_YEAR} as half_year, count(*) as n"
        f" from {WITH_POSTS} where e.usable_day < date '{before}' group by all"
    ).to_pandas()
    return rows


def post_intervals(has_positions: bool) -> str:
    """SQL: :func:`posts_sql`, each row until before ``until_day``."""
    return (
        "select *, lead(usable_day) over (partition by employee_id order by usable_day) as until_day"
        f" from ({posts_sql(has_positions)}) known"
    )


def _posts(data: Data, before: dt.date) -> str:
    """SQL: :func:`post_intervals` as known before ``before``."""
    return f"{post_intervals(data.has('positions'))} where usable_day < date '{before}'"


def _source(data: Data) -> str:
    return "e.source" if "source" in data.columns["events"] else "null::text"


def _numbered(rows: pd.DataFrame, cut: tuple[str, ...]) -> tuple[list[LogPart], Ints]:
    """The parts of one cut that have a rhythm, the largest first, and the number of each row's part; −1 for none."""
    if not cut:
        return [LogPart()], np.zeros(len(rows), np.int64)
    values: list[tuple[str, ...]] = [()]
    code = np.zeros(len(rows), np.int64)
    for name in cut:
        own, names = pd.factorize(rows[name])
        code = np.where((own < 0) | (code < 0), -1, code * len(names) + own)
        values = [(*value, str(other)) for value in values for other in names]
    sizes = np.bincount(code[code >= 0], weights=rows["n"].to_numpy()[code >= 0], minlength=len(values))
    chosen = [int(i) for i in np.argsort(-sizes, kind="stable")[: MOST_PARTS // len(CUTS)] if sizes[i] >= FEWEST_ROWS]
    if len(cut) == 1 and np.count_nonzero(sizes) < 2:  # the whole log under another name
        chosen = []
    number = np.full(len(values) + 1, -1)
    number[chosen] = np.arange(len(chosen))
    return [LogPart(**dict(zip(cut, values[i], strict=True))) for i in chosen], number[code]


def _heads(data: Data, parts: list[LogPart], *, before: dt.date, first: int, n_days: int) -> Floats:
    """People employed on each day in the department and location of each part."""
    exits = (
        "select employee_id, max(usable_day) as until from exits"
        f" where usable_day < date '{before}' group by employee_id"
        if data.has("exits")
        else "select null::text as employee_id, null::date as until limit 0"
    )
    number = _DAY_NUMBER.format
    until = "least(p.until_day, case when g.until >= h.since then g.until end)"
    spans = data.query(
        f"with posts as ({_posts(data, before)}), gone as ({exits}), hired as (select employee_id, max(usable_day) as since"
        f" from employees where usable_day < date '{before}' group by employee_id)"
        f" select null::text as department, null::text as location, {number('h.since')} as since,"
        f" case when g.until >= h.since then {number('g.until')} end as until, true as whole"
        " from hired h left join gone g on g.employee_id = h.employee_id"
        f" union all select p.department, p.location, {number('p.usable_day')}, {number(until)}, false"
        " from posts p join hired h on h.employee_id = p.employee_id left join gone g on g.employee_id = p.employee_id"
    ).to_pandas()
    heads = np.zeros((len(parts), n_days + 1))
    end = first + n_days
    for index, part in enumerate(parts):
        units = {name: value for name, value in part.given.items() if name in UNITS}
        chosen = spans["whole"].to_numpy(bool) if not units else ~spans["whole"].to_numpy(bool)
        for name, value in units.items():
            chosen &= (spans[name] == value).to_numpy()
        since = spans["since"].to_numpy()[chosen].astype(np.int64)
        until = spans["until"].fillna(end).to_numpy()[chosen].astype(np.int64)
        np.add.at(heads[index], np.clip(since - first, 0, n_days), 1)
        np.add.at(heads[index], np.clip(np.maximum(until, since) - first, 0, n_days), -1)
    counted: Floats = np.cumsum(heads, axis=1)[:, :n_days]
    return counted

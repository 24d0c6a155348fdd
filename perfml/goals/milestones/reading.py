"""Milestones as known at a day: their dates, whose they are, and which ones each waits for.

A :class:`MilestoneRecord` holds every version; :meth:`MilestoneRecord.at` selects what of it was known, so that a forecast of an
earlier day can be repeated as it would have been made. Days are numbers since 1970-01-01.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.sources import Data

EPOCH = dt.date(1970, 1, 1)
_DAY = "date_diff('day', date '1970-01-01', {}::date)"
_KNOWN = f"{_DAY.format('t.usable_day')} as known, coalesce({_DAY.format('t.superseded_day')}, 1e9) as until"
_VERSIONS = f"""
select t.goal_id, t.name, {_DAY.format("t.due_on")} as due, {_DAY.format("t.marked_on")} as marked,
  {_DAY.format("t.finished_on")} as finished,
  coalesce(t.depends_on, []::text[]) as depends_on, {_KNOWN}
from main.milestones t where t.usable_day < ?::date order by t.goal_id, t.name, t.known_moment
"""
_GOALS = f"""
select t.goal_id, t.employee_id, t.metric, {_DAY.format("t.period_start")} as first, {_DAY.format("t.period_end")} as last
from main.goals t where t.usable_day < ?::date
qualify row_number() over (partition by t.goal_id order by t.effective_on desc, t.known_moment desc) = 1
order by t.goal_id
"""
_GOAL_COLUMNS = ("employee_id", "metric", "first", "last")


@dataclass(frozen=True, kw_only=True)
class MilestoneRecord:
    """Every version of every milestone of a goal on record, known before a date."""

    versions: pd.DataFrame
    """``goal_id``, ``name``, ``due``, ``marked``, ``finished``, ``depends_on``, ``known``, ``until``, and of the goal
    ``employee_id``, ``metric``, ``first`` and ``last``; versions of one milestone in the order they were known."""

    @classmethod
    def of(cls, data: Data, as_of: dt.date) -> MilestoneRecord:
        """Read what was known before ``as_of``; nothing without the tables ``milestones`` and ``goals``."""
        if not (data.has("milestones") and data.has("goals")):
            columns = ("goal_id", "name", "due", "marked", "finished", "depends_on", "known", "until", *_GOAL_COLUMNS)
            return cls(versions=pd.DataFrame({name: [] for name in columns}))
        versions = data.connection.execute(_VERSIONS, [as_of]).df()
        goals = data.connection.execute(_GOALS, [as_of]).df()
        return cls(versions=versions.merge(goals, on="goal_id"))

    def at(self, day: float) -> Milestones:
        """The milestones known before ``day``; a day that was not yet reached is missing."""
        known = self.versions[(self.versions["known"] < day).to_numpy()]
        first_due = known.drop_duplicates(["goal_id", "name"]).set_index(["goal_id", "name"])["due"]
        rows = known[(known["until"] >= day).to_numpy()].drop_duplicates(["goal_id", "name"], keep="last")
        rows = rows.reset_index(drop=True)
        reached = {name: rows[name].where(rows[name] < day).astype(float) for name in ("marked", "finished")}
        planned = first_due.reindex(pd.MultiIndex.from_frame(rows[["goal_id", "name"]])).to_numpy(dtype=np.float64)
        rows = rows.assign(**reached, first_due=planned, due=rows["due"].astype(float))
        before, unknown = _named(rows)
        levels, circle = _levels(before)
        return Milestones(day=day, rows=rows, before=before, unknown=unknown, order=levels, circle=circle)


@dataclass(frozen=True, kw_only=True)
class Milestones:
    """The milestones known before ``day``."""

    day: float
    rows: pd.DataFrame
    """One row each: those of the record, ``due`` as planned last and ``first_due`` as planned first."""
    before: Sequence[Sequence[int]]
    """Row → the rows that it waits for."""
    unknown: Sequence[Sequence[str]]
    """Row → what it names that is not on record."""
    order: Sequence[int]
    """All rows, each after those that it waits for."""
    circle: Bools
    """Whether a row waits for itself, by way of others; what it waits for is left out then (n,)."""

    def number(self, name: str) -> Floats:
        """A column of numbers (n,)."""
        return self.rows[name].to_numpy(dtype=np.float64)

    def waits_for(self, row: int) -> Sequence[int]:
        """The rows that a row waits for; none in a circle."""
        return () if self.circle[row] else self.before[row]

    @cached_property
    def owner(self) -> Ints:
        """Code of the owner of each (n,)."""
        return pd.factorize(self.rows["employee_id"], sort=True)[0].astype(np.int64)

    @cached_property
    def planned_start(self) -> Floats:
        """When the work on each was to begin: with its goal, or when the last one before it was due (n,)."""
        due, first = self.number("due"), self.number("first")
        return np.array([max([first[row], *(due[each] for each in self.waits_for(row))]) for row in range(len(due))])

    @cached_property
    def span(self) -> Floats:
        """Days planned for each, at least one (n,)."""
        return np.maximum(self.number("due") - self.planned_start, 1.0)


def _named(rows: pd.DataFrame) -> tuple[list[list[int]], list[list[str]]]:
    """What each row waits for: a name of the same goal, or ``goal/name``; and what is not on record."""
    whole: Mapping[tuple[str, str], int] = {
        key: row for row, key in enumerate(zip(rows["goal_id"], rows["name"], strict=True))
    }
    across: Mapping[str, int] = {f"{goal}/{name}": row for (goal, name), row in whole.items()}
    before: list[list[int]] = []
    unknown: list[list[str]] = []
    for goal, named in zip(rows["goal_id"], rows["depends_on"], strict=True):
        wanted = [str(each) for each in named]
        rows_of = [whole.get((goal, each), across.get(each, -1)) for each in wanted]
        before.append([row for row in rows_of if row >= 0])
        unknown.append([each for each, row in zip(wanted, rows_of, strict=True) if row < 0])
    return before, unknown


def _levels(before: Sequence[Sequence[int]]) -> tuple[list[int], Bools]:
    """All rows in an order in which each comes after those it waits for (Kahn 1962), and which lie on or behind a circle."""
    waiting = [len(set(each)) for each in before]
    after: list[list[int]] = [[] for _ in before]
    for row, each in enumerate(before):
        for earlier in set(each):
            after[earlier].append(row)
    order = [row for row, count in enumerate(waiting) if count == 0]
    for row in order:  # grows while it is walked
        for later in after[row]:
            waiting[later] -= 1
            if waiting[later] == 0:
                order.append(later)
    circle = np.ones(len(before), dtype=bool)
    circle[order] = False
    return [*order, *np.flatnonzero(circle).tolist()], circle

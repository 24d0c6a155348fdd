"""Goals beside one another: their targets, what was measured of them, and what their owners did on the same metric before.

History of an owner on a metric comes from the progress of earlier goals, measurement by measurement, or, where the policy names a
kind of event whose values add up to the metric (``[forecast.history]``), from the behaviour log, which may reach further back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
APART = 1_000_000
"""Days between the series of two owners on the one axis that all series stand on."""
_GOALS = f"""
select g.goal_id, g.employee_id, g.metric, coalesce(g.scope, '') as scope, g.target, g.definition,
  date_diff('day', date '1970-01-01', g.period_start) as first, date_diff('day', date '1970-01-01', g.period_end) as last,
  date_diff('day', date '1970-01-01', g.effective_on) as made
from (select t.*, row_number() over (partition by t.goal_id order by t.effective_on desc, t.known_moment desc) as back
  from main.goals t, (select ?::date as as_of) a where {visible("t")}) g
where g.back = 1 and g.period_start < ?::date order by g.goal_id
"""
_MEASURED = f"""
select t.goal_id, date_diff('day', date '1970-01-01', t.measured_at::date) as day, t.actual, t.definition,
  date_diff('day', date '1970-01-01', t.usable_day) as known
from main.progress t, (select ?::date as as_of) a where {visible("t")} order by t.goal_id, day
"""
_LOGGED = f"""
select t.employee_id, t.kind, date_diff('day', date '1970-01-01', t.happened_at::date) as day, sum(t.value) as amount
from main.events t, (select ?::date as as_of) a
where {visible("t")} and t.kind in (select unnest(?::text[])) and t.value is not null
group by all order by all
"""


@dataclass(frozen=True)
class Series:
    """What each owner reached on each metric, cumulative by day, all on one axis."""

    code: Mapping[tuple[str, str], int]
    """(owner, metric) -> number of its series."""
    axis: Floats
    total: Floats
    begins: Ints
    """First and last day of each series."""
    ends: Ints

    def between(self, series: Ints, after: Floats, until: Floats) -> Floats:
        """What was reached on the days after ``after`` up to ``until``; missing where the series does not cover them."""
        ok = series >= 0
        place = np.where(ok, series, 0)
        if not len(self.begins):
            return np.full(len(series), np.nan)
        found = self._at(place, until) - self._at(place, after)
        covered = ok & (after >= self.begins[place] - 1) & (until <= self.ends[place])
        return np.where(covered & (found > 0), found, np.nan)

    def _at(self, series: Ints, day: Floats) -> Floats:
        # What is logged stands on its day whole, as a goal counts it: it is not spread over the days before.
        place = np.searchsorted(self.axis, series * float(APART) + day, side="right") - 1
        return np.asarray(np.where(place >= 0, self.total[np.maximum(place, 0)], 0.0), dtype=np.float64)


@dataclass(frozen=True)
class Panel:
    """All goals that had begun by a date, as known then; one entry a goal, in the order of ``goals``."""

    goals: pd.DataFrame
    """goal_id, employee_id, metric, scope, target, definition, first, last, made (days since 1970-01-01)."""
    measured: pd.DataFrame
    """goal (place in ``goals``), day, actual, known; ascending."""
    series: Series
    owner: Ints
    """Series of each goal's owner and metric, -1 without one."""

    @classmethod
    def of(cls, data: Data, as_of: dt.date, history: Mapping[str, str]) -> Panel:
        """What was known before ``as_of``; ``history`` maps a metric to a kind of event."""
        goals = data.connection.execute(_GOALS, [as_of, as_of]).df()
        if data.has("progress"):
            rows = data.connection.execute(_MEASURED, [as_of]).df()
        else:
            rows = pd.DataFrame({"goal_id": [], "day": [], "actual": [], "definition": [], "known": []})
        place = pd.Index(goals["goal_id"]).get_indexer(pd.Index(rows["goal_id"]))
        rows = rows.assign(goal=place)[place >= 0]
        theirs = goals["definition"].to_numpy(dtype=object)[rows["goal"].to_numpy(dtype=np.int64)]
        mine = rows["definition"].to_numpy(dtype=object)
        same = np.array(
            [not (isinstance(a, str) and isinstance(b, str) and a != b) for a, b in zip(theirs, mine, strict=True)],
            dtype=bool,
        )
        measured = rows[same][["goal", "day", "actual", "known"]].astype(
            {"day": float, "actual": float, "known": float}
        )
        series = _series(data, goals, measured, as_of, history)
        keys = zip(goals["employee_id"], goals["metric"], strict=True)
        return cls(goals, measured, series, np.array([series.code.get(key, -1) for key in keys], dtype=np.int64))

    def last_measured(self, day: float) -> tuple[Floats, Floats]:
        """(day, actual) of the newest measurement of each goal that was known before ``day``; missing without one."""
        rows = self.measured[self.measured["known"] < day].drop_duplicates("goal", keep="last")
        out = np.full((2, len(self.goals)), np.nan)
        at = rows["goal"].to_numpy(dtype=np.int64)
        out[0, at], out[1, at] = rows["day"], rows["actual"]
        return out[0], out[1]


def _series(
    data: Data, goals: pd.DataFrame, measured: pd.DataFrame, as_of: dt.date, history: Mapping[str, str]
) -> Series:
    """Series from the log for the metrics of ``history``, from progress for the others."""
    parts = []
    metric_of = {kind: metric for metric, kind in history.items()}
    if metric_of and data.has("events"):
        logged = data.connection.execute(_LOGGED, [as_of, list(metric_of)]).df()
        logged["metric"] = logged["kind"].map(metric_of)
        parts.append(logged[["employee_id", "metric", "day", "amount"]])
    joined = measured.join(goals[["employee_id", "metric", "first"]], on="goal")
    rows = joined.drop(index=joined.index[joined["metric"].isin(list(history))])
    before = rows.groupby("goal")["actual"].shift().fillna(0.0)
    parts.append(rows.assign(amount=rows["actual"] - before)[["employee_id", "metric", "day", "amount"]])
    together = pd.concat([part for part in parts if len(part)] or parts[-1:])
    whole = together.groupby(["employee_id", "metric", "day"])["amount"].sum().reset_index()
    if not len(whole):
        return Series({}, np.zeros(1), np.zeros(1), np.zeros(0, np.int64), np.zeros(0, np.int64))
    number, names = pd.factorize(pd.MultiIndex.from_frame(whole[["employee_id", "metric"]]))
    total = whole.groupby(number)["amount"].cumsum().to_numpy(dtype=np.float64)
    day = whole["day"].to_numpy(dtype=np.float64)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    ends = np.append(starts[1:], len(number)) - 1
    # Each series begins at nought on the day before its first row, a whole step earlier.
    step = np.where(starts + 1 <= ends, day[np.minimum(starts + 1, ends)] - day[starts], 1.0)
    axis = np.concatenate([number * float(APART) + day, np.arange(len(names)) * float(APART) + day[starts] - step])
    order = np.argsort(axis, kind="stable")
    whole_total = np.concatenate([total, np.zeros(len(names))])
    code = {(str(owner), str(metric)): place for place, (owner, metric) in enumerate(names)}
    begins = (day[starts] - step + 1).astype(np.int64)
    return Series(code, axis[order], whole_total[order], begins, day[ends].astype(np.int64))

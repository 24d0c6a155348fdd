"""Goals beside one another: their targets, what was measured of them, and what their owners did on the same metric before.

History of an owner on a metric comes from the progress of earlier goals, measurement by measurement, or, where the policy names a
kind of event whose values add up to the metric (``[forecast.history]``), from the behaviour log, which may reach further back.

A :class:`Record` holds every version and correction; its :class:`Panel` of a day is what of it was known then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.series import Series
from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.sources import Data

_DAY = "date_diff('day', date '1970-01-01', {}::date)"
_KNOWN = f"{_DAY.format('t.usable_day')} as known, coalesce({_DAY.format('t.superseded_day')}, 1e9) as until"
_VERSIONS = f"""
select t.goal_id, t.employee_id, t.metric, coalesce(t.scope, '') as scope, t.target, t.definition,
  {_DAY.format("t.period_start")} as first, {_DAY.format("t.period_end")} as last,
  {_DAY.format("t.effective_on")} as made, {_KNOWN}
from main.goals t where t.usable_day < ?::date order by t.goal_id, t.effective_on, t.known_moment
"""
_MEASURED = f"""
select t.goal_id, {_DAY.format("t.measured_at")} as day, t.actual, t.definition, {_KNOWN}
from main.progress t where t.usable_day < ?::date order by t.goal_id, t.measured_at, t.known_moment
"""
_LOGGED = f"""
select t.employee_id, t.kind, {_DAY.format("t.happened_at")} as day, sum(t.value) as amount, {_KNOWN}
from main.events t where t.usable_day < ?::date and t.kind in (select unnest(?::text[])) and t.value is not null
group by all order by all
"""
_NOTHING_MEASURED = pd.DataFrame({name: [] for name in ("goal_id", "day", "actual", "definition", "known", "until")})
_NOTHING_LOGGED = pd.DataFrame({name: [] for name in ("employee_id", "kind", "day", "amount", "known", "until")})


@dataclass(frozen=True)
class Panel:
    """All goals of a record as they were known at a day; arrays over goals (n,), days since 1970-01-01.

    A goal of which no version was in force is missing in ``target`` and ``made``.
    """

    first: Floats
    """First and last day of the period."""
    last: Floats
    target: Floats
    """Of the version in force, and the day from which it has been."""
    made: Floats
    measured: pd.DataFrame
    """Rows of ``goal``, ``day``, ``actual``: what had been measured, under the definition of the target; ascending."""
    series: Series
    owner: Ints
    """Series of each goal's owner and metric."""
    metric: Ints
    """Number of each goal's metric, and of its metric and scope."""
    market: Ints
    metrics: Objects
    """Name of each goal's metric, and its scope, '' without one."""
    scopes: Objects

    def last_measured(self) -> tuple[Floats, Floats]:
        """(day, actual) of the newest measurement of each goal; missing without one."""
        rows = self.measured.drop_duplicates("goal", keep="last")
        out = np.full((2, len(self.first)), np.nan)
        at = rows["goal"].to_numpy(dtype=np.int64)
        out[0, at], out[1, at] = rows["day"], rows["actual"]
        return out[0], out[1]


@dataclass(frozen=True)
class Record:
    """What was known before a date of all goals that had begun by then."""

    goals: pd.DataFrame
    """A row a goal: goal_id, employee_id, metric, scope, first, last, as its newest version says."""
    versions: pd.DataFrame
    """Rows of ``goal`` (place in ``goals``), ``target``, ``definition``, ``made``, ``known``, ``until``; the newest last."""
    measured: pd.DataFrame
    """Rows of ``goal``, ``day``, ``actual``, ``definition``, ``known``, ``until``; ascending. Definitions: -1 is unsaid."""
    logged: pd.DataFrame
    """Rows of ``series``, ``day``, ``amount``, ``known``, ``until``."""
    code: Mapping[tuple[str, str], int]
    """(owner, metric) -> number of its series."""
    owner: Ints
    from_log: Bools
    """Whether each goal's metric has its series from the log."""

    @classmethod
    def of(cls, data: Data, as_of: dt.date, history: Mapping[str, str]) -> Record:
        """What was known before ``as_of``; ``history`` maps a metric to a kind of event."""
        ask = data.connection.execute
        versions = ask(_VERSIONS, [as_of]).df()
        goals = versions.drop_duplicates("goal_id", keep="last")
        goals = goals[(goals["first"] < (as_of - dt.date(1970, 1, 1)).days).to_numpy()].reset_index(drop=True)
        goals = goals[["goal_id", "employee_id", "metric", "scope", "first", "last"]]
        measured = ask(_MEASURED, [as_of]).df() if data.has("progress") else _NOTHING_MEASURED
        metric_of = {kind: metric for metric, kind in history.items()}
        asked = bool(metric_of) and data.has("events")
        logged = ask(_LOGGED, [as_of, list(metric_of)]).df() if asked else _NOTHING_LOGGED
        logged = logged.assign(metric=logged["kind"].map(metric_of))

        place = pd.Index(goals["goal_id"])
        versions, measured = (
            rows.assign(goal=place.get_indexer(pd.Index(rows["goal_id"]))) for rows in (versions, measured)
        )
        versions, measured = (rows[(rows["goal"] >= 0).to_numpy()] for rows in (versions, measured))
        definition = pd.factorize(
            np.concatenate([rows["definition"].to_numpy(dtype=object) for rows in (versions, measured)])
        )[0]
        versions = versions.assign(definition=definition[: len(versions)])
        measured = measured.assign(definition=definition[len(versions) :])

        pairs = [goals[["employee_id", "metric"]], logged[["employee_id", "metric"]]]
        number, names = pd.factorize(pd.MultiIndex.from_frame(pd.concat(pairs)))
        code = {(str(owner), str(metric)): at for at, (owner, metric) in enumerate(names)}
        return cls(
            goals,
            _numbers(versions, "goal", "target", "definition", "made", "known", "until"),
            _numbers(measured, "goal", "day", "actual", "definition", "known", "until"),
            _numbers(logged.assign(series=number[len(goals) :]), "series", "day", "amount", "known", "until"),
            code,
            number[: len(goals)].astype(np.int64),
            goals["metric"].isin(list(history)).to_numpy(dtype=np.bool_),
        )

    def at(self, day: float) -> Panel:
        """What of it was known before ``day``: versions, measurements and corrections that came later are not there yet."""
        goals, n = self.goals, len(self.goals)
        force = _before(self.versions, day).drop_duplicates("goal", keep="last")
        target, made, definition = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1.0)
        where = force["goal"].to_numpy(dtype=np.int64)
        target[where], made[where], definition[where] = force["target"], force["made"], force["definition"]
        measured = _before(self.measured, day)
        theirs = definition[measured["goal"].to_numpy(dtype=np.int64)]
        mine = measured["definition"].to_numpy(dtype=np.float64)
        measured = measured[(mine == theirs) | (mine < 0) | (theirs < 0)][["goal", "day", "actual"]]
        metric, market = pd.factorize(goals["metric"])[0], goals.groupby(["metric", "scope"]).ngroup().to_numpy()
        return Panel(
            goals["first"].to_numpy(dtype=np.float64),
            goals["last"].to_numpy(dtype=np.float64),
            target,
            made,
            measured,
            self._series(measured, day),
            self.owner,
            metric.astype(np.int64),
            market.astype(np.int64),
            goals["metric"].to_numpy(dtype=object),
            goals["scope"].to_numpy(dtype=object),
        )

    def _series(self, measured: pd.DataFrame, day: float) -> Series:
        """Series from the log for the metrics that have it, from progress for the others."""
        goal, actual = measured["goal"].to_numpy(dtype=np.int64), measured["actual"].to_numpy(dtype=np.float64)
        new = np.diff(goal, prepend=-1) != 0
        amount = np.where(new, actual, np.diff(actual, prepend=0.0))
        kept = ~self.from_log[goal]
        logged = _before(self.logged, day)
        return Series.of(
            np.concatenate([self.owner[goal][kept], logged["series"].to_numpy(dtype=np.int64)]),
            np.concatenate(
                [measured["day"].to_numpy(dtype=np.float64)[kept], logged["day"].to_numpy(dtype=np.float64)]
            ),
            np.concatenate([amount[kept], logged["amount"].to_numpy(dtype=np.float64)]),
            count=len(self.code),
        )


def _numbers(rows: pd.DataFrame, *names: str) -> pd.DataFrame:
    return rows[list(names)].astype(np.float64).reset_index(drop=True)


def _before(rows: pd.DataFrame, day: float) -> pd.DataFrame:
    """The rows known before ``day`` and not corrected before it."""
    return rows[((rows["known"] < day) & (rows["until"] >= day)).to_numpy()]

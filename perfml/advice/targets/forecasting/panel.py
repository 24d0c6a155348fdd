"""All goals of a company as known at a day: targets, measurements, and what their owners achieved on the metric before.

An owner's history on a metric comes from the progress of earlier goals, measurement by measurement, or, where the policy names a
kind of event whose values add up to the metric (``[forecast.history]``), from the behaviour log, which may reach further back.

A :class:`GoalRecord` holds every version and correction; a :class:`Panel` is what of it was known at one day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.series import Series
from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.sources import Data

_DAY = "date_diff('day', date '1970-01-01', {}::date)"
_KNOWN = f"{_DAY.format('t.usable_day')} as known, coalesce({_DAY.format('t.superseded_day')}, 1e9) as until"
_VERSIONS = f"""
select t.goal_id, t.employee_id, t.metric, coalesce(t.scope, '') as scope, t.target, t.definition,
  {_DAY.format("t.period_start")} as first, {_DAY.format("t.period_end")} as last,
  {_DAY.format("t.effective_on")} as effective, {_KNOWN}
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


@dataclass(frozen=True, kw_only=True)
class Panel:
    """All goals of a record as known at a day; arrays over goals (n,), days since 1970-01-01.

    ``target`` and ``effective`` are missing for a goal without a version in force.
    """

    first: Floats
    """First and last day of the period."""
    last: Floats
    target: Floats
    """Target of the version in force, and the day it took effect."""
    effective: Floats
    measured: pd.DataFrame
    """Rows of ``goal``, ``day``, ``actual``: measurements under the definition of the target, ascending."""
    series: Series
    owner: Ints
    """Index of the series of each goal's owner and metric."""
    metric: Ints
    """Code of each goal's metric, and of its metric and scope."""
    market: Ints
    metrics: Objects
    """Name of each goal's metric, and its scope ('' without one)."""
    scopes: Objects

    def last_measured(self) -> tuple[Floats, Floats]:
        """(day, actual) of the newest measurement of each goal; missing without one."""
        rows = self.measured.drop_duplicates("goal", keep="last")
        out = np.full((2, len(self.first)), np.nan)
        at = rows["goal"].to_numpy(dtype=np.int64)
        out[0, at], out[1, at] = rows["day"], rows["actual"]
        return out[0], out[1]


@dataclass(frozen=True, kw_only=True)
class GoalRecord:
    """Everything known before a date about the goals that had begun by then."""

    goals: pd.DataFrame
    """One row per goal: goal_id, employee_id, metric, scope, first, last, from its newest version."""
    versions: pd.DataFrame
    """Rows of ``goal`` (row of ``goals``), ``target``, ``definition``, ``effective``, ``known``, ``until``; the newest last."""
    measured: pd.DataFrame
    """Rows of ``goal``, ``day``, ``actual``, ``definition``, ``known``, ``until``; ascending. Definition -1: not stated."""
    logged: pd.DataFrame
    """Rows of ``series``, ``day``, ``amount``, ``known``, ``until``."""
    code: Mapping[tuple[str, str], int]
    """(owner, metric) -> index of its series."""
    owner: Ints
    from_log: Bools
    """Whether the series of each goal's metric comes from the log."""

    @classmethod
    def of(cls, data: Data, as_of: dt.date, history: Mapping[str, str]) -> GoalRecord:
        """Read what was known before ``as_of``; ``history`` maps a metric to a kind of event."""
        execute = data.connection.execute
        versions = execute(_VERSIONS, [as_of]).df()
        goals = versions.drop_duplicates("goal_id", keep="last")
        goals = goals[(goals["first"] < (as_of - dt.date(1970, 1, 1)).days).to_numpy()].reset_index(drop=True)
        goals = goals[["goal_id", "employee_id", "metric", "scope", "first", "last"]]
        measured = execute(_MEASURED, [as_of]).df() if data.has("progress") else _NOTHING_MEASURED
        metric_of = {kind: metric for metric, kind in history.items()}
        from_events = bool(metric_of) and data.has("events")
        logged = execute(_LOGGED, [as_of, list(metric_of)]).df() if from_events else _NOTHING_LOGGED
        logged = logged.assign(metric=logged["kind"].map(metric_of))

        goal_ids = pd.Index(goals["goal_id"])
        versions, measured = (
            rows.assign(goal=goal_ids.get_indexer(pd.Index(rows["goal_id"]))) for rows in (versions, measured)
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
            goals=goals,
            versions=_numbers(versions, "goal", "target", "definition", "effective", "known", "until"),
            measured=_numbers(measured, "goal", "day", "actual", "definition", "known", "until"),
            logged=_numbers(logged.assign(series=number[len(goals) :]), "series", "day", "amount", "known", "until"),
            code=code,
            owner=number[: len(goals)].astype(np.int64),
            from_log=goals["metric"].isin(list(history)).to_numpy(dtype=np.bool_),
        )

    def at(self, day: float) -> Panel:
        """Select what was known before ``day``, without the versions, measurements and corrections that came later."""
        goals, n = self.goals, len(self.goals)
        force = _before(self.versions, day).drop_duplicates("goal", keep="last")
        target, effective, definition = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1.0)
        goal = force["goal"].to_numpy(dtype=np.int64)
        target[goal], effective[goal], definition[goal] = force["target"], force["effective"], force["definition"]
        measured = _before(self.measured, day)
        theirs = definition[measured["goal"].to_numpy(dtype=np.int64)]
        mine = measured["definition"].to_numpy(dtype=np.float64)
        measured = measured[(mine == theirs) | (mine < 0) | (theirs < 0)][["goal", "day", "actual"]]
        metric, market = pd.factorize(goals["metric"])[0], goals.groupby(["metric", "scope"]).ngroup().to_numpy()
        return Panel(
            first=goals["first"].to_numpy(dtype=np.float64),
            last=goals["last"].to_numpy(dtype=np.float64),
            target=target,
            effective=effective,
            measured=measured,
            series=self._series(measured, day),
            owner=self.owner,
            metric=metric.astype(np.int64),
            market=market.astype(np.int64),
            metrics=goals["metric"].to_numpy(dtype=object),
            scopes=goals["scope"].to_numpy(dtype=object),
        )

    def _series(self, measured: pd.DataFrame, day: float) -> Series:
        """Series from the log where the metric has one, else from progress."""
        goal, actual = measured["goal"].to_numpy(dtype=np.int64), measured["actual"].to_numpy(dtype=np.float64)
        new = np.diff(goal, prepend=-1) != 0
        amount = np.where(new, actual, np.diff(actual, prepend=0.0))
        from_progress = ~self.from_log[goal]
        logged = _before(self.logged, day)
        return Series.of(
            np.concatenate([self.owner[goal][from_progress], logged["series"].to_numpy(dtype=np.int64)]),
            np.concatenate(
                [measured["day"].to_numpy(dtype=np.float64)[from_progress], logged["day"].to_numpy(dtype=np.float64)]
            ),
            np.concatenate([amount[from_progress], logged["amount"].to_numpy(dtype=np.float64)]),
            count=len(self.code),
        )


def _numbers(rows: pd.DataFrame, *names: str) -> pd.DataFrame:
    return rows[list(names)].astype(np.float64).reset_index(drop=True)


def _before(rows: pd.DataFrame, day: float) -> pd.DataFrame:
    """The rows known, and not yet superseded, before ``day``."""
    return rows[((rows["known"] < day) & (rows["until"] >= day)).to_numpy()]

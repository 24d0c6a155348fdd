"""The ledger of goals: the version of each in force at a date, and how much of its permitted change is used up.

A version is a row of ``goals``. It is in force from the day after it took effect and was known until another replaces it; later
decisions do not alter it. Definitions have versions too: see :data:`MISMATCH`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.evidence.snapshots import make_snapshots, visible
from perfml.evidence.sources import Data

YEAR_DAYS = 365
"""How far back changes of a goal count against the limit of a year."""
MISMATCH = "measured.definition <> g.definition"
"""SQL: the actual was measured under another definition than the target was set under. A definition that is not stated is
assumed to be the same: a company with one definition need not name it."""
GAP_DAYS = 31
"""Maximum gap between the end of a goal and the start of the next one of the same owner, metric and scope."""
MEASURED_SHARE = 0.9
"""A goal's last measurement counts as its final if it lies in the last tenth of the period."""

_VERSIONS = f"""
  select t.*, row_number() over (partition by t.goal_id order by t.effective_on desc, t.known_moment desc) as back
  from main.goals t, a where {visible("t")}"""
"""SQL: the versions of all goals that were known before ``a.as_of``; ``back`` is 1 for the newest. A condition can follow."""
_MEASURED = f"""
  select goal_id, measured_at, actual, definition
  from (
    select t.*, row_number() over (partition by goal_id order by measured_at desc, known_moment desc) as back
    from main.progress t, a where {visible("t")}
  ) where back = 1
"""
"""SQL: the newest measurement of each goal that was known before ``a.as_of``."""
_SQL = f"""
with a as (select ?::date as as_of),
versions as (
  select t.* exclude (known_moment), a.as_of,
    row_number() over (partition by t.goal_id order by t.effective_on, t.known_moment) as version,
    row_number() over (partition by t.goal_id order by t.effective_on desc, t.known_moment desc) as back
  from main.goals t, a where {visible("t")}
),
steps as (
  select v.*, greatest(v.effective_on, v.known_day) as changed_on,
    lag(target) over w as target_before, lag(weight) over w as weight_before, lag(definition) over w as definition_before
  from versions v window w as (partition by goal_id order by version)
),
moves as (
  select goal_id, as_of, changed_on,
    case when definition_before <> definition then 0 else coalesce(abs(target / target_before - 1), 0) * 100 end as percent,
    coalesce(abs(weight - weight_before), 0) as points
  from steps
),
used as (
  select goal_id,
    sum(case when changed_on >= date_trunc('month', as_of) then percent else 0 end) as changed_percent_window,
    sum(case when changed_on >= as_of - {YEAR_DAYS} then percent else 0 end) as changed_percent_year,
    sum(case when changed_on >= date_trunc('month', as_of) then points else 0 end) as changed_points_window,
    sum(case when changed_on >= as_of - {YEAR_DAYS} then points else 0 end) as changed_points_year
  from moves group by goal_id
),
first as (select goal_id, target as first_target, weight as first_weight from versions where version = 1),
measured as ({_MEASURED})
select g.goal_id, g.employee_id, g.metric, g.scope, g.unit, g.core, g.weight, g.target, g.definition, g.parent_goal_id,
  g.period_start::timestamp as period_start, g.period_end::timestamp as period_end,
  g.effective_on::timestamp as effective_on, g.version, first.first_target, first.first_weight,
  used.* exclude (goal_id), measured.actual, measured.measured_at, measured.definition as measured_definition,
  coalesce({MISMATCH}, false) as mismatch,
  exists (select 1 from temp.people p where p.employee_id = g.employee_id) as employed
from versions g
join first on first.goal_id = g.goal_id
join used on used.goal_id = g.goal_id
left join measured on measured.goal_id = g.goal_id
where g.back = 1 and g.period_start < g.as_of and g.period_end >= g.as_of
order by g.goal_id
"""


def is_measured(data: Data, as_of: dt.date) -> bool:
    """Whether any measurement of a goal was known before ``as_of``."""
    known = "select exists (select 1 from main.progress where usable_day < ?::date)"
    return bool(data.connection.execute(known, [as_of]).fetchall()[0][0])


def in_force(data: Data, as_of: dt.date) -> pd.DataFrame:
    """One row per goal in its period at ``as_of``, in the version then in force, ordered by ``goal_id``.

    That version took effect and was known strictly before ``as_of``; planned versions do not count. Columns: those of ``goals``
    (``definition`` among them), ``version`` (1 is the first), ``first_target``, ``first_weight``; the changes made so far,
    summed without sign: ``changed_percent_window`` and ``changed_points_window`` in the calendar month of ``as_of``,
    ``changed_percent_year`` and ``changed_points_year`` in the 365 days before (a target restated with its definition is not
    a change of target); the newest measurement (``actual``, ``measured_at``, ``measured_definition``), missing without
    one; ``mismatch`` (:data:`MISMATCH`); and ``employed``, whether the owner is still employed.
    """
    make_snapshots(data, [as_of])
    return data.connection.execute(_SQL, [as_of]).df()


_PRECEDING_SQL = f"""
with a as (select ?::date as as_of),
versions as ({_VERSIONS}),
measured as ({_MEASURED}),
ended as (
  select g.employee_id, g.metric, g.scope, g.goal_id as previous_goal_id, g.target as previous_target, g.definition,
    g.period_end, measured.actual as previous_actual,
    (measured.measured_at::date - g.period_start + 1) / (g.period_end - g.period_start + 1)::double as measured_share
  from versions g join measured on measured.goal_id = g.goal_id
  where g.back = 1 and not coalesce({MISMATCH}, false)
),
new as (select goal_id, employee_id, metric, scope, definition, period_start from versions where back = 1)
select new.goal_id, ended.* exclude (employee_id, metric, scope, definition, period_end)
from new join ended on ended.employee_id = new.employee_id and ended.metric = new.metric
  and ended.scope is not distinct from new.scope and ended.definition is not distinct from new.definition
  and ended.period_end < new.period_start and ended.period_end >= new.period_start - {GAP_DAYS}
  and ended.measured_share >= {MEASURED_SHARE}
qualify row_number() over (partition by new.goal_id order by ended.period_end desc, ended.previous_goal_id) = 1
order by new.goal_id
"""


def preceding_goals(data: Data, as_of: dt.date) -> pd.DataFrame:
    """The goal preceding each: ``goal_id``, ``previous_goal_id``, ``previous_target``, ``previous_actual``, ``measured_share``.

    It has the same owner, metric, scope and definition, ended at most :data:`GAP_DAYS` before the goal begins, and was
    measured in the last tenth of its period. All as known before ``as_of``.
    """
    return data.connection.execute(_PRECEDING_SQL, [as_of]).df()


def begun_after(data: Data, goals: pd.DataFrame, as_of: dt.date) -> tuple[Floats, Floats]:
    """(target, final) of the goal preceding each of ``goals`` that began in the month of ``as_of``; missing for all others.

    The final is the last measurement, extrapolated at its pace to the end of the period.
    """
    rows = preceding_goals(data, as_of).set_index("goal_id").reindex(goals["goal_id"])
    begins = goals["period_start"].to_numpy().astype("M8[M]") == np.datetime64(as_of, "M")
    target, actual, share = (
        rows[name].to_numpy(dtype=np.float64) for name in ("previous_target", "previous_actual", "measured_share")
    )
    return np.where(begins, target, np.nan), np.where(begins, actual / np.fmin(share, 1.0), np.nan)


MIN_OTHERS = 5
"""Minimum number of other goals for a median of the period."""
PRIOR_GOALS = 3
"""Weight of the prior mean of 0, in goals: chance alone spreads attainment by a tenth or two."""
_HABIT_SQL = f"""
with a as (select ?::date as as_of),
versions as ({_VERSIONS} and t.period_end < a.as_of),
measured as ({_MEASURED}),
ended as (
  select g.employee_id, g.metric, g.scope, g.period_end, measured.actual / g.target as reached,
    (measured.measured_at::date - g.period_start + 1) / (g.period_end - g.period_start + 1)::double as share
  from versions g join measured on measured.goal_id = g.goal_id
  where g.back = 1 and measured.actual > 0 and not coalesce({MISMATCH}, false)
),
attained as (
  select *, ln(reached / least(share, 1)) as attained from ended where share >= {MEASURED_SHARE}
),
apart as (
  select employee_id, metric,
    attained - case when count(*) over w > {MIN_OTHERS} then median(attained) over w else 0 end as beyond
  from attained window w as (partition by metric, scope, period_end)
)
select employee_id, metric, sum(beyond) / (count(*) + {PRIOR_GOALS}) as habit from apart group by employee_id, metric
"""


def habitual_attainment(data: Data, goals: pd.DataFrame, as_of: dt.date) -> Floats:
    """The owner's habitual attainment on the metric of each of ``goals``, in log points of the target; 0 without an ended goal.

    The mean over goals ended and known before ``as_of`` of log(final / target), less the median of that metric, scope and
    period where more than :data:`MIN_OTHERS` have it, shrunk towards 0 (:data:`PRIOR_GOALS`).
    """
    habit = data.connection.execute(_HABIT_SQL, [as_of]).df().set_index(["employee_id", "metric"])["habit"]
    owners = pd.MultiIndex.from_frame(goals[["employee_id", "metric"]])
    return habit.reindex(owners).fillna(0.0).to_numpy(dtype=np.float64)


_SIGNALS = f"""
select t.name, coalesce(t.scope, '') as scope, t.month, t.value
from main.signals t, (select ?::date as as_of) a
where {visible("t")} and t.name in (select unnest(?::text[]))
qualify row_number() over (partition by t.name, coalesce(t.scope, '') order by t.month desc, t.known_moment desc) = 1
"""


def newest_signals(data: Data, as_of: dt.date, names: Sequence[str]) -> dict[tuple[str, str], tuple[dt.date, float]]:
    """(name, scope) -> month and value of the newest row of each signal known before ``as_of``; scope '' covers all scopes."""
    rows = data.connection.execute(_SIGNALS, [as_of, list(names)]).fetchall() if names else []
    return {(name, scope): (month, value) for name, scope, month, value in rows}

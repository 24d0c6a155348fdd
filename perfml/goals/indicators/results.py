"""What came of goals that have ended: one row a goal, as known before the as-of date."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from perfml.evidence.snapshots import KNOWN, make_snapshots
from perfml.evidence.sources import Data
from perfml.goals.indicators.distribution import FEWEST_STEPS
from perfml.project.goals.indicators_spec import IndicatorsSpec

NOTHING_BEFORE = 1e9
"""Ratio of paces where nothing was recorded before the last stretch."""


def goal_results(data: Data, as_of: dt.date, spec: IndicatorsSpec) -> pd.DataFrame:
    """One row for each goal that ended before ``as_of``, in the version then newest: ``goal_id``, ``employee_id``, ``metric``,
    ``parent_goal_id``, ``scope`` and ``region`` (the scope, else the department at the end), ``period_start``, ``period_end``,
    ``attained`` (share of the target; NaN without a final measurement), ``jump`` (pace of the last stretch over the one before)
    and ``fine`` (whether a result can just miss the threshold)."""
    make_snapshots(data, [as_of])
    department = (
        f"left join lateral (select department from {KNOWN}.positions p where p.employee_id = g.employee_id"
        " and p.effective_on <= g.period_end order by p.effective_on desc limit 1) p on true"
        if data.has("positions")
        else "left join (select null::text as department) p on true"
    )
    query = f"""
      with newest as (
        select * from {KNOWN}.goals where period_end < as_of
        qualify row_number() over (partition by goal_id order by effective_on desc) = 1
      ),
      measured as (
        select m.goal_id, m.measured_at, m.actual, m.definition,
          row_number() over (partition by m.goal_id order by m.measured_at desc) as back
        from {KNOWN}.progress m join newest g on g.goal_id = m.goal_id
        where m.measured_at >= g.period_start
      ),
      compared as (
        select g.goal_id, g.employee_id, g.metric, g.parent_goal_id, nullif(g.scope, '') as scope, g.target,
          g.period_start, g.period_end, last.actual, before.actual as earlier,
          date_diff('second', before.measured_at, last.measured_at) as stretch,
          date_diff('second', g.period_start::timestamp, before.measured_at) as stretch_before
        from newest g
        left join measured last on last.goal_id = g.goal_id and last.back = 1
          and last.definition is not distinct from g.definition
          and last.measured_at >= g.period_end - {spec.final_days}
        left join measured before on before.goal_id = g.goal_id and before.back = 2
          and before.definition is not distinct from g.definition
      )
      select g.goal_id, g.employee_id, g.metric, g.parent_goal_id, g.scope,
        coalesce(g.scope, p.department, '') as region, g.period_start, g.period_end, g.actual / g.target as attained,
        case when earlier > 0 then ((actual - earlier) / nullif(stretch, 0)) / (earlier / nullif(stretch_before, 0))
          when earlier is not null and actual > 0 then {NOTHING_BEFORE} end as jump,
        coalesce(actual <> round(actual) or target * {spec.threshold_within} >= {FEWEST_STEPS}, false) as fine
      from compared g {department}
      order by g.goal_id"""
    frame: pd.DataFrame = data.connection.sql(query).df()
    return frame.astype({"attained": float, "jump": float, "fine": bool})

"""What is owed to whom at a date, by the rules of ``models/process_debt.toml``: one row for each person, and for each goal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from perfml.evidence.snapshots import KNOWN, visible
from perfml.evidence.sources import Data
from perfml.project.goals.process_debt_spec import DebtRule, ProcessSpec

REVIEWED_SHARE = 0.1
"""Share of the people employed now whose reviews of one period make it a period of reviews."""
REVIEW_YEARS = 2
"""Periods that ended longer ago are settled."""
NEW_DAYS = 90
"""People hired so shortly before the end of a period are not reviewed for it."""
COLUMNS = ["employee_id", "since", "days", "hours", "goal_id", "metric"]
"""``since``: from which day on it is owed; ``days``: how long before the as-of date; ``hours``: above the limit, of overtime."""


def owed(data: Data, as_of: dt.date, process: ProcessSpec) -> pd.DataFrame:
    """The :data:`COLUMNS` of one process; the snapshots of ``as_of`` alone must stand, and
    no table be missing: see :func:`missing_tables`."""
    rows: pd.DataFrame = data.connection.sql(_RULES[process.rule](data, as_of, process)).df()
    return rows[COLUMNS]


def missing_tables(data: Data, process: ProcessSpec) -> list[str]:
    """Tables without which a process cannot be looked at."""
    return [table for table in _NEEDS[process.rule] if not data.has(table)]


def _events(process: ProcessSpec) -> str:
    kinds = ", ".join("'" + kind.replace("'", "''") + "'" for kind in process.kinds) or "null"
    return f"(select e.* from main.events e, temp.asofs a where {visible('e')} and e.kind in ({kinds}))"


def _feedback(data: Data, as_of: dt.date, process: ProcessSpec) -> str:
    """Nobody owes feedback to whoever has no manager, or before the record of the log begins."""
    manager = "and e.counterpart_id = p.manager_id" if process.from_manager else ""
    return f"""
      with newest as (
        select p.employee_id, greatest(
            p.hired_on, coalesce(p.position_since, p.hired_on), (select min(happened_day) from main.events),
            coalesce(max(e.happened_day), p.hired_on)
          ) + {process.days} as since
        from temp.people p left join {_events(process)} e on e.employee_id = p.employee_id {manager}
        where p.manager_id is not null group by p.employee_id, p.hired_on, p.position_since
      )
      select employee_id, since, date_diff('day', since, date '{as_of}') as days, null::double as hours,
        null::text as goal_id, null::text as metric
      from newest where since < date '{as_of}' order by employee_id"""


def _goal_unmentioned(data: Data, as_of: dt.date, process: ProcessSpec) -> str:
    """A goal is mentioned by a row of ``goal_mentions``; without that table by any event of the kinds in its period, so that only
    goals of people who were told nothing at all are owed."""
    mentions = (
        f"select m.goal_id from {KNOWN}.goal_mentions m join running g on g.goal_id = m.goal_id"
        " where m.mentioned_on >= g.first_day"
        if data.has("goal_mentions")
        else f"select g.goal_id from running g join {_events(process)} e on e.employee_id = g.employee_id"
        " and e.happened_day >= g.first_day"
    )
    return f"""
      with running as (
        select g.goal_id, g.employee_id, g.metric, greatest(g.period_start, p.hired_on) as first_day
        from (
          select * from {KNOWN}.goals qualify row_number() over (partition by goal_id order by effective_on desc) = 1
        ) g join temp.people p on p.employee_id = g.employee_id
        where g.core and g.period_start < date '{as_of}' and g.period_end >= date '{as_of}' and p.manager_id is not null
      )
      select employee_id, first_day + {process.days} as since,
        date_diff('day', first_day + {process.days}, date '{as_of}') as days, null::double as hours, goal_id, metric
      from running where goal_id not in ({mentions}) and first_day + {process.days} < date '{as_of}'
      order by employee_id, goal_id"""


def _overtime(data: Data, as_of: dt.date, process: ProcessSpec) -> str:
    first = as_of - dt.timedelta(days=process.days)
    return f"""
      select p.employee_id, date '{first}' as since, {process.days} as days, sum(e.value) - {process.limit_hours} as hours,
        null::text as goal_id, null::text as metric
      from temp.people p join {_events(process)} e on e.employee_id = p.employee_id and e.happened_day >= date '{first}'
      group by p.employee_id having sum(e.value) > {process.limit_hours} order by p.employee_id"""


def _review_late(data: Data, as_of: dt.date, process: ProcessSpec) -> str:
    """Periods are those for which many have been reviewed, and the next one by their distance."""
    return f"""
      with held as (
        select period_end, count(distinct employee_id) as people from {KNOWN}.reviews group by period_end
        having count(distinct employee_id) >= {REVIEWED_SHARE} * (select count(*) from temp.people)
      ),
      distance as (
        select max(period_end) as newest, date_diff('day', max(period_end) filter (back = 2), max(period_end)) as days
        from (select period_end, row_number() over (order by period_end desc) as back from held)
      ),
      periods as (
        select period_end from held union select newest + days::int from distance where days is not null
      )
      select p.employee_id, d.period_end + {process.days} as since,
        date_diff('day', d.period_end + {process.days}, date '{as_of}') as days, null::double as hours,
        null::text as goal_id, null::text as metric
      from temp.people p join periods d on p.hired_on <= d.period_end - {NEW_DAYS}
      where d.period_end + {process.days} < date '{as_of}'
        and d.period_end >= date '{as_of}' - {366 * REVIEW_YEARS} and p.manager_id is not null
        and not exists (
          select 1 from {KNOWN}.reviews r where r.employee_id = p.employee_id and r.period_end >= d.period_end
        )
      qualify row_number() over (partition by p.employee_id order by d.period_end) = 1
      order by p.employee_id"""


_RULES: Mapping[DebtRule, Callable[[Data, dt.date, ProcessSpec], str]] = {
    "feedback": _feedback,
    "goal_unmentioned": _goal_unmentioned,
    "overtime": _overtime,
    "review_late": _review_late,
}
_NEEDS: Mapping[DebtRule, Sequence[str]] = {
    "feedback": ("events", "positions"),
    "goal_unmentioned": ("goals", "positions"),
    "overtime": ("events",),
    "review_late": ("reviews", "positions"),
}

"""Who is who: the name and the position of everyone employed at a date, as known before it.

For the eyes of HR beside an id. A name is no evidence, decides no score and is in no fingerprint: a column of the contract
marked ``personal`` is hidden from every view that features read.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from perfml.evidence.population.facts import PEOPLE, PERIODS
from perfml.evidence.snapshots import make_snapshots, visible
from perfml.evidence.sources import Data


def people_at(data: Data, as_of: dt.date) -> pa.Table:
    """Everyone employed at ``as_of``, by id; see :data:`PEOPLE`. A manager who has left still has a name."""
    make_snapshots(data, [as_of])
    query = f"""
      with names as (
        select e.employee_id, e.name from main.employees e, (select date '{as_of}' as as_of) a where {visible("e")}
      )
      select p.employee_id, n.name, p.department, p.manager_id, m.name as manager_name, p.role_family, p.location, p.level,
        date_diff('day', p.hired_on, p.as_of)::int as tenure_days
      from temp.people p
      left join names n on n.employee_id = p.employee_id
      left join names m on m.employee_id = p.manager_id
      order by p.employee_id"""
    return data.connection.sql(query).to_arrow_table().cast(PEOPLE)


def periods_at(data: Data, as_of: dt.date) -> pa.Table:
    """Every position of everyone as known before ``as_of``, also those that begin or end later; see :data:`PERIODS`.

    A position ends with the next or with the employment. Somebody without a position has a period without manager and unit.
    """
    known = f"known_day < date '{as_of}'"
    positions = (
        f"select employee_id, effective_on, manager_id, department, location from main.positions where {known}"
        " qualify row_number() over (partition by employee_id, effective_on order by known_moment desc) = 1"
        if data.has("positions")
        else "select null::text as employee_id, null::date as effective_on, null::text as manager_id,"
        " null::text as department, null::text as location where false"
    )
    exits = (
        "(select min(x.exited_on) + 1 from main.exits x where x.employee_id = e.employee_id and x.exited_on >= e.hired_on"
        f" and x.{known})"
        if data.has("exits")
        else "null::date"
    )
    query = f"""
      with positions as ({positions}),
      spells as (
        select e.employee_id, e.hired_on as first_day, {exits} as end_day,
          lead(e.hired_on) over (partition by e.employee_id order by e.hired_on) as hired_again
        from (
          select distinct employee_id, hired_on from main.employees where {known}
        ) e
      ),
      held as (
        select *, lead(effective_on) over (partition by employee_id order by effective_on) as until from positions
        union all by name
        select s.employee_id, date '0001-01-01' as effective_on, min(p.effective_on) as until
        from (select distinct employee_id from spells) s left join positions p on p.employee_id = s.employee_id
        group by s.employee_id
      )
      select h.employee_id, greatest(h.effective_on, s.first_day) as begins,
        least(h.until, s.end_day, s.hired_again) as ends, h.manager_id, h.department, h.location
      from held h join spells s on s.employee_id = h.employee_id
      where greatest(h.effective_on, s.first_day) < coalesce(least(h.until, s.end_day, s.hired_again), date '9999-12-31')
      order by h.employee_id, begins"""
    return data.connection.sql(query).to_arrow_table().cast(PERIODS)

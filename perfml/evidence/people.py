"""Who is who: the name and the position of everyone employed at a date, as known before it.

For the eyes of HR beside an id. A name is no evidence, decides no score and is in no fingerprint: a column of the contract
marked ``personal`` is hidden from every view that features read.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from perfml.evidence.population.facts import PEOPLE
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

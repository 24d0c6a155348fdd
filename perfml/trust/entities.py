"""Where a gap or a clash is judged: at the person, or at the department or location that they belong to."""

from __future__ import annotations

import datetime as dt

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.project.trust.metrics import MetricSpec


def judged_at(data: Data, spec: MetricSpec, as_of: dt.date) -> dict[str, str]:
    """Entity of ``facts`` → the entity at which it is judged (``location:South``), by the position known before ``as_of``.

    Entities that are judged by themselves, and people without such a position, are left out.
    """
    if spec.entity != "employee" or spec.judged == "employee" or not data.has("positions"):
        return {}
    rows = data.connection.execute(
        f"select t.employee_id, t.{spec.judged} from main.positions t, (select ?::date as as_of) a where {visible('t')}"
        " qualify row_number() over (partition by t.employee_id order by t.effective_on desc, t.known_moment desc) = 1",
        [as_of],
    ).fetchall()
    return {employee: f"{spec.judged}:{level}" for employee, level in rows if level is not None}

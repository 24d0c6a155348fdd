"""Entities that a gap or a clash concerns: a person, or the department or location that people belong to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.project.trust.metrics import MetricSpec

ENTITIES: Mapping[str, str] = {
    "employee": "entity_employee",
    "department": "entity_department",
    "location": "entity_location",
    "metric": "entity_metric",
}
"""Kind of entity -> the code of what to call one."""


def entity_message(entity: str) -> Message:
    """What to call an entity such as ``location:South``; one of another kind is called by its text."""
    kind, _, name = entity.partition(":")
    return Message.of(ENTITIES[kind], name=name) if kind in ENTITIES else Message.of("as_worded", text=entity)


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

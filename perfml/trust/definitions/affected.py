"""Whom a clash affects: those whose amounts differ between the two meanings, and nobody else."""

from __future__ import annotations

import datetime as dt

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.project.trust.metrics import MetricSpec
from perfml.trust.definitions.clashes import Clash
from perfml.trust.entities import judged_at


def affected(data: Data, clash: Clash, spec: MetricSpec, as_of: dt.date) -> tuple[str, ...]:
    """The entities that a clash affects, such as ``location:South``, as known before ``as_of``.

    Another attribution concerns those of whom something is counted elsewhere, another basis those with returns. Where no row
    says who they are, and for another unit, it is everyone with the metric; ``metric:<name>`` where that is nobody yet.
    """
    leading = {"basis": spec.bridge.returns, "attribution": spec.bridge.attribution}.get(clash.aspect)
    entities = _entities(data, leading, as_of) if leading is not None else []
    entities = entities or _entities(data, clash.metric, as_of)
    levels = judged_at(data, spec, as_of)
    with_goals = [] if leading is not None and entities else _with_goals(data, clash.metric, as_of)
    people = [levels.get(person, f"employee:{person}") for person in with_goals]
    named = [levels.get(entity, f"{spec.entity}:{entity}") for entity in entities]
    return tuple(dict.fromkeys([*named, *people])) or (f"metric:{clash.metric}",)


def _entities(data: Data, metric: str, as_of: dt.date) -> list[str]:
    """Everyone with an amount of ``metric`` other than 0."""
    if not data.has("facts"):
        return []
    rows = data.connection.execute(
        f"select t.entity from main.facts t, (select ?::date as as_of) a where {visible('t')} and t.metric = ?"
        " group by t.entity having bool_or(t.value <> 0) order by t.entity",
        [as_of, metric],
    ).fetchall()
    return [entity for (entity,) in rows]


def _with_goals(data: Data, metric: str, as_of: dt.date) -> list[str]:
    if not data.has("goals"):
        return []
    rows = data.connection.execute(
        f"select distinct t.employee_id from main.goals t, (select ?::date as as_of) a where {visible('t')}"
        " and t.metric = ? and t.period_end >= a.as_of order by t.employee_id",
        [as_of, metric],
    ).fetchall()
    return [employee for (employee,) in rows]

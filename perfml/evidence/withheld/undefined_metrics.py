"""Rows of metrics that nobody has defined: set aside where the project requires a definition."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal

KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "goals": ("concat_ws(' ', goal_id, effective_on)", "employee_id"),
    "facts": ("concat_ws(' ', source, metric, entity, business_date)", "null"),
}
"""Tables with a metric -> SQL of a row's key, and of the person it is about."""


def set_aside_undefined(data: Data, defined: Collection[str]) -> None:
    """Move the rows of ``data`` whose metric is not in ``defined`` to ``quarantine``: they feed no evidence and no goal."""
    which = "metric not in (select unnest(?::text[]))"
    for table, (key, person) in KEYS.items():
        if data.has(table):
            data.connection.execute(
                f"insert into quarantine select {literal(table)}, 'undefined_metric', 'metric', {key}, {person},"
                f" happened_day, known_day, metric, null, null from {table} where {which}",
                [sorted(defined)],
            )
            data.connection.execute(f"delete from {table} where {which}", [sorted(defined)])

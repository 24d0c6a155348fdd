"""Facts that are not used as they stand: a disputed row is taken out before anything reads it, a wrong one is corrected."""

from __future__ import annotations

from collections.abc import Iterable

from perfml.evidence.tables.reading import literal, quoted
from perfml.evidence.tables.typed_rows import sql_type
from perfml.evidence.withheld.disputable import owner_column
from perfml.evidence.withheld.fact import WithheldFact
from perfml.project.table_spec import TableSpec


def key_sql(name: str, spec: TableSpec) -> str:
    """SQL of the key of the row ``t`` as one text; an event without an id has its person, moment and kind."""
    key = f"concat_ws(' ', {', '.join(f't.{quoted(column)}::text' for column in spec.key)})"
    if name == "events":
        return f"coalesce(nullif({key}, ''), concat_ws(' ', t.employee_id, t.happened_at::text, t.kind))"
    return key


def owner_sql(name: str, spec: TableSpec) -> str | None:
    """SQL of the person whose the row ``t`` is; None where it is nobody's."""
    column = owner_column(name, spec)
    if column is not None:
        return f"t.{quoted(column)}"
    if "goal_id" in spec.columns:
        return "(select max(g.employee_id) from goals g where g.goal_id = t.goal_id)"
    return None


def as_they_stand(rows: str, name: str, spec: TableSpec, facts: Iterable[WithheldFact]) -> str:
    """SQL: ``rows`` of :func:`~.typed_rows.typed_rows` without the rows that ``facts`` take out, others corrected."""
    of_table = [fact for fact in facts if fact.table == name]
    if not of_table:
        return rows
    key = key_sql(name, spec)
    out: list[str] = []
    right: dict[str, list[tuple[str, str]]] = {}
    for fact in of_table:
        same = f"{key} = {literal(fact.key)}"
        if (owner := owner_column(name, spec)) is not None:
            same += f" and t.{quoted(owner)} = {literal(fact.employee_id)}"
        if fact.until is not None:
            same += f" and t.known_day < date '{fact.until}'"
        if not fact.right:
            out.append(f"({same})")
        for column, value in (fact.right or {}).items():
            right.setdefault(column, []).append((same, value))
    replaced = ", ".join(
        f"case {' '.join(f'when {same} then {value_sql(spec, column, value)}' for same, value in values)}"
        f" else t.{quoted(column)} end as {quoted(column)}"
        for column, values in right.items()
    )
    where = f" where not coalesce({' or '.join(out)}, false)" if out else ""
    return f"select t.* {f'replace ({replaced})' if replaced else ''} from ({rows}) t{where}"


def value_sql(spec: TableSpec, column: str, value: str) -> str:
    """SQL of ``value``, a text, in the type of ``column``; null for an empty text."""
    kind = spec.columns[column]
    if not value:
        return f"null::{sql_type(kind)}"
    if kind.type == "list":
        return f"string_split({literal(value)}, ';')"
    return f"{literal(value)}::{sql_type(kind)}"

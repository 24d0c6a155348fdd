"""One row of a company's tables by its key."""

from __future__ import annotations

from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.evidence.withheld.disputable import StoredFact, disputable
from perfml.evidence.withheld.rows import key_sql, owner_sql

MOST_KEYS = 5
"""Keys of the person that an error offers."""
OTHERS = ("reviewer_id", "counterpart_id", "manager_id")
"""Columns with another person whose act a row is, or whom it concerns."""


def stored_fact(data: Data, employee_id: str, *, table: str, key: str) -> StoredFact:
    """The newest version of a row of ``employee_id``. Raises :class:`DataError`, with keys of theirs, where there is none."""
    spec = disputable(data.specs, table)
    columns = [name for name, column in spec.columns.items() if not (column.protected or column.personal)]
    shown = ", ".join(f"t.{quoted(name)}::text" for name in columns)
    own = f"from {quoted(table)} t where {owner_sql(table, spec)} = ?"
    rows = data.connection.execute(
        f"select t.usable_day, {shown} {own} and {key_sql(table, spec)} = ? order by t.known_moment", [employee_id, key]
    ).fetchall()
    if not rows:
        newest = f"select {key_sql(table, spec)} {own} order by t.usable_day desc limit {MOST_KEYS}"
        keys = [str(each[0]) for each in data.connection.execute(newest, [employee_id]).fetchall()]
        remedy = f"name one of theirs, such as {', '.join(map(repr, keys))}" if keys else "they have no rows in it"
        raise DataError(f"has no row {key!r} of {employee_id!r}", where=f"table {table}", remedy=remedy)
    row = {name: value for name, value in zip(columns, rows[-1][1:], strict=True) if value is not None}
    others = tuple(row[name] for name in OTHERS if name in row and row[name] != employee_id)
    return StoredFact(row=row, usable_day=min(each[0] for each in rows), others=others)

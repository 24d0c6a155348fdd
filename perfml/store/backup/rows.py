"""The rows of the store as lines of JSON, the same for SQLite and PostgreSQL: what one kept the other can take over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO

import sqlalchemy as sql

from perfml.store.tables import ENTRIES, METADATA

AT_ONCE = 500
"""Rows of one statement."""


def write_rows(connection: sql.Connection, out: IO[bytes]) -> dict[str, int]:
    """Write every row of every table; return table → rows. One transaction, so that all are of one moment."""
    counts = {}
    for table in METADATA.sorted_tables:
        counts[table.name] = 0
        columns = table.primary_key.columns.values()
        for row in connection.execution_options(yield_per=AT_ONCE).execute(sql.select(table).order_by(*columns)):
            out.write(json.dumps([table.name, list(row)], ensure_ascii=False).encode() + b"\n")
            counts[table.name] += 1
    return counts


def last_numbers(connection: sql.Connection) -> dict[str, int]:
    """Table → the last number that was given, also to an entry that was erased since."""
    if connection.dialect.name == "sqlite":
        query = "select name, seq from sqlite_sequence"
        return {str(name): int(number) for name, number in connection.exec_driver_sql(query)}
    numbers = {}
    for table in ENTRIES:
        query = f"select case when is_called then last_value else 0 end from {table.name}_number_seq"
        numbers[table.name] = int(connection.exec_driver_sql(query).scalar_one())
    return numbers


def load_rows(connection: sql.Connection, lines: Iterator[bytes], numbers: Mapping[str, int]) -> dict[str, int]:
    """Insert what :func:`write_rows` wrote into empty tables; return table → rows, of those that have any."""
    counts = dict.fromkeys((table.name for table in METADATA.sorted_tables), 0)
    waiting: list[dict[str, object]] = []
    current = ""

    def insert() -> None:
        if waiting:
            connection.execute(METADATA.tables[current].insert(), waiting)
            counts[current] += len(waiting)
            waiting.clear()

    for line in lines:
        name, values = json.loads(line)
        if name != current or len(waiting) >= AT_ONCE:
            insert()
            current = name
        columns = METADATA.tables[name].columns
        waiting.append({column.name: value for column, value in zip(columns, values, strict=True)})
    insert()
    for name, number in numbers.items():
        _go_on_after(connection, METADATA.tables[name].name, number)
    return {name: count for name, count in counts.items() if count}


def _go_on_after(connection: sql.Connection, table: str, number: int) -> None:
    """Give later entries of ``table`` higher numbers than ``number``."""
    if connection.dialect.name == "sqlite":
        connection.execute(sql.text("delete from sqlite_sequence where name = :name"), {"name": table})
        connection.execute(sql.text("insert into sqlite_sequence values (:name, :seq)"), {"name": table, "seq": number})
    elif number:
        connection.execute(sql.text("select setval(:name, :seq)"), {"name": f"{table}_number_seq", "seq": number})

"""Packets that were received beside an export: their rows are read together with those of the table."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from perfml.evidence.exports.column_sql import as_text_sql
from perfml.evidence.tables.reading import RawTable, described, literal, quoted, unreadable

Inbox = Mapping[str, Sequence[Path]]
"""Table → Parquet files of packets; every value is text."""


def with_packets(
    connection: duckdb.DuckDBPyConnection, raw: RawTable | None, name: str, files: Sequence[Path]
) -> RawTable:
    """The table ``raw`` (None: it has no other rows) with the rows of ``files``.

    Its columns keep their types where every value of the packets reads as them, so that a large log stays in its files; else
    the whole table is text. Raises :class:`DataError` for packets that cannot be read.
    """
    listed = ", ".join(literal(glob.escape(str(path))) for path in files)
    packets, where = f"read_parquet([{listed}], union_by_name = true)", str(files[0].parent)
    try:
        columns = described(connection, packets)
        if raw is None:
            return RawTable(name=name, where=where, relation=packets, columns=columns, is_text=True)
        typed = raw if _read_as(connection, raw, packets, columns) else _as_text(raw)
    except duckdb.Error as error:
        raise unreadable(where, error) from None
    values = ", ".join(
        f"{_cast(column, typed.columns.get(column, 'VARCHAR'))} as {quoted(column)}" for column in columns
    )
    return replace(
        typed,
        relation=f"(select * from {typed.relation} union all by name select {values} from {packets})",
        columns={**columns, **typed.columns},
        dataset=None,
    )


def _read_as(connection: duckdb.DuckDBPyConnection, raw: RawTable, packets: str, columns: Mapping[str, str]) -> bool:
    """Whether every value of ``packets`` reads as the type that its column has in ``raw``."""
    broken = [
        f"({quoted(column)} is not null and {_cast(column, raw.columns[column])} is null)"
        for column in columns
        if raw.columns.get(column, "VARCHAR") != "VARCHAR"
    ]
    if not broken:
        return True
    return not connection.execute(f"select 1 from {packets} where {' or '.join(broken)} limit 1").fetchall()


def _cast(column: str, kind: str) -> str:
    if kind == "VARCHAR":
        return quoted(column)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"try_cast({quoted(column)} as timestamptz)::timestamp::{kind}"
    return f"try_cast({quoted(column)} as {kind})"


def _as_text(raw: RawTable) -> RawTable:
    texts = ", ".join(
        f"{_text(quoted(column), kind)} as {quoted(column)}"
        for column, kind in raw.columns.items()
        if kind != "VARCHAR"
    )
    relation = f"(select * replace ({texts}) from {raw.relation})"
    return replace(raw, relation=relation, columns=dict.fromkeys(raw.columns, "VARCHAR"), is_text=True)


def _text(value: str, kind: str) -> str:
    return f"array_to_string({value}, ';')" if kind.endswith("[]") else as_text_sql(value, kind)

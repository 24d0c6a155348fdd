"""Where a company's tables lie: a folder of CSV or Parquet, a DuckDB file, a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from perfml.errors import DataError

POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True)
class RawTable:
    """A table as it lies there: ``relation`` is SQL to select from, ``columns`` maps its names to DuckDB types."""

    name: str
    where: str
    relation: str
    columns: Mapping[str, str]
    is_text: bool
    """Every value came as text (CSV), so it is worth parsing once only."""


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def raw_tables(
    connection: duckdb.DuckDBPyConnection, source: str | Path, names: Iterable[str]
) -> tuple[list[RawTable], list[DataError]]:
    """Those of ``names`` that ``source`` holds, and what could not be read.

    Raises :class:`DataError` when the source itself is not there or holds none of the tables.
    """
    text, names = str(source), list(names)
    if text.startswith(POSTGRES):
        found, errors = _postgres(connection, text, names)
    elif Path(text).is_dir():
        found, errors = _folder(connection, Path(text), names)
    elif Path(text).is_file():
        found, errors = _database(connection, Path(text), names)
    else:
        raise DataError("is not there", where=text, remedy="name a folder, a DuckDB file or a postgresql:// URL")
    if not found and not errors:
        raise DataError("holds none of the tables", where=_public(text), remedy=f"expected {', '.join(names[:5])}, …")
    return found, errors


def _folder(
    connection: duckdb.DuckDBPyConnection, folder: Path, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    found: list[RawTable] = []
    errors: list[DataError] = []
    for name in names:
        parquet, csv, parts = folder / f"{name}.parquet", folder / f"{name}.csv", folder / name
        there = [path for path in (parquet, csv, parts) if path.exists()]
        if not there:
            continue
        if len(there) > 1:
            errors.append(DataError(f"stands beside {there[1].name}", where=str(there[0]), remedy="keep one of the two"))
            continue
        if there[0] == csv:
            relation = f"read_csv({literal(str(csv))}, all_varchar = true, header = true, encoding = 'utf-8')"
        else:
            files = str(parquet if there[0] == parquet else parts / "**" / "*.parquet")
            relation = f"read_parquet({literal(files)}, union_by_name = true)"
        try:
            columns = _describe(connection, relation)
        except duckdb.Error as error:
            errors.append(unreadable(there[0], error))
            continue
        found.append(RawTable(name, str(there[0]), relation, columns, is_text=there[0] == csv))
    return found, errors


def unreadable(where: str | Path, error: Exception) -> DataError:
    """The reader's own words, cut to what a person can use."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = next((line for line in lines if "encod" in line.lower() or "utf" in line.lower()), lines[0] if lines else "")
    line = next((text for text in lines if text.startswith(("Line:", "CSV Error on Line"))), "")
    said = ": ".join(part for part in (line, reason) if part)
    return DataError(f"cannot be read ({said[:300]})", where=str(where), remedy="export it again, as UTF-8 and whole")


def _database(
    connection: duckdb.DuckDBPyConnection, file: Path, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    try:
        connection.execute(f"attach {literal(str(file))} as company (read_only)")
        there = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'company'"
        ).fetchall()
    except duckdb.Error as error:
        raise unreadable(file, error) from None
    found = []
    for name in names:
        schema = next((schema for schema, table in there if table == name), None)
        if schema is not None:
            relation = f"company.{quoted(schema)}.{quoted(name)}"
            found.append(RawTable(name, f"{file} {name}", relation, _describe(connection, relation), is_text=False))
    return found, []


def _postgres(
    connection: duckdb.DuckDBPyConnection, url: str, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    try:
        import adbc_driver_manager
        import adbc_driver_postgresql.dbapi as postgresql
    except ImportError:
        raise DataError(
            "reading PostgreSQL needs its driver", where=_public(url), remedy='install "perfml[postgres]"'
        ) from None
    found = []
    try:
        with postgresql.connect(url) as database, database.cursor() as cursor:
            cursor.execute("select table_name from information_schema.tables where table_schema = any(current_schemas(false))")
            there = {row[0] for row in cursor.fetchall()}
            for name in names:
                if name not in there:
                    continue
                cursor.execute(f"select * from {quoted(name)}")
                rows = cursor.fetch_record_batch()
                connection.execute(f"create temp table {quoted('raw_' + name)} as select * from rows")
                del rows
                relation = quoted("raw_" + name)
                columns = _describe(connection, relation)
                found.append(RawTable(name, f"{_public(url)} {name}", relation, columns, is_text=False))
    except (adbc_driver_manager.Error, duckdb.Error) as error:
        raise DataError(
            f"cannot be read ({str(error).splitlines()[0][:200]})", where=_public(url), remedy="check host, name and rights"
        ) from None
    return found, []


def _describe(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _public(source: str) -> str:
    """A URL without its password."""
    if "://" not in source or "@" not in source:
        return source
    scheme, rest = source.split("://", 1)
    user, host = rest.rsplit("@", 1)
    return f"{scheme}://{user.split(':')[0]}@{host}"

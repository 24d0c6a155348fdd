"""The sources of a company's tables: a folder of CSV or Parquet, a DuckDB file, a PostgreSQL database."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from perfml.errors import DataError

POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as it is stored: ``relation`` is SQL to select from, ``columns`` maps its names to DuckDB types."""

    name: str
    where: str
    relation: str
    columns: Mapping[str, str]
    is_text: bool
    """Every value is text (CSV), so it is worth parsing only once."""


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
        tables, errors = _postgres(connection, text, names)
    elif Path(text).is_dir():
        tables, errors = _folder(connection, Path(text), names)
    elif Path(text).is_file():
        tables, errors = _database(connection, Path(text), names)
    else:
        raise DataError("is not there", where=text, remedy="name a folder, a DuckDB file or a postgresql:// URL")
    if not tables and not errors:
        raise DataError("holds none of the tables", where=public(text), remedy=f"expected {', '.join(names[:5])}, …")
    return tables, errors


def _folder(
    connection: duckdb.DuckDBPyConnection, folder: Path, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    tables: list[RawTable] = []
    errors: list[DataError] = []
    for name in names:
        parquet, text, parts = folder / f"{name}.parquet", folder / f"{name}.csv", folder / name
        existing = [path for path in (parquet, text, parts) if path.exists()]
        if not existing:
            continue
        path = existing[0]
        if len(existing) > 1:
            errors.append(DataError(f"stands beside {existing[1].name}", where=str(path), remedy="keep one of the two"))
            continue
        files = glob.escape(str(path)) + ("/**/*.parquet" if path == parts else "")
        try:
            relation = _read_csv(text) if path == text else f"read_parquet({literal(files)}, union_by_name = true)"
            columns = _describe(connection, relation)
        except DataError as error:
            errors.append(error)
            continue
        except duckdb.Error as error:
            errors.append(unreadable(path, error))
            continue
        tables.append(RawTable(name=name, where=str(path), relation=relation, columns=columns, is_text=path == text))
    return tables, errors


def _read_csv(path: Path) -> str:
    """SQL that reads ``path`` by the names in its header. Nothing is guessed from a sample of its rows: such a guess breaks on
    the first quote after the sample, and takes a row that begins with # for a comment.

    Raises :class:`DataError` for a header that cannot be used.
    """
    with path.open("rb") as file:
        first = file.readline()
    try:
        header = "".join(first.decode("utf-8-sig").splitlines()[:1])
    except UnicodeDecodeError as error:
        raise unreadable(path, error) from None
    separator = max(",;\t", key=header.count)
    names = [name or f"column{i}" for i, name in enumerate(next(csv.reader([header], delimiter=separator), []))]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names:
        problem = f"column {twice[0]!r} stands twice" if twice else "has no header"
        raise DataError(problem, where=str(path), remedy="export it again, with one header row of distinct names")
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    dialect = (
        f"delim = '{separator}', quote = '\"', escape = '\"', comment = '', strict_mode = true, encoding = 'utf-8'"
    )
    return f"read_csv({literal(glob.escape(str(path)))}, auto_detect = false, header = true, columns = {{{columns}}}, {dialect})"


def unreadable(where: str | Path, error: Exception) -> DataError:
    """The reader's own words, cut to what a person can use: the line, and what is wrong with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    line = re.search(r"CSV Error on Line: (\d+)", lines[0])
    if line is not None:
        lines = [reason for reason in lines[1:] if not reason.startswith("Original Line")] or lines
        odd = next(
            (
                reason
                for reason in lines
                if reason.startswith(("Invalid unicode", "Expected Number", "Value with unterminated", "Maximum line"))
            ),
            lines[0],
        )
        lines = [f"line {line[1]}: {odd}"]
    return DataError(
        f"cannot be read ({lines[0][:300]})", where=str(where), remedy="export it again, as UTF-8 and whole"
    )


def _database(
    connection: duckdb.DuckDBPyConnection, file: Path, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    try:
        connection.execute(f"attach {literal(str(file))} as company (read_only)")
        stored = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'company'"
            " order by table_schema <> 'main', table_schema"
        ).fetchall()
    except duckdb.Error as error:
        raise unreadable(file, error) from None
    tables: list[RawTable] = []
    errors: list[DataError] = []
    for name in names:
        schema = next((schema for schema, table in stored if table == name), None)
        if schema is None:
            continue
        relation = f"company.{quoted(schema)}.{quoted(name)}"
        try:
            columns = _describe(connection, relation)
        except duckdb.Error as error:
            errors.append(unreadable(f"{file} {name}", error))
            continue
        tables.append(RawTable(name=name, where=f"{file} {name}", relation=relation, columns=columns, is_text=False))
    return tables, errors


def _postgres(
    connection: duckdb.DuckDBPyConnection, url: str, names: list[str]
) -> tuple[list[RawTable], list[DataError]]:
    try:
        import adbc_driver_manager  # the optional extra perfml[postgres]
        import adbc_driver_postgresql.dbapi as postgresql
    except ImportError:
        raise DataError(
            "reading PostgreSQL needs its driver", where=public(url), remedy='install "perfml[postgres]"'
        ) from None
    tables = []
    try:
        with postgresql.connect(url) as database, database.cursor() as cursor:
            cursor.execute(
                "select table_name from information_schema.tables where table_schema = any(current_schemas(false))"
            )
            stored = {row[0] for row in cursor.fetchall()}
            for name in names:
                if name not in stored:
                    continue
                cursor.execute(f"select * from {quoted(name)}")
                rows = cursor.fetch_record_batch()
                connection.execute(f"create temp table {quoted('raw_' + name)} as select * from rows")
                del rows
                relation = quoted("raw_" + name)
                columns = _describe(connection, relation)
                tables.append(
                    RawTable(
                        name=name, where=f"{public(url)} {name}", relation=relation, columns=columns, is_text=False
                    )
                )
    except (adbc_driver_manager.Error, duckdb.Error) as error:
        raise DataError(
            f"cannot be read ({str(error).splitlines()[0][:200]})",
            where=public(url),
            remedy="check host, name and rights",
        ) from None
    return tables, []


def _describe(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def public(source: str) -> str:
    """A URL without its password."""
    if "://" not in source or "@" not in source:
        return source
    scheme, rest = source.split("://", 1)
    user, host = rest.rsplit("@", 1)
    return f"{scheme}://{user.split(':')[0]}@{host}"

"""Tables in a database: a DuckDB file attached read-only, PostgreSQL read through ADBC; neither is ever written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from perfml.errors import DataError
from perfml.evidence.tables.reading import Origin, RawTable, described, literal, quoted, unreadable
from perfml.evidence.tables.secrets import public

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Cursor

POSTGRES = ("postgresql://", "postgres://")


class Database:
    """A DuckDB file; a table of the schema ``main`` goes before one of another."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        self.connection, self.where = connection, str(file)
        self.files: dict[str, Path] = {}
        self.folders: list[str] = []
        try:
            connection.execute(f"attach {literal(str(file))} as company (read_only)")
            stored: list[tuple[str, str]] = connection.execute(
                "select table_schema, table_name from information_schema.tables where table_catalog = 'company'"
                " order by table_schema <> 'main', table_schema, table_name"
            ).fetchall()
        except duckdb.Error as error:
            remedy = "name a folder, a workbook, or a DuckDB file that is whole"
            problem = f"cannot be read as a database ({str(error).splitlines()[0][:200]})"
            raise DataError(problem, where=self.where, remedy=remedy) from None
        self._schemas = {table: schema for schema, table in reversed(stored)}
        self.names = sorted(self._schemas)

    def table(self, name: str) -> RawTable | None:
        """The stored table or view."""
        if name not in self._schemas:
            return None
        where, relation = f"{self.where} {name}", f"company.{quoted(self._schemas[name])}.{quoted(name)}"
        try:
            columns = described(self.connection, relation)
        except duckdb.Error as error:
            raise unreadable(where, error) from None
        return RawTable(name=name, where=where, relation=relation, columns=columns, is_text=False)

    def dataset(self, name: str) -> None:
        """None: a database holds no files."""

    def origin(self, name: str) -> Origin:
        """The file of the database."""
        return {Path(self.where).name: Path(self.where)}

    def query(self, name: str, sql: str) -> str:
        """A temporary table with the rows of ``sql``, whose names are those of the file."""
        relation = quoted(f"query {name}")
        try:
            self.connection.execute("use company")
            self.connection.execute(f"create temp table {relation} as ({sql.strip().rstrip(';')})")
        except duckdb.Error as error:
            raise _not_answered(self.where, error, "correct the query in sources/") from None
        finally:
            self.connection.execute("use memory")
        return f"temp.{relation}"


class Postgres:
    """A PostgreSQL database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cursor: Cursor, *, where: str) -> None:
        self.connection, self.cursor, self.where = connection, cursor, where
        self.files: dict[str, Path] = {}
        self.folders: list[str] = []
        cursor.execute(
            "select table_name from information_schema.tables where table_schema = any(current_schemas(false)) order by 1"
        )
        self.names: list[str] = [row[0] for row in cursor.fetchall()]

    def table(self, name: str) -> RawTable | None:
        """The stored table or view, fetched."""
        if name not in self.names:
            return None
        relation = self.query(name, f"select * from {quoted(name)}")
        columns = described(self.connection, relation)
        return RawTable(name=name, where=f"{self.where} {name}", relation=relation, columns=columns, is_text=False)

    def dataset(self, name: str) -> None:
        """None: a database holds no files."""

    def origin(self, name: str) -> Origin:
        """None: the server does not say what has changed."""
        return None

    def query(self, name: str, sql: str) -> str:
        """A temporary table with the rows of ``sql``."""
        relation = quoted(f"query {name}")
        self.cursor.execute(sql)
        rows = self.cursor.fetch_record_batch()
        self.connection.execute(f"create temp table {relation} as select * from rows")
        del rows
        return relation


@contextmanager
def open_postgres(connection: duckdb.DuckDBPyConnection, url: str) -> Iterator[Postgres]:
    """Connect to ``url``. Raises :class:`DataError` where the driver or the server is not there."""
    where = public(url)
    try:
        import adbc_driver_manager  # the optional extra perfml[postgres]
        import adbc_driver_postgresql.dbapi as postgresql
    except ImportError:
        raise DataError(
            "reading PostgreSQL needs its driver", where=where, remedy='install "perfml[postgres]"'
        ) from None
    try:
        with postgresql.connect(url) as database, database.cursor() as cursor:
            yield Postgres(connection, cursor, where=where)
    except (adbc_driver_manager.Error, duckdb.Error) as error:
        raise _not_answered(where, error, "check host, name and rights") from None


def _not_answered(where: str, error: Exception, remedy: str) -> DataError:
    return DataError(f"cannot be read ({str(error).splitlines()[0][:200]})", where=where, remedy=remedy)

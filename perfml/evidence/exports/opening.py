"""What a company exports, opened: a folder or one file, object storage, a DuckDB database, a PostgreSQL database.

An export offers tables by their own names (:meth:`Export.table`), the files below it, and on a database the rows of a query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import duckdb

from perfml.errors import DataError
from perfml.evidence.exports.databases import POSTGRES, Database, open_postgres
from perfml.evidence.exports.mapped import mapped_table
from perfml.evidence.exports.object_storage import Bucket
from perfml.evidence.exports.packets import Inbox, with_packets
from perfml.evidence.exports.unread import none_of_the_tables, not_read
from perfml.evidence.lake.addresses import local_dataset
from perfml.evidence.lake.dataset import Dataset, is_hidden
from perfml.evidence.lake.dataset_table import dataset_table
from perfml.evidence.lake.storage import S3
from perfml.evidence.tables.cells import READABLE, ROW, TEXT, WORKBOOKS, read_cells, sheet_names
from perfml.evidence.tables.reading import (
    SMALL,
    Export,
    Origin,
    RawTable,
    csv_sql,
    described,
    numbered,
    parquet_sql,
    quoted,
    unreadable,
)
from perfml.messages import Message
from perfml.project.mapping_spec import MappingSpec
from perfml.project.table_spec import TableSpec


def raw_tables(
    connection: duckdb.DuckDBPyConnection,
    source: str | Path,
    tables: Mapping[str, TableSpec],
    mappings: Mapping[str, MappingSpec] | None = None,
    *,
    inbox: Inbox | None = None,
) -> tuple[list[RawTable], list[DataError], list[Message]]:
    """Those of ``tables`` that ``source`` holds, under their own names or as ``mappings`` make them, with the packets of
    ``inbox``; what could not be read; and notices on what nearly is a table.

    A table that a mapping makes is not read under its own name.
    Raises :class:`DataError` when the source itself is not there or holds none of the tables.
    """
    raw: list[RawTable] = []
    errors: list[DataError] = []
    with open_export(connection, source) as export:
        for name, spec in tables.items():
            own = {file: mapping for file, mapping in (mappings or {}).items() if mapping.table == name}
            try:
                table = mapped_table(connection, export, own, spec) if own else export.table(name)
                if packets := (inbox or {}).get(name):
                    table = with_packets(connection, table, name, packets)
            except DataError as error:
                errors.append(error)
                continue
            if table is not None:
                raw.append(table)
        if not raw and not errors:
            raise none_of_the_tables(export, tables)
        notices = not_read(export, tables, used=[table.name for table in raw], mappings=mappings or {})
    return raw, errors, notices


@contextmanager
def open_export(connection: duckdb.DuckDBPyConnection, source: str | Path) -> Iterator[Export]:
    """Open ``source``. Raises :class:`DataError` where it is not there or cannot be read."""
    text, path = str(source), Path(source)
    if text.startswith(S3):
        yield Bucket(connection, text)
    elif text.startswith(POSTGRES):
        with open_postgres(connection, text) as database:
            yield database
    elif path.is_dir():
        yield _Folder(connection, path)
    elif path.is_file():
        suffix = path.suffix.lower()
        kind = _Workbook if suffix in WORKBOOKS else _OneFile if suffix in READABLE else Database
        yield kind(connection, path)
    else:
        remedy = "name a folder, a workbook, a DuckDB file, an s3:// address or a postgresql:// URL"
        raise DataError("is not there", where=text, remedy=remedy)


def _can_be_numbered(path: Path) -> bool:
    """Whether a text file is small and without empty lines, which DuckDB does not count."""
    if path.stat().st_size > SMALL:
        return False
    content = path.read_bytes()
    return not any(gap in content for gap in (b"\n\n", b"\n\r\n"))


def _stored(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> RawTable:
    is_text = path.suffix.lower() in TEXT
    try:
        relation = csv_sql(path) if is_text else parquet_sql(path)
        columns = described(connection, relation)
    except duckdb.Error as error:
        raise unreadable(path, error) from None
    if not is_text or ROW in columns or not _can_be_numbered(path):
        parquet = None if is_text else str(path)
        return RawTable(
            name=name, where=str(path), relation=relation, columns=columns, is_text=is_text, parquet=parquet
        )
    row = f"raw.{quoted(ROW)}"
    return RawTable(name=name, where=str(path), relation=numbered(relation), columns=columns, is_text=True, row=row)


class _Folder:
    """Files named like tables: ``<table>.parquet``, ``<table>.csv``, or a folder ``<table>/`` of Parquet parts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection, self.folder, self.where = connection, folder, str(folder)

    @property
    def files(self) -> dict[str, Path]:
        """Every file below the folder that can be read; left out are hidden ones, those that Excel locks, and parts of
        :attr:`folders`."""
        inside = tuple(f"{folder}/" for folder in self.folders)
        return {name: path for name, path in self._paths.items() if not name.startswith(inside)}

    @cached_property
    def _paths(self) -> dict[str, Path]:
        paths = (path for path in sorted(self.folder.rglob("*")) if path.suffix.lower() in READABLE and path.is_file())
        named = {path.relative_to(self.folder).as_posix(): path for path in paths}
        return {
            name: path
            for name, path in named.items()
            if not path.name.startswith((".", "~$")) and (path.parent == self.folder or not is_hidden(name))
        }

    @property
    def names(self) -> list[str]:
        """The files directly in the folder."""
        return [name for name in self.files if "/" not in name]

    @property
    def folders(self) -> list[str]:
        """Folders of Parquet files that are parted by the values of a column, each one table."""
        parted = {name.partition("=")[0].rpartition("/")[0] for name in self._paths if "=" in name}
        return sorted(parted - {""})

    def dataset(self, name: str) -> Dataset | None:
        """The Parquet files below the folder ``name``, if there is one."""
        folder = self.folder / name
        return local_dataset(folder) if name.strip("/.") and folder.is_dir() else None

    def table(self, name: str) -> RawTable | None:
        """The file or the parts of this name."""
        origin = self.origin(name)
        if isinstance(origin, Dataset):
            return dataset_table(self.connection, name, origin)
        return next((_stored(self.connection, name, path) for path in (origin or {}).values()), None)

    def origin(self, name: str) -> Origin:
        """The file or the parts of this name."""
        parquet, text, parts = self.folder / f"{name}.parquet", self.folder / f"{name}.csv", self.folder / name
        existing = [path for path in (parquet, text, parts) if path.exists()]
        if len(existing) > 1:
            problem = f"stands beside {existing[1].name}"
            raise DataError(problem, where=str(existing[0]), remedy="keep one of the two")
        if existing and existing[0].is_dir():
            return local_dataset(existing[0])
        return {path.name: path for path in existing}

    def query(self, name: str, sql: str) -> str:
        """Refused."""
        raise DataError(
            "is no database", where=self.where, remedy=f"name a file in sources/{name}.toml instead of a query"
        )


class _OneFile(_Folder):
    """One CSV or Parquet file: the table that it is named like."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        super().__init__(connection, file.parent)
        self.file, self.where = file, str(file)

    @property
    def files(self) -> dict[str, Path]:
        """The one file."""
        return {self.file.name: self.file}

    @property
    def folders(self) -> list[str]:
        """None."""
        return []

    def dataset(self, name: str) -> Dataset | None:
        """None: only the file is read."""
        return None

    def origin(self, name: str) -> Origin:
        """The file, if it has this name."""
        return self.files if self.file.stem == name else {}


class _Workbook(_OneFile):
    """A workbook: its sheets that are named like tables."""

    @cached_property
    def names(self) -> list[str]:
        """Its sheets."""
        return sheet_names(self.file)

    def origin(self, name: str) -> Origin:
        """The workbook."""
        return self.files

    def table(self, name: str) -> RawTable | None:
        """The sheet of this name."""
        if name not in self.names:
            return None
        view = f"sheet {name}"
        self.connection.register(view, read_cells(self.file, sheet=name))
        return RawTable(
            name=name,
            where=f"{self.file} [{name}]",
            relation=quoted(view),
            columns=described(self.connection, quoted(view)),
            is_text=True,
            row=f"raw.{quoted(ROW)}",
        )

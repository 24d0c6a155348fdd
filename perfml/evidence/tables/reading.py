"""A table as it is stored, and SQL that reads it where it lies."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import duckdb

from perfml.errors import DataError
from perfml.evidence.lake.dataset import Dataset
from perfml.evidence.tables.cells import FILE, ROW
from perfml.evidence.tables.secrets import without_secrets

SMALL = 1 << 24
"""Bytes of a text file up to which its rows are numbered: DuckDB reads such a file in one thread anyway."""


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as it is stored: ``relation`` is SQL to select from, ``columns`` maps its names to DuckDB types."""

    name: str
    where: str
    relation: str
    columns: Mapping[str, str]
    is_text: bool
    """Every value is text (CSV), so it is worth parsing only once."""
    row: str | None = None
    """SQL over ``raw``: the number of the row in its file, where rows are numbered."""
    file: str | None = None
    """SQL over ``raw``: the file it stands in, where there are several."""
    parquet: str | None = None
    """The one Parquet file of which ``relation`` gives the rows as they are."""
    unlisted: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL over ``raw``: the value that its mapping does not list, else null."""
    dataset: Dataset | None = None
    """The files of a table of many files, read as they stand."""


Origin: TypeAlias = Dataset | Mapping[str, Path] | None
"""Where a table lies: the files of one table, or files by name; None where it lies in a server's database."""


class Export(Protocol):
    """An opened source of tables."""

    where: str
    """How errors call it."""

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that can be read, by their path below the source; none on a database."""

    @property
    def names(self) -> Sequence[str]:
        """Files, sheets or stored tables that may hold a table, as people see them."""

    def table(self, name: str) -> RawTable | None:
        """The table stored under its own name, if there is one. Raises :class:`DataError` where it cannot be read."""

    @property
    def folders(self) -> Sequence[str]:
        """Folders that are one table each, by their path below the source."""

    def dataset(self, name: str) -> Dataset | None:
        """The Parquet files below the folder ``name``, if there is one. Raises :class:`DataError`."""

    def origin(self, name: str) -> Origin:
        """The files that :meth:`table` reads for ``name``, without reading them. Raises :class:`DataError`."""

    def query(self, name: str, sql: str) -> str:
        """The relation with the rows of a SELECT. Raises :class:`DataError` where it cannot be run."""


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def parquet_sql(path: Path) -> str:
    """SQL that reads one Parquet file."""
    return f"read_parquet({literal(glob.escape(str(path)))}, union_by_name = true)"


def csv_sql(path: Path) -> str:
    """SQL that reads a UTF-8 file by the names in its header. Nothing is guessed from a sample of its rows: such a guess breaks
    on the first quote after the sample, and takes a row that begins with # for a comment.

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
    return strict_csv(path, names, delimiter=separator)


def strict_csv(path: Path, names: list[str], *, delimiter: str) -> str:
    """SQL that reads a UTF-8 file below its header row, each column as text under its name."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    dialect = f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', comment = '', strict_mode = true, encoding = 'utf-8'"
    return f"read_csv({literal(glob.escape(str(path)))}, auto_detect = false, header = true, columns = {{{columns}}}, {dialect})"


def numbered(relation: str) -> str:
    """``relation``, a small text file, with :data:`~perfml.evidence.tables.cells.ROW`; its header is row 1."""
    return f"(select *, row_number() over () + 1 as {quoted(ROW)} from {relation})"


def unreadable(where: str | Path, error: Exception) -> DataError:
    """The reader's own words, cut to what a person can use: the line, and what is wrong with it."""
    lines = [line.strip() for line in without_secrets(str(error)).splitlines() if line.strip()]
    lines = lines or [type(error).__name__]
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
    remedy = "export it again, as UTF-8 and whole"
    if isinstance(error, UnicodeDecodeError) or lines[0].partition(": ")[2].startswith("Invalid unicode"):
        remedy = "export it again as UTF-8, or say its encoding in `sources/` (`perfml map` proposes it)"
    return DataError(f"cannot be read ({lines[0][:300]})", where=str(where), remedy=remedy)


def described(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column -> DuckDB type of what ``relation`` gives. Raises :class:`duckdb.Error`."""
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows if str(row[0]) not in (ROW, FILE)}

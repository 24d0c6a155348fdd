"""What a file of ``sources/`` may contain: how one export of a company becomes rows of one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.errors import DefinitionError, choose_from
from perfml.project.spec import Spec
from perfml.project.table_spec import TableSpec

Cell = str | int | float
"""A value that a definition writes into a column."""
Names = Annotated[tuple[str, ...], Field(min_length=1)]
EXCEL = "excel"
"""The date format of serial numbers: days since 1899-12-30."""


class ColumnMapping(Spec):
    """Where the values of one column come from: exactly one of ``column``, ``join`` and ``constant``.

    ``employee_id = "工号"`` is short for ``employee_id = { column = "工号" }``.
    """

    column: str | None = None
    """The column of the export that it is read from."""
    join: Names | None = None
    """Columns of the export whose values, put together with ``-``, make the value: an id made from others."""
    constant: Cell | None = None
    """One value for every row."""
    values: Mapping[str, Cell] = {}
    """Value in the export -> value of the table. A value that is not listed is quarantined."""
    format: str | tuple[str, ...] = ()
    """How dates are written: ``%d/%m/%Y``, ``%Y年%m月%d日``, or ``excel`` for serial numbers; a list is tried in its order.
    ISO dates (2024-03-31) are read beside it."""
    last_day_of: Literal["month", "quarter", "half", "year"] | None = None
    """Move the date to the last day of the period it lies in: what is measured over March is known when March ends."""
    units: Mapping[Annotated[str, Field(min_length=1)], float] = {}
    """Unit behind a number in the cells -> what the number is multiplied by: ``{ "小时" = 1, "分钟" = 0.016666666666666666 }``.
    A number without a unit is read as it is; one with a unit that is not listed is quarantined."""
    width: Annotated[int, Field(ge=1, le=64)] | None = None
    """Fill a shorter value with zeros on its left up to this many characters: an id whose zeros a spreadsheet removed."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {"column": raw} if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if sum(origin is not None for origin in (self.column, self.join, self.constant)) != 1:
            raise ValueError("name exactly one of column, join and constant")
        return self

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats as a tuple."""
        return (self.format,) if isinstance(self.format, str) else self.format

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the export that it needs."""
        return self.join or ((self.column,) if self.column is not None else ())


class Unpivot(Spec):
    """A wide export, one column a measure or a month, becomes one row for each of these columns that has a value.

    It adds two columns to those of the export, ``label`` and ``value``, which ``[columns]`` may read like the others.
    """

    columns: Annotated[Mapping[str, Cell], Field(min_length=1)]
    """Column of the export -> its label: ``{ "加班小时" = "overtime_hours" }``."""
    label: str = "kind"
    """The column that holds the label; a column of the table with this name is read from it."""
    value: str = "value"
    """The column that holds the value; a column of the table with this name is read from it."""


class MappingSpec(Spec):
    """``sources/<name>.toml``: one file, sheet or query of an export, and which of its columns is which.

    Several files may make rows of one table. A table that no file maps is read under its own name, as ever.
    """

    table: str
    """The table whose rows it makes; default: the name of the definition file."""
    file: str | None = None
    """The file below the data source; with ``*`` every file that matches; a folder of Parquet files, which are one table; or a
    table in a lake: ``s3://bucket/folder``, ``delta:`` with a folder or an ``s3://`` address, or
    ``iceberg:CATALOGUE.NAMESPACE.TABLE``."""
    query: str | None = None
    """On a database: the SELECT whose rows are read."""
    sheet: str | None = None
    """The sheet of a workbook; with ``*`` every sheet that matches; default: the first."""
    encoding: str | None = None
    """Of a text file: ``utf-8``, ``gb18030``, ``utf-16`` …; default: as recognised."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Of a text file: what stands between two values; default: as recognised."""
    header_row: Annotated[int, Field(ge=1)] = 1
    """The row with the names of the columns, counted from 1; what stands above it is ignored."""
    header_rows: Annotated[int, Field(ge=1, le=5)] = 1
    """How many rows the header takes: of merged cells above several columns, names are put together (绩效 2023)."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers; the other one, spaces and apostrophes separate thousands."""
    rows_with: tuple[str, ...] = ()
    """Columns of the export without whose values a row is none of this table: only people with a 离职日期 are exits."""
    fill_down: tuple[str, ...] = ()
    """Columns of the export in which an empty cell means the value above it, as after merged cells were saved as CSV. Cells
    that a workbook still holds as merged need no entry."""
    columns: Mapping[str, ColumnMapping] = {}
    """Column of the table -> where it comes from; without entries, columns are read under their own names."""
    unpivot: Unpivot | None = None
    """Turn columns into rows."""

    @model_validator(mode="after")
    def _one_origin(self) -> MappingSpec:
        if (self.file is None) == (self.query is None):
            raise ValueError("name a file or, on a database, a query")
        return self

    def require_columns(self, tables: Mapping[str, TableSpec], *, file: str) -> None:
        """Raise :class:`DefinitionError` where the table, or a column of it, is not declared."""
        if self.table not in tables:
            raise DefinitionError(
                f"makes {self.table!r}, which is no table",
                where=file,
                remedy=choose_from(tables, instead_of=self.table),
            )
        known = tables[self.table].columns
        for column in self.columns:
            if column not in known:
                raise DefinitionError(
                    f"{column!r} is no column of {self.table}",
                    where=f"{file} [columns]",
                    remedy=choose_from(known, instead_of=column),
                )

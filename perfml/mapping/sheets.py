"""The sheets of an export: every file, worksheet and database table in it, with its header and its first rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from perfml.errors import DataError
from perfml.evidence.exports.opening import open_export
from perfml.evidence.lake.dataset_table import dataset_table
from perfml.evidence.tables.cells import FILE, PARQUET, ROW, WORKBOOKS, CellValue, read_cells, read_rows, sheet_names
from perfml.evidence.tables.reading import Export, quoted
from perfml.evidence.tables.text_files import delimiter_of, encoding_of

ROWS = 20_000
"""Rows of a sheet that are looked at."""
GROUPED = 0.6
"""Share of the rows with a value up to which the first column of text names groups of rows."""
TOP = 15
"""Rows among which the header is looked for."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table of an export as it stands there."""

    file: str | None = None
    """Below the data source; ``*`` stands for what differs between files of the same columns."""
    query: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int = 1
    header_rows: int = 1
    fill_down: tuple[str, ...] = ()
    """Columns whose empty cells have been filled with the value above."""
    title: str
    """What it is called: file and worksheet, or the table of a database."""
    cells: pa.Table
    """Its columns and first rows."""

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.cells.column_names)


def sheets_of(source: str | Path) -> tuple[list[Sheet], list[DataError]]:
    """Every sheet of ``source`` (a folder, one file, a DuckDB file, an ``s3://`` or ``postgresql://`` address), and what could
    not be read.

    Raises :class:`DataError` where there is nothing to read.
    """
    sheets: list[Sheet] = []
    errors: list[DataError] = []
    connection = duckdb.connect()
    try:
        with open_export(connection, source) as export:
            for file, path in export.files.items():
                try:
                    sheets += [sheet for sheet in _sheets_of_file(file, path) if sheet.cells.num_columns > 1]
                except DataError as error:
                    errors.append(error)
            for folder in export.folders:
                try:
                    sheets += _dataset(connection, export, folder)
                except DataError as error:
                    errors.append(error)
            if not export.files and not export.folders:
                sheets += [_stored(connection, export, name) for name in export.names]
            where = export.where
    finally:
        connection.close()
    if not sheets and not errors:
        raise DataError("holds nothing to read", where=where, remedy="expected .csv, .xlsx or .parquet files")
    return _joined(sheets), errors


def _stored(connection: duckdb.DuckDBPyConnection, export: Export, name: str) -> Sheet:
    """A table of a database."""
    query = f"select * from {quoted(name)}"
    relation = export.query(name, f"{query} limit {ROWS}")
    return Sheet(query=query, title=name, cells=connection.sql(f"from {relation}").to_arrow_table())


def _dataset(connection: duckdb.DuckDBPyConnection, export: Export, folder: str) -> list[Sheet]:
    """A folder of Parquet files that is one table."""
    dataset = export.dataset(folder)
    if dataset is None:
        return []
    table = dataset_table(connection, folder, dataset)
    dates = [name for name, kind in table.columns.items() if kind.startswith(("DATE", "TIMESTAMP"))]
    repeated = [name for name in dates if name in dataset.keys] if set(dates) - set(dataset.keys) else []
    left_out = ", ".join(map(quoted, [ROW, FILE, *repeated]))  # the day of a folder, where the rows have their own
    cells = connection.sql(f"select * exclude ({left_out}) from {table.relation} limit {ROWS}")
    return [Sheet(file=folder, title=Path(folder).stem, cells=cells.to_arrow_table())]


def _sheets_of_file(file: str, path: Path) -> Iterator[Sheet]:
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        yield Sheet(file=file, title=path.stem, cells=_without_row(read_cells(path, limit=ROWS)))
    elif suffix in WORKBOOKS:
        names = sheet_names(path)
        for name in names:
            # A sheet called "Sheet1" says nothing, the name of its file does.
            title = f"{path.stem} {name}" if len(names) == 1 else name
            yield from _with_header(Sheet(file=file, sheet=name, title=title, cells=pa.table({})), path)
    else:
        encoding = encoding_of(path)
        delimiter = delimiter_of(path, encoding)
        described = Sheet(file=file, title=path.stem, encoding=encoding, delimiter=delimiter, cells=pa.table({}))
        yield from _with_header(described, path)


def _with_header(sheet: Sheet, path: Path) -> Iterator[Sheet]:
    """The sheet with its header and cells; nothing where it is empty."""
    options = {"sheet": sheet.sheet, "encoding": sheet.encoding, "delimiter": sheet.delimiter}
    top = read_rows(path, limit=TOP + 1, **options)
    if not any(cell is not None for row in top for cell in row):
        return
    first, count = header_of(top)
    cells = _without_row(read_cells(path, header_row=first, header_rows=count, limit=ROWS, **options))
    down = () if sheet.sheet else groups_of(cells)
    for name in down:
        cells = cells.set_column(cells.column_names.index(name), name, pc.fill_null_forward(cells[name]))
    yield replace(sheet, header_row=first, header_rows=count, cells=cells, fill_down=down)


def groups_of(cells: pa.Table) -> tuple[str, ...]:
    """The first columns of a text that are empty where the rows go on with the group above, as merged cells are saved as CSV:
    they begin with a value, are mostly empty, and all in the same rows.

    >>> groups_of(pa.table({"工号": ["1", None, None], "姓名": ["李娜", None, None], "得分": ["3", "4", None]}))
    ('工号', '姓名')
    """
    empty = [column.is_null() for column in cells.columns]
    if cells.num_rows < 2 or empty[0][0].as_py():
        return ()
    if not 1 - GROUPED <= pc.mean(empty[0].cast(pa.float64())).as_py() < 1:
        return ()
    last = next((number for number, gaps in enumerate(empty) if not gaps.equals(empty[0])), 0)
    return tuple(cells.column_names[:last])


def header_of(rows: list[list[CellValue]]) -> tuple[int, int]:
    """The first row of the header, counted from 1, and how many rows it takes.

    The header is the first row that names nearly all columns in different words. It takes two rows where cells of the first
    are merged over several columns, and the second names them apart.

    >>> header_of([["员工花名册"] * 3, ["工号", "姓名", "部门"], ["1", "李娜", "销售"]])
    (2, 1)
    """
    width = max((sum(cell is not None for cell in row) for row in rows), default=0)
    for index, row in enumerate(rows[:TOP]):
        texts = [cell for cell in row if cell is not None]
        if len(texts) < max(2, 0.6 * width) or not all(_is_name(cell) for cell in texts) or len(set(texts)) < 2:
            continue
        below = rows[index + 1] if index + 1 < len(rows) else []
        repeated = len(set(texts)) < len(texts)
        if repeated and below and _names_apart(row, below):
            return index + 1, 2
        if len(set(texts)) >= 0.6 * len(texts):
            return index + 1, 1
    return 1, 1


def _is_name(cell: CellValue) -> bool:
    """Whether a cell can name a column: text that is neither a number nor a date."""
    return isinstance(cell, str) and not re.fullmatch(r"[\d\s.,:/%年月日-]+", cell)


def _names_apart(row: list[CellValue], below: list[CellValue]) -> bool:
    pairs = [(above, cell) for above, cell in zip(row, below, strict=False) if above is not None]
    return all(_is_name(cell) for _, cell in pairs if cell is not None) and len(set(pairs)) == len(pairs)


def _without_row(cells: pa.Table) -> pa.Table:
    return cells.drop_columns([ROW]) if ROW in cells.column_names else cells


def _joined(sheets: list[Sheet]) -> list[Sheet]:
    """Files, or sheets of one workbook, that differ only in the number in their name (绩效2023, 绩效2024) become one sheet."""
    groups: dict[tuple[object, ...], list[Sheet]] = {}
    for sheet in sheets:
        names = (sheet.query, _numberless(sheet.file or ""), _numberless(sheet.sheet or ""))
        shape = (sheet.header_row, sheet.header_rows, sheet.encoding, sheet.delimiter, *sheet.columns)
        groups.setdefault((*names, *shape), []).append(sheet)
    return [sheet for group in groups.values() for sheet in _one_of(group, sheets)]


def _one_of(group: list[Sheet], sheets: list[Sheet]) -> list[Sheet]:
    """The group as one sheet; as it is where the pattern of its names fits another sheet as well."""
    file = _common([sheet.file or "" for sheet in group])
    page = _common([sheet.sheet or "" for sheet in group])
    fitting = [s for s in sheets if fnmatchcase(s.file or "", file) and fnmatchcase(s.sheet or "", page)]
    if len(group) == 1 or len(fitting) > len(group):
        return group
    cells = pa.concat_tables(_alike([sheet.cells for sheet in group]))
    return [replace(group[0], file=file, sheet=page or None, cells=cells)]


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    """The tables with the same type in each column: text where they differ."""
    kinds = [{table.schema.field(name).type for table in tables} for name in tables[0].column_names]
    same = [next(iter(kind)) if len(kind) == 1 else pa.string() for kind in kinds]
    schema = pa.schema(list(zip(tables[0].column_names, same, strict=True)))
    return [table.cast(schema) for table in tables]


def _numberless(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def _common(names: list[str]) -> str:
    """The one name, or a pattern that fits all."""
    return names[0] if len(set(names)) == 1 else _numberless(names[0])

"""The cells of one file as people export it: text in any encoding, a workbook, Parquet.

Nothing is interpreted that the file does not say: text stays text, with the zeros of its ids, and a cell that begins with
``=`` is text too. Spreadsheets say which cells are dates and numbers, so their columns keep these types.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from perfml.errors import DataError, choose_from
from perfml.evidence.tables.text_files import text_rows

TEXT = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
PARQUET = (".parquet",)
READABLE = TEXT + WORKBOOKS + PARQUET
"""Endings of the files that can be read."""

ROW = "row in the file"
"""The column of :func:`read_cells` with the number of the row, counted as a spreadsheet shows it."""
FILE = "file it stands in"
"""The column of a table of several files with the name of the file."""
ROWS_AT_ONCE = 50_000
"""Rows of text held as Python objects."""
CellValue = str | int | float | bool | dt.date | dt.time | dt.timedelta | None
csv.field_size_limit(1 << 24)


def sheet_names(path: Path) -> list[str]:
    """The sheets of a workbook, in order. Raises :class:`DataError` where it cannot be read."""
    return list(_workbook(path).sheet_names)


def read_rows(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    limit: int | None = None,
) -> list[list[CellValue]]:
    """The rows of a text file or of one sheet (default: the first), the first ``limit`` of them; an empty cell is None.

    The first row of the file is the first of the list, so that ``header_row`` counts rows as a spreadsheet shows them.
    A merged cell has its value in each column it spans. Raises :class:`DataError` where the file cannot be read.
    """
    if path.suffix.lower() in WORKBOOKS:
        return _sheet_rows(path, sheet, limit)
    lines = islice(text_rows(path, encoding=encoding, delimiter=delimiter), limit)
    return [[cell if cell.strip() else None for cell in row] for row in lines]


def read_cells(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_row: int = 1,
    header_rows: int = 1,
    limit: int | None = None,
) -> pa.Table:
    """The columns of one file under the names of its header; rows without any value are left out.

    A column of a spreadsheet is int64, double, date32, timestamp or bool where all its cells are; everything else is text.
    ``limit``: read so many rows below the header. The column ``ROW`` counts rows as a spreadsheet shows them.
    Raises :class:`DataError`: not readable, no header, a row with more values than the header has names.
    """
    if path.suffix.lower() in PARQUET:
        return _parquet(path, limit)
    last = header_row + header_rows - 1
    where = f"{path} [{sheet}]" if sheet else str(path)
    if path.suffix.lower() in WORKBOOKS:
        rows = _sheet_rows(path, sheet, None if limit is None else last + limit)
        width = max(map(len, rows), default=0)  # a note beside a table shifts nothing
        names = _names(rows[header_row - 1 : last], header_row, width=width, where=where)
        numbers = [number for number, row in enumerate(rows[last:], last + 1) if any(cell is not None for cell in row)]
        filled = [rows[number - 1] for number in numbers]
        columns = [_column(values) for values in zip(*filled, strict=True)]
        return _table(columns, numbers, names)
    lines: Iterator[tuple[int, list[str]]] = enumerate(text_rows(path, encoding=encoding, delimiter=delimiter), 1)
    header = [[cell if cell.strip() else None for cell in row] for _, row in islice(lines, last)]
    names = _names(header[header_row - 1 :], header_row, where=where)
    lines = islice(lines, limit)
    tables = []
    while part := list(islice(lines, ROWS_AT_ONCE)):
        tables.append(_text_table(part, names, where=where))
    return pa.concat_tables(tables) if tables else _table([], [], names)


def _names(rows: Sequence[Sequence[CellValue]], header_row: int, *, width: int = 0, where: str) -> list[str]:
    names = header_names(rows, width=width)
    if not names:
        raise DataError(
            f"row {header_row} holds no names of columns",
            where=where,
            remedy="name the header_row, counted from 1, in its file of sources/",
        )
    return names


def _text_table(lines: Sequence[tuple[int, list[str]]], names: Sequence[str], *, where: str) -> pa.Table:
    width = len(names)
    numbers: list[int] = []
    cells: list[list[str]] = []
    for number, row in lines:
        if len(row) != width:
            if any(cell.strip() for cell in row[width:]):
                raise DataError(
                    f"row {number} has {len(row)} values and the header {width} names",
                    where=where,
                    remedy="see whether the delimiter and the header_row are the right ones",
                )
            row = [*row[:width], *[""] * (width - len(row))]
        if any(row):
            numbers.append(number)
            cells.append(row)
    columns = [pa.array(values, pa.string()) for values in zip(*cells, strict=True)]
    empty = [pc.equal(pc.utf8_trim_whitespace(values), "") for values in columns]
    columns = [pc.if_else(gap, None, values) for gap, values in zip(empty, columns, strict=True)]
    table = _table(columns, numbers, names)
    return table.filter(pc.invert(reduce(pc.and_, empty))) if cells else table


def _table(columns: Sequence[pa.Array], numbers: Sequence[int], names: Sequence[str]) -> pa.Table:
    known = columns or [pa.array([], pa.string())] * len(names)
    return pa.Table.from_arrays([*known, pa.array(numbers, pa.int64())], names=[*names, ROW])


def header_names(rows: Sequence[Sequence[CellValue]], *, width: int = 0) -> list[str]:
    """The names of the columns from the rows of a header: white space is tidied, names of several rows are put together.

    A column without a name is called ``column 3``, one whose name stood before ``工号 (2)``. There are as many columns as
    names, or ``width`` where that is more.

    >>> header_names([["工号", "绩效", "绩效", None], [None, "2023", "2024", None]])
    ['工号', '绩效 2023', '绩效 2024']
    """
    named = max((i + 1 for row in rows for i, cell in enumerate(row) if cell is not None), default=0)
    width = max(named, width) if named else 0
    names: list[str] = []
    for column in range(width):
        parts = [as_text(row[column]) for row in rows if column < len(row) and row[column] is not None]
        name = " ".join(" ".join(dict.fromkeys(part for part in parts if part)).split()) or f"column {column + 1}"
        copy = 1
        while (name if copy == 1 else f"{name} ({copy})") in names:
            copy += 1
        names.append(name if copy == 1 else f"{name} ({copy})")
    return names


def as_text(value: CellValue) -> str | None:
    """A cell as text: whole numbers without ``.0``, dates in ISO.

    >>> as_text(1001.0), as_text(dt.datetime(2024, 3, 31)), as_text(0.5)
    ('1001', '2024-03-31', '0.5')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time.min:
        return value.date().isoformat()
    return str(value)


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError) as error:
        raise DataError(
            f"cannot be read as a workbook ({str(error)[:200]})",
            where=str(path),
            remedy="save it again as .xlsx, without a password, or export it as CSV",
        ) from None


def _sheet_rows(path: Path, sheet: str | None, limit: int | None) -> list[list[CellValue]]:
    workbook = _workbook(path)
    names = workbook.sheet_names
    if not names:
        raise DataError("has no sheets", where=str(path), remedy="save it again")
    if sheet is not None and sheet not in names:
        raise DataError(f"has no sheet {sheet!r}", where=str(path), remedy=choose_from(names, instead_of=sheet))
    try:
        pages = workbook.get_sheet_by_name(sheet or names[0])
        merged = pages.merged_cell_ranges or []
        rows = [[_cell(value) for value in row] for row in pages.to_python(skip_empty_area=False, nrows=limit)]
    except CalamineError as error:
        raise DataError(f"cannot be read ({str(error)[:200]})", where=str(path), remedy="save it again") from None
    for (top, left), (bottom, right) in merged:
        if top < len(rows) and left < len(rows[top]):
            for row in rows[top : bottom + 1]:
                row[left : right + 1] = [rows[top][left]] * len(row[left : right + 1])
    return rows


def _cell(value: object) -> CellValue:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value if isinstance(value, int | float | bool | dt.date | dt.time | dt.timedelta) else None


def _column(values: Iterable[CellValue]) -> pa.Array:
    cells = list(values)
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds == {int}:
        return pa.array(cells, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([float(cell) if isinstance(cell, int | float) else None for cell in cells], pa.float64())
    if kinds == {dt.date}:
        return pa.array(cells, pa.date32())
    if kinds and kinds <= {dt.date, dt.datetime}:
        moments = [dt.datetime(cell.year, cell.month, cell.day) if type(cell) is dt.date else cell for cell in cells]
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([as_text(cell) for cell in cells], pa.string())


def _parquet(path: Path, limit: int | None) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"cannot be read ({str(error).splitlines()[0][:200]})", where=str(path), remedy="export it again, whole"
        ) from None
    return table.append_column(ROW, pa.array(range(1, table.num_rows + 1), pa.int64())).slice(0, limit)

"""An empty export to fill in: a workbook and CSV files with the contract's names, an example row, and what each column says."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import xlsxwriter

from perfml.errors import PerfmlError
from perfml.harmless import cell
from perfml.project.table_spec import ColumnType, TableSpec

WORKBOOK = "perfml.xlsx"
GUIDE = "说明 read me"
HEADINGS = ("table 表", "column 列", "type 类型", "required 必填", "meaning", "含义", "example 示例")
NOTES = (
    "One sheet a table; only employees and one of events and reviews are needed. Delete sheets that you have no data for.",
    "每张表一个工作表；只有 employees 以及 events 或 reviews 之一是必需的。没有数据的工作表请删除。",
    "Row 2 of each sheet is an example: replace it. An empty cell is a gap, never a zero. Dates: 2024-12-31.",
    "每个工作表的第 2 行是示例，请替换。空单元格表示没有数据，不是零。日期写作 2024-12-31。",
)
WIDTH, WIDE = 16, 48
"""Widths of columns, in characters."""


def write_template(tables: Mapping[str, TableSpec], folder: Path) -> list[Path]:
    """Write the workbook and, below ``csv``, one file a table into ``folder``; return the files.

    Raises :class:`PerfmlError` where a file would be overwritten.
    """
    workbook = folder / WORKBOOK
    files = {name: folder / "csv" / f"{name}.csv" for name in tables}
    for path in (workbook, *files.values()):
        if path.exists():
            raise PerfmlError("already exists", where=str(path), remedy="choose another folder; nothing was written")
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    _write_workbook(tables, workbook)
    for name, path in files.items():
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(tables[name].columns)
            writer.writerow(_example(column) for column in tables[name].columns.values())
    return [workbook, *files.values()]


def _example(column: ColumnType) -> str | int | float:
    example = "" if column.example is None else column.example
    return cell(example) if isinstance(example, str) else example


def _write_workbook(tables: Mapping[str, TableSpec], path: Path) -> None:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
        needed = book.add_format({"bold": True, "bg_color": "#FCE4D6"})
        grey = book.add_format({"italic": True, "font_color": "#7F7F7F"})
        guide = book.add_worksheet(GUIDE)
        guide.set_column(0, len(HEADINGS) - 1, WIDTH)
        guide.set_column(4, 5, WIDE)
        for row, note in enumerate(NOTES):
            guide.write_string(row, 0, note)
        guide.write_row(len(NOTES) + 1, 0, HEADINGS, bold)
        row = len(NOTES) + 2
        for name, table in tables.items():
            for column, kind in table.columns.items():
                required = "yes 是" if kind.required else ""
                meaning = (name, column, kind.type, required, kind.en, kind.zh, _example(kind))
                guide.write_row(row, 0, meaning)
                row += 1
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(table.columns) - 1, WIDTH)
            for index, (column, kind) in enumerate(table.columns.items()):
                sheet.write_string(0, index, column, needed if kind.required else bold)
                sheet.write_comment(0, index, f"{kind.en}\n{kind.zh}")
                sheet.write(1, index, _example(kind), grey)

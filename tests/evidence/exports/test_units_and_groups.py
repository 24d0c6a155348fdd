"""Numbers with units in their cells, and cells that stand for several rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from perfml.errors import DataError
from tests.evidence.exports.test_mapped import company, read
from tests.tables import nothing_lost, quarantined, usable_rows

LOG = """
    table = "events"
    file = "加班.csv"
    {top}
    [columns]
    employee_id = "工号"
    happened_at = "日期"
    kind = {{ constant = "overtime" }}
    value = {{ column = "时长", units = {{ "小时" = 1, "h" = 1, "分钟" = 0.5 }} }}
"""


def log(folder: Path, *rows: str) -> None:
    (company(folder) / "加班.csv").write_text("\n".join(("工号,日期,时长", *rows)), encoding="utf-8")


def values(folder: Path, *, top: str = "") -> list[tuple[str, float]]:
    with read(folder, overtime=LOG.format(top=top), strict=True) as data:
        rows = data.connection.execute(
            "select employee_id, value from events where kind = 'overtime' order by all"
        ).fetchall()
        nothing_lost(data)
        return rows


@pytest.mark.slow
def test_units_are_read(tmp_path: Path) -> None:
    log(tmp_path, *(f"00123,2024-01-02,{cell}" for cell in ("12小时", "3.5 h", "90分钟", '"1,200 H"', "7")))
    assert [value for _, value in values(tmp_path)] == [3.5, 7.0, 12.0, 45.0]
    with read(tmp_path, overtime=LOG.format(top="")) as data:
        assert [row[1:3] for row in quarantined(data)] == [("wrong_type", "value")]  # 1,200 H: h is listed, H is not


def test_units_with_decimal_commas(tmp_path: Path) -> None:
    log(tmp_path, '00123,2024-01-02,"3,5 h"', '00123,2024-01-02,"1.200,5 h"')
    assert [value for _, value in values(tmp_path, top='decimal = ","')] == [3.5, 1200.5]


def test_a_unit_that_is_not_listed_is_set_aside(tmp_path: Path) -> None:
    log(tmp_path, "00123,2024-01-02,2天", "00123,2024-01-03,4小时")
    assert values(tmp_path) == [("00123", 4.0)]
    with read(tmp_path, overtime=LOG.format(top="")) as data:
        assert [row[1:3] for row in quarantined(data)] == [("wrong_type", "value")]


def test_cells_merged_down_the_rows_stand_for_all_of_them(tmp_path: Path) -> None:
    company(tmp_path)
    with xlsxwriter.Workbook(str(tmp_path / "加班.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["工号", "日期", "时长"])
        sheet.merge_range(1, 0, 2, 0, "00123")
        sheet.write_column(1, 1, ["2024-01-02", "2024-01-03", "2024-01-04"])
        sheet.write_column(1, 2, [1, 2, 3])
    with read(tmp_path, overtime=LOG.format(top="").replace("csv", "xlsx")) as data:
        rows = [row for row in usable_rows(data, "events") if "overtime" in row]
        assert [person for row in rows for person in row if person == "00123"] == ["00123"] * 2
        assert len(quarantined(data)) == 1  # the third row is of nobody: its cell is empty and not merged


@pytest.mark.slow
def test_empty_cells_take_the_value_above_where_the_mapping_says_so(tmp_path: Path) -> None:
    log(tmp_path, "00123,2024-01-02,1", ",2024-01-03,2", "00124,2024-01-02,3", " ,2024-01-03,4")
    assert values(tmp_path) == [("00123", 1.0), ("00124", 3.0)]
    filled = values(tmp_path, top='fill_down = ["工号"]')
    assert filled == [("00123", 1.0), ("00123", 2.0), ("00124", 3.0), ("00124", 4.0)]


def test_a_column_to_fill_that_is_not_there_is_named(tmp_path: Path) -> None:
    log(tmp_path, "00123,2024-01-02,1")
    with pytest.raises(DataError, match="column '工好' is missing"):
        values(tmp_path, top='fill_down = ["工好"]')


def test_rows_without_an_order_cannot_be_filled(tmp_path: Path) -> None:
    folder = company(tmp_path)
    with read(folder) as data:
        data.connection.execute(
            f"copy (select '00123' as 工号, '2024-01-02' as 日期, 1 as 时长) to '{folder}/加班.parquet'"
        )
    mapping = LOG.format(top='fill_down = ["工号"]').replace("csv", "parquet")
    with pytest.raises(DataError, match="has rows in no order; fill_down reads text files and workbooks"):
        read(folder, overtime=mapping, strict=True)

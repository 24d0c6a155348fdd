"""One file as people export it: every encoding, every delimiter, workbooks with titles and merged headers."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from perfml.errors import DataError
from perfml.evidence.tables.cells import ROW, read_cells, read_rows, sheet_names
from perfml.evidence.tables.text_files import encoding_of

STAFF = "员工导出;;\n工号;姓名;备注\n00123;张三;=1+1\n;;\n00124;李四;\n"


@pytest.mark.parametrize(
    ("encoding", "recognised"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_chinese_text_in_every_encoding(tmp_path: Path, encoding: str, recognised: str) -> None:
    path = tmp_path / "员工.csv"
    path.write_bytes(STAFF.encode(encoding))
    assert encoding_of(path) == recognised
    assert read_cells(path, header_row=2).to_pylist() == [
        {"工号": "00123", "姓名": "张三", "备注": "=1+1", ROW: 3},
        {"工号": "00124", "姓名": "李四", "备注": None, ROW: 5},
    ]


@pytest.mark.parametrize("text", ["Müller;Zoë\n", "Größe;Straße;naïve;São Paulo\n", "prénom;année\nÉlodie;2024\n"])
def test_western_text_is_not_taken_for_chinese(tmp_path: Path, text: str) -> None:
    path = tmp_path / "staff.csv"
    path.write_bytes(text.encode("cp1252"))
    assert read_rows(path)[0] == text.splitlines()[0].split(";")


def test_a_wrong_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "员工.csv"
    path.write_bytes("id,name\n1,x\n2,张三\n".encode("gbk"))
    with pytest.raises(DataError, match=r"员工.csv: line 3 is not utf-8; name its encoding"):
        read_cells(path, encoding="utf-8")
    with pytest.raises(DataError, match="'utf-9' is no encoding"):
        read_cells(path, encoding="utf-9")


def test_more_values_than_names_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n1,2,,\n1,2,3\n")
    with pytest.raises(DataError, match="row 4 has 3 values and the header 2 names"):
        read_cells(path)


def test_a_workbook_keeps_types_zeros_and_merged_headers(tmp_path: Path) -> None:
    path = tmp_path / "绩效.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("说明").write(0, 0, "read me")
        sheet, day = book.add_worksheet("绩效"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.merge_range(0, 0, 0, 4, "绩效表")
        sheet.merge_range(2, 0, 3, 0, "工号")
        sheet.merge_range(2, 1, 2, 2, "绩效")
        sheet.write_row(3, 1, ["2023", "2024"])
        sheet.write_row(2, 3, ["入职\n日期", "上级"])
        for row, code, boss in ((4, "00123", 1001), (5, "00124", 1002.0)):
            sheet.write_string(row, 0, code)
            sheet.write_row(row, 1, ["A", 3.5])
            sheet.write_datetime(row, 3, dt.datetime(2020, 1, row), day)
            sheet.write_number(row, 4, boss)
        sheet.write(5, 5, "a note beside the table")
    assert sheet_names(path) == ["说明", "绩效"]
    cells = read_cells(path, sheet="绩效", header_row=3, header_rows=2)
    assert [str(kind) for kind in cells.schema.types] == [
        "string",
        "string",
        "double",
        "date32[day]",
        "int64",
        "string",
        "int64",
    ]
    assert cells.to_pylist()[1] == {
        "工号": "00124",
        "绩效 2023": "A",
        "绩效 2024": 3.5,
        "入职 日期": dt.date(2020, 1, 5),
        "上级": 1002,
        "column 6": "a note beside the table",
        ROW: 6,
    }
    with pytest.raises(DataError, match="has no sheet '绩效表'; did you mean '绩效'"):
        read_cells(path, sheet="绩效表")


def test_a_damaged_workbook_is_refused_in_words_about_it(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"a.xlsx: cannot be read as a workbook"):
        read_cells(path)


def test_parquet_is_as_it_is(tmp_path: Path) -> None:
    pq.write_table(pa.table({"工号": ["01", "02"]}), tmp_path / "a.parquet")
    assert read_cells(tmp_path / "a.parquet", limit=1).to_pylist() == [{"工号": "01", ROW: 1}]

"""Exports as companies have them, read by a mapping: what each key does, and every way in which it cannot be read."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from perfml.errors import DataError
from perfml.evidence.sources import Data, open_data
from perfml.project.mapping_spec import MappingSpec
from perfml.project.spec import parse
from tests.tables import TODAY, nothing_lost, quarantined, shipped, usable_rows, write_tables

PEOPLE = "employee_id | hired_on\n00123 | 2020-01-01\n00124 | 2020-01-01"
LOG = "employee_id | happened_at | kind\n00123 | 2024-01-01 | login"


def read(source: Path, *, strict: bool = False, **sources: str) -> Data:
    """The tables of ``source`` as the files of ``sources/`` say, each given as TOML."""
    mappings = {
        name: parse(MappingSpec, {"table": name, **tomllib.loads(text)}, file=f"sources/{name}.toml")
        for name, text in sources.items()
    }
    return open_data(source, shipped().tables, mappings=mappings, today=TODAY, strict=strict)


def company(folder: Path) -> Path:
    return write_tables(folder, employees=PEOPLE, events=LOG)


def test_letters_dates_ids_and_an_encoding(tmp_path: Path) -> None:
    text = (
        "考核表 2024\n工号;周期;结束日期;考核日期;等级\n"
        "123;2024H1;30.06.2024;15.07.2024;优\n124;2024H1;30.06.2024;2024-07-16;差\n"
    )
    (company(tmp_path) / "绩效.csv").write_bytes(text.encode("gb18030"))
    mapping = """
        file = "绩效.csv"
        header_row = 2
        [columns]
        employee_id = { column = "工号", width = 5 }
        review_id = { join = ["工号", "周期"] }
        period_end = { column = "结束日期", format = "%d.%m.%Y" }
        reviewed_on = { column = "考核日期", format = "%d.%m.%Y" }
        rating = { column = "等级", values = { "优" = 5, "良" = 4, "中" = 3, "差" = 2 } }
    """
    with read(tmp_path, reviews=mapping, strict=True) as data:
        assert usable_rows(data, "reviews") == [
            ("123-2024H1", "00123", dt.date(2024, 6, 30), dt.date(2024, 7, 15), 5.0),
            ("124-2024H1", "00124", dt.date(2024, 6, 30), dt.date(2024, 7, 16), 2.0),
        ]
        assert data.rows_read["employees"] == 2 and quarantined(data) == []
        nothing_lost(data)


def test_several_sheets_and_files_make_one_table(tmp_path: Path) -> None:
    company(tmp_path)
    for year in (2023, 2024):
        with xlsxwriter.Workbook(str(tmp_path / f"绩效{year}.xlsx")) as book:
            for half in (1, 2):
                sheet = book.add_worksheet(f"上半年{half}")
                sheet.write_row(0, 0, ["工号", "结束", "得分"])
                sheet.write_row(1, 0, ["00123", f"{year}-{half * 6:02d}-01", 3.5 if half == 1 else "4"])
    mapping = """
        file = "绩效*.xlsx"
        sheet = "上半年*"
        [columns]
        employee_id = "工号"
        review_id = { join = ["工号", "结束"] }
        period_end = { column = "结束", last_day_of = "half" }
        reviewed_on = { column = "结束", last_day_of = "quarter" }
        rating = "得分"
    """
    with read(tmp_path, reviews=mapping, strict=True) as data:
        assert [(row[2], row[3], row[4]) for row in usable_rows(data, "reviews")] == [
            (dt.date(2023, 6, 30), dt.date(2023, 6, 30), 3.5),
            (dt.date(2023, 12, 31), dt.date(2023, 12, 31), 4.0),
            (dt.date(2024, 6, 30), dt.date(2024, 6, 30), 3.5),
            (dt.date(2024, 12, 31), dt.date(2024, 12, 31), 4.0),
        ]


def test_a_wide_log_becomes_one_row_a_measure(tmp_path: Path) -> None:
    (write_tables(tmp_path, employees=PEOPLE) / "log.csv").write_text(
        "工号;月份;加班小时;登录次数\n00123;2024年2月;1.234,5;20\n00124;2024年2月;;3\n", encoding="utf-8-sig"
    )
    mapping = """
        file = "log.csv"
        decimal = ","
        [columns]
        employee_id = "工号"
        happened_at = { column = "月份", format = "%Y年%m月", last_day_of = "month" }
        source = { constant = "attendance" }
        [unpivot]
        columns = { "加班小时" = "overtime_hours", "登录次数" = "logins" }
    """
    with read(tmp_path, events=mapping, strict=True) as data:
        day = dt.datetime(2024, 2, 29)
        assert sorted(row[:4] for row in usable_rows(data, "events")) == [
            ("00123", day, "logins", 20.0),
            ("00123", day, "overtime_hours", 1234.5),
            ("00124", day, "logins", 3.0),
        ]


@pytest.mark.slow
def test_two_tables_come_from_one_file(tmp_path: Path) -> None:
    """People who have left stand in the roster with a date of leaving."""
    text = "id,hired,left,why\n00123,43831,,\n00124,43831,45000,辞退\n"
    (write_tables(tmp_path, events=LOG) / "roster.csv").write_text(text, encoding="utf-8")
    employees = 'file = "roster.csv"\n[columns]\nemployee_id = "id"\nhired_on = { column = "hired", format = "excel" }'
    exits = """
        file = "roster.csv"
        rows_with = ["left"]
        [columns]
        employee_id = "id"
        exited_on = { column = "left", format = "excel" }
        kind = { column = "why", values = { "辞退" = "involuntary" } }
    """
    with read(tmp_path, employees=employees, exits=exits, strict=True) as data:
        assert usable_rows(data, "employees") == [("00123", dt.date(2020, 1, 1)), ("00124", dt.date(2020, 1, 1))]
        assert usable_rows(data, "exits") == [("00124", dt.date(2023, 3, 15), "involuntary")]
        assert data.rows_read["exits"] == 1


def test_what_is_not_listed_is_set_aside_with_the_value_and_its_row(tmp_path: Path) -> None:
    text = "title\nid,end,grade\n00123,2024-06-30,A\n00123,2024-12-31,P5\n00124,31/12/2024,A\n"
    (company(tmp_path) / "grades.csv").write_text(text, encoding="utf-8")
    mapping = """
        file = "grades.csv"
        header_row = 2
        [columns]
        employee_id = "id"
        review_id = { join = ["id", "end"] }
        period_end = "end"
        reviewed_on = "end"
        rating = { column = "grade", values = { A = 5 } }
    """
    with read(tmp_path, reviews=mapping) as data:
        rows = data.connection.execute(
            "select rule, column_name, value, row_in_file from quarantine order by 4"
        ).fetchall()
        assert rows == [("unlisted_value", "rating", "P5", 4), ("wrong_type", "period_end", "31/12/2024", 5)]
        assert data.rows_read["reviews"] == 3


def test_a_number_that_is_listed_under_another_never_passes(tmp_path: Path) -> None:
    """On a scale that is turned round, a 4 that is not listed is no 4."""
    (company(tmp_path) / "grades.csv").write_text("id,end,grade\n00123,2024-06-30,1\n00123,2024-12-31,4\n")
    mapping = """
        file = "grades.csv"
        columns.employee_id = "id"
        columns.review_id = "end"
        columns.period_end = "end"
        columns.reviewed_on = "end"
        columns.rating = { column = "grade", values = { 1 = 5 } }
    """
    with read(tmp_path, reviews=mapping) as data:
        assert [row[-1] for row in usable_rows(data, "reviews")] == [5.0]


@pytest.mark.parametrize(
    ("decimal", "text", "number"),
    [
        (",", "1.234,5", 1234.5),
        (",", "1 234", 1234.0),
        (",", "0,5", 0.5),
        (",", "-3", -3.0),
        (".", "1,234.5", 1234.5),
        (".", "1'234", 1234.0),
        (".", "1,5", None),
        (".", "=1+1", None),
        (",", "5 h", None),
    ],
)
def test_numbers_in_their_form(tmp_path: Path, decimal: str, text: str, number: float | None) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    (tmp_path / "log.csv").write_text(f"id\tday\tn\n00123\t2024-01-01\t{text}\n", encoding="utf-8")
    mapping = f"""
        file = "log.csv"
        decimal = "{decimal}"
        columns = {{ employee_id = "id", happened_at = "day", kind = {{ constant = "calls" }}, value = "n" }}
    """
    with read(tmp_path, events=mapping) as data:
        values = [row[3] for row in usable_rows(data, "events")]
        assert values == ([] if number is None else [number])
        assert number is not None or [row[1:3] for row in quarantined(data)] == [("wrong_type", "value")]


def test_a_large_file_in_utf8_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfml.evidence.exports.mapped.SMALL", 0)
    (write_tables(tmp_path, employees=PEOPLE) / "log.csv").write_text(
        "工号;时间\n00123;2024-01-01\n", encoding="utf-8-sig"
    )
    mapping = """
        file = "log.csv"
        columns = { employee_id = "工号", happened_at = "时间", kind = { constant = "login" } }
    """
    with read(tmp_path, events=mapping, strict=True) as data:
        assert usable_rows(data, "events")[0][:3] == ("00123", dt.datetime(2024, 1, 1), "login")


def test_a_query_on_a_database(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "hr.duckdb")) as database:
        database.execute(
            "create schema staff; create table staff.people as select '00123' as code, date '2020-01-01' as joined"
        )
        database.execute(
            "create table events as select '00123' as employee_id, date '2024-01-01' as happened_at, 'a' as kind"
        )
    mapping = 'query = "select code as employee_id, joined as hired_on from staff.people;"'
    with read(tmp_path / "hr.duckdb", employees=mapping, strict=True) as data:
        assert usable_rows(data, "employees") == [("00123", dt.date(2020, 1, 1))] and data.has("events")
    with pytest.raises(DataError, match=r"cannot be read .*staf does not exist"):
        read(tmp_path / "hr.duckdb", employees='query = "select 1 from staf"', strict=True)
    with pytest.raises(DataError, match=r"is no database; name a file in sources/employees.toml"):
        read(company(tmp_path / "csv"), employees=mapping, strict=True)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            'file = "grade.csv"',
            r"sources/reviews.toml reads 'grade.csv', which is not there; did you mean 'grades.csv'\?",
        ),
        (
            'file = "grades.csv"\n[columns]\nrating = "Grad"\nreview_id = "x"',
            r"sources/reviews.toml of grades.csv: columns 'Grad' \(did you mean 'Grade'\?\), 'x' are missing;"
            " name others: the columns are Id, Grade",
        ),
        (
            'file = "grades.csv"\n[columns]\nrating = "Grade"',
            r"reviews.toml: columns 'review_id', 'employee_id', 'period_end', 'reviewed_on' are missing",
        ),
        (
            'file = "grades.csv"\n[unpivot]\ncolumns = { Q1 = "x" }',
            r"\[unpivot\] of grades.csv: column 'Q1' is missing",
        ),
    ],
)
def test_what_is_not_there_is_named_with_what_is(tmp_path: Path, mapping: str, message: str) -> None:
    (company(tmp_path) / "grades.csv").write_text("Id,Grade\n00123,A\n")
    with pytest.raises(DataError, match=message):
        read(tmp_path, reviews=mapping, strict=True)

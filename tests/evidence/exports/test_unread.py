"""Errors and findings that name what was seen in an export: files, columns, values and rows, and what would help."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from perfml.errors import DataError
from perfml.evidence.check import CheckReport, TableFinding, check
from perfml.messages import render
from tests.tables import opened, shipped, usable_rows, write_tables

PEOPLE = "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2020-01-01"
LOG = "employee_id | happened_at | kind\ne1 | 2024-01-01 | login"


def checked(folder: Path) -> CheckReport:
    with opened(folder, strict=False) as data:
        return check(data, shipped())


def finding(report: CheckReport, table: str, rule: str) -> TableFinding:
    findings = {f.rule: f for t in report.tables if t.name == table for f in t.findings}
    return findings[rule]


def test_an_export_without_tables_is_described(tmp_path: Path) -> None:
    (tmp_path / "员工.csv").write_bytes("花名册\n工号,姓名\n1,张三\n".encode("gbk"))
    with xlsxwriter.Workbook(str(tmp_path / "绩效.xlsx")) as book:
        book.add_worksheet("2024")
    with pytest.raises(DataError) as caught:
        opened(tmp_path)
    assert caught.value.problem == "holds none of the tables, only 员工.csv (工号, 姓名); 绩效.xlsx (sheets 2024)"
    assert f"`perfml map {tmp_path} --out PROJECT`" in caught.value.remedy


def test_a_workbook_is_read_by_its_sheets(tmp_path: Path) -> None:
    path = tmp_path / "company.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in {"employees": PEOPLE, "events": LOG, "notes": "a"}.items():
            sheet = book.add_worksheet(name)
            for number, line in enumerate(rows.splitlines()):
                sheet.write_row(number, 0, [cell.strip() for cell in line.split("|")])
    with opened(path) as data:
        assert [row[0] for row in usable_rows(data, "employees")] == ["e1", "e2"] and data.has("events")


def test_a_table_is_not_taken_for_an_absent_one_with_a_similar_name(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE, events=LOG, progress="goal_id | measured_at | actual\ng1 | 2024-01-01 | 2")
    with opened(tmp_path) as data:
        assert data.has("progress") and not data.has("programmes") and data.notices == []


def test_one_file_is_the_table_it_is_named_like_or_refused_in_words_about_it(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE, staff=PEOPLE)
    with opened(tmp_path / "employees.csv", strict=False) as data:
        assert data.rows_read == {"employees": 2}
    with pytest.raises(
        DataError, match=r"staff.csv: holds none of the tables, only staff.csv \(employee_id, hired_on\)"
    ):
        opened(tmp_path / "staff.csv")


@pytest.mark.slow
def test_a_name_that_nearly_is_a_table_is_named(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE, events=LOG, Reviews="a\n1", exit="a\n1", holidays="a\n1")
    (tmp_path / "goals.xlsx").write_bytes(b"")
    notices = [render(notice, "en") for notice in checked(tmp_path).notices]
    assert [notice.split(";")[0] for notice in notices] == [
        "Reviews.csv is not read",
        "exit.csv is not read",
        "goals.xlsx is not read",
    ]
    assert "if it is the table reviews" in notices[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rating", "reviewed", "rule", "quote", "remedy"),
    [
        ("P5", "2024-01-01", "wrong_type", "'P5' in reviews.rating, row 3", 'values = { "P5" = … }'),
        ("3,5", "2024-01-01", "wrong_type", "'3,5' in reviews.rating, row 3", 'decimal = ","'),
        ("3", "31/12/2023", "wrong_type", "'31/12/2023' in reviews.reviewed_on, row 3", 'format = "%d/%m/%Y"'),
        ("3", "02/03/2023", "wrong_type", "'02/03/2023' in reviews.reviewed_on, row 3", 'or `format = "%m/%d/%Y"`'),
        ("3", "45000", "wrong_type", "'45000' in reviews.reviewed_on, row 3", 'format = "excel"'),
        ("9", "2024-01-01", "off_the_scale", "'9' in reviews.rating, row 3", 'values = { "9" = … }'),
    ],
)
def test_the_value_is_quoted_with_its_row_and_the_likely_remedy(
    tmp_path: Path, rating: str, reviewed: str, rule: str, quote: str, remedy: str
) -> None:
    reviews = f"""
        review_id | employee_id | period_end | reviewed_on | rating
        r1 | e1 | 2023-12-31 | 2024-01-01 | 3
        r2 | e2 | 2023-12-31 | {reviewed} | {rating}
    """
    seen = finding(checked(write_tables(tmp_path, employees=PEOPLE, reviews=reviews)), "reviews", rule)
    (value,) = seen.values
    assert render(value.text(f"reviews.{seen.column}"), "en") == quote
    assert seen.remedy is not None and remedy in render(seen.remedy, "en")
    assert seen.to_json()["values"] == [{"value": value.value, "rows": 1, "row": 3, "file": None}]


@pytest.mark.slow
def test_an_unknown_kind_of_leaving_is_quoted(tmp_path: Path) -> None:
    exits = "employee_id | exited_on | kind\ne1 | 2024-01-01 | 主动离职\ne2 | 2024-01-01 | 主动离职"
    seen = finding(checked(write_tables(tmp_path, employees=PEOPLE, events=LOG, exits=exits)), "exits", "unknown_kind")
    assert [(value.value, value.rows, value.row) for value in seen.values] == [("主动离职", 2, 2)]


@pytest.mark.slow
@pytest.mark.parametrize("employees", ["id | hired_on\ne1 | 2020-01-01", "employee_id | hired_on\ne1 | 1/31/2020"])
def test_a_broken_table_does_not_flood_the_others(tmp_path: Path, employees: str) -> None:
    report = checked(write_tables(tmp_path, employees=employees, events=LOG))
    assert [f.rule for t in report.tables if t.name == "events" for f in t.findings] == []
    assert report.problems


@pytest.mark.slow
def test_people_who_are_nowhere_are_still_reported(tmp_path: Path) -> None:
    log = LOG + "\nx9 | 2024-01-01 | login"
    report = checked(write_tables(tmp_path, employees=PEOPLE, events=log))
    assert finding(report, "events", "unknown_employee").first_keys == ("x9",)


@pytest.mark.slow
def test_no_row_is_named_where_empty_lines_are_not_counted(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    (tmp_path / "events.csv").write_text("employee_id,happened_at,kind\n\ne1,soon,login\n")
    (value,) = finding(checked(tmp_path), "events", "wrong_type").values
    assert (value.value, value.row) == ("soon", None)

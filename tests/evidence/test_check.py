"""Definitions are compiled before there is any data, and every fault of each file is found."""

from dataclasses import replace
from pathlib import Path

from perfml.evidence.check import check, refused
from perfml.project.feature_spec import RelationalSpec
from perfml.project.folder import RelationalFile
from perfml.project.spec import parse
from tests.tables import opened, shipped, windowed, write_tables

META = {"zh": "x", "en": "x", "unit": "times", "owner": "company"}


def file(name: str, sql: str, *needs: str) -> RelationalFile:
    """A feature file that makes the column ``name``."""
    header = {"zh": "x", "en": "x", "needs": needs or ("people",), "columns": {name: META}}
    return RelationalFile(name, f"features/{name}.sql", parse(RelationalSpec, header, file=name), sql)


def test_what_is_shipped_compiles() -> None:
    assert refused(shipped()) == []


def test_each_file_that_cannot_be_used_is_named() -> None:
    files = (
        file("good", "select employee_id, as_of, count(*) as good from reviews group by all", "reviews"),
        file("wrong", "select employee_id, as_of, ratng as wrong from reviews", "reviews"),
        file("idle", "select employee_id, as_of, 1 as idle from people", "exits"),
        file("other", "select employee_id, as_of, 1 as another from people"),
    )
    errors = [str(error) for error in refused(replace(shipped(), relational=files))]
    assert [error.split(":")[0] for error in errors] == [f"features/{name}.sql" for name in ("wrong", "idle", "other")]
    assert "ratng" in errors[0] and "never reads" in errors[1] and "is selected and not declared" in errors[2]


def test_a_file_that_compiles_and_gives_two_rows_for_one_person(tmp_path: Path) -> None:
    company = write_tables(
        tmp_path,
        employees="employee_id | hired_on\ne1 | 2020-01-01",
        reviews="review_id | employee_id | period_end | reviewed_on | rating\n"
        "r1 | e1 | 2024-01-01 | 2024-01-01 | 3\nr2 | e1 | 2025-01-01 | 2025-01-01 | 3\nr3 | e1 | 2026-01-01 | 2026-01-01 | 3",
    )
    twice = replace(
        shipped(), relational=(file("twice", "select employee_id, as_of, 1 as twice from reviews", "reviews"),)
    )
    with opened(company, strict=False) as data:
        report = check(data, twice)
    assert not report.ready and "several rows for one employee" in report.problems[0]


def test_a_column_that_two_files_make() -> None:
    measure = {"column": "tenure_days", "measure": "count", "windows_days": [7]}
    twice = replace(windowed(measure), relational=shipped().relational)
    (error,) = refused(twice)
    assert "'tenure_days' is made twice" in str(error)

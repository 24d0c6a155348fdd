"""What cannot be used is quarantined with its rule; nothing is lost, nothing is silently mended."""

import datetime as dt
import re
from pathlib import Path

import duckdb
import pytest

from perfml.errors import DataError
from perfml.evidence.sources import Data, open_data
from perfml.evidence.tables import typed_rows, versions
from perfml.evidence.tables.rules import RULES
from perfml.messages import render
from tests.tables import TODAY, nothing_lost, opened, quarantined, shipped, usable_rows, write_parquet, write_tables

PEOPLE = """
employee_id | hired_on
e1          | 2020-01-01
e2          | 2020-01-01
e3          | 2020-01-01
"""
LOG = """
employee_id | happened_at | kind
e1          | 2024-01-01  | login
"""

BAD = {
    "a date that is none": (
        "events",
        """
        employee_id | happened_at         | kind
        e1          | 2024-02-30          | a
        e1          | 31/12/2024          | b
        e1          | 12/31/2024          | c
        e1          | 45292               | d
        e1          | 2024年1月5日        | e
        e1          | 2024-01-05 25:00:00 | f
        e1          | tomorrow            | g
        e1          | 2024-1-5            | fine
        e1          | 2024/1/5 8:30       | fine
        """,
        [("wrong_type", "happened_at", "")] * 7,
    ),
    "an infinite date": (
        "positions",
        """
        employee_id | effective_on
        e1          | infinity
        e2          | -infinity
        e3          | 2020-01-01
        """,
        [("before_1900", "effective_on", "e2 -infinity"), ("past_9999", "effective_on", "e1 infinity")],
    ),
    "a number that is none": (
        "events",
        """
        employee_id | happened_at | kind | value
        e1          | 2024-01-01  | a    | 1.234,5
        e1          | 2024-01-01  | b    | 5%
        e1          | 2024-01-01  | c    | NaN
        e1          | 2024-01-01  | d    | inf
        e1          | 2024-01-01  | e    | -Infinity
        e1          | 2024-01-01  | f    | 两
        e1          | 2024-01-01  | fine | -1.5e3
        e1          | 2024-01-01  | fine |
        """,
        [("wrong_type", "value", "")] * 6,
    ),
    "a whole number that is none": (
        "positions",
        """
        employee_id | effective_on | level
        e1          | 2020-01-01   | 3.5
        e2          | 2020-01-01   | 1e30
        e3          | 2020-01-01   | P7
        e1          | 2021-01-01   | 3.0
        e2          | 2021-01-01   | 4
        """,
        [("wrong_type", "level", f"e{i} 2020-01-01") for i in (1, 2, 3)],
    ),
    "a yes or no that is none": (
        "goals",
        """
        goal_id | employee_id | metric | core  | weight | target | period_start | period_end | effective_on
        g1      | e1          | sales  | maybe | 100    | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        g2      | e1          | sales  | 2     | 100    | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        g3      | e1          | sales  | true  | 100    | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        """,
        [("wrong_type", "core", "g1 2024-01-01"), ("wrong_type", "core", "g2 2024-01-01")],
    ),
    "a value that must be there": (
        "reviews",
        """
        review_id | employee_id | period_end | reviewed_on | rating
                  | e1          | 2024-01-01 | 2024-01-10  | 3
        r2        |             | 2024-01-01 | 2024-01-10  | 3
        r3        | e1          |            | 2024-01-10  | 3
        r4        | e1          | 2024-01-01 |             | 3
        r5        | e1          | 2024-01-01 | 2024-01-10  |
        r6        | e1          | 2024-01-01 | 2024-01-10  | 3
        """,
        [
            ("missing_value", "employee_id", "r2"),
            ("missing_value", "period_end", "r3"),
            ("missing_value", "rating", "r5"),
            ("missing_value", "review_id", ""),
            ("missing_value", "reviewed_on", "r4"),
        ],
    ),
    "the future and before 1900": (
        "events",
        """
        employee_id | happened_at         | kind | known_at
        e1          | 2026-12-31 23:59:59 | fine |
        e1          | 2027-01-01          | a    |
        e1          | 2024-01-01          | b    | 2027-01-01
        e1          | 1899-12-31          | c    |
        e1          | 1900-01-01          | fine |
        e1          | 0024-01-01          | d    |
        """,
        [
            ("before_1900", "happened_at", ""),
            ("before_1900", "happened_at", ""),
            ("in_the_future", "happened_at", ""),
            ("in_the_future", "known_at", ""),
        ],
    ),
    "ratings off the scale": (
        "reviews",
        """
        review_id | employee_id | period_end | reviewed_on | rating
        r1        | e1          | 2024-01-01 | 2024-01-10  | 0.99
        r2        | e1          | 2024-01-01 | 2024-01-10  | 1
        r3        | e1          | 2024-01-01 | 2024-01-10  | 5
        r4        | e1          | 2024-01-01 | 2024-01-10  | 5.01
        r5        | e1          | 2024-01-01 | 2024-01-10  | -3
        """,
        [("off_the_scale", "rating", key) for key in ("r1", "r4", "r5")],
    ),
    "values too large to add exactly": (
        "events",
        """
        employee_id | happened_at | kind | value
        e1          | 2024-01-01  | a    | 1e9
        e1          | 2024-01-01  | b    | -1e300
        e1          | 2024-01-01  | fine | 999999999.999999
        """,
        [("too_large_to_sum", "value", "")] * 2,
    ),
    "one's own manager": (
        "positions",
        """
        employee_id | effective_on | manager_id
        e1          | 2020-01-01   | e1
        e1          | 2021-01-01   | e2
        """,
        [("own_manager", "", "e1 2020-01-01")],
    ),
    "only the row that closes a cycle of managers": (
        "positions",
        """
        employee_id | effective_on | manager_id
        e1          | 2020-01-01   | e2
        e2          | 2020-02-01   | e3
        e3          | 2020-03-01   | e1
        e3          | 2020-04-01   | e9
        e2          | 2020-05-01   |
        e9          | 2020-06-01   | e3
        e9          | 2020-07-01   | e1
        """,
        [("cycle_of_managers", "manager_id", "e9 2020-06-01"), ("cycle_of_managers", "manager_id", "e3 2020-03-01")],
    ),
    "exits": (
        "exits",
        """
        employee_id | exited_on  | kind
        e1          | 2019-12-31 | voluntary
        e1          | 2020-01-01 | voluntary
        e2          | 2024-01-01 | Voluntary
        e2          | 2024-01-02 | resigned
        e2          | 2024-01-03 |
        e3          | 2028-01-01 | other
        """,
        [
            ("before_hire", "", "e1 2019-12-31"),
            ("missing_value", "kind", "e2 2024-01-03"),
            ("unknown_kind", "", "e2 2024-01-01"),
            ("unknown_kind", "", "e2 2024-01-02"),
        ],
    ),
    "goals that cannot be": (
        "goals",
        """
        goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on
        g1      | e1          | sales  | true | 0      | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        g2      | e1          | sales  | true | -5     | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        g3      | e1          | sales  | true | 100    | 0      | 2024-01-01   | 2024-12-31 | 2024-01-01
        g4      | e1          | sales  | true | 100    | 10     | 2024-12-31   | 2024-01-01 | 2024-01-01
        g5      | e1          | sales  | true | 100    | 10     | 2024-01-01   | 2024-12-31 | 2024-01-01
        """,
        [
            ("period_reversed", "", "g4 2024-01-01"),
            ("target_not_positive", "", "g3 2024-01-01"),
            ("weight_not_positive", "", "g1 2024-01-01"),
            ("weight_not_positive", "", "g2 2024-01-01"),
        ],
    ),
    "a course finished before it was begun": (
        "enrolments",
        """
        employee_id | course_id | enrolled_on | completed_on
        e1          | c1        | 2024-01-02  | 2024-01-01
        e1          | c2        | 2024-01-02  | 2024-01-02
        """,
        [("completed_before_enrolled", "", "e1 c1 2024-01-02")],
    ),
    "keys that stand twice": (
        "reviews",
        """
        review_id | employee_id | period_end | reviewed_on | rating | known_at
        alike     | e1          | 2024-01-01 | 2024-01-10  | 3      |
        alike     | e1          | 2024-01-01 | 2024-01-10  | 3      |
        alike     | e1          | 2024-01-01 | 2024-01-10  | 3      |
        contrary  | e1          | 2024-01-01 | 2024-01-10  | 3      |
        contrary  | e1          | 2024-01-01 | 2024-01-10  | 4      |
        corrected | e1          | 2024-01-01 | 2024-01-10  | 3      |
        corrected | e1          | 2024-01-01 | 2024-01-10  | 4      | 2024-02-01
        """,
        [("duplicate_key", "", "alike")] * 2 + [("contradicting_rows", "", "contrary")] * 2,
    ),
    "events that stand twice": (
        "events",
        """
        event_id  | employee_id | happened_at | kind | value | known_at
        alike     | e1          | 2024-01-01  | a    | 1     |
        alike     | e1          | 2024-01-01  | a    | 1     |
        contrary  | e1          | 2024-01-01  | a    | 1     |
        contrary  | e1          | 2024-01-01  | a    | 2     |
        corrected | e1          | 2024-01-01  | a    | 1     |
        corrected | e1          | 2024-01-01  | a    | 2     | 2024-02-01
        moved     | e1          | 2024-01-01  | a    | 1     | 2024-02-01
        moved     | e1          | 2024-03-01  | a    | 1     | 2024-02-01
                  | e1          | 2024-01-01  | a    | 1     |
                  | e1          | 2024-01-01  | a    | 1     |
        """,
        [("duplicate_key", "", "alike"), ("duplicate_key", "", "moved")] + [("contradicting_rows", "", "contrary")] * 2,
    ),
    "enrolments that differ only in what comes later": (
        "enrolments",
        """
        employee_id | course_id | enrolled_on | completed_on
        e1          | c1        | 2024-01-01  |
        e1          | c1        | 2024-01-01  | 2024-05-01
        """,
        [("duplicate_key", "", "e1 c1 2024-01-01")],
    ),
    "people who stand twice": (
        "employees",
        """
        employee_id | hired_on   | gender
        e1          | 2020-01-01 | f
        e2          | 2020-01-01 | f
        e2          | 2020-01-01 | m
        e3          | 2020-01-01 | f
        e3          | 2022-01-01 | f
        """,
        [("contradicting_rows", "", "e2")] * 2,
    ),
}


def company(folder: Path, **tables: str) -> Data:
    return opened(write_tables(folder, **{"employees": PEOPLE, "events": LOG} | tables))


@pytest.mark.parametrize("name", BAD)
def test_quarantine(name: str, tmp_path: Path) -> None:
    table, drawing, expected = BAD[name]
    data = company(tmp_path, **{table: drawing})
    assert quarantined(data) == sorted((table, *line) for line in expected)
    nothing_lost(data)


def test_fine_rows_stay(tmp_path: Path) -> None:
    _, drawing, _ = BAD["a date that is none"]
    data = company(tmp_path, events=drawing)
    assert usable_rows(data, "events") == [
        ("e1", dt.datetime(2024, 1, 5), "fine"),
        ("e1", dt.datetime(2024, 1, 5, 8, 30), "fine"),
    ]


def test_a_quarantined_row_says_whose_and_when(tmp_path: Path) -> None:
    data = company(tmp_path, exits="employee_id | exited_on | kind | known_at\ne1 | 2024-01-01 | away | 2024-02-01")
    assert data.connection.execute("select employee_id, happened_day, known_day from quarantine").fetchall() == [
        ("e1", dt.date(2024, 1, 1), dt.date(2024, 2, 1))
    ]


def test_the_newest_correction_stands_from_the_day_it_was_known(tmp_path: Path) -> None:
    _, drawing, _ = BAD["events that stand twice"]
    data = company(tmp_path, events=drawing)
    rows = data.connection.execute(
        "select value, usable_day, superseded_day from events where event_id = 'corrected' order by value"
    ).fetchall()
    assert rows == [
        (1.0, dt.date(2024, 1, 1), dt.date(2024, 2, 1)),
        (2.0, dt.date(2024, 2, 1), None),
    ]


def test_a_quarantined_correction_replaces_nothing(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        positions="""
        employee_id | effective_on | manager_id | known_at
        e1          | 2020-01-01   | e2         |
        e2          | 2020-01-01   | e3         |
        e2          | 2020-01-01   | e1         | 2021-01-01
        e2          | 2020-01-01   | e2         | 2021-02-01
        """,
    )
    assert [rule for _, rule, _, _ in quarantined(data)] == ["cycle_of_managers", "own_manager"]
    assert data.connection.execute(
        "select manager_id, superseded_day from positions where employee_id = 'e2'"
    ).fetchall() == [("e3", None)]


def test_a_correction_of_an_old_position_is_not_the_line_of_today(tmp_path: Path) -> None:
    """e2 reports to e3 since 2021; that it was e1 in 2020 makes no cycle with e1's report to e2 since 2022."""
    data = company(
        tmp_path,
        positions="""
        employee_id | effective_on | manager_id | known_at
        e2          | 2020-01-01   | e9         |
        e2          | 2021-01-01   | e3         |
        e1          | 2022-01-01   | e2         |
        e2          | 2020-01-01   | e1         | 2023-01-01
        """,
    )
    assert quarantined(data) == []


def test_a_rehire_keeps_the_exit_between(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        employees="employee_id | hired_on\ne1 | 2020-01-01\ne1 | 2023-01-01",
        exits="employee_id | exited_on | kind\ne1 | 2021-01-01 | voluntary\ne1 | 2019-01-01 | voluntary",
    )
    assert quarantined(data) == [("exits", "before_hire", "", "e1 2019-01-01")]


@pytest.mark.parametrize("missing", ["employee_id", "happened_at", "kind"])
def test_a_missing_column_is_refused(missing: str, tmp_path: Path) -> None:
    header = [name for name in ("employee_id", "happened_at", "kind") if name != missing]
    with pytest.raises(DataError, match=rf"events\.csv: column '{missing}' is missing; export it") as caught:
        company(tmp_path, events=" | ".join(header))
    assert caught.value.where and caught.value.remedy


def test_tables_that_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the table 'employees' is missing; add"):
        opened(write_tables(tmp_path / "a", events=LOG))
    with pytest.raises(DataError, match="the tables 'events' and 'reviews' are missing; add"):
        opened(write_tables(tmp_path / "b", employees=PEOPLE))


def test_without_strict_a_broken_table_is_absent_and_said(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, employees=PEOPLE, events=LOG, exits="employee_id | exited_on\ne1 | 2024-01-01")
    with pytest.raises(DataError):
        opened(folder)
    data = opened(folder, strict=False)
    assert not data.has("exits") and data.has("events")
    assert [str(problem) for problem in data.problems] == [
        f"{folder}/exits.csv: column 'kind' is missing;"
        " export it, or map it in `sources/`: the columns are employee_id, exited_on"
    ]


def test_unknown_columns_are_a_notice(tmp_path: Path) -> None:
    data = company(tmp_path, events="employee_id | happened_at | kind | 备注\ne1 | 2024-01-01 | login | x")
    (notice,) = data.notices
    assert render(notice, "en") == "events: unknown columns ignored: 备注"
    assert render(notice, "zh") == "events 表中不认识的列已忽略：备注"
    assert len(usable_rows(data, "events")) == 1


def test_a_protected_column_is_read_and_not_offered_to_features(tmp_path: Path) -> None:
    data = company(tmp_path, employees="employee_id | hired_on | gender\ne1 | 2020-01-01 | f")
    assert data.columns["employees"] == ("employee_id", "hired_on", "gender")


@pytest.mark.slow
def test_header_only_tables_are_empty(tmp_path: Path) -> None:
    headers = {
        name: " | ".join(column for column in spec.columns)
        for name, spec in shipped().tables.items()
        if name != "employees"
    }
    data = company(tmp_path, **headers)
    assert set(data.rows_read.items()) >= {(name, 0) for name in headers}
    nothing_lost(data)
    with pytest.raises(DataError, match="events and reviews are empty; export"):
        data.last_usable_day()


def test_a_parquet_file_without_rows(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    write_parquet(
        tmp_path, "events", "select 'e1' as employee_id, timestamp '2024-01-01' as happened_at, 'a' as kind limit 0"
    )
    data = opened(tmp_path)
    assert (data.rows_read["events"], usable_rows(data, "events")) == (0, [])


def test_one_employee_without_any_event(tmp_path: Path) -> None:
    data = company(
        tmp_path, employees="employee_id | hired_on\ne1 | 2020-01-01", events="employee_id | happened_at | kind"
    )
    assert usable_rows(data, "employees") == [("e1", dt.date(2020, 1, 1))]


def test_times_with_a_zone_become_utc_in_text(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        events="""
        employee_id | happened_at               | kind | known_at
        e1          | 2024-01-01T07:59:59+08:00 | a    | 2024-01-01T08:00:00+08:00
        e1          | 2024-01-01 22:00:00-05    | b    | 2024-01-02 04:00:00Z
        e1          | 2024-01-01 23:30:00       | c    |
        """,
    )
    assert data.connection.execute("select kind, happened_day, known_day from events order by kind").fetchall() == [
        ("a", dt.date(2023, 12, 31), dt.date(2024, 1, 1)),
        ("b", dt.date(2024, 1, 2), dt.date(2024, 1, 2)),
        ("c", dt.date(2024, 1, 1), dt.date(2024, 1, 1)),
    ]


def test_times_with_a_zone_become_utc_in_parquet(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    write_parquet(
        tmp_path,
        "events",
        "select 'e1' as employee_id, timestamptz '2024-01-01 07:59:59+08:00' as happened_at, 'a' as kind,"
        " timestamp_ns '2024-01-01 08:00:00' as known_at",
    )
    assert opened(tmp_path).connection.execute(
        "select happened_at, happened_day, known_day from events"
    ).fetchall() == [(dt.datetime(2023, 12, 31, 23, 59, 59), dt.date(2023, 12, 31), dt.date(2024, 1, 1))]


def test_parquet_of_other_types_is_read_or_quarantined(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    write_parquet(
        tmp_path,
        "events",
        "select * from (values"
        " ('e1', '2024-01-01', 'text dates', '1.5'), ('e1', 'soon', 'no date', '1'),"
        " ('e1', '2024-01-02', 'no number', 'x'),"
        " ('', '2024-01-02', 'nobody', '1'), ('e1', '2024-01-03', 'no value', ''))"
        " t(employee_id, happened_at, kind, value)",
    )
    write_parquet(
        tmp_path,
        "positions",
        "select * from (values ('e1', date '2020-01-01', 3.5::decimal(3,1)),"
        " ('e2', date '2020-01-01', 3::decimal(3,1)))"
        " t(employee_id, effective_on, level)",
    )
    data = opened(tmp_path)
    assert [(rule, column) for _, rule, column, _ in quarantined(data)] == [
        ("missing_value", "employee_id"),
        ("wrong_type", "happened_at"),
        ("wrong_type", "value"),
        ("wrong_type", "level"),
    ]
    assert [row[2] for row in usable_rows(data, "events")] == ["text dates", "no value"]
    nothing_lost(data)


def test_parquet_values_that_are_no_numbers(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    write_parquet(
        tmp_path,
        "events",
        "select 'e1' as employee_id, date '2024-01-01' as happened_at, 'a' as kind,"
        " unnest(['nan'::double, 'inf', '-inf', 1e9, null, 2]) as value",
    )
    data = opened(tmp_path)
    assert [rule for _, rule, _, _ in quarantined(data)] == ["too_large_to_sum"] + ["wrong_type"] * 3
    assert [row[3] for row in usable_rows(data, "events")] == [2.0, None]
    nothing_lost(data)


def test_integer_ids_are_text(tmp_path: Path) -> None:
    """As data frames write them: whole, or as floats because some are missing."""
    write_parquet(tmp_path, "employees", "select unnest([1, 2]) as employee_id, date '2020-01-01' as hired_on")
    write_parquet(
        tmp_path,
        "events",
        "select 1::bigint as employee_id, date '2024-01-01' as happened_at, 'a' as kind,"
        " unnest([2.0::double, null, 9007199254740992]) as counterpart_id",
    )
    data = opened(tmp_path)
    assert [row[0] for row in usable_rows(data, "employees")] == ["1", "2"]
    assert [row[3] for row in usable_rows(data, "events")] == ["2", "9007199254740992", None]


def test_empty_text_is_nothing_in_parquet_too(tmp_path: Path) -> None:
    write_tables(tmp_path, employees=PEOPLE)
    write_parquet(
        tmp_path,
        "events",
        "select 'e1' as employee_id, date '2024-01-01' as happened_at, 'a' as kind, '' as counterpart_id,"
        " '' as known_at, '' as event_id from range(2)",
    )
    data = opened(tmp_path)
    assert quarantined(data) == []
    assert usable_rows(data, "events") == [("e1", dt.datetime(2024, 1, 1), "a", None, None, None)] * 2


@pytest.mark.slow
def test_lists(tmp_path: Path) -> None:
    write_tables(
        tmp_path / "csv",
        employees=PEOPLE,
        events=LOG,
        courses="course_id | title | skills\nc1 | SQL | sql; 数据 ;;\nc2 | x |",
    )
    assert usable_rows(opened(tmp_path / "csv"), "courses") == [("c1", "SQL", ["sql", "数据"]), ("c2", "x", None)]
    write_tables(tmp_path / "parquet", employees=PEOPLE, events=LOG)
    write_parquet(
        tmp_path / "parquet",
        "courses",
        "select 'c1' as course_id, 'SQL' as title, ['sql', '数据'] as skills, [1, 2] as prerequisites",
    )
    assert usable_rows(opened(tmp_path / "parquet"), "courses") == [("c1", "SQL", ["sql", "数据"], ["1", "2"])]


def test_the_clock_is_utc_where_none_is_given(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    folder = write_tables(
        tmp_path,
        employees=PEOPLE,
        events=f"employee_id | happened_at | kind\ne1 | {today} | a\ne1 | {today + dt.timedelta(days=2)} | b",
    )
    assert len(usable_rows(open_data(folder, shipped().tables), "events")) == 1
    assert today != TODAY


def test_last_day_is_the_last_usable_one(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        events="employee_id | happened_at | kind | known_at\ne1 | 2024-01-01 | a | 2024-03-01\ne1 | 2024-02-01 | a |",
        reviews="review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2024-06-30 | 2024-01-10 | 3",
    )
    assert data.last_usable_day() == dt.date(2024, 3, 1)


def test_what_is_large_is_held_until_something_else_is_asked_for(tmp_path: Path) -> None:
    asked: list[int] = []

    def of(number: int) -> list[int]:
        return data.once_in_a_row("numbers", number, lambda: (asked.append(number), asked.copy())[1])

    with company(tmp_path) as data:
        assert of(1) is of(1) is data.lend().once_in_a_row("numbers", 1, list)
        data.hidden.append("e.kind = 'login'")
        assert of(1) == [1, 1]
        data.hidden.clear()
        assert [of(n)[-1] for n in (2, 2, 1)] == [2, 2, 1]
    assert asked == [1, 1, 2, 1]


def test_close_lets_go(tmp_path: Path) -> None:
    data = company(tmp_path)
    data.close()
    with pytest.raises(duckdb.Error):
        data.connection.execute("select 1")


def test_two_people_may_change_places_on_one_day(tmp_path: Path) -> None:
    positions = """
    employee_id | effective_on | manager_id
    zed | 2021-01-01 | mia
    zed | 2023-02-01 |
    mia | 2023-02-01 | zed
    """
    employees = "employee_id | hired_on\nzed | 2020-01-01\nmia | 2020-01-01"
    events = "employee_id | happened_at | kind\nzed | 2021-01-01 | a"
    data = opened(write_tables(tmp_path, employees=employees, events=events, positions=positions))
    assert quarantined(data) == []


def test_every_rule_has_a_text() -> None:
    """`perfml check` says in both languages what is wrong."""
    text = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (typed_rows, versions))
    named = (
        set(re.findall(r'f?"(\w+):\{', text)) | set(re.findall(r"(?:then|else) '(\w+)'", text)) | {"cycle_of_managers"}
    )
    assert {"wrong_type", "missing_value", "past_9999", "contradicting_rows"} <= named
    assert named <= set(RULES)


def test_the_connection_is_closed_at_the_end_of_the_block(tmp_path: Path) -> None:
    with company(tmp_path) as data:
        assert data.has("employees")
    with pytest.raises(duckdb.ConnectionException):
        data.connection.execute("select 1")

"""What a feature file can see at an as-of date, and what is said of one that cannot be used."""

import datetime as dt
from pathlib import Path

import pytest

from perfml.errors import DefinitionError
from perfml.evidence.snapshots import make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.project.feature_spec import RelationalSpec
from perfml.project.folder import RelationalFile
from perfml.project.spec import parse
from tests.tables import opened, write_tables

AS_OFS = [dt.date(2024, 1, 1), dt.date(2024, 6, 1), dt.date(2025, 1, 1)]
TABLES = {
    "employees": """
        employee_id | hired_on
        e1          | 2023-01-01
        e2          | 2024-01-01
        e3          | 2020-01-01
        e3          | 2024-08-01
        e4          | 2020-01-01
        """,
    "positions": """
        employee_id | effective_on | department | known_at
        e1          | 2023-01-01   | old        |
        e1          | 2024-03-01   | late       | 2024-07-01
        e1          | 2024-05-01   | new        | 2024-04-01
        e1          | 2024-05-01   | renamed    | 2024-12-01
        e1          | 2025-01-01   | planned    | 2024-12-01
        """,
    "exits": """
        employee_id | exited_on  | kind      | known_at
        e3          | 2023-06-01 | voluntary |
        e4          | 2024-02-01 | voluntary | 2024-06-01
        e9          | 2023-01-01 | other     |
        """,
    "reviews": "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2023-12-31 | 2023-12-31 | 4",
}


@pytest.fixture
def data(tmp_path: Path) -> Data:
    opened_ = opened(write_tables(tmp_path, **TABLES))
    make_snapshots(opened_, AS_OFS)
    return opened_


def at(data: Data, sql: str) -> dict[str, list[str]]:
    """Values of ``sql`` (as_of, value) by as-of date."""
    people: dict[str, list[str]] = {str(as_of): [] for as_of in AS_OFS}
    for as_of, value in data.connection.execute(f"{sql} order by all").fetchall():
        people[str(as_of)].append(value)
    return people


def test_people_are_those_hired_and_not_known_to_have_left(data: Data) -> None:
    """e2 is there from the day after the hire; e4's exit became known on 1 June and counts after that; e3 came back."""
    assert at(data, "select as_of, employee_id from people") == {
        "2024-01-01": ["e1", "e4"],
        "2024-06-01": ["e1", "e2", "e4"],
        "2025-01-01": ["e1", "e2", "e3"],
    }


def test_the_position_is_the_newest_that_was_known(data: Data) -> None:
    assert at(data, "select as_of, department from people where employee_id = 'e1'") == {
        "2024-01-01": ["old"],
        "2024-06-01": ["new"],
        "2025-01-01": ["renamed"],
    }


def test_views_hold_what_was_known_and_no_version_twice(data: Data) -> None:
    assert at(data, "select as_of, department from known.positions") == {
        "2024-01-01": ["old"],
        "2024-06-01": ["new", "old"],
        "2025-01-01": ["late", "old", "renamed"],
    }
    assert at(data, "select as_of, review_id from known.reviews") == {
        "2024-01-01": ["r1"],
        "2024-06-01": ["r1"],
        "2025-01-01": ["r1"],
    }


def test_the_exit_of_someone_never_hired_is_not_shown(data: Data) -> None:
    assert at(data, "select as_of, employee_id from known.exits") == {
        "2024-01-01": ["e3"],
        "2024-06-01": ["e3"],
        "2025-01-01": ["e3", "e4"],
    }


def test_views_offer_no_clockwork_columns_and_nothing_protected(data: Data) -> None:
    columns = [row[0] for row in data.connection.execute("describe known.reviews").fetchall()]
    assert sorted(columns) == sorted(["as_of", *data.specs["reviews"].columns])
    tables = {
        row[0]
        for row in data.connection.execute(
            "select table_name from information_schema.tables where table_schema = 'known'"
        ).fetchall()
    }
    assert tables == {"positions", "exits", "reviews"}


def file(sql: str, *columns: str, needs: tuple[str, ...] = ("people",)) -> RelationalFile:
    column = {"zh": "", "en": "", "unit": "", "owner": "company"}
    spec = parse(
        RelationalSpec, {"zh": "", "en": "", "needs": needs, "columns": {c: column for c in columns}}, file="x"
    )
    return RelationalFile("x", "features/x.sql", spec, sql)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select employee_id, as_of, 1 as y from people", "column 'x' is declared and not selected; name it in both"),
        (
            "select employee_id, as_of, 1 as x, 2 as y from people",
            "column 'y' is selected and not declared; name it in both",
        ),
        ("select employee_id, 1 as x from people", "does not select 'as_of'; select employee_id and as_of"),
        (
            "select employee_id, as_of, nothing as x from people",
            r"does not run \(Binder Error: .*nothing.*\); correct the SQL",
        ),
        ("select employee_id, as_of, 'a'::int as x from people", "does not run"),
        (
            "select employee_id, as_of, 1 as x from people union all select employee_id, as_of, 2 from people",
            "several rows for one employee",
        ),
        ("select employee_id, as_of, 1 as x from main.reviews", "reads 'reviews', which it may not"),
        (
            "select e.employee_id, as_of, 1 as x from people p join employees e using (employee_id)",
            "reads 'employees', which it may not",
        ),
        ("select employee_id, as_of, 1 as x from exits", "reads 'exits', which it may not; name it in needs"),
        ("select employee_id, as_of, 0.5 as x from people", "the bare decimal 0.5 cannot be carried"),
    ],
)
def test_files_that_cannot_be_used(sql: str, problem: str, data: Data) -> None:
    with pytest.raises(DefinitionError, match=problem) as caught:
        run_relational(data.connection, file(sql, "x"))
    assert caught.value.where == "features/x.sql" and caught.value.remedy
    assert data.connection.execute("select current_schema()").fetchall() == [("main",)]


def test_needing_a_table_that_has_no_view_does_not_open_it(data: Data) -> None:
    with pytest.raises(DefinitionError, match="reads 'employees', which it may not"):
        run_relational(
            data.connection,
            file("select employee_id, as_of, 1 as x from people, employees", "x", needs=("people", "employees")),
        )


def test_without_positions_and_exits_everyone_hired_is_there(tmp_path: Path) -> None:
    data = opened(write_tables(tmp_path, employees=TABLES["employees"], reviews=TABLES["reviews"]))
    make_snapshots(data, AS_OFS[:1])
    assert data.connection.execute("select employee_id, department from people order by all").fetchall() == [
        ("e1", None), ("e3", None), ("e4", None),
    ]  # fmt: skip

"""A fact that is withheld is in no table, no quarantine and no evidence; a corrected one has the right value and type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfml.evidence.sources import Data, open_data
from perfml.evidence.withheld.fact import Withheld, WithheldFact
from perfml.evidence.withheld.stored_fact import stored_fact
from tests.tables import TODAY, shipped, write_parquet, write_tables

EMPLOYEES = "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2020-01-01"
EVENTS = """
employee_id | happened_at | kind | value | event_id
e1 | 2025-03-01 09:00:00 | login | 1 | v1
e1 | 2025-03-02 09:00:00 | login | 2 |
e2 | 2025-03-02 09:00:00 | login | 3 |
"""
GOALS = """
goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on
g1 | e1 | sales | true | 100 | 10 | 2025-01-01 | 2025-12-31 | 2025-01-01
"""
PROGRESS = "goal_id | measured_at | actual\ng1 | 2025-02-01 | 4\ng1 | 2025-03-01 | 6"
REVIEWS = """
review_id | employee_id | period_end | reviewed_on | rating | known_at
r1 | e1 | 2025-01-31 | 2025-02-01 | 2 |
r1 | e1 | 2025-01-31 | 2025-02-01 | 3 | 2025-06-01
r2 | e2 | 2025-01-31 | 2025-02-01 | 9 |
"""


def company(tmp_path: Path, *facts: WithheldFact) -> Data:
    tables = {"employees": EMPLOYEES, "events": EVENTS, "goals": GOALS, "progress": PROGRESS, "reviews": REVIEWS}
    folder = write_tables(tmp_path, **tables)
    return open_data(folder, shipped().tables, today=TODAY, withheld=Withheld(facts=facts, number=1))


def fact(
    table: str,
    key: str,
    person: str = "e1",
    *,
    right: Mapping[str, str] | None = None,
    until: dt.date | None = None,
) -> WithheldFact:
    return WithheldFact(table=table, key=key, employee_id=person, right=right, until=until)


def rows(data: Data, query: str) -> list[tuple[object, ...]]:
    return data.connection.execute(f"{query} order by all").fetchall()


@pytest.mark.parametrize(
    ("table", "key", "query", "left"),
    [
        ("events", "v1", "select value from events", [(2,), (3,)]),
        ("events", "e1 2025-03-02 09:00:00 login", "select value from events", [(1,), (3,)]),
        ("progress", "g1 2025-02-01 00:00:00", "select actual from progress", [(6,)]),
        ("reviews", "r1", "select rating from reviews", []),
        ("events", "v2", "select value from events", [(1,), (2,), (3,)]),
    ],
)
def test_a_row_is_taken_out_by_its_key(
    tmp_path: Path, table: str, key: str, query: str, left: list[tuple[float, ...]]
) -> None:
    data = company(tmp_path, fact(table, key))
    assert rows(data, query) == left
    assert rows(data, "select key from quarantine") == [("r2",)]


def test_a_row_of_somebody_else_stays(tmp_path: Path) -> None:
    assert rows(company(tmp_path, fact("events", "v1", "e2")), "select value from events") == [(1,), (2,), (3,)]


def test_a_broken_row_that_is_disputed_holds_nobody(tmp_path: Path) -> None:
    assert rows(company(tmp_path, fact("reviews", "r2", "e2")), "select key from quarantine") == []


@pytest.mark.slow
def test_a_correction_is_typed_and_leaves_later_versions(tmp_path: Path) -> None:
    right = {"rating": "4.5", "comment": "it's right"}
    data = company(tmp_path, fact("reviews", "r1", right=right, until=dt.date(2025, 5, 1)))
    assert rows(data, "select rating, comment from reviews") == [(3.0, None), (4.5, "it's right")]
    left_out = company(tmp_path, fact("reviews", "r1", right={}, until=dt.date(2025, 5, 1)))
    assert rows(left_out, "select rating from reviews") == [(3.0,)]


def test_a_log_that_stays_in_its_files(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, employees=EMPLOYEES)
    write_parquet(
        folder, "events", "select 'e1' as employee_id, timestamp '2025-03-01' as happened_at, 'login' as kind"
    )
    key = "e1 2025-03-01 00:00:00 login"
    for number, withheld in ((1, Withheld()), (0, Withheld(facts=(fact("events", key),)))):
        with open_data(folder, shipped().tables, today=TODAY, withheld=withheld) as data:
            assert rows(data, "select count(*) from events") == [(number,)]


def test_a_row_is_looked_up_with_its_owner(tmp_path: Path) -> None:
    data = company(tmp_path)
    stored = stored_fact(data, "e1", table="progress", key="g1 2025-03-01 00:00:00")
    assert stored.row["actual"] == "6.0" and stored.usable_day == dt.date(2025, 3, 1)
    newest = stored_fact(data, "e1", table="reviews", key="r1")
    assert newest.row["rating"] == "3.0" and newest.usable_day == dt.date(2025, 2, 1)

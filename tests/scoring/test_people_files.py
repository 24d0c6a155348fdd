"""Names and positions beside an id: as known then, for HR alone, and in no other file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.evidence.fingerprint import fingerprint
from perfml.evidence.people import people_at
from perfml.evidence.snapshots import hidden_columns
from perfml.scoring.people.files import PersonFacts, facts_of, keep_people, people_facts
from tests.tables import write_tables

DAY = dt.date(2026, 10, 1)
EMPLOYEES = """
employee_id | hired_on   | name
e1          | 2020-10-01 | 王伟
e2          | 2026-10-01 | 李娜
boss        | 2015-01-01 | 陈静
"""
POSITIONS = """
employee_id | effective_on | known_at   | manager_id | department | level
e1          | 2020-10-01   |            | boss       | sales      | 2
e1          | 2026-09-01   | 2026-09-20 | boss       | service    | 3
e1          | 2026-09-15   | 2026-10-01 | e2         | finance    | 4
"""
REVIEWS = """
review_id | employee_id | period_end | reviewed_on | rating
r1        | e1          | 2025-12-31 | 2026-01-15  | 3
"""


def company(folder: Path, employees: str = EMPLOYEES) -> Path:
    return write_tables(folder, employees=employees, positions=POSITIONS, reviews=REVIEWS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "department", "level"), [(DAY, "service", 3), (dt.date(2026, 9, 20), "sales", 2)], ids=["known", "not yet"]
)
def test_a_person_is_shown_as_known_before_the_date(tmp_path: Path, day: dt.date, department: str, level: int) -> None:
    with Project(home=tmp_path / "home").open(company(tmp_path)) as data:
        keep_people(people_at(data, day), tmp_path / "home", as_of=day)
    people = people_facts(tmp_path / "home", day)
    assert set(people) == {"e1", "boss"}, "e2 begins on the date itself"
    assert people["e1"] == PersonFacts(
        employee_id="e1",
        name="王伟",
        department=department,
        manager_id="boss",
        manager_name="陈静",
        level=level,
        tenure_days=(day - dt.date(2020, 10, 1)).days,
    )
    assert (people["e1"].label, people["e1"].manager) == ("王伟", "陈静")


@pytest.mark.slow
def test_the_file_of_an_earlier_date_serves_and_a_later_one_never_does(tmp_path: Path) -> None:
    with Project(home=tmp_path).open(company(tmp_path / "data")) as data:
        keep_people(people_at(data, DAY), tmp_path, as_of=DAY)
    assert people_facts(tmp_path, DAY - dt.timedelta(days=1)) == {}
    assert set(people_facts(tmp_path, DAY + dt.timedelta(days=9), ["e1", "nobody"])) == {"e1"}
    assert facts_of({}, "x").label == "x"


@pytest.mark.slow
def test_a_name_is_hidden_from_evidence_and_changes_no_fingerprint(tmp_path: Path) -> None:
    prints = []
    for number, employees in enumerate((EMPLOYEES, EMPLOYEES.replace("王伟", "王芳"))):
        with Project(home=tmp_path).open(company(tmp_path / str(number), employees)) as data:
            prints.append(fingerprint(data, until=DAY))
            assert '"name"' in hidden_columns(data, "employees")
            people_at(data, DAY)
            columns = [row[0] for row in data.connection.execute("describe temp.people").fetchall()]
            assert "name" not in columns
    assert prints[0] == prints[1]

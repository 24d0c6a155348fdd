"""Who reports to whom on a day: transfers, vacancies, circles, people who leave and return."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml import Project, home_reads
from perfml.access.reporting_lines import current_lines, lines_of
from perfml.evidence.people import periods_at
from perfml.scoring.people.periods import PositionPeriod, keep_periods, read_periods
from perfml.scoring.sealed_files import DamagedFile
from tests.access.company import DAYS, POSITIONS, TRANSFER, keep
from tests.tables import write_tables

FIRST = dt.date(2020, 1, 1)


def period(person: str, manager: str | None, begins: dt.date = FIRST, ends: dt.date | None = None) -> PositionPeriod:
    return PositionPeriod(employee_id=person, begins=begins, ends=ends, manager_id=manager)


def test_a_transfer_changes_the_line_on_its_day(tmp_path: Path) -> None:
    keep(tmp_path)
    lines = current_lines(tmp_path)
    levels = [
        [lines.levels("mover", above=above, day=day) for above in ("lead", "director", "other_lead")] for day in DAYS
    ]
    assert levels == [[1, 2, 0], [0, 0, 1], [0, 0, 1]]
    assert [("mover" in lines.below("director", day), "mover" in lines.below("other_lead", day)) for day in DAYS] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def test_a_line_ends_at_a_manager_who_left(tmp_path: Path) -> None:
    keep(tmp_path)
    lines = current_lines(tmp_path)
    assert lines.levels("orphan", above="leaver", day=dt.date(2026, 5, 10)) == 1
    assert lines.levels("orphan", above="director", day=dt.date(2026, 5, 10)) == 2
    assert lines.levels("orphan", above="leaver", day=TRANSFER) == 0
    assert lines.levels("orphan", above="director", day=TRANSFER) == 0
    assert lines.below("leaver", TRANSFER) == frozenset()


def test_a_circle_ends() -> None:
    lines = lines_of([period("a", "b"), period("b", "c"), period("c", "b"), period("d", "d")])
    assert lines.levels("a", above="c", day=TRANSFER) == 2
    assert lines.levels("a", above="a", day=TRANSFER) == 0
    assert lines.levels("b", above="b", day=TRANSFER) == 0
    assert lines.levels("d", above="d", day=TRANSFER) == 0
    assert lines.below("b", TRANSFER) == {"a", "c"}


PEOPLE = [f"e{i}" for i in range(7)]
MANAGERS = st.one_of(st.none(), st.sampled_from([*PEOPLE, "nobody"]))


@given(st.dictionaries(st.sampled_from(PEOPLE), MANAGERS))
def test_both_directions_agree_in_any_company(managers: dict[str, str | None]) -> None:
    """Also in those with circles, which the check of the data sets aside."""
    lines = lines_of(period(person, manager) for person, manager in managers.items())
    for above in PEOPLE:
        upward = {p for p in managers if p != above and lines.levels(p, above=above, day=TRANSFER)}
        assert upward == lines.below(above, TRANSFER)


def test_a_new_file_replaces_the_lines_and_a_damaged_one_allows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 0.0)  # files are kept in memory although they are new
    keep(tmp_path)
    assert current_lines(tmp_path) is current_lines(tmp_path)
    path = keep(tmp_path, (*POSITIONS[:1], ("director", FIRST, None, None, "South", "Rome")))
    assert current_lines(tmp_path).levels("director", above="top", day=TRANSFER) == 0
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(DamagedFile):
        current_lines(tmp_path)


EMPLOYEES = """
employee_id | hired_on
boss        | 2015-01-01
e1          | 2020-10-01
e1          | 2026-12-01
e2          | 2026-09-01
e3          | 2020-10-01
"""
TABLE = """
employee_id | effective_on | known_at   | manager_id | department
e1          | 2020-10-01   |            | boss       | sales
e1          | 2026-09-01   | 2026-09-20 | boss       | service
e1          | 2026-11-01   | 2026-09-25 | e2         | finance
e2          | 2026-09-01   |            | boss       | sales
e3          | 2020-10-01   |            | boss       | sales
e3          | 2026-11-05   | 2026-10-01 | e2         | finance
"""
EXITS = """
employee_id | exited_on  | kind      | known_at
e1          | 2026-11-30 | voluntary | 2026-09-28
"""


@pytest.mark.slow
def test_periods_are_known_before_the_date_and_reach_beyond_it(tmp_path: Path) -> None:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2025-12-31 | 2026-01-15 | 3"
    folder = write_tables(tmp_path / "data", employees=EMPLOYEES, positions=TABLE, reviews=reviews, exits=EXITS)
    day = dt.date(2026, 10, 1)
    with Project(home=tmp_path / "home").open(folder) as data:
        path = keep_periods(periods_at(data, day), tmp_path / "home", as_of=day)
    rows = [
        (p.employee_id, p.begins.isoformat(), p.ends and p.ends.isoformat(), p.manager_id) for p in read_periods(path)
    ]
    assert rows == [
        ("boss", "2015-01-01", None, None),
        ("e1", "2020-10-01", "2026-09-01", "boss"),
        ("e1", "2026-09-01", "2026-11-01", "boss"),
        ("e1", "2026-11-01", "2026-12-01", "e2"),
        ("e2", "2026-09-01", None, "boss"),
        ("e3", "2020-10-01", None, "boss"),
    ], "the transfer of e3 is known a day too late, the exit of e1 and its transfer in time"

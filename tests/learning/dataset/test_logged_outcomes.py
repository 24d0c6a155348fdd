"""An event of the log as the outcome: within the horizon, known in time, and only where the log covers it."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from perfml.errors import DataError, DefinitionError
from perfml.project.model_spec import Label
from tests.companies import Tables, other_future
from tests.companies import company as company_of
from tests.learning.dataset.test_labels import EMPLOYEES, labelled, rows
from tests.tables import write_tables

EVENTS = """
event_id | employee_id | kind | happened_at | value | known_at
v1 | e0 | sick_leave | 2024-03-01 08:00 | 12 |
v2 | e1 | sick_leave | 2024-05-30 23:59 | 12 |
v3 | e2 | sick_leave | 2024-05-31 00:00 | 12 |
v4 | e3 | sick_leave | 2024-04-01 | 3 |
v4 | e3 | sick_leave | 2024-04-01 | 15 | 2024-07-01
v5 | e4 | sick_leave | 2024-02-20 | 20 | 2024-04-01
v6 | e5 | sick_leave | 2024-04-01 | 20 | 2024-08-01
v7 | e6 | sick_leave | 2024-04-01 | |
v8 | e6 | login | 2024-04-01 | 99 |
v9 | e7 | login | 2024-01-01 | |
va | e7 | login | 2024-10-01 | |
"""
EXITS = """
employee_id | exited_on | kind
e6 | 2024-04-15 | voluntary
e7 | 2024-02-20 | voluntary
"""
LONG = Label(kind="event", kinds=("sick_leave",), where="value >= 10", en="ill", zh="病", horizons_days=(91,))


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS)


@pytest.mark.slow
def test_the_as_of_date_counts_and_the_day_after_the_horizon_does_not(company: Path) -> None:
    people = rows("e0", "e1", "e2")
    assert labelled(company, LONG, people, horizon=91, until="2024-10-02") == [1, 1, 0]
    assert labelled(company, LONG, people, horizon=92, until="2024-10-02") == [1, 1, 1]


def test_what_happened_before_the_as_of_date_is_no_outcome_however_late_it_is_known(company: Path) -> None:
    assert labelled(company, LONG, rows("e4"), horizon=91, until="2024-10-02") == [0]


@pytest.mark.slow
def test_an_event_and_its_correction_count_once_they_are_known(company: Path) -> None:
    assert labelled(company, LONG, rows("e5"), horizon=91, until="2024-08-01") == [0]
    assert labelled(company, LONG, rows("e5"), horizon=91, until="2024-08-02") == [1]
    assert labelled(company, LONG, rows("e3"), horizon=91, until="2024-07-01") == [0]
    assert labelled(company, LONG, rows("e3"), horizon=91, until="2024-07-02") == [1]


@pytest.mark.slow
def test_the_condition_decides_and_a_missing_value_does_not_meet_it(company: Path) -> None:
    every = LONG.model_copy(update={"where": None})
    assert labelled(company, LONG, rows("e6"), horizon=91, until="2024-10-02") == [0]
    assert labelled(company, every, rows("e6"), horizon=91, until="2024-10-02") == [1]
    either = LONG.model_copy(update={"kinds": ("sick_leave", "login")})
    assert labelled(company, either, rows("e6"), horizon=91, until="2024-10-02") == [1]


@pytest.mark.slow
def test_nothing_is_labelled_that_the_log_does_not_cover(company: Path) -> None:
    """The log ends on 1 October, and the first long sick leave is of 20 February, known from April on."""
    assert labelled(company, LONG, rows("e1", as_of="2024-07-03"), horizon=91, until="2025-01-01") == [0]
    assert labelled(company, LONG, rows("e1", as_of="2024-07-04"), horizon=91, until="2025-01-01") == [None]
    assert labelled(company, LONG, rows("e1"), horizon=91, until="2024-05-30") == [None]
    assert labelled(company, LONG, rows("e0", as_of="2024-02-20"), horizon=91, until="2024-10-02") == [1]
    assert labelled(company, LONG, rows("e0", as_of="2024-02-19"), horizon=91, until="2024-10-02") == [None]
    slow = LONG.model_copy(update={"reporting_delay_days": 30})
    assert labelled(company, slow, rows("e1", as_of="2024-07-03"), horizon=91, until="2025-01-01") == [None]


def test_who_had_left_has_no_label_and_who_leaves_without_an_event_has_none(tmp_path: Path) -> None:
    company = write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS, exits=EXITS)
    assert labelled(company, LONG, rows("e6", "e7"), horizon=91, until="2024-10-02") == [0, None]


@pytest.mark.slow
def test_conditions_and_kinds_that_cannot_be_used_are_named(company: Path) -> None:
    with pytest.raises(
        DataError, match=r"no event of kind 'fever' with value >= 10 is in the log; .* sick_leave, login"
    ):
        labelled(company, LONG.model_copy(update={"kinds": ("fever",)}), rows("e0"), horizon=91, until="2024-10-02")
    with pytest.raises(DefinitionError, match=r"\[label\] where: 'hours > 3' does not run"):
        labelled(company, LONG.model_copy(update={"where": "hours > 3"}), rows("e0"), horizon=91, until="2024-10-02")


@pytest.mark.slow
def test_another_future_changes_no_label() -> None:
    label = Label(kind="event", kinds=("login", "praise", "overtime"), en="x", zh="x", horizons_days=(28,))
    seen: set[float | None] = set()
    for seed in range(8):
        rng, until = Random(seed), dt.date(2025, 3, 3)
        before = company_of(rng, until)
        asked = pd.concat(
            rows(*(f"e{i}" for i in range(9)), as_of=str(until - dt.timedelta(days=back)))
            for back in (200, 91, 29, 28, 1)
        )
        # A broken exit without a date makes labels missing, whenever it came: exits are the same here.
        after = other_future(rng, before, until) | {"exits": before["exits"]}
        first, other = (labels_of(tables, label, asked, until=until) for tables in (before, after))
        assert first == other, seed
        seen.update(first)
    assert seen == {None, 0, 1}


def labels_of(tables: Tables, label: Label, asked: pd.DataFrame, *, until: dt.date) -> list[float | None]:
    frames = {name: pd.DataFrame(lines, dtype=str).fillna("") for name, lines in tables.items() if lines}
    with tempfile.TemporaryDirectory() as folder:
        return labelled(write_tables(Path(folder), **frames), label, asked, horizon=28, until=str(until))


def test_without_an_occasion_in_the_horizon_there_is_no_label(company: Path) -> None:
    """Of a login within the horizon somebody could have been ill; e0 has none."""
    asked = LONG.model_copy(update={"occasions": ("login",), "where": None})
    assert labelled(company, asked, rows("e0", "e6", "e7"), horizon=91, until="2024-10-02") == [None, 1, None]
    itself = LONG.model_copy(update={"occasions": ("sick_leave",)})
    assert labelled(company, itself, rows("e0", "e6", "e7"), horizon=91, until="2024-10-02") == [1, 0, None]
    with pytest.raises(DataError, match="no event of kind 'visit'"):
        labelled(
            company, asked.model_copy(update={"occasions": ("visit",)}), rows("e0"), horizon=91, until="2024-10-02"
        )

"""Labels: what came of it, as far as it was known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.errors import DataError
from perfml.learning.dataset.labels import exit_times, labels
from perfml.project.model_spec import Label
from tests.tables import opened, write_tables

EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"e{i} | 2020-01-01" for i in range(8))
REVIEWS = """
review_id | employee_id | period_end | reviewed_on | rating | known_at
r1 | e0 | 2024-06-30 | 2024-06-30 | 1 |
r2 | e0 | 2024-12-31 | 2024-12-31 | 5 |
r3 | e1 | 2024-06-30 | 2024-06-30 | 5 |
r4 | e2 | 2024-06-30 | 2024-06-30 | 4 |
r4 | e2 | 2024-06-30 | 2024-06-30 | 2 | 2024-07-20
r5 | e3 | 2024-06-30 | 2024-06-30 | 1 | 2024-09-01
"""
EXITS = """
employee_id | exited_on | kind | known_at
e0 | 2024-03-01 | voluntary |
e1 | 2024-05-31 | voluntary |
e2 | 2024-05-30 | involuntary |
e3 | 2024-02-20 | voluntary | 2024-03-05
e4 | 2024-04-01 | voluntary | 2024-08-01
"""


def rows(*people: str, as_of: str = "2024-03-01") -> pd.DataFrame:
    return pd.DataFrame({"employee_id": people, "as_of": pd.to_datetime([as_of] * len(people))})


def labelled(folder: Path, label: Label, frame: pd.DataFrame, *, horizon: int, until: str) -> list[float | None]:
    got = labels(opened(folder), frame, label, horizon_days=horizon, until=dt.date.fromisoformat(until))
    return [None if np.isnan(x) else x for x in got]


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return write_tables(tmp_path, employees=EMPLOYEES, reviews=REVIEWS, exits=EXITS)


@pytest.mark.slow
def test_exit_on_the_as_of_date_counts_and_on_the_last_day_does_not(company: Path) -> None:
    leave = Label(kind="exit", horizons_days=(91,))
    people = rows("e0", "e1", "e2", "e5")
    assert labelled(company, leave, people, horizon=91, until="2024-12-01") == [1, 0, 1, 0]
    assert labelled(company, leave, people, horizon=92, until="2024-12-01") == [1, 1, 1, 0]


def test_only_the_kinds_of_exit_that_the_spec_names_count(company: Path) -> None:
    own_choice = Label(kind="exit", horizons_days=(91,), exit_kinds=("voluntary",))
    assert labelled(company, own_choice, rows("e0", "e2"), horizon=91, until="2024-12-01") == [1, 0]


@pytest.mark.slow
def test_nothing_is_labelled_before_it_matured(company: Path) -> None:
    leave = Label(kind="exit", horizons_days=(91,))
    assert labelled(company, leave, rows("e0", "e5"), horizon=91, until="2024-05-30") == [None, None]
    assert labelled(company, leave, rows("e0", "e5"), horizon=91, until="2024-05-31") == [1, 0]
    slow = Label(kind="exit", horizons_days=(91,), reporting_delay_days=30)
    assert labelled(company, slow, rows("e0"), horizon=91, until="2024-06-29") == [None]


@pytest.mark.slow
def test_an_exit_counts_only_once_it_is_known(company: Path) -> None:
    leave = Label(kind="exit", horizons_days=(91,))
    assert labelled(company, leave, rows("e4"), horizon=91, until="2024-08-01") == [0]
    assert labelled(company, leave, rows("e4"), horizon=91, until="2024-08-02") == [1]


def test_who_had_already_left_is_not_labelled(company: Path) -> None:
    leave = Label(kind="exit", horizons_days=(91,))
    assert labelled(company, leave, rows("e3"), horizon=91, until="2024-12-01") == [None]


def test_the_next_review_decides_and_none_is_missing(company: Path) -> None:
    low = Label(kind="low_review", low_at_most=2, horizons_days=(365,))
    people = rows("e0", "e1", "e2", "e5")
    assert labelled(company, low, people, horizon=365, until="2025-03-02") == [1, 0, 1, None]


@pytest.mark.slow
def test_a_corrected_rating_counts_from_the_day_it_was_known(company: Path) -> None:
    low = Label(kind="low_review", low_at_most=2, horizons_days=(130,))
    assert labelled(company, low, rows("e2"), horizon=130, until="2024-07-20") == [0]
    assert labelled(company, low, rows("e2"), horizon=130, until="2024-07-21") == [1]
    assert labelled(company, low, rows("e3"), horizon=130, until="2024-09-01") == [None]


def test_an_absent_table_is_named(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, employees=EMPLOYEES, reviews=REVIEWS)
    with pytest.raises(DataError, match="the table 'exits' is missing"):
        labelled(folder, Label(kind="exit", horizons_days=(91,)), rows("e0"), horizon=91, until="2024-12-01")


@pytest.mark.slow
def test_times_to_leaving_are_censored_where_reports_may_still_come(company: Path) -> None:
    people, causes = rows("e0", "e1", "e2", "e3", "e5"), ("voluntary", "involuntary")

    def exit_times_at(until: str, delay_days: int = 0) -> list[list[float | None]]:
        day = dt.date.fromisoformat(until)
        times = exit_times(opened(company), people, until=day, causes=causes, delay_days=delay_days)
        return [[None if np.isnan(x) else x for x in part.tolist()] for part in times]

    assert exit_times_at("2024-07-01") == [[0.5, 91, 90, None, 122], [1, 1, 2, 0, 0]]
    assert exit_times_at("2024-05-31")[0] == [0.5, 91, 90, None, 91]
    assert exit_times_at("2024-05-31")[1] == [1, 0, 2, 0, 0]
    assert exit_times_at("2024-07-01", delay_days=61) == [[0.5, 61, 61, None, 61], [1, 0, 0, 0, 0]]


SEVERAL = """
review_id | employee_id | reviewer_id | period_end | reviewed_on | rating
r1 | e0 | m1 | 2024-06-30 | 2024-06-30 | 2
r2 | e0 | m2 | 2024-06-30 | 2024-07-02 | 4
r3 | e0 | m3 | 2024-06-30 | 2024-07-03 | 3
r4 | e1 | m1 | 2024-06-30 | 2024-06-30 | 2
r5 | e1 | m2 | 2024-12-31 | 2024-12-31 | 5
r6 | e2 | m1 | 2024-06-30 | 2024-06-30 | 3
r7 | e2 | m2 | 2024-06-30 | 2024-07-01 | 2
r8 | e2 | m3 | 2024-06-30 | 2024-07-02 | 1
"""


@pytest.mark.parametrize(("until", "expected"), [("2024-12-01", [0, 1, 1]), ("2024-07-01", [1, 1, 0])])
def test_corrected_raters_of_one_period_are_their_consensus(
    tmp_path: Path, until: str, expected: list[float | None]
) -> None:
    """As far as it is known by ``until``; uncorrected, the first review of the horizon decides."""
    folder = write_tables(tmp_path, employees=EMPLOYEES, reviews=SEVERAL)
    raw = Label(kind="low_review", low_at_most=2, horizons_days=(122,))
    people = rows("e0", "e1", "e2")
    assert labelled(folder, raw, people, horizon=122, until=until) == [1, 1, 0]
    corrected = raw.model_copy(update={"correct_raters": True})
    assert labelled(folder, corrected, people, horizon=122, until=until) == expected

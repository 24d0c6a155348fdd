"""Goals as known at a day, without later versions, corrections and late measurements."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.forecast import forecast
from perfml.advice.targets.forecasting.model import AttainmentModel, finals
from perfml.advice.targets.forecasting.panel import GoalRecord
from tests.advice.targets.worlds import NOW, POLICY, number, world
from tests.tables import opened, write_tables

PEOPLE = """
employee_id | hired_on
a           | 2024-01-01
b           | 2024-01-01
"""
GOALS = """
goal_id | employee_id | metric | core  | weight | target | period_start | period_end | effective_on | definition
a1      | a           | calls  | false | 100    | 100    | 2025-01-01   | 2025-03-31 | 2025-01-01   | v1
a1      | a           | calls  | false | 100    | 80     | 2025-01-01   | 2025-03-31 | 2025-02-10   | v1
b1      | b           | calls  | false | 100    | 50     | 2025-01-01   | 2025-03-31 | 2025-01-01   | v1
"""
PROGRESS = """
goal_id | measured_at | actual | definition | known_at
a1      | 2025-01-31  | 30     | v1         | 2025-01-31
a1      | 2025-01-31  | 20     | v1         | 2025-02-20
a1      | 2025-02-28  | 55     | v1         | 2025-03-20
b1      | 2025-01-31  | 10     |            | 2025-01-31
b1      | 2025-02-28  | 90     | v2         | 2025-02-28
"""
EVENTS = """
employee_id | happened_at | kind  | value | event_id | known_at
a           | 2025-01-01  | login |       | 1        | 2025-01-01
a           | 2025-01-06  | deal  | 3     | 2        | 2025-01-06
a           | 2025-01-13  | deal  | 4     | 3        | 2025-02-13
a           | 2025-01-20  | deal  | 5     | 4        | 2025-01-20
a           | 2025-01-20  | deal  | 6     | 4        | 2025-03-10
"""


@pytest.fixture
def record(tmp_path: Path) -> GoalRecord:
    data = opened(write_tables(tmp_path, employees=PEOPLE, goals=GOALS, progress=PROGRESS, events=EVENTS))
    return GoalRecord.of(data, dt.date(2025, 4, 10), {})


def at(record: GoalRecord, day: str) -> tuple[list[float], list[float], list[float]]:
    panel = record.at(number(dt.date.fromisoformat(day)))
    return panel.target.tolist(), panel.effective.tolist(), np.nan_to_num(panel.last_measured()[1], nan=-1).tolist()


def test_a_version_is_in_force_once_it_took_effect(record: GoalRecord) -> None:
    assert record.goals["goal_id"].tolist() == ["a1", "b1"]
    assert at(record, "2025-02-10")[0] == [100, 50]
    assert at(record, "2025-02-11")[:2] == ([80, 50], [number(dt.date(2025, 2, 10)), number(dt.date(2025, 1, 1))])
    np.testing.assert_equal(at(record, "2025-01-01")[0], [np.nan, np.nan])


def test_a_correction_counts_from_the_day_it_was_known(record: GoalRecord) -> None:
    assert at(record, "2025-02-20")[2] == [30, 10]
    assert at(record, "2025-02-21")[2] == [20, 10]
    assert at(record, "2025-03-21")[2] == [55, 10]  # a measurement under another definition never counts


def test_progress_becomes_the_series_of_its_owner(record: GoalRecord) -> None:
    panel = record.at(number(dt.date(2025, 4, 1)))
    days = [number(dt.date.fromisoformat(day)) for day in ("2025-01-31", "2025-02-28")]
    mine = panel.owner[:1]
    assert panel.series.between(mine, np.array([days[0]]), np.array([days[1]])) == [35]
    assert panel.series.between(mine, np.array([days[0] - 28]), np.array([days[1]])) == [55]
    assert np.isnan(panel.series.between(mine, np.array([days[0] - 29]), np.array([days[1]]))).all()  # before it begins
    assert np.isnan(panel.series.between(mine, np.array([days[0]]), np.array([days[1] + 1]))).all()  # after its end


def test_history_comes_from_the_log_where_the_policy_says_so(tmp_path: Path) -> None:
    data = opened(write_tables(tmp_path, employees=PEOPLE, goals=GOALS, progress=PROGRESS, events=EVENTS))
    record = GoalRecord.of(data, dt.date(2025, 4, 10), {"calls": "deal"})
    after, until = np.array([number(dt.date(2025, 1, 5))]), np.array([number(dt.date(2025, 1, 20))])
    series = np.array([record.code["a", "calls"]])
    for day, reached in ((dt.date(2025, 2, 13), 8), (dt.date(2025, 2, 14), 12), (dt.date(2025, 3, 11), 13)):
        assert record.at(number(day)).series.between(series, after, until) == [reached]
    # one row is known late, and one is corrected
    nobody = np.array([record.code["b", "calls"]])  # has no log, and progress does not count for this metric
    assert np.isnan(record.at(number(dt.date(2025, 4, 1))).series.between(nobody, after, until)).all()


@pytest.mark.slow
def test_past_forecasts_equal_those_made_at_the_time(tmp_path: Path) -> None:
    folder = world(tmp_path)
    rng = np.random.default_rng(5)
    goals, progress = (pd.read_csv(folder / f"{name}.csv") for name in ("goals", "progress"))
    revised = goals.sample(60, random_state=1)
    middle = pd.to_datetime(revised["period_start"]) + pd.Timedelta(days=40)
    revised = revised.assign(effective_on=middle.dt.date, target=rng.integers(50, 150, 60))
    revised = revised[pd.to_datetime(revised["effective_on"]).dt.date < NOW]
    measured = pd.to_datetime(progress["measured_at"])
    corrected = progress.assign(known_at=(measured + pd.Timedelta(days=30)).dt.date, actual=progress["actual"] * 1.3)
    corrected = corrected.sample(300, random_state=2)
    corrected = corrected[pd.to_datetime(corrected["known_at"]).dt.date < NOW]
    late = measured + pd.to_timedelta(rng.choice([0, 9], len(progress)), unit="D")
    progress = progress.assign(known_at=np.minimum(late.dt.date, NOW - dt.timedelta(days=1)))
    write_tables(folder, goals=pd.concat([goals, revised]), progress=pd.concat([progress, corrected]))
    data = opened(folder)
    afterwards = AttainmentModel.of(data, POLICY, NOW)
    for day in (dt.date(2024, 5, 20), dt.date(2025, 3, 5)):
        then = forecast(data, POLICY, day).frame
        state = afterwards.at(number(day))
        rows = pd.Index(afterwards.record.goals["goal_id"]).get_indexer(pd.Index(then["goal_id"]))
        np.testing.assert_array_equal(state.panel.target[rows], then["target"])
        np.testing.assert_allclose(state.expected[rows], then["expected"], rtol=1e-9)
        np.testing.assert_allclose(state.market[rows], then["market"], atol=1e-9)
    assert (afterwards.at(number(dt.date(2025, 3, 5))).panel.target != afterwards.record.at(number(NOW)).target).any()


@pytest.mark.slow
def test_without_progress_no_final_is_known(tmp_path: Path) -> None:
    data = opened(write_tables(tmp_path, employees=PEOPLE, goals=GOALS, events=EVENTS))
    panel = GoalRecord.of(data, dt.date(2025, 3, 1), {}).at(number(dt.date(2025, 3, 1)))
    assert np.isnan(panel.last_measured()).all() and np.isnan(finals(panel, number(NOW))).all()
    assert forecast(data, POLICY, dt.date(2024, 12, 1)).frame.empty

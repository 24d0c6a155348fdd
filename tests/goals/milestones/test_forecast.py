"""When milestones will be finished, what is late about them, and what that does to others."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.goals.milestones.durations import Durations
from perfml.goals.milestones.forecast import FinishForecast, forecast_milestones
from perfml.goals.milestones.lateness import finished_in_time, status_of
from perfml.goals.milestones.spreading import spreading
from tests.goals.milestones.record import history, record


def looked(*rows: dict[str, object], day: float, lag: int = 1) -> tuple[FinishForecast, dict[str, int]]:
    """The forecast of the goal g beside a history, and the row of each name."""
    forecast = forecast_milestones(record(*history(lag=lag), *rows).at(day), least_finished=30)
    frame = forecast.milestones.rows
    own = frame.index[frame["goal_id"] == "g"]
    return forecast, {str(frame["name"][row]): int(row) for row in own}


def status(*rows: dict[str, object], day: float, lag: int = 1) -> dict[str, str]:
    forecast, row_of = looked(*rows, day=day, lag=lag)
    names = status_of(forecast, finished_in_time(forecast), marking_days=5, sure=0.8)
    return {name: str(names[row]) for name, row in row_of.items()}


def test_too_few_finished_ones_forecast_nothing() -> None:
    forecast = forecast_milestones(record(*history(people=20), {}).at(10), least_finished=30)
    assert forecast.durations is None and np.isnan(forecast.quantile(0.5)[-1])
    assert forecast_milestones(record().at(10), least_finished=30).quantile(0.5).tolist() == []


def test_the_interval_covers_what_comes() -> None:
    rng = np.random.default_rng(8)
    came = np.floor(30 * np.exp(rng.normal(0, 0.2, 300)))
    rows = [{"goal_id": f"now{n}", "employee_id": f"p{n % 10}"} for n in range(300)]
    forecast = forecast_milestones(record(*history(people=400), *rows).at(1), least_finished=30)
    own = forecast.milestones.rows["goal_id"].str.startswith("now").to_numpy()
    order = forecast.milestones.rows["goal_id"][own].str.removeprefix("now").astype(int).to_numpy()
    low, high = (np.floor(forecast.quantile(q)[own]) for q in (0.1, 0.9))
    assert 0.72 <= ((came[order] >= low) & (came[order] <= high)).mean() <= 0.88


def test_an_open_milestone_is_never_expected_before_it_could_have_been_seen() -> None:
    forecast, row_of = looked({}, day=60)
    assert forecast.finish[row_of["a"]].min() >= 60 - 1 - 1e-9, "everybody marks after a day, so it would be marked"


def test_an_open_milestone_counts_as_at_least_so_long() -> None:
    value, owner = np.log(np.full(40, 2.0)), np.zeros(40, dtype=np.int64)
    value[:20] = 0.0
    both = Durations.of(value, open_yet=np.arange(40) >= 20, owner=owner, quarter=owner)
    done = Durations.of(value[:20], open_yet=np.zeros(20, dtype=bool), owner=owner[:20], quarter=owner[:20])
    assert both.middle + both.owner.mean[0] > done.middle + done.owner.mean[0] + 0.2


def test_slippage_spreads_and_is_traced_to_where_it_begins() -> None:
    rows = (
        {"name": "a", "due": 20.0, "finished": 50.0, "marked": 51.0},
        {"name": "b", "due": 40.0, "depends_on": ["a"]},
        {"name": "c", "due": 60.0, "depends_on": ["b"]},
        {"name": "free", "due": 60.0},
    )
    forecast, row_of = looked(*rows, day=55)
    spread = spreading(forecast)
    assert spread.inherited[row_of["b"]] == 30 and spread.driver[row_of["b"]] == row_of["a"]
    assert spread.inherited[row_of["c"]] > 25 and spread.driver[row_of["c"]] == row_of["b"]
    assert spread.pushes[row_of["a"]] == 2 and spread.pushes[row_of["c"]] == 0
    assert spread.inherited[row_of["free"]] == 0 and spread.driver[row_of["free"]] == -1


@pytest.mark.parametrize(
    ("row", "day", "lag", "meant"),
    [
        ({"finished": 28.0, "marked": 29.0}, 60.0, 1, "on_time"),
        ({"finished": 28.0, "marked": 45.0}, 60.0, 1, "late_marking"),
        ({"finished": 28.0}, 60.0, 1, "late_marking"),
        ({"finished": 36.0, "marked": 37.0}, 60.0, 1, "late_work"),
        ({"finished": 36.0, "marked": 50.0}, 60.0, 1, "late_work"),
        ({"marked": 30.0}, 60.0, 1, "on_time"),
        ({"marked": 45.0}, 60.0, 1, "late_work"),
        ({"marked": 45.0}, 60.0, 18, "late_marking"),
        ({}, 60.0, 1, "late_work"),
        ({}, 20.0, 1, "running"),
        ({}, 33.0, 1, "running"),
    ],
)
def test_late_work_is_told_apart_from_late_marking(row: dict[str, object], day: float, lag: int, meant: str) -> None:
    assert status(row, day=day, lag=lag) == {"a": meant}


def test_without_any_day_of_work_nothing_is_guessed() -> None:
    rows = [{**row, "finished": np.nan} for row in history()]
    forecast = forecast_milestones(record(*rows, {"marked": 45.0}).at(60), least_finished=30)
    names = status_of(forecast, finished_in_time(forecast), marking_days=5, sure=0.8)
    own = forecast.milestones.rows["goal_id"] == "g"
    assert names[own.to_numpy()].tolist() == ["unclear"] and not forecast.marking.on_record

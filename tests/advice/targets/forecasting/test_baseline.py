"""The seasonal baseline: habit from goals that had ended, the same days of the year before, and the season."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.baseline import PRIOR_GOALS, PRIOR_OWNERS, TREND_KEPT, SeasonalBaseline, _blend
from perfml.advice.targets.forecasting.panel import GoalRecord, Panel
from tests.advice.targets.worlds import number, quarters
from tests.tables import opened, write_tables

DAY = dt.date(2024, 8, 20)
GROWTH = 1.2
QUARTERS = [(first, last) for first, last in quarters(DAY) if first >= dt.date(2023, 7, 1)]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """Two owners with five quarterly goals each. One logs 10 a week, 12 from 2024 on, and 20 in the third quarter of 2023."""
    goals = [
        (f"{who}_{first}", who, "sales", "false", 100, 130, first, last, first)
        for first, last in QUARTERS
        for who in "ab"
    ]
    columns = [
        "goal_id",
        "employee_id",
        "metric",
        "core",
        "weight",
        "target",
        "period_start",
        "period_end",
        "effective_on",
    ]
    weeks = pd.date_range("2022-01-05", "2024-08-14", freq="7D")
    value = np.where(
        weeks >= "2024-01-01", 10 * GROWTH, np.where((weeks >= "2023-07-01") & (weeks < "2023-10-01"), 20.0, 10.0)
    )
    folder = write_tables(
        tmp_path_factory.mktemp("baseline"),
        employees=pd.DataFrame({"employee_id": ["a", "b"], "hired_on": "2020-01-01"}),
        goals=pd.DataFrame(goals, columns=columns),
        events=pd.DataFrame({"employee_id": "a", "happened_at": weeks, "kind": "week", "value": value}),
    )
    return GoalRecord.of(opened(folder), DAY, {"sales": "week"}).at(number(DAY))


def baseline_of(panel: Panel, attained: np.ndarray) -> SeasonalBaseline:
    with np.errstate(divide="ignore", invalid="ignore"):
        return SeasonalBaseline.of(panel, attained, number(DAY))


def test_habit_is_of_goals_that_had_ended_before(panel: Panel) -> None:
    attained = np.where(panel.owner == panel.owner[0], 0.3, 0.1)  # goals are ordered: five of a, then five of b
    attained[panel.last >= number(DAY)] = np.nan
    baseline = baseline_of(panel, attained)
    level = np.array([0.4 * n / (2 * n + PRIOR_OWNERS) for n in range(5)])
    np.testing.assert_allclose(baseline.level, np.tile(level, 2))
    over = 0.3 - level
    own = [over[:n].sum() / (n + PRIOR_GOALS) for n in range(5)]
    np.testing.assert_allclose(baseline.own[:5], own)


def test_the_year_before_and_growth_make_the_baseline(panel: Panel) -> None:
    baseline = baseline_of(panel, np.full(10, np.nan))
    assert (baseline.blend == 1).all()  # until goals have ended, only the year before counts
    now = 4
    assert baseline.trend[now] == pytest.approx(TREND_KEPT * np.log(GROWTH))
    year, trend = 20 * 13 / 130, baseline.trend[now]
    assert baseline.whole()[now] == pytest.approx(np.log(year) + trend, abs=0.01)
    assert baseline.yearly().tolist() == [1.0] * 5 + [0.0] * 5  # the other has no log
    assert baseline.whole()[9] == 0


def test_a_season_excludes_what_the_target_contains(panel: Panel) -> None:
    baseline = baseline_of(panel, np.full(10, np.nan)).season()
    year = 10 * 39 + 20 * 13
    assert baseline[4] == pytest.approx(
        np.log(20 * 52 / year), abs=0.05
    )  # the quarter of the year before, over its mean
    np.testing.assert_allclose(baseline[:4], 0, atol=0.02)


def test_the_blend_is_the_one_that_forecast_past_goals_best(panel: Panel) -> None:
    whole = baseline_of(panel, np.full(10, np.nan)).whole()
    attained = np.where(panel.last < number(DAY), whole, np.nan)
    attained[5:] = np.nan
    assert baseline_of(panel, attained).blend[0] == pytest.approx(1, abs=0.01)
    against = np.where(panel.last < number(DAY), 0.0, np.nan)
    against[5:] = np.nan
    assert baseline_of(panel, against).blend[0] < 0.9


def test_where_habit_is_known_and_no_year_yet_both_count_the_same() -> None:
    metric, unknown = np.zeros(30, dtype=np.int64), np.full(30, np.nan)
    habit = np.where(np.arange(30) < PRIOR_OWNERS, 0.1, np.nan)
    assert _blend(metric, habit, unknown)[0] == 0.5
    assert _blend(metric, np.where(np.arange(30) < PRIOR_OWNERS - 1, 0.1, np.nan), unknown)[0] == 1

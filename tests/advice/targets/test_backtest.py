"""Errors and coverage of past forecasts, and whether finals confirm the directions of suggestions."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perfml.advice.targets.backtest import TargetBacktest, backtest, summary
from perfml.advice.targets.forecasting.conformal import MIN_FORECASTS, Errors, stretch
from perfml.advice.targets.forecasting.model import BACKTEST_ORIGINS, ORIGINS, RECENT_PERIODS, AttainmentModel
from perfml.errors import DataError
from perfml.evidence.sources import Data
from tests.advice.targets.worlds import NOW, POLICY, number, quarters, world
from tests.tables import opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return opened(world(tmp_path_factory.mktemp("world")))


@pytest.fixture(scope="module")
def report(data: Data) -> TargetBacktest:
    return backtest(data, POLICY, until=NOW)


def test_forecasts_beat_seasonal_naive_and_intervals_hold(report: TargetBacktest) -> None:
    assert [at.part for at in report.at] == list(BACKTEST_ORIGINS) and report.periods == len(quarters(NOW)) - 1
    for at in report.at:
        assert 0.7 <= at.coverage.value <= 0.95 and at.coverage.low <= at.coverage.value <= at.coverage.high
        assert at.mase.high < 1 and at.goals == 40 * report.periods
        assert at.pinball["0.5"] == pytest.approx(at.error.value / 2, rel=0.1)
    errors = [at.error.value for at in report.at]
    assert errors == sorted(errors, reverse=True)


def test_each_used_signal_is_left_out_once(report: TargetBacktest) -> None:
    assert set(report.ablation) == {"demand"}
    assert report.ablation["demand"] == pytest.approx(1, abs=0.05)  # the lead contains most of its information


def test_it_is_written_as_json_and_as_a_table(report: TargetBacktest) -> None:
    assert json.loads(json.dumps(report.to_json()))["at"][1]["part"] == 0.5
    assert [row[0] for row in summary(report)] == ["25%", "50%", "75%"]


def test_seasonal_naive_adds_the_rest_of_last_year_to_the_progress_so_far(data: Data) -> None:
    model = AttainmentModel.of(data, POLICY, NOW)
    past = model.past(number(NOW), parts=(0.5,))
    row = past[past["first"] == number(dt.date(2024, 4, 1))].iloc[7]
    goal = model.record.goals.iloc[int(row["goal"])]
    panel = model.record.at(float(row["origin"]))
    measured, reached = (x[int(row["goal"])] for x in panel.last_measured())
    rows = panel.measured.join(model.record.goals[["employee_id", "metric"]], on="goal")
    rows = rows[(rows["employee_id"] == goal["employee_id"]).to_numpy()]
    amount = rows["actual"].to_numpy() - rows.groupby("goal")["actual"].shift().fillna(0).to_numpy()
    # progress of the year before counts on the day it was measured
    inside = (rows["day"] > measured - 364) & (rows["day"] <= goal["last"] - 364)
    assert row["naive"] == pytest.approx(reached + amount[inside.to_numpy()].sum(), rel=1e-9)


def test_intervals_come_from_the_last_ended_periods(data: Data) -> None:
    model = AttainmentModel.of(data, POLICY, NOW)
    day = number(dt.date(2025, 5, 20))
    past = model.past(number(NOW))
    ended = past[past["last"] < day]
    recent = ended[ended["last"].isin(np.unique(ended["last"])[-RECENT_PERIODS:])]
    elapsed = np.array([0.1, 0.5, 0.9])
    errors = model.errors_of(past, day)
    np.testing.assert_allclose(errors.at(elapsed, 0.9), model.errors_of(recent, day).at(elapsed, 0.9))
    np.testing.assert_allclose(errors.at(elapsed, 0.9), model.errors(day).at(elapsed, 0.9), rtol=1e-9)
    assert set(past["part"]) == set(ORIGINS)
    assert (errors.spread(elapsed) > 0).all() and (np.diff(errors.spread(elapsed)) < 0).all()


def suggested(day: dt.date) -> pa.Table:
    """26 targets are lowered and 10 raised; three goals change only their weight and one stays."""
    first = max(first for first, _ in quarters(day))
    ids = [f"e{n:02}_{first}" for n in range(40)]
    return pa.table(
        {
            "goal_id": [*ids, "unknown"],
            "status": ["none", *["suggested"] * 40],
            "lever": ["target", *["weight"] * 3, *["target"] * 37],
            "old_target": [100.0] * 41,
            "new_target": [90.0] * 30 + [110.0] * 11,
        }
    )


def test_hindsight_confirms_directions_compared_with_chance(data: Data) -> None:
    directions = backtest(data, POLICY, until=NOW, suggest=suggested).directions
    finals = pd.read_csv(Path(str(data.source)) / "progress.csv").groupby("goal_id")["actual"].last()
    last = [first for first, _ in quarters(NOW)][-5:-1]
    below = np.array([[finals[f"e{n:02}_{first}"] < 100 for n in range(40)] for first in last])
    confirmed = below[:, 4:30].sum() + (~below[:, 30:]).sum()
    assert directions is not None and (directions.suggested, directions.confirmed) == (4 * 36, confirmed)
    base_rate = below.mean(axis=1)
    assert directions.by_chance == pytest.approx((26 * base_rate + 10 * (1 - base_rate)).sum())


def test_without_an_ended_period_it_says_so(data: Data) -> None:
    with pytest.raises(DataError, match="no period with measured goals has ended"):
        backtest(data, POLICY, until=dt.date(2022, 2, 20))


def test_errors_depend_on_the_part_of_the_period() -> None:
    rng = np.random.default_rng(0)
    elapsed = np.repeat([0.2, 0.5, 0.8], 2_000)
    error = rng.normal(0.02, 1, 6_000) * np.repeat([0.3, 0.2, 0.1], 2_000)
    period = np.tile(np.arange(100.0), 60)
    errors = Errors.of(elapsed, error, part=elapsed, period=period)
    # interpolated between origins, constant before the first and after the last
    np.testing.assert_allclose(
        errors.spread(np.array([0.1, 0.2, 0.35, 0.5, 0.8, 1])), [0.3, 0.3, 0.25, 0.2, 0.1, 0.1], rtol=0.06
    )
    shares, far = np.array([0.5, 0.8, 0.5]), np.array([0.2, 0.1, np.nan]) * 1.2816
    np.testing.assert_allclose(errors.exceeds(shares, far), [0.1, 0.1, np.nan], atol=0.02)
    alone = Errors.of(elapsed, error, part=elapsed, period=np.zeros(6_000))  # one period says little about the next
    np.testing.assert_allclose(alone.spread(np.array([0.5])), np.sqrt(2) * 0.2, rtol=0.06)


def test_errors_that_periods_have_in_common_widen_the_next_one() -> None:
    rng = np.random.default_rng(1)
    period = np.repeat(np.arange(8.0), 200)
    part = np.tile(np.repeat([0.25, 0.5], 100), 8)
    own = rng.normal(0, 0.1, len(period))
    alone, market = stretch(own, part, period), stretch(own + rng.normal(0, 0.2, 8)[period.astype(int)], part, period)
    assert 1 <= alone < 1.02 < market < np.sqrt((1 + 1 / 8) / (1 - 1 / 8))
    assert stretch(own[:200], part[:200], period[:200]) == pytest.approx(np.sqrt(2))


def test_few_errors_give_no_interval() -> None:
    few = np.linspace(-1, 1, MIN_FORECASTS - 1)
    errors = Errors.of(few, few, part=few, period=few)
    assert (
        np.isnan(errors.at(np.array([0.5]), 0.9)).all() and np.isnan(errors.exceeds(np.array([0.5]), np.zeros(1))).all()
    )

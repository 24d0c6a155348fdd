"""Signals as known at a day, used only if they forecast better than their placebo and than none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.baseline import SeasonalBaseline
from perfml.advice.targets.forecasting.forecast import forecast
from perfml.advice.targets.forecasting.model import AttainmentModel, finals
from perfml.advice.targets.forecasting.signals import Signals, judge, slopes
from tests.advice.targets.worlds import NOW, POLICY, number, world
from tests.tables import opened


def judged(folder: Path):
    model, day = AttainmentModel.of(opened(folder), POLICY, NOW), number(NOW)
    panel = model.record.at(day)
    with np.errstate(divide="ignore", invalid="ignore"):
        attained = np.log(finals(panel, day) / panel.target)
        return judge(model.signals, panel, attained - SeasonalBaseline.of(panel, attained, day).whole())


def test_levels_are_those_known_at_the_day() -> None:
    rows = pd.DataFrame(
        {
            "name": "demand",
            "scope": ["", "", "x", ""],
            "month": [0, 31, 31, 0],
            "value": [0.1, -0.2, 0.5, 0.7],
            "known": [40, 70, 70, 80],
        }
    )
    signals = Signals(rows)
    scope = np.array(["y", "y", "y", "x", "y"], dtype=object)
    level = signals.level("demand", scope, np.array([40.0, 41.0, 71.0, 71.0, 81.0]))
    # a place without values of its own has those of everywhere; an older month that is corrected later is not the newest
    np.testing.assert_allclose(level, [np.nan, np.log(1.1), np.log(0.8), np.log(1.5), np.log(0.8)])
    moved = signals.surprise("demand", scope[:2], since=np.array([41.0, 40.0]), until=np.array([71.0, 71.0]))
    np.testing.assert_allclose(moved, [np.log(0.8 / 1.1), 0])  # nothing was known at first: no surprise
    assert signals.names == ("demand",) and signals.has_scopes("demand") and not signals.has_scopes("prices")


@pytest.mark.slow
def test_a_useful_signal_is_used_with_the_effect_it_has(tmp_path: Path) -> None:
    effects, (verdict,) = judged(world(tmp_path))
    moved, _ = effects.of["calls", "demand"]
    assert verdict.used and verdict.metrics == ("calls",) and verdict.gain > 2 * verdict.se
    assert "is used for calls" in verdict.en and "用于 calls" in verdict.zh
    assert 0.3 < moved < 1.3  # a part of it is seen in progress before it is published


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_signal_without_information_is_not_used(tmp_path: Path, seed: int) -> None:
    effects, (verdict,) = judged(world(tmp_path, effect=0.0, seed=seed))
    assert not effects.of and not verdict.used
    assert "is not used" in verdict.en and "未采用" in verdict.zh


@pytest.mark.slow
def test_without_a_used_signal_there_is_no_market(tmp_path: Path) -> None:
    forecasts = forecast(opened(world(tmp_path, effect=0.0, seed=1)), POLICY, NOW)
    assert (forecasts.frame["market"] == 0).all() and not forecasts.signals[0].used


def test_slopes_come_from_markets_with_many_goals_and_few_are_pulled_in() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.2, (400, 2))
    y = x @ [1.0, -0.5] + rng.normal(0, 0.05, 400)
    np.testing.assert_allclose(slopes(x, y, np.full(400, 50.0)), [1, -0.5], atol=0.05)
    few = slopes(x[:3], y[:3], np.full(3, 1.0))
    assert (np.abs(few) < 0.9).all() and slopes(x[:0], y[:0], np.zeros(0)).tolist() == [0, 0]

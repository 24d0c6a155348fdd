"""Forecasts of finals: against known habit, season and market, and never from the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.forecast import forecast
from perfml.evidence.sources import Data
from tests.advice.targets.worlds import NOW, POLICY, world
from tests.tables import opened, write_tables


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return opened(world(tmp_path_factory.mktemp("world")))


@pytest.mark.slow
def test_a_useful_signal_is_used_and_explains_the_break(data: Data) -> None:
    forecasts = forecast(data, POLICY, NOW)
    assert [signal.used for signal in forecasts.signals] == [True]
    by_scope = forecasts.frame.groupby("scope")["market"].mean()
    assert by_scope["north"] < -0.25 and (by_scope.drop("north").abs() < 0.25).all()
    attained = (forecasts.frame["expected"] / forecasts.frame["target"]).groupby(forecasts.frame["scope"]).median()
    assert attained["north"] < 0.8 * attained.drop("north").min()


@pytest.mark.slow
def test_a_season_moves_the_forecast_of_the_quarters_that_have_it(tmp_path: Path) -> None:
    data = opened(world(tmp_path, effect=0.0, season=0.4, noise=0.02))
    for day, swing in ((dt.date(2025, 1, 3), 0.0), (dt.date(2025, 4, 3), 0.4)):  # before anything is measured
        frame = forecast(data, POLICY, day).frame
        assert np.log((frame["expected"] / frame["target"]).median()) == pytest.approx(swing, abs=0.12)
        assert (frame["method"] == "last year and growth").all()
    assert forecast(data, POLICY, dt.date(2025, 4, 3)).frame["season"].median() > 0.2


@pytest.mark.slow
def test_what_is_known_later_changes_nothing(tmp_path: Path) -> None:
    folder = world(tmp_path / "all")
    day = dt.date(2025, 2, 20)
    then = forecast(opened(folder), POLICY, day)
    cut = tmp_path / "then"
    for name in ("employees", "events", "goals", "progress", "signals"):
        rows = pd.read_csv(folder / f"{name}.csv")
        happened = {"goals": "effective_on", "progress": "measured_at", "signals": "known_at"}.get(name)
        if happened:
            rows = rows[pd.to_datetime(rows[happened]) < pd.Timestamp(day)]
        if name == "events":
            rows["happened_at"] = "2025-02-19"
        write_tables(cut, **{name: rows})
    again = forecast(opened(cut), POLICY, day)
    pd.testing.assert_frame_equal(then.frame, again.frame, check_exact=False, rtol=1e-12)


@pytest.mark.slow
def test_a_weight_changed_in_august_changes_no_forecast_of_july(tmp_path: Path) -> None:
    folder = world(tmp_path)
    before = forecast(opened(folder), POLICY, dt.date(2025, 7, 30)).frame
    goals = pd.read_csv(folder / "goals.csv")
    later = goals[goals["goal_id"] == "e00_2025-07-01"].assign(effective_on="2025-08-05", weight=55, target=10)
    write_tables(folder, goals=pd.concat([goals, later]))
    pd.testing.assert_frame_equal(before, forecast(opened(folder), POLICY, dt.date(2025, 7, 30)).frame)
    after = forecast(opened(folder), POLICY, NOW).frame.set_index("goal_id")
    assert after.loc["e00_2025-07-01", "target"] == 10


@pytest.mark.slow
def test_without_past_periods_no_interval_is_claimed(tmp_path: Path) -> None:
    forecasts = forecast(opened(world(tmp_path)), POLICY, dt.date(2022, 2, 20))
    assert len(forecasts.frame) == 40 and forecasts.frame["expected"].notna().all()
    assert forecasts.frame[["low", "high", "log_sd"]].isna().all().all()
    assert np.isnan(forecasts.probability(forecasts.frame["target"].to_numpy())).all()


@pytest.mark.slow
def test_probabilities_and_targets_are_of_the_distribution_of_the_interval(data: Data) -> None:
    forecasts = forecast(data, POLICY, NOW)
    frame = forecasts.frame
    np.testing.assert_allclose(forecasts.target_at(0.9), frame["low"], rtol=1e-9)
    np.testing.assert_allclose(forecasts.target_at(0.1), frame["high"], rtol=1e-9)
    np.testing.assert_allclose(forecasts.probability(forecasts.target_at(0.6)), 0.6, atol=0.01)
    assert (frame["low"] < frame["high"]).all() and (
        np.diff([forecasts.target_at(q) for q in (0.2, 0.5, 0.8)], axis=0) < 0
    ).all()
    assert (forecasts.probability(frame["actual"].to_numpy() * 0.99) >= 0.99).all()  # reached already


@pytest.mark.slow
def test_the_peers_are_the_others_and_not_oneself(data: Data) -> None:
    folder = Path(str(data.source))
    before = forecast(data, POLICY, NOW).frame.set_index("goal_id")
    best = before.loc[before["scope"] == "north", "expected"].idxmax()
    progress = pd.read_csv(folder / "progress.csv")
    slow = progress.assign(actual=progress["actual"].where(progress["goal_id"] != best, progress["actual"] * 0.2))
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ("employees", "events", "goals", "signals")}
    after = forecast(opened(write_tables(folder / "slow", progress=slow, **tables)), POLICY, NOW).frame.set_index(
        "goal_id"
    )
    assert after.loc[best, "expected"] < 0.8 * before.loc[best, "expected"]
    assert after.loc[best, "peers"] == pytest.approx(before.loc[best, "peers"], abs=1e-9)
    others = after.index[(after["scope"] == "north") & (after.index != best)]
    moved = (after["peers"] - before["peers"])[others]
    assert (moved <= 1e-9).all() and (moved > -0.2).all() and moved.min() < -1e-6

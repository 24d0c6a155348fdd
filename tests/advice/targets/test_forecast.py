"""How goals will end: against a world whose habit, season and market are known, and never from the future."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.backtest import backtest
from perfml.advice.targets.conformal import FEWEST, Errors
from perfml.advice.targets.forecast import Model, forecast
from perfml.advice.targets.panel import Panel
from perfml.advice.targets.signals import Signals
from perfml.evidence.sources import Data
from perfml.project.target_policy import TargetPolicy
from tests.tables import opened, write_tables

POLICY = TargetPolicy(zh="", en="")
PLACES = ("north", "south", "east", "west")
START = dt.date(2022, 1, 1)
NOW = dt.date(2025, 8, 20)
"""In the third quarter of the fourth year."""


def quarters(until: dt.date) -> list[tuple[dt.date, dt.date]]:
    begins = [dt.date(y, m, 1) for y in range(START.year, until.year + 1) for m in (1, 4, 7, 10)]
    return [(a, b - dt.timedelta(days=1)) for a, b in pairwise(begins) if a < until]


def world(folder: Path, *, effect: float = 1.0, season: float = 0.0, noise: float = 0.1, seed: int = 0) -> Path:
    """40 people in four places, a goal a quarter each, measured every fortnight; a signal moves a place by ``effect``.

    In the last quarter the signal of ``north`` breaks down by 40 %.
    """
    rng = np.random.default_rng(seed)
    people = [f"e{n:02}" for n in range(40)]
    place = {person: PLACES[n % 4] for n, person in enumerate(people)}
    habit = dict(zip(people, rng.normal(0, 0.1, 40), strict=True))
    months = pd.date_range(START - dt.timedelta(days=100), NOW, freq="MS")
    walk = {p: np.cumsum(rng.normal(0, 0.06, len(months))) for p in PLACES}
    walk["north"][months >= pd.Timestamp(2025, 7, 1)] -= 0.5
    signals = [
        {
            "name": "demand",
            "scope": p,
            "month": m.date(),
            "value": np.expm1(walk[p][i]),
            "known_at": f"{m.date() + dt.timedelta(days=35)}",
        }
        for p in PLACES
        for i, m in enumerate(months)
    ]
    goals, progress = [], []
    for number, (first, last) in enumerate(quarters(NOW)):
        for person in people:
            name = f"{person}_{first}"
            goals.append((name, person, "calls", "true", 100, 100, first, last, first, place[person]))
            at = int(np.searchsorted(months, pd.Timestamp(first)))
            pace = habit[person] + season * np.sin(np.pi / 2 * (number % 4)) + rng.normal(0, noise)
            so_far, days = 0.0, (last - first).days + 1
            for day in range(13, days, 14):
                moved = walk[place[person]][min(at + day // 30, len(months) - 1)] - walk[place[person]][max(at - 2, 0)]
                so_far += 100 * 14 / days * np.exp(pace + effect * moved + rng.normal(0, 0.05))
                measured = first + dt.timedelta(days=day)
                if measured < NOW:
                    progress.append((name, measured, round(so_far, 3)))
    columns = ["goal_id", "employee_id", "metric", "core", "weight", "target"]
    columns += ["period_start", "period_end", "effective_on", "scope"]
    return write_tables(
        folder,
        employees=pd.DataFrame({"employee_id": people, "hired_on": "2020-01-01"}),
        events=pd.DataFrame({"employee_id": people, "happened_at": "2025-08-19", "kind": "login"}),
        goals=pd.DataFrame(goals, columns=columns),
        progress=pd.DataFrame(progress, columns=["goal_id", "measured_at", "actual"]),
        signals=pd.DataFrame(signals),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return opened(world(tmp_path_factory.mktemp("world")))


def test_a_useful_signal_is_used_and_explains_the_break(data: Data) -> None:
    found = forecast(data, POLICY, NOW)
    (verdict,) = found.signals
    assert verdict.used and verdict.metrics == ("calls",) and "is used for calls" in verdict.en
    by_place = found.frame.groupby("scope")["market"].mean()
    assert by_place["north"] < -0.25 and (by_place.drop("north").abs() < 0.25).all()
    attained = (found.frame["expected"] / found.frame["target"]).groupby(found.frame["scope"]).median()
    assert attained["north"] < 0.8 * attained.drop("north").min()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_signal_that_tells_nothing_is_not_used(tmp_path: Path, seed: int) -> None:
    found = forecast(opened(world(tmp_path, effect=0.0, seed=seed)), POLICY, NOW)
    assert [one.used for one in found.signals] == [False]
    assert (found.frame["market"] == 0).all() and "no better than its own placebo" in found.signals[0].en


def test_a_season_moves_the_forecast_of_the_quarters_that_have_it(tmp_path: Path) -> None:
    data = opened(world(tmp_path, effect=0.0, season=0.4, noise=0.02))
    for day, swing in ((dt.date(2025, 1, 3), 0.0), (dt.date(2025, 4, 3), 0.4)):  # before anything is measured
        found = forecast(data, POLICY, day).frame
        assert np.log((found["expected"] / found["target"]).median()) == pytest.approx(swing, abs=0.12)
        assert (found["method"] == "last year and growth").all()
    assert forecast(data, POLICY, dt.date(2025, 4, 3)).frame["season"].median() > 0.2


def test_intervals_hold_and_probabilities_are_those_of_the_same_distribution(data: Data) -> None:
    found = backtest(data, POLICY, until=NOW)
    for one in found.at:
        assert 0.7 <= one.coverage.value <= 0.95 and one.coverage.low <= one.coverage.value <= one.coverage.high
        assert one.mase.high < 1
    assert found.ablation["demand"] == pytest.approx(1, abs=0.05)  # what is ahead so far tells most of it too
    said = forecast(data, POLICY, NOW)
    np.testing.assert_allclose(said.target_at(0.9), said.frame["low"], rtol=1e-9)
    np.testing.assert_allclose(said.probability(said.target_at(0.6)), 0.6, atol=0.01)
    assert (said.frame["low"] < said.frame["expected"] * 1.2).all()


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


def test_a_weight_changed_in_august_changes_no_forecast_of_july(tmp_path: Path) -> None:
    folder = world(tmp_path)
    before = forecast(opened(folder), POLICY, dt.date(2025, 7, 30)).frame
    goals = pd.read_csv(folder / "goals.csv")
    later = goals[goals["goal_id"] == "e00_2025-07-01"].assign(effective_on="2025-08-05", weight=55, target=10)
    write_tables(folder, goals=pd.concat([goals, later]))
    pd.testing.assert_frame_equal(before, forecast(opened(folder), POLICY, dt.date(2025, 7, 30)).frame)
    after = forecast(opened(folder), POLICY, NOW).frame.set_index("goal_id")
    assert after.loc["e00_2025-07-01", "target"] == 10


def test_without_past_periods_no_interval_is_claimed(tmp_path: Path) -> None:
    found = forecast(opened(world(tmp_path)), POLICY, dt.date(2022, 2, 20))
    assert len(found.frame) == 40 and found.frame["expected"].notna().all()
    assert found.frame[["low", "high", "log_sd"]].isna().all().all()
    assert np.isnan(found.probability(found.frame["target"].to_numpy())).all()


def test_history_may_come_from_the_log(tmp_path: Path) -> None:
    folder = world(tmp_path)
    weeks = pd.date_range("2021-01-01", "2025-08-15", freq="7D")
    log = pd.DataFrame(
        {"employee_id": "e00", "happened_at": weeks, "kind": "call_log", "value": np.arange(len(weeks)) + 1.0}
    )
    write_tables(folder, events=log)
    panel = Panel.of(opened(folder), NOW, {"calls": "call_log"})
    series = np.array([panel.series.code["e00", "calls"]])
    day = (dt.date(2021, 1, 8) - dt.date(1970, 1, 1)).days  # the rows of 2021-01-08 and -15 are 2 and 3
    assert panel.series.between(series, np.array([day - 1.0]), np.array([day + 7.0]))[0] == 5
    assert np.isnan(panel.series.between(series, np.array([10000.0]), np.array([day + 7.0]))[0])
    assert ("e01", "calls") not in panel.series.code


def test_signals_are_those_known_at_the_day() -> None:
    rows = pd.DataFrame(
        {
            "name": "demand",
            "scope": ["", "", "x"],
            "month": [0, 31, 31],
            "value": [0.1, -0.2, 0.5],
            "known": [40, 70, 70],
        }
    )
    signals = Signals(rows)
    scope = np.array(["y", "y", "y", "x"], dtype=object)
    level = signals.level("demand", scope, np.array([40.0, 41.0, 71.0, 71.0]))
    np.testing.assert_allclose(level, [np.nan, np.log(1.1), np.log(0.8), np.log(1.5)])
    assert signals.has_scopes("demand")


def test_errors_are_those_of_the_same_part_of_the_period() -> None:
    rng = np.random.default_rng(0)
    gone = np.repeat([0.2, 0.5, 0.8], 2_000)
    error = rng.normal(0.02, 1, 6_000) * np.repeat([0.3, 0.2, 0.1], 2_000)
    period = np.tile(np.arange(100.0), 60)
    found = Errors.of(gone, error, period)
    np.testing.assert_allclose(found.spread(np.array([0.1, 0.5, 0.9])), [0.3, 0.2, 0.1], rtol=0.06)
    assert found.exceeds(np.array([0.5]), np.array([0.2 * 1.2816]))[0] == pytest.approx(0.1, abs=0.02)
    few = Errors.of(gone[: FEWEST - 1], error[: FEWEST - 1], period[: FEWEST - 1])
    assert np.isnan(few.at(np.array([0.5]), 0.9)).all()
    one = Errors.of(gone, error, np.zeros(6_000))
    np.testing.assert_allclose(
        one.spread(np.array([0.5])), np.sqrt(2) * 0.2, rtol=0.06
    )  # one period tells little of the next


def test_a_panel_of_nothing_is_empty(tmp_path: Path) -> None:
    folder = world(tmp_path)
    assert forecast(opened(folder), POLICY, dt.date(2021, 12, 1)).frame.empty
    assert np.isnan(Model.of(opened(folder), POLICY, NOW).finals(0.0)).all()

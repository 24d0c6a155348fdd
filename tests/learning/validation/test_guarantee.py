"""Lists under a limit: by hand, by many draws in which the limit is kept, and where periods differ."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from perfml.arrays import Dates, Floats
from perfml.learning.validation.conformal import MOST_PLACES, calibration, least_limits, list_size
from perfml.learning.validation.guarantee import measure, periods, standings

QUARTERS = np.arange("2023-01", "2026-01", 3, dtype="M8[M]").astype("M8[D]")


def draw(rng: np.random.Generator, people: int, *, steep: float = 3.0, shift: float = -2.0) -> tuple[Floats, Floats]:
    """Risk and outcome of people from one distribution."""
    risk = rng.normal(size=people)
    chance = 1 / (1 + np.exp(-(steep * risk + shift)))
    return risk, (rng.random(people) < chance).astype(np.float64)


def test_p_values_are_those_computed_by_hand() -> None:
    """Of four rows the second and the fourth have no outcome: p of the four ranked is 1/5, 2/5, 2/5, 3/5."""
    standing, outcome = np.array([0.25, 0.5, 0.75, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    at = calibration(standing=standing, outcome=outcome, dates=[])
    raised = [4 * 0.2 / 1, 4 * 0.4 / 2, 4 * 0.4 / 3, 4 * 0.6 / 4]
    assert least_limits(4, at).tolist() == pytest.approx([min(raised[rank:]) for rank in range(4)])
    assert [list_size(4, at, limit=limit) for limit in (0.5, 0.54, 0.59, 0.6)] == [0, 3, 3, 4]
    assert list_size(4, at, limit=0.7, most=2) == 0 and list_size(4, at, limit=0.8, most=2) == 2
    assert list_size(0, at, limit=0.9) == 0


def test_nobody_is_listed_beyond_what_was_kept() -> None:
    rows = MOST_PLACES * 2
    at = calibration(standing=np.arange(1, rows + 1) / rows, outcome=np.zeros(rows), dates=[])
    assert not at.complete and len(at.places) == MOST_PLACES
    assert np.isinf(least_limits(rows, at)[MOST_PLACES:]).all()


def test_the_limit_is_kept_over_many_draws_and_lists_are_given() -> None:
    """Also by a ranking whose probabilities would be wrong: only places are used."""
    rng, shares = np.random.default_rng(1), {0.3: [], 0.5: []}  # type: dict[float, list[float]]
    for _ in range(400):
        risk, outcome = draw(rng, 400)
        at = calibration(standing=standings(np.full(400, QUARTERS[0]), risk), outcome=outcome, dates=[])
        risk, outcome = draw(rng, 300)
        ranked = outcome[np.argsort(-(risk**3), kind="stable")]
        for limit, wasted in shares.items():
            members = ranked[: list_size(300, at, limit=limit)]
            wasted.append(float((members == 0).mean()) if len(members) else 0.0)
    for limit, wasted in shares.items():
        mean, error = np.mean(wasted), np.std(wasted, ddof=1) / np.sqrt(len(wasted))
        assert limit - 0.1 < mean <= limit + 2 * error


def test_a_period_has_one_row_a_person() -> None:
    assert periods(QUARTERS, 182) == QUARTERS[::-1][::2].tolist()
    rng = np.random.default_rng(0)
    when = np.repeat(QUARTERS, 150)
    risk, outcome = draw(rng, len(when))
    record = measure(when=when, outcome=outcome, probability=risk, horizon_days=182)
    assert record.rows == 300 and record.dates == (dt.date(2025, 10, 1), dt.date(2025, 4, 1))
    assert record.compared == (dt.date(2024, 10, 1), dt.date(2024, 4, 1)) and record.verdict == "pass"
    assert record.cases == int(outcome[np.isin(when, np.array(record.dates, "M8[D]"))].sum())


def history(rng: np.random.Generator, *, late: float) -> tuple[Dates, Floats, Floats]:
    """Four periods of 400 people; in the last two the ranking is as steep as ``late``."""
    when = np.repeat(QUARTERS[-7::2], 400)
    parts = [draw(rng, 400, steep=3.0 if period < 2 else late) for period in range(4)]
    return when, np.concatenate([risk for risk, _ in parts]), np.concatenate([outcome for _, outcome in parts])


def test_a_ranking_that_has_become_worse_ends_the_guarantee_and_one_that_has_not_seldom() -> None:
    ended = {3.0: 0, 0.3: 0}
    for late in ended:
        for seed in range(40):
            when, risk, outcome = history(np.random.default_rng(seed), late=late)
            record = measure(when=when, outcome=outcome, probability=risk, horizon_days=182)
            ended[late] += record.verdict == "fail"
    assert ended[3.0] <= 3 and ended[0.3] >= 38


def test_one_period_is_compared_with_nothing() -> None:
    rng = np.random.default_rng(0)
    risk, outcome = draw(rng, 200)
    record = measure(when=np.full(200, QUARTERS[0]), outcome=outcome, probability=risk, horizon_days=182)
    assert record.verdict == "insufficient" and record.compared == () and record.rows == 200

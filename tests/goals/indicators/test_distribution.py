"""Results by themselves: saturated, heaped, made at the deadline; and honest results that are none of these."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.goals.indicators.distribution import deadline_jump, heaping, share_at_one_value
from perfml.project.goals.indicators_spec import IndicatorsSpec

SPEC = IndicatorsSpec(zh="指标", en="Indicators")
PEOPLE = np.repeat([f"p{n}" for n in range(60)], 10).astype(object)


def results(seed: int, mean: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.2, len(PEOPLE))


def test_the_share_at_one_value_is_the_largest() -> None:
    assert share_at_one_value(np.array([1.0, 1.0, 1.0, 0.4]), SPEC) == 0.75
    assert share_at_one_value(results(1), SPEC) < 0.1


@pytest.mark.parametrize("mean", [0.8, 1.0, 1.2])
def test_honest_results_are_not_heaped_wherever_their_middle_lies(mean: float) -> None:
    p = [heaping(results(seed, mean), PEOPLE, fine=np.ones(len(PEOPLE), bool), spec=SPEC).p for seed in range(40)]
    assert np.mean(np.array(p) < 0.05) <= 0.15


def test_results_moved_up_to_the_target_are_heaped() -> None:
    moved = results(2)
    near = (moved > 0.85) & (moved < 1)
    moved[near] = 1.01
    counted = heaping(moved, PEOPLE, fine=np.ones(len(PEOPLE), bool), spec=SPEC)
    assert counted.p < 1e-6 and counted.at > 5 * counted.below


def test_three_of_three_is_not_heaped() -> None:
    """Whole numbers of a small target can only reach it or miss it by far."""
    attained = np.where(np.random.default_rng(3).random(len(PEOPLE)) < 0.8, 1.0, 2 / 3)
    assert heaping(attained, PEOPLE, fine=np.zeros(len(PEOPLE), bool), spec=SPEC).p == 1.0


def test_a_deadline_is_one_for_most_people() -> None:
    steady = np.exp(np.random.default_rng(4).normal(0, 0.3, len(PEOPLE)))
    assert deadline_jump(steady, PEOPLE, SPEC).p > 0.5
    assert deadline_jump(4 * steady, PEOPLE, SPEC).p < 1e-6
    few = np.where(PEOPLE == "p0", 9.0, steady)
    assert deadline_jump(few, PEOPLE, SPEC).p > 0.5
    assert np.isnan(deadline_jump(np.full(3, np.nan), PEOPLE[:3], SPEC).ratio)

"""z-scores within a group."""

import numpy as np
import pytest

from perfml.evidence.comparison import SMALLEST_GROUP, z_scores


def scores(values: list[float], groups: list[int]) -> list[float]:
    return [float(score) for score in z_scores(np.array(values, float), np.array(groups, np.int64))]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-300, 1e15 + 1 / 3, -7.7, 0.0])
@pytest.mark.parametrize("size", [3, 7, 1000])
def test_equal_values_have_a_score_of_exactly_zero(value: float, size: int) -> None:
    assert scores([value] * size, [0] * size) == [0.0] * size


def test_against_the_formula() -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=60) * 1e6, rng.integers(0, 4, 60)
    expected = [
        (v - values[groups == g].mean()) / values[groups == g].std(ddof=1) for v, g in zip(values, groups, strict=True)
    ]
    np.testing.assert_allclose(z_scores(values, groups), expected, rtol=1e-12)


def test_small_groups_are_never_compared() -> None:
    assert SMALLEST_GROUP == 3
    assert np.isnan(scores([1, 2, 3, 4], [0, 0, 1, 2])).all()


def test_missing_values_take_no_part_and_get_no_score() -> None:
    nan = np.nan
    result = scores([1, nan, 2, 3, nan, 5, nan], [0, 0, 0, 0, 1, 1, 1])
    assert result[0] == -1 and result[2:4] == [0, 1] and np.isnan([result[1], *result[4:]]).all()


def test_no_group_no_score() -> None:
    assert np.isnan(scores([1, 2, 3], [-1, -1, -1])).all() and scores([], []) == []

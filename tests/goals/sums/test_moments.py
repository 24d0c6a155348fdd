"""Cumulants: of amounts that are independent, and of what is common to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import lognorm, norm

from perfml.goals.sums.moments import cumulants, quantile, raw_moments, times_common

LOW, HIGH = norm.ppf(0.1), norm.ppf(0.9)


def test_moments_and_cumulants_are_each_others_inverse() -> None:
    k = np.array([[1.0, 2.0], [0.3, 0.2], [0.05, -0.1], [0.02, 0.0]])
    np.testing.assert_allclose(cumulants(raw_moments(k)), k, atol=1e-12)
    moments = np.array([[lognorm(0.5).moment(order)] for order in range(1, 5)])
    np.testing.assert_allclose(raw_moments(cumulants(moments)), moments)


def test_a_common_factor_widens_a_sum_and_own_errors_do_not() -> None:
    """Of a hundred goals with errors of 20 % each: 2 % where they are independent, 20 % where they are the same."""
    own = cumulants(np.array([[lognorm(0.2).moment(order)] for order in range(1, 5)]))
    independent = 100 * own / (100.0 ** np.arange(1, 5))[:, None]
    sd = np.sqrt(independent[1] / independent[0] ** 2)
    assert sd[0] == pytest.approx(0.02, abs=0.001)
    sure = np.array([[1.0], [0.0], [0.0], [0.0]])
    common = times_common(sure, np.array([0.04]))
    np.testing.assert_allclose(common, own, rtol=1e-9)


@pytest.mark.parametrize("z", [LOW, HIGH])
def test_quantiles_are_those_of_a_skewed_sum(z: float) -> None:
    rng = np.random.default_rng(0)
    draws = np.exp(rng.normal(0, 0.15, 200_000)) * np.exp(rng.normal(0, 0.3, (200_000, 6))).sum(axis=1)
    own = 6 * cumulants(np.array([[lognorm(0.3).moment(order)] for order in range(1, 5)]))
    assert quantile(times_common(own, np.array([0.15**2])), z)[0] == pytest.approx(
        np.quantile(draws, norm.cdf(z)), rel=0.01
    )
    assert quantile(np.array([[1.0], [4.0], [0.0], [0.0]]), z)[0] == pytest.approx(1 + 2 * z), "normal"
    assert quantile(np.array([[1.0], [0.0], [0.0], [0.0]]), z)[0] == 1, "certain"

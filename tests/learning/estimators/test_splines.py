"""Curves: what was fitted is what is kept, and a curve says what it knows of missing values and categories."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from perfml.learning.estimators.additive import SplineLogistic
from perfml.learning.estimators.splines import Basis, fit_path


def sample(n: int = 800) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(n, 4))
    x[:, 2] = rng.integers(0, 3, n)
    x[rng.random(n) < 0.2, 1] = np.nan
    margin = np.abs(x[:, 0]) - 1 + np.where(np.isnan(x[:, 1]), 1.0, 0.0) + (x[:, 2] == 1)
    return x, (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(float)


def test_the_table_of_knots_is_the_logistic_regression_that_was_fitted() -> None:
    x, y = sample()
    model = fit_path(x, y, categories={2: 3}, inverse_penalties=[0.5])[0]
    basis = Basis.of(x, {2: 3})
    design = basis.design(x).astype(np.float64)
    reference = LogisticRegression(C=0.5, max_iter=5000, tol=1e-8).fit(design - design.mean(axis=0), y)
    expected = reference.decision_function(design - design.mean(axis=0))
    assert np.corrcoef(model.margin(x), expected)[0, 1] > 0.999
    np.testing.assert_allclose(model.margin(x), expected, atol=0.2)  # it stops a little before the optimum


def test_contributions_are_each_curve_less_its_mean_and_add_up() -> None:
    x, y = sample()
    model = fit_path(x, y, categories={2: 3})[-1]
    contributions = model.contributions(x)
    np.testing.assert_allclose(contributions.sum(axis=1), model.margin(x), atol=1e-9)
    np.testing.assert_allclose(contributions[:, :-1].mean(axis=0), 0, atol=1e-9)


def test_comes_back_from_json_to_the_last_digit() -> None:
    x, y = sample()
    model = fit_path(x, y, categories={2: 3})[1]
    again = SplineLogistic.from_json(json.loads(json.dumps(model.to_json())))
    np.testing.assert_array_equal(again.margin(x), model.margin(x))


def test_missing_and_unseen_are_levels_of_their_own_and_the_ends_are_flat() -> None:
    x, y = sample()
    model = fit_path(x, y, categories={2: 3})[-1]
    probe = np.zeros((6, 4))
    probe[:, 1] = [np.nan, 0, 0, 0, 0, 0]
    probe[:, 2] = [0, 0, 7, np.nan, 0, 0]
    probe[:, 0] = [0, 0, 0, 0, 50, 5000]
    margin = model.margin(probe)
    assert margin[0] > margin[1] + 0.3
    assert margin[2] == margin[3]
    assert margin[4] == margin[5]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_monotone_curve_never_turns(sign: int) -> None:
    x, y = sample()
    model = fit_path(x, y, categories={2: 3}, signs=[sign, 0, 0, 0])[-1]
    probe = np.zeros((201, 4))
    probe[:, 0] = np.linspace(-4, 4, 201)
    assert (np.diff(model.margin(probe)) * sign >= -1e-12).all()

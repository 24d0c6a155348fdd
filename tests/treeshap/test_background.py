"""Contributions against a reference group equal the sum over subsets that defines them, and shap's where shap can."""

from __future__ import annotations

from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.errors import DataError, ModelError
from perfml.treeshap.background.explainer import BackgroundShap
from perfml.treeshap.background.weights import shapley_weights
from perfml.treeshap.explainer import TreeShap
from tests.treeshap.test_treeshap import CASES, QUIET, awkward, chain, grown, random_tree, table, written

Floats = npt.NDArray[np.float64]


def by_subsets(booster: lgb.Booster, row: Floats, group: Floats) -> Floats:
    """Shapley values (outputs, features) of the mean margin with a subset's features from ``row``, others from the group."""
    features, outputs = len(row), booster.num_model_per_iteration()
    mixed = np.repeat(group[None], 1 << features, axis=0)
    for subset in range(1 << features):
        for feature in range(features):
            if subset >> feature & 1:
                mixed[subset, :, feature] = row[feature]
    margin = np.asarray(booster.predict(mixed.reshape(-1, features), raw_score=True))
    worth = margin.reshape(1 << features, len(group), outputs).mean(axis=1)
    out = np.zeros((outputs, features))
    for subset in range(1 << features):
        size = subset.bit_count()
        for feature in range(features):
            if not subset >> feature & 1:
                weight = factorial(size) * factorial(features - 1 - size) / factorial(features)
                out[:, feature] += weight * (worth[subset | 1 << feature] - worth[subset])
    return out


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_equal_to_the_sum_over_subsets(case: str) -> None:
    """Categories, missing values, zeros as missing, several outputs, features again and again; unknown values too."""
    X, y = table()
    booster = CASES[case](X, y)
    features, outputs = booster.num_feature(), booster.num_model_per_iteration()
    X = awkward(X)[:, :features]
    group = X[[3, 17, 44, 81, 93, 104, 200]]
    contributions = BackgroundShap(booster).contributions(X[:130], group).reshape(-1, outputs, features + 1)
    for row in (0, 41, 43, 85, 101, 120):
        expected = by_subsets(booster, X[row], group)
        np.testing.assert_allclose(contributions[row, :, :-1], expected, rtol=0, atol=1e-9)
    margin = np.asarray(booster.predict(X[:130], raw_score=True)).reshape(-1, outputs)
    np.testing.assert_allclose(contributions.sum(axis=2), margin, rtol=0, atol=1e-9)
    mean = np.asarray(booster.predict(group, raw_score=True)).reshape(-1, outputs).mean(axis=0)
    np.testing.assert_allclose(contributions[:, :, -1], np.tile(mean, (130, 1)), rtol=0, atol=1e-9)


@pytest.mark.slow
@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    leaves=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    features=st.integers(2, 7),
    outputs=st.integers(1, 2),
    group=st.integers(1, 90),
)
def test_random_models(seed: int, leaves: list[int], features: int, outputs: int, group: int) -> None:
    rng = np.random.default_rng(seed)
    trees = [random_tree(rng, n, features, categories=True) for n in leaves for _ in range(outputs)]
    booster = lgb.Booster(model_str=written(trees, features, outputs))
    values = [np.nan, np.inf, -np.inf, 0, -0.0, 1e-36, -1, -0.5, 0.3, 1, 2, 5.5, 40, 63, 64, 1e5]
    X, others = rng.choice(values, (37, features)), rng.choice(values, (group, features))
    contributions = BackgroundShap(booster).contributions(X, others).reshape(-1, outputs, features + 1)
    np.testing.assert_allclose(contributions[5, :, :-1], by_subsets(booster, X[5], others), rtol=0, atol=1e-9)
    margin = np.asarray(booster.predict(X, raw_score=True)).reshape(-1, outputs)
    np.testing.assert_allclose(contributions.sum(axis=2), margin, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [False, True])
def test_equal_to_shap_on_numbers(missing: bool) -> None:
    """Of categories shap's own code gives values that miss the margin; on numbers it agrees to 2e-8."""
    import shap

    X, y = table()
    X = X if missing else np.nan_to_num(X)
    booster = grown(X, y)
    explainer = shap.TreeExplainer(booster, data=X[:100], feature_perturbation="interventional")
    theirs = explainer.shap_values(X[100:300], check_additivity=False)
    ours = BackgroundShap(booster).contributions(X[100:300], X[:100])
    np.testing.assert_allclose(ours[:, :-1], theirs, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours[:, -1], explainer.expected_value, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_rows_are_alike_in_any_company_and_any_number_of_threads() -> None:
    X, y = table()
    shap = BackgroundShap(grown(X, y, categories=(10, 11)))
    X, group = awkward(X, 1200), X[:70]
    whole = shap.contributions(X, group)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(shap.contributions(X, group, num_threads=threads), whole)
    for n in (0, 1, 2, 31, 33, 64, 65, 513):
        np.testing.assert_array_equal(shap.contributions(X[600 : 600 + n], group), whole[600 : 600 + n])


@pytest.mark.slow
def test_larger_groups_and_deeper_trees() -> None:
    """More rows of the group than a word has bits, more patterns than are their own place in the table."""
    X, y = table()
    booster = grown(X, y, 3, categories=(10, 11), num_leaves=255, min_data_in_leaf=1)
    shap = BackgroundShap(booster)
    for group in (X[:63], X[:64], X[:65], X):
        contributions = shap.contributions(X[200:260], group)
        np.testing.assert_allclose(contributions.sum(axis=1), booster.predict(X[200:260], raw_score=True), atol=1e-9)
        parts = [shap.contributions(X[200:203], part) * len(part) for part in np.array_split(group, 5)]
        np.testing.assert_allclose(contributions[:3], np.sum(parts, axis=0) / len(group), rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [17, 40, 64])
def test_chains_of_many_distinct_features(depth: int) -> None:
    """Up to 64 on a path, where a table by pattern would have 2^64 places. By the definition for one leaf at a time."""
    tree = chain(depth, depth, (0.4, 1.0))
    rng = np.random.default_rng(0)
    X = rng.random((40, depth)) * np.array([0.3, 0.5, 0.6, 1.0])[np.arange(40) % 4, None]
    booster = lgb.Booster(model_str=written([tree], depth))
    contributions = BackgroundShap(booster).contributions(X, X[7:21])
    np.testing.assert_allclose(contributions.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-12)
    np.testing.assert_allclose(contributions[8, :-1], _by_leaves(tree, X[8], X[7:21]), rtol=0, atol=1e-12)


def _by_leaves(tree: dict[str, list[Any]], row: Floats, group: Floats) -> list[float]:
    depth = len(row)
    out = [0.0] * depth
    for other in group:
        for last, value in enumerate(tree["leaf_value"]):
            stays = [[bool(each[i] <= 0.5) for i in range(min(last, depth))] for each in (row, other)]
            if last < depth:
                for of, each in zip(stays, (row, other), strict=True):
                    of.append(bool(each[last] > 0.5))
            needs = [i for i, (own, their) in enumerate(zip(*stays, strict=True)) if own and not their]
            bars = [i for i, (own, their) in enumerate(zip(*stays, strict=True)) if their and not own]
            if any(not own and not their for own, their in zip(*stays, strict=True)):
                continue
            w, z = len(needs), len(bars)
            for i in needs:
                out[i] += value / len(group) * factorial(w - 1) * factorial(z) / factorial(w + z)
            for i in bars:
                out[i] -= value / len(group) * factorial(w) * factorial(z - 1) / factorial(w + z)
    return out


def test_weights_of_sizes() -> None:
    gains, losses = shapley_weights(5)
    for w in range(6):
        for z in range(6):
            expected = factorial(w - 1) * factorial(z) / factorial(w + z) if w else 0.0
            assert gains[w, z] == losses[z, w] == pytest.approx(expected, rel=1e-14)


def test_nobody_differs_from_themselves() -> None:
    X, y = table(400)
    shap = BackgroundShap(grown(X, y, 3, num_leaves=8))
    assert (shap.contributions(X[[7]], X[[7]])[0, :-1] == 0).all()
    with_own, others = shap.contributions(X[[7]], X[:10]), shap.contributions(X[[7]], np.delete(X[:10], 7, axis=0))
    np.testing.assert_allclose(others[0, :-1], with_own[0, :-1] * 10 / 9, rtol=0, atol=1e-14)


def test_a_pandas_table_with_categories() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"city": pd.Categorical(rng.choice(["北京", "Oslo", "Lima"], 400)), "hours": rng.integers(0, 60, 400)}
    )
    booster = lgb.train(QUIET, lgb.Dataset(frame, (frame["city"] == "Oslo") + frame["hours"] / 60), 4)
    contributions = BackgroundShap(booster).contributions(frame[:50], frame[50:90])
    np.testing.assert_allclose(contributions.sum(axis=1), booster.predict(frame[:50], raw_score=True), atol=1e-12)


def test_what_is_refused() -> None:
    X, y = table(300)
    shap = BackgroundShap(grown(X, y, 2, num_leaves=4))
    with pytest.raises(DataError, match="has no rows"):
        shap.contributions(X, X[:0])
    with pytest.raises(DataError, match=r"\(rows, 12\)"):
        shap.contributions(X, X[:, :3])
    with pytest.raises(ValueError, match="num_threads"):
        shap.contributions(X, X, num_threads=0)
    with pytest.raises(ModelError, match="65 distinct features"):
        BackgroundShap(written([chain(65, 1, (0.9, 1.0))], 65))
    assert (BackgroundShap(written([], 3)).contributions(np.ones((5, 3)), np.ones((2, 3))) == 0).all()


def test_an_additive_model_is_the_same_either_way_up_to_its_base() -> None:
    """Of stumps, path-dependent and interventional values differ by the mean of the group alone."""
    X, y = table(600)
    booster = grown(X, y, 20, num_leaves=2)
    against, plain = BackgroundShap(booster).contributions(X, X), TreeShap(booster).contributions(X)
    np.testing.assert_allclose(
        against[:, :-1] - plain[:, :-1], (against[:, :-1] - plain[:, :-1])[[0]].repeat(600, 0), atol=1e-12
    )

"""Interactions of pairs equal the sum over subsets that defines them, and shap's own."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.errors import DataError
from perfml.treeshap.explainer import TreeShap
from perfml.treeshap.interactions.explainer import InteractionShap
from tests.treeshap.test_treeshap import CASES, awkward, chain, grown, random_tree, table, written

Floats = npt.NDArray[np.float64]


def conditional(tree: dict[str, list[Any]], row: Floats, subset: int) -> float:
    """The mean of a tree where ``row`` decides at splits on the features of ``subset``, and covers do elsewhere."""
    cover, leaves = tree["internal_count"], tree["leaf_count"]

    def below(node: int) -> float:
        if node < 0:
            return float(tree["leaf_value"][~node])
        children = (tree["left_child"][node], tree["right_child"][node])
        if subset >> tree["split_feature"][node] & 1:
            return below(children[0] if row[tree["split_feature"][node]] <= tree["threshold"][node] else children[1])
        many = [cover[child] if child >= 0 else leaves[~child] for child in children]
        return float(sum(count * below(child) for count, child in zip(many, children, strict=True)) / cover[node])

    return below(0)


def by_subsets(tree: dict[str, list[Any]], row: Floats) -> Floats:
    """SHAP interaction values (features, features) by their definition."""
    features = len(row)
    worth = [conditional(tree, row, subset) for subset in range(1 << features)]
    out = np.zeros((features, features))
    for subset in range(1 << features):
        size = subset.bit_count()
        for i in range(features):
            if subset >> i & 1:
                continue
            alone = factorial(size) * factorial(features - 1 - size) / factorial(features)
            out[i, i] += alone * (worth[subset | 1 << i] - worth[subset])
            for j in range(features):
                if i != j and not subset >> j & 1:
                    weight = factorial(size) * factorial(features - 2 - size) / (2 * factorial(features - 1))
                    both = (
                        worth[subset | 1 << i | 1 << j]
                        - worth[subset | 1 << i]
                        - worth[subset | 1 << j]
                        + worth[subset]
                    )
                    out[i, j] += weight * both
                    out[i, i] -= weight * both
    return out


@pytest.mark.slow
@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), leaves=st.integers(2, 40), features=st.integers(2, 6))
def test_equal_to_the_sum_over_subsets(seed: int, leaves: int, features: int) -> None:
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, leaves, features, categories=False)
    tree["decision_type"] = [2] * len(tree["decision_type"])
    X = rng.choice([-2.0, -0.7, 0.1, 0.5, 2.0, 50.0], (3, features))
    interactions = InteractionShap(written([tree], features)).interactions(X)
    for row in range(3):
        np.testing.assert_allclose(interactions[row, 0], by_subsets(tree, X[row]), rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_rows_add_up_to_contributions_and_the_margin(case: str) -> None:
    """On every kind of tree, with categories and missing values."""
    X, y = table()
    booster = CASES[case](X, y)
    X = awkward(X)[:, : booster.num_feature()]
    shap = InteractionShap(booster)
    interactions = shap.interactions(X)
    contributions = TreeShap(booster).contributions(X).reshape(len(X), shap.n_outputs, -1)
    np.testing.assert_allclose(interactions.sum(axis=3), contributions[:, :, :-1], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(interactions, interactions.transpose(0, 1, 3, 2))
    margin = np.asarray(booster.predict(X, raw_score=True)).reshape(len(X), -1)
    np.testing.assert_allclose(interactions.sum(axis=(2, 3)) + shap.expected_value, margin, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [False, True])
def test_equal_to_shap_on_numbers(missing: bool) -> None:
    import shap

    X, y = table()
    X = X if missing else np.nan_to_num(X)
    booster = grown(X, y)
    theirs = shap.TreeExplainer(booster).shap_interaction_values(X[:80])
    np.testing.assert_allclose(InteractionShap(booster).interactions(X[:80])[:, 0], theirs, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_any_number_of_threads_and_rows() -> None:
    X, y = table()
    shap = InteractionShap(grown(X, y, categories=(10, 11)))
    X = awkward(X)
    whole = shap.interactions(X)
    for threads in (2, 5):
        np.testing.assert_array_equal(shap.interactions(X, num_threads=threads), whole)
    for n in (0, 1, 33, 65):
        np.testing.assert_array_equal(shap.interactions(X[100 : 100 + n]), whole[100 : 100 + n])


def test_a_product_interacts_and_a_sum_does_not() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (4000, 3)).astype(np.float64)
    product, total = X[:, 0] * X[:, 1], X[:, 0] + X[:, 2]
    of_product = InteractionShap(grown(X, product, 60, num_leaves=4)).interactions(X[:20])[:, 0]
    of_sum = InteractionShap(grown(X, total, 60, num_leaves=2)).interactions(X[:20])[:, 0]
    assert np.abs(of_product[:, 0, 1]).min() > 0.05
    assert np.abs(of_product[:, [0, 1], 2]).max() < 1e-9
    assert np.abs(of_sum[:, [0, 0, 1], [1, 2, 2]]).max() == 0


@pytest.mark.slow
def test_a_path_of_more_features_than_a_word_has_bits() -> None:
    model = written([chain(70, 70, (0.4, 1.0))], 70)
    X = np.random.default_rng(0).random((40, 70)) * np.array([0.3, 0.5, 0.6, 1.0])[np.arange(40) % 4, None]
    interactions = InteractionShap(model).interactions(X)[:, 0]
    np.testing.assert_allclose(interactions.sum(axis=2), TreeShap(model).contributions(X)[:, :-1], rtol=0, atol=1e-12)


def test_what_is_refused() -> None:
    shap = InteractionShap(written([], 3))
    assert shap.interactions(np.ones((2, 3))).shape == (2, 1, 3, 3)
    with pytest.raises(DataError, match=r"\(rows, 3\)"):
        shap.interactions(np.ones((2, 4)))
    with pytest.raises(ValueError, match="num_threads"):
        shap.interactions(np.ones((2, 3)), num_threads=0)

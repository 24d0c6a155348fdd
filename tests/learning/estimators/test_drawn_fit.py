"""A model of drawn rows is a model of all: its level, its base value and, as far as chance allows, its probabilities."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from perfml.learning.estimators.blend import RiskModel, fit, probability
from perfml.learning.estimators.covers import with_covers
from perfml.project.model_spec import LearnerSpec
from perfml.treeshap.contributions import contributions

SETTINGS = LearnerSpec(seeds=(1,))
TREES = LearnerSpec(seeds=(1,), blend="trees")
ROWS = 40_000


@pytest.fixture(scope="module")
def company() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ROWS, 4))
    features[rng.random(ROWS) < 0.1, 3] = np.nan
    margin = -4 + features[:, 0] + 0.7 * features[:, 1] * (features[:, 2] > 0)
    return features, (rng.random(ROWS) < probability(margin)).astype(np.float64)


def drawn(label: np.ndarray, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.flatnonzero((label == 1) | (np.random.default_rng(1).random(len(label)) < share))
    weight = np.where(label[chosen] == 1, 1.0, (label == 0).sum() / (label[chosen] == 0).sum())
    return chosen, weight


def learn(
    features: np.ndarray,
    label: np.ndarray,
    rows: np.ndarray,
    stands_for: np.ndarray | None,
    settings: LearnerSpec = SETTINGS,
) -> RiskModel:
    half = rows % 2 == 0
    folds = [(np.flatnonzero(half), np.flatnonzero(~half))]
    return fit(features[rows], label[rows], folds=folds, settings=settings, stands_for=stands_for)


def test_level_and_ranking_are_those_of_all_rows(company: tuple[np.ndarray, np.ndarray]) -> None:
    features, label = company
    chosen, weight = drawn(label)
    assert len(chosen) < ROWS / 6
    whole = learn(features, label, np.arange(ROWS), None)
    part = learn(features, label, chosen, weight).at_level_of(features, np.arange(ROWS), label)
    careless = learn(features, label, chosen, None)
    p = probability(part.margin(features))
    assert p.mean() == pytest.approx(label.mean(), rel=1e-6)
    assert probability(careless.margin(features)).mean() > 2 * label.mean()
    high = np.argsort(p)[-ROWS // 10 :]
    assert p[high].sum() == pytest.approx(label[high].sum(), rel=0.1)
    assert np.corrcoef(whole.margin(features), part.margin(features))[0, 1] > 0.98


def test_the_base_value_is_that_of_all_rows(company: tuple[np.ndarray, np.ndarray]) -> None:
    features, label = company
    chosen, weight = drawn(label)
    part = learn(features, label, chosen, weight, TREES)
    given = part.contributions(features[:50])
    np.testing.assert_allclose(given.sum(axis=1), part.margin(features[:50]), atol=1e-9)
    with pytest.MonkeyPatch.context() as patch:  # the counts that LightGBM keeps are of the rows that were drawn
        patch.setattr("perfml.learning.estimators.problem.with_covers", lambda booster, *_: booster)
        careless = learn(features, label, chosen, weight, TREES)
    mean = part.margin(features).mean()
    assert abs(given[0, -1] - mean) < 0.06  # path-dependent: nearly the mean
    assert careless.contributions(features[:1])[0, -1] - mean > 3 * abs(given[0, -1] - mean)


def test_covers_change_no_prediction_and_are_what_leaves_stand_for(company: tuple[np.ndarray, np.ndarray]) -> None:
    features, label = company
    chosen, weight = drawn(label)
    data = lgb.Dataset(features[chosen], label[chosen], weight=weight)
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1, "seed": 1}, data, 12
    )
    recounted = with_covers(booster, features[chosen], weight)
    np.testing.assert_array_equal(
        booster.predict(features, raw_score=True), recounted.predict(features, raw_score=True)
    )
    np.testing.assert_allclose(
        recounted.predict(features[:20], pred_contrib=True), contributions(recounted, features[:20]), atol=1e-9
    )
    tree = recounted.dump_model()["tree_info"][0]["tree_structure"]
    assert tree["internal_count"] == pytest.approx(weight.sum(), abs=4)
    assert recounted.feature_importance("gain").tolist() == booster.feature_importance("gain").tolist()
    same = with_covers(booster, features[chosen], np.ones(len(chosen)))
    assert contributions(same, features[:5]) == pytest.approx(contributions(booster, features[:5]))


def test_a_tree_of_one_leaf_is_left_alone() -> None:
    features, label = np.zeros((100, 1)), np.r_[np.ones(50), np.zeros(50)]
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, lgb.Dataset(features, label), 2)
    recounted = with_covers(booster, features, np.full(100, 3.0))
    np.testing.assert_array_equal(booster.predict(features), recounted.predict(features))


def test_weights_of_one_are_no_weights(company: tuple[np.ndarray, np.ndarray]) -> None:
    """The arithmetic of drawn rows is that of all rows, to the rounding of sums."""
    features, label = company[0][:4000], company[1][:4000]
    plain = learn(features, label, np.arange(4000), None)
    ones = learn(features, label, np.arange(4000), np.ones(4000))
    np.testing.assert_allclose(plain.margin(features), ones.margin(features), atol=1e-3)
    np.testing.assert_allclose(plain.contributions(features[:9]), ones.contributions(features[:9]), atol=2e-2)

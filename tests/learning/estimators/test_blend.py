"""What the folds decide, and a fitted model in parts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from perfml.learning.dataset.folds import deciding_folds
from perfml.learning.estimators.blend import Hyperparameters, RiskModel, blend_share, fit, probability
from perfml.learning.validation.sample import RowsFit, fitted_each
from perfml.project.model_spec import LearnerSpec

QUICK = LearnerSpec(seeds=(1,), max_rounds=60, early_stopping_rounds=20)


def sample(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    return x, (rng.random(n) < probability(x[:, 0] - 0.5)).astype(float)


@pytest.mark.parametrize(("trees", "curves", "low", "high"), [(1, 0, 0.9, 1), (0, 1, 0, 0.1), (1, 1, 0.3, 0.7)])
def test_the_share_goes_to_whom_knows(trees: int, curves: int, low: float, high: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(4000, 2))
    label = (rng.random(4000) < probability(truth @ [trees, curves])).astype(float)
    noise = rng.normal(size=(4000, 2))
    known = np.where([trees, curves], truth, noise)
    assert low <= blend_share(known[:, 0], known[:, 1], label) <= high


def test_a_share_is_never_negative_even_for_a_part_that_is_wrong() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=4000)
    label = (rng.random(4000) < probability(truth)).astype(float)
    assert 0.0 <= blend_share(-truth, truth, label) < 0.01


@pytest.mark.slow
def test_parts_put_together_say_the_same() -> None:
    x, y = sample()
    rows = np.arange(len(y))
    risk = fit(x, y, folds=[(rows[::2], rows[1::2])], settings=QUICK)
    parameters, texts = risk.to_parts()
    again = RiskModel.from_parts(json.loads(json.dumps(parameters)), texts)
    np.testing.assert_array_equal(again.margin(x), risk.margin(x))
    np.testing.assert_array_equal(again.contributions(x), risk.contributions(x))
    assert again.hyperparameters == risk.hyperparameters


@pytest.mark.parametrize("blend", ["trees", "curves"])
def test_one_part_alone_can_be_asked_for(blend: str) -> None:
    x, y = sample()
    risk = fit(x, y, hyperparameters=Hyperparameters(rounds=20), settings=QUICK.model_copy(update={"blend": blend}))
    assert bool(risk.boosters) == (blend == "trees")
    assert (risk.splines is None) == (blend == "trees")


def test_the_level_is_that_of_the_rows() -> None:
    x, y = sample()
    risk = fit(x, y, hyperparameters=Hyperparameters(rounds=20, slope=1.3), settings=QUICK)
    assert probability(risk.margin(x)).mean() == pytest.approx(y.mean(), abs=1e-9)


def test_a_cause_that_hardly_happens_is_its_own_share_for_everybody() -> None:
    risk = RiskModel.constant(3, 200)
    np.testing.assert_allclose(probability(risk.margin(np.zeros((4, 2)))), 3.5 / 201)
    np.testing.assert_array_equal(risk.contributions(np.zeros((1, 2)))[0, :2], 0)


def test_outcomes_that_share_the_bins_of_their_rows_are_fitted_as_alone() -> None:
    rng = np.random.default_rng(4)
    features = rng.normal(size=(1200, 3))
    features[rng.random(features.shape) < 0.1] = np.nan
    known = np.where(np.isnan(features), 0.0, features)
    labels = [(rng.random(1200) < probability(known[:, column] - 1)).astype(float) for column in range(3)]
    rows = [np.arange(1200), np.arange(1200), np.arange(100, 1200)]
    folds = [(np.arange(800), np.arange(800, 1100))]
    settings = LearnerSpec(seeds=(11,), max_rounds=60)
    fits = [
        RowsFit(rows=own, label=label[own], folds=folds, settings=settings, signs=[0, 0, 0])
        for own, label in zip(rows, labels, strict=True)
    ]
    for together, alone in zip(fitted_each(features, fits=fits), fits, strict=True):
        assert together.to_parts() == alone.fitted(features).to_parts()


def test_later_dates_decide_after_an_embargo() -> None:
    when = np.repeat(np.arange("2024-01-01", "2025-01-01", dtype="M8[M]").astype("M8[D]"), 3)
    person = np.tile(np.array(["a", "b", "c"], object), 12)
    [(early, late)] = deciding_folds(when, person, embargo_days=91)
    assert when[late].min() == np.datetime64("2024-10-01")
    assert when[early].max() + np.timedelta64(91, "D") <= when[late].min()


def test_without_room_for_an_embargo_people_are_divided() -> None:
    person = np.repeat(np.array([f"e{i}" for i in range(40)], object), 2)
    folds = deciding_folds(np.tile(np.array(["2024-01-01", "2024-02-01"], "M8[D]"), 40), person, embargo_days=365)
    assert len(folds) == 5
    for early, late in folds:
        assert not set(person[early]) & set(person[late])
    assert sorted(np.concatenate([late for _, late in folds])) == list(range(80))


@pytest.mark.slow
def test_contributions_against_a_group_are_those_of_the_whole_blend() -> None:
    """Trees, curves and calibration together equal the sum over subsets of the margin itself, with missing values."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1500, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    label = (rng.random(1500) < probability(np.nan_to_num(x[:, 0] * x[:, 1]) + np.nan_to_num(x[:, 2]))).astype(float)
    risk = fit(x, label, hyperparameters=Hyperparameters(rounds=20, share=0.6, slope=1.2), settings=LearnerSpec())
    assert risk.boosters and risk.splines is not None
    group = x[40:55]
    contributions = risk.contributions_against(x[:30], group)
    np.testing.assert_allclose(contributions.sum(axis=1), risk.margin(x[:30]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(contributions[:, -1], risk.margin(group).mean(), rtol=0, atol=1e-9)
    for row in range(3):
        worth = {}
        for subset in range(8):
            mixed = group.copy()
            for column in range(3):
                if subset >> column & 1:
                    mixed[:, column] = x[row, column]
            worth[subset] = risk.margin(mixed).mean()
        for column in range(3):
            others = [each for each in range(8) if not each >> column & 1]
            weights = {0: 1 / 3, 1: 1 / 6, 2: 1 / 3}
            expected = sum(weights[each.bit_count()] * (worth[each | 1 << column] - worth[each]) for each in others)
            assert contributions[row, column] == pytest.approx(expected, abs=1e-9)

"""Categories of many values as numbers: never from a row's own label, smoothed, and one column again in contributions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from perfml import RiskClassifier
from perfml.learning.estimators.encoding.encoder import Encoder
from perfml.learning.estimators.encoding.target_statistics import PRIOR_ROWS, log_odds, looked_up, out_of_fold

QUICK = {"seeds": (1,), "max_rounds": 150, "early_stopping_rounds": 30}


def test_a_category_of_few_rows_stays_near_the_average() -> None:
    codes = np.array([0.0] * 100 + [1.0] + [np.nan] * 99)
    label = np.array([1.0] * 100 + [1.0] + [0.0] * 99)
    often, once, never = log_odds(codes, label, levels=3)
    assert often > 2 > once > never == pytest.approx(np.log(0.505 / 0.495))
    assert once == pytest.approx(np.log((1 + PRIOR_ROWS * 0.505) / (PRIOR_ROWS * 0.495)))
    assert log_odds(np.repeat(codes, 2), np.repeat(label, 2), levels=3, weight=np.full(400, 0.5)) == pytest.approx(
        (often, once, never)
    )
    np.testing.assert_array_equal(looked_up((often, once), np.array([1.0, np.nan, 7.0])), [once, np.nan, np.nan])


def test_a_row_s_own_label_is_not_in_its_number() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 400, 2000).astype(float)
    label = (rng.random(2000) < 0.3).astype(float)
    own = looked_up(log_odds(codes, label, levels=400), codes)
    others = out_of_fold(codes, label, levels=400)
    assert roc_auc_score(label, own) > 0.7 > 0.55 > roc_auc_score(label, others)
    assert np.isnan(out_of_fold(codes[:4], np.array([1.0, 0, 0, 0]), levels=400)).all()  # too few to hold any out


def towns(n: int, seed: int, *, spread: float = 1.2) -> tuple[pd.DataFrame, np.ndarray]:
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(99)
    effect = fixed.normal(scale=spread, size=80)
    town = rng.choice(80, n, p=(p := 1 / np.arange(1, 81)) / p.sum())
    x = rng.normal(size=n)
    label = (rng.random(n) < 1 / (1 + np.exp(1 - effect[town] - 0.5 * x))).astype(int)
    frame = pd.DataFrame({"town": [f"t{each}" for each in town], "x": x, "grade": rng.choice(["a", "b"], n)})
    return frame.mask(rng.random(frame.shape) < 0.02), label


@pytest.mark.slow
def test_contributions_of_codes_and_statistics_are_those_of_the_column() -> None:
    frame, label = towns(1500, 0)
    model = RiskClassifier(**QUICK).fit(frame, label)
    assert model.risk_.hyperparameters.statistic_rounds > 0 and len(model.risk_.boosters) == 2
    later, truth = towns(1500, 1)
    contributions = model.contributions(later)
    assert contributions.shape == (1500, 4) and model.feature_importances_.argmax() == 0
    np.testing.assert_allclose(contributions.sum(axis=1), model.decision_function(later), atol=1e-9)
    assert roc_auc_score(truth, model.decision_function(later)) > 0.72
    unseen, missing = later.head(9).assign(town="elsewhere"), later.head(9).assign(town=None)
    np.testing.assert_array_equal(model.decision_function(unseen), model.decision_function(missing))
    encoder = model._encoder
    again = Encoder.from_json(encoder.to_json())
    np.testing.assert_array_equal(again.transform(later), encoder.transform(later))


@pytest.mark.slow
def test_towns_that_say_nothing_cost_nothing() -> None:
    gaps = []
    for seed in range(4):
        frame, label = towns(1200, seed, spread=0.0)
        later, truth = towns(3000, seed + 50, spread=0.0)
        both = [
            roc_auc_score(truth, RiskClassifier(**QUICK).fit(rows, label).decision_function(later[rows.columns]))
            for rows in (frame, frame.drop(columns="town"))
        ]
        gaps.append(both[0] - both[1])
    assert np.mean(gaps) > -0.01

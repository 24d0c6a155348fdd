"""The metrics equal scikit-learn's, with weights and ties; intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from perfml.learning.validation import metrics as ev


@pytest.fixture(params=[3, 8])
def sample(request: pytest.FixtureRequest) -> tuple[ev.Floats, ev.Floats, ev.Floats]:
    rng = np.random.default_rng(request.param)
    probability = np.round(1 / (1 + np.exp(-rng.normal(-1, 1.2, 700))), 2)  # rounded: many ties
    label = (rng.random(700) < probability).astype(float)
    weights = np.vstack([np.ones(700), rng.integers(0, 4, 700).astype(float)])
    return label, np.clip(probability, 0.01, 0.99), weights


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ev.auc, sk.roc_auc_score),
        (ev.average_precision, sk.average_precision_score),
        (ev.log_loss, sk.log_loss),
        (ev.brier, sk.brier_score_loss),
    ],
)
def test_equals_scikit_learn(ours: ev.Metric, theirs, sample) -> None:
    label, probability, weights = sample
    expected = [theirs(label, probability, sample_weight=weight) for weight in weights]
    np.testing.assert_allclose(ours(label, probability, weights), expected, rtol=1e-10)


def test_auc_within_dates_is_blind_to_the_calendar(sample) -> None:
    label, probability, weights = sample
    when = np.repeat(np.array(["2026-01-01", "2026-02-01"], "M8[D]"), 350)
    january = when == when[0]
    alone = [ev.auc(label[rows], probability[rows], weights[:, rows]) for rows in (january, ~january)]
    within = ev.auc_within(when)(label, probability, weights)
    assert ((np.minimum(*alone) <= within) & (within <= np.maximum(*alone))).all()
    shifted = np.where(january, probability / 2, probability)  # another level by date orders nobody of one date anew
    np.testing.assert_allclose(ev.auc_within(when)(label, shifted, weights), within)
    same_date = np.full(700, when[0])
    np.testing.assert_allclose(
        ev.auc_within(same_date)(label, probability, weights), ev.auc(label, probability, weights)
    )
    rate = np.where(january, 0.1, 0.4)
    label = (np.random.default_rng(0).random(700) < rate).astype(float)
    assert ev.auc_within(when)(label, rate, weights[:1]) == 0.5 < ev.auc(label, rate, weights[:1])


def test_calibration_slope_equals_a_logistic_regression(sample) -> None:
    label, probability, weights = sample
    margin = np.log(probability / (1 - probability))[:, None]
    expected = [LogisticRegression(C=1e9, tol=1e-10).fit(margin, label, sample_weight=w).coef_[0, 0] for w in weights]
    np.testing.assert_allclose(ev.calibration_slope(label, probability, weights), expected, rtol=1e-4)


def test_precision_and_lift_at_a_share() -> None:
    label = np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    probability = np.linspace(0.9, 0.1, 10)
    weight = np.ones((1, 10))
    assert ev.precision_at(0.2)(label, probability, weight) == pytest.approx([1.0])
    assert ev.precision_at(0.4)(label, probability, weight) == pytest.approx([0.5])
    assert ev.lift(ev.precision_at(0.2))(label, probability, weight) == pytest.approx([5.0])


def test_one_label_gives_missing_not_an_error() -> None:
    metrics = ev.metrics_at(np.repeat(np.datetime64("2026-01-01"), 20), lambda n: 2)
    figure = ev.estimate(metrics, np.zeros(20), np.linspace(0.1, 0.2, 20), person=np.arange(20).astype(object))
    assert np.isnan(figure["auc"].value)
    assert figure["auc"].to_json()["value"] is None


def test_intervals_widen_when_rows_belong_to_few_people() -> None:
    rng = np.random.default_rng(0)
    probability = np.repeat(rng.random(40), 25)
    label = np.repeat((rng.random(40) < 0.5).astype(float), 25)
    rows = ev.estimate({"auc": ev.auc}, label, probability, person=np.arange(1000).astype(object))["auc"]
    people = ev.estimate({"auc": ev.auc}, label, probability, person=np.repeat(np.arange(40), 25).astype(object))["auc"]
    assert people.value == rows.value
    assert people.se > 3 * rows.se


@pytest.mark.slow
def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        label = (rng.random(400) < 0.3).astype(float)
        score = rng.normal(label, 1.0)  # true AUC = Phi(1 / sqrt 2) = 0.7602
        figure = ev.estimate({"auc": ev.auc}, label, score, person=np.arange(400).astype(object), draws=100)["auc"]
        covered += figure.low <= 0.7602 <= figure.high
    assert covered >= 50


def test_bins_hold_every_row_once() -> None:
    rng = np.random.default_rng(1)
    probability = rng.random(103)
    bins = ev.calibration_bins((rng.random(103) < probability).astype(float), probability)
    assert sum(b["n"] for b in bins) == 103
    assert [b["expected"] for b in bins] == sorted(b["expected"] for b in bins)
    assert all(b["low"] <= b["observed"] <= b["high"] for b in bins)


def test_a_list_is_made_at_each_date() -> None:
    """Two places a date: the second date's people are listed although the first date's all rank higher."""
    when = np.repeat(np.array(["2026-01-01", "2026-02-01"], "M8[D]"), 4)
    probability = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1])
    label = np.array([1.0, 0, 1, 0, 1, 1, 0, 0])
    listed = ev.precision_of_lists(when, lambda n: 2)
    assert listed(label, probability, np.ones((1, 8))) == pytest.approx([0.75])
    assert listed(label, probability, np.array([[1.0, 3, 1, 1, 0, 1, 1, 1]])) == pytest.approx([2 / 5])

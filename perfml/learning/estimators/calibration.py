"""Affine calibration of the margin (Platt 1999): two numbers, so that contributions stay additive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from perfml.arrays import Floats

MIN_CASES = 20
"""Rows of either label below which the slope stays 1."""
SLOPES = (0.5, 2.0)


@dataclass(frozen=True)
class Affine:
    """``slope × margin + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, margin: Floats) -> Floats:
        """The calibrated margin."""
        return self.slope * margin + self.intercept


def fit_slope(margin: Floats, label: Floats, *, weight: Floats | None = None) -> float:
    """The slope of a logistic regression of ``label`` on out-of-fold margins, or 1: how far to stretch the margins.

    The slope is used only if, in five-fold cross-validation, it lowers the log loss without raising the expected
    calibration error: a few near-certain cases can outweigh a stretch that makes everyone else's probability wrong. It is 1
    with fewer than :data:`MIN_CASES` rows of either label, and where it is not positive (the ranking would be reversed). It
    is clipped to :data:`SLOPES`: beyond them the period has changed, and stretching is not the remedy. ``weight`` (n,): how many
    rows each stands for.
    """
    positives = label.sum()
    if min(positives, len(label) - positives) < MIN_CASES:
        return 1.0
    x = margin[:, None]
    logistic = LogisticRegression(C=1e4)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    fitted = {} if weight is None else {"sample_weight": weight}
    predicted = cross_val_predict(logistic, x, label, cv=folds, method="predict_proba", params=fitted)
    out_of_fold = predicted[:, 1]
    slope = float(logistic.fit(x, label, **fitted).coef_[0, 0])
    level = at_level(margin, label, 1.0, weight=weight)
    before = expit(level(margin))
    errors = [expected_calibration_error(label, p, weight=weight) for p in (out_of_fold, before)]
    losses = [log_loss(label, p, sample_weight=weight) for p in (out_of_fold, before)]
    if slope <= 0 or errors[0] > errors[1] or losses[0] >= losses[1]:
        return 1.0
    return float(np.clip(slope, *SLOPES))


def expected_calibration_error(
    label: Floats, probability: Floats, bins: int = 10, *, weight: Floats | None = None
) -> float:
    """Mean distance between expected and observed share over ``bins`` of equally many rows (Naeini et al. 2015).

    ``weight`` (n,): how many rows each stands for. Above 0 even for a perfect model: see :func:`calibration_floor`.
    """
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    if weight is not None:
        excess = weight * (probability - label)
        return float(sum(abs(excess[rows].sum()) for rows in parts) / weight.sum())
    return float(sum(abs(probability[rows].sum() - label[rows].sum()) for rows in parts) / max(len(label), 1))


def calibration_floor(probability: Floats, *, bins: int = 10, draws: int = 200, seed: int = 0) -> float:
    """The mean calibration error of outcomes drawn from ``probability`` itself: what sampling alone causes."""
    rng = np.random.default_rng(seed)
    order = np.sort(probability)
    drawn = [(rng.random(len(order)) < order).astype(np.float64) for _ in range(draws)]
    return float(np.mean([expected_calibration_error(label, order, bins) for label in drawn])) if len(order) else 0.0


def at_level(margin: Floats, label: Floats, slope: float, *, weight: Floats | None = None) -> Affine:
    """The affine map of this slope whose probabilities sum to the number of true cases (calibration in the large).

    A model refitted on more rows has its own level: the intercept of the earlier one would count a change of the base rate
    twice. ``weight`` (n,): how many rows each stands for.
    """
    share = float(np.average(label, weights=weight))

    def excess(intercept: float) -> float:
        return float(np.average(expit(slope * margin + intercept), weights=weight) - share)

    if not 0 < share < 1:
        return Affine(slope, 0.0)
    return Affine(slope, float(brentq(excess, -50.0, 50.0)))

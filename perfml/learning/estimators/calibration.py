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


def fit_slope(margin: Floats, label: Floats) -> float:
    """The slope of a logistic regression of ``label`` on out-of-fold margins, or 1: how far to stretch the margins.

    The slope is used only if, in five-fold cross-validation, it lowers the log loss without raising the expected
    calibration error: a few near-certain cases can outweigh a stretch that makes everyone else's probability wrong. It is 1
    with fewer than :data:`MIN_CASES` rows of either label, and where it is not positive (the ranking would be reversed). It
    is clipped to :data:`SLOPES`: beyond them the period has changed, and stretching is not the remedy.
    """
    positives = label.sum()
    if min(positives, len(label) - positives) < MIN_CASES:
        return 1.0
    x = margin[:, None]
    logistic = LogisticRegression(C=1e4)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    out_of_fold = cross_val_predict(logistic, x, label, cv=folds, method="predict_proba")[:, 1]
    slope = float(logistic.fit(x, label).coef_[0, 0])
    level = at_level(margin, label, 1.0)
    before = expit(level(margin))
    worse = expected_calibration_error(label, out_of_fold) > expected_calibration_error(label, before)
    if slope <= 0 or worse or log_loss(label, out_of_fold) >= log_loss(label, before):
        return 1.0
    return float(np.clip(slope, *SLOPES))


def expected_calibration_error(label: Floats, probability: Floats, bins: int = 10) -> float:
    """Mean distance between expected and observed share over ``bins`` of equal size (Naeini et al. 2015).

    Above 0 even for a perfect model: see :func:`calibration_floor`.
    """
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    return float(sum(abs(probability[rows].sum() - label[rows].sum()) for rows in parts) / max(len(label), 1))


def calibration_floor(probability: Floats, *, bins: int = 10, draws: int = 200, seed: int = 0) -> float:
    """The mean calibration error of outcomes drawn from ``probability`` itself: what sampling alone causes."""
    rng = np.random.default_rng(seed)
    order = np.sort(probability)
    drawn = [(rng.random(len(order)) < order).astype(np.float64) for _ in range(draws)]
    return float(np.mean([expected_calibration_error(label, order, bins) for label in drawn])) if len(order) else 0.0


def at_level(margin: Floats, label: Floats, slope: float) -> Affine:
    """The affine map of this slope whose probabilities sum to the number of true cases (calibration in the large).

    A model refitted on more rows has its own level: the intercept of the earlier one would count a change of the base rate
    twice.
    """

    def excess(intercept: float) -> float:
        return float(np.mean(expit(slope * margin + intercept)) - label.mean())

    if not 0 < label.mean() < 1:
        return Affine(slope, 0.0)
    return Affine(slope, float(brentq(excess, -50.0, 50.0)))

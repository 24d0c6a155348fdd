"""Affine calibration of the margin (Platt 1999): two numbers, so that contributions stay additive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST_POSITIVES = 20
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
    """By how much margins of rows that were not learnt from should be stretched: the slope of a logistic regression.

    Kept only if the regression lowers the log loss in five-fold cross-validation; too few of either label, or a slope that
    is not positive (the ranking would turn over), give 1. Kept within :data:`SLOPES`: beyond them the later period says
    that it is another world, not how to stretch.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    positives = label.sum()
    if min(positives, len(label) - positives) < FEWEST_POSITIVES:
        return 1.0
    x = margin[:, None]
    logistic = LogisticRegression(C=1e4)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    out_of_fold = cross_val_predict(logistic, x, label, cv=folds, method="predict_proba")[:, 1]
    slope = float(logistic.fit(x, label).coef_[0, 0])
    if slope <= 0 or log_loss(label, out_of_fold) >= log_loss(label, 1.0 / (1.0 + np.exp(-margin))):
        return 1.0
    return float(np.clip(slope, *SLOPES))


def at_level(margin: Floats, label: Floats, slope: float) -> Affine:
    """The affine map of this slope whose probabilities sum to the number of true cases (calibration in the large).

    A model that is fitted anew on more rows has a level of its own: the intercept found on the earlier one's margins
    would count a change of the base rate twice.
    """
    from scipy.optimize import brentq

    def excess(intercept: float) -> float:
        return float(np.mean(1.0 / (1.0 + np.exp(-np.clip(slope * margin + intercept, -700, 700)))) - label.mean())

    if not 0 < label.mean() < 1:
        return Affine(slope, 0.0)
    return Affine(slope, float(brentq(excess, -50.0, 50.0)))

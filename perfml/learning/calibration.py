"""Affine calibration of the margin (Platt 1999): two numbers, so that contributions stay additive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST_POSITIVES = 20


@dataclass(frozen=True)
class Affine:
    """``slope × margin + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, margin: Floats) -> Floats:
        """The calibrated margin."""
        return self.slope * margin + self.intercept


def fit_affine(margin: Floats, label: Floats) -> Affine:
    """The logistic regression of ``label`` on ``margin`` that predicts best out of the rows it was fitted on.

    Kept only if it lowers the log loss in five-fold cross-validation; too few of either label, or a slope that is not
    positive (the ranking would turn over), give the identity.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    positives = label.sum()
    if min(positives, len(label) - positives) < FEWEST_POSITIVES:
        return Affine()
    x = margin[:, None]
    logistic = LogisticRegression(C=1e4)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    out_of_fold = cross_val_predict(logistic, x, label, cv=folds, method="predict_proba")[:, 1]
    as_is = 1.0 / (1.0 + np.exp(-margin))
    logistic.fit(x, label)
    slope, intercept = float(logistic.coef_[0, 0]), float(logistic.intercept_[0])
    if slope <= 0 or log_loss(label, out_of_fold) >= log_loss(label, as_is):
        return Affine()
    return Affine(slope, intercept)

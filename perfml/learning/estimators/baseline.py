"""The baseline that a model must beat: tenure and last rating, as HR could read them off a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

from perfml.arrays import Floats


def baseline_probability(train: Floats, label: Floats, test: Floats) -> Floats:
    """Logistic regression with cubic splines on a few columns; missing values are a level of their own.

    ``train`` (n, columns), ``label`` (n,), ``test`` (m, columns) -> (m,).
    """
    observed = ~np.isnan(train).all(axis=0)
    if not observed.any():
        return np.full(len(test), label.mean())
    model = make_pipeline(
        make_union(
            make_pipeline(
                SimpleImputer(strategy="median"), SplineTransformer(n_knots=4, knots="quantile"), StandardScaler()
            ),
            FunctionTransformer(np.isnan),
        ),
        LogisticRegression(C=1.0, max_iter=1000),
    )
    model.fit(train[:, observed], label)
    return np.asarray(model.predict_proba(test[:, observed])[:, 1], dtype=np.float64)


def baseline_columns(wanted: Sequence[str], without_reviews: Sequence[str], available: Sequence[str]) -> list[str]:
    """The ``available`` columns among ``wanted`` or, unless all of these are available, among ``without_reviews``."""
    chosen = wanted if set(wanted) <= set(available) else without_reviews
    return [name for name in chosen if name in available]

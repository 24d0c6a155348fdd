"""The baseline a model must beat: what HR could read off a list without any learning library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfml.arrays import Floats


def baseline_probability(train: Floats, label: Floats, test: Floats) -> Floats:
    """A logistic regression with cubic splines on a few columns, e.g. tenure and last rating; missing values are a level
    of their own. ``train``: (n, columns), ``test``: (m, columns) -> (m,)."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

    some = ~np.isnan(train).all(axis=0)
    if not some.any():
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
    model.fit(train[:, some], label)
    return np.asarray(model.predict_proba(test[:, some])[:, 1], dtype=np.float64)


def baseline_columns(wanted: Sequence[str], without_reviews: Sequence[str], there: Sequence[str]) -> list[str]:
    """The columns of the baseline that the evidence has; ``without_reviews`` where it lacks one of ``wanted``."""
    chosen = wanted if set(wanted) <= set(there) else without_reviews
    return [name for name in chosen if name in there]

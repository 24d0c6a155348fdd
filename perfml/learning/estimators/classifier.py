"""The learner as a scikit-learn classifier, for notebooks, pipelines, grid searches and comparisons."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, check_X_y, validate_data

from perfml.arrays import FeaturesLike, Floats, Ints, TargetLike
from perfml.learning.estimators.blend import DEFAULTS, MIN_CASES, RiskModel, Split, as_explanation, fit, probability
from perfml.learning.estimators.encoding.encoder import Encoder, as_frame, is_frame
from perfml.learning.estimators.encoding.target_statistics import looked_up
from perfml.project.model_spec import LearnerSpec

if TYPE_CHECKING:
    import shap

NUMBERS: dict[str, object] = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
FOLDS = 5
ROWS_FOR_FEWER_FOLDS = 20_000
ROWS_FOR_IMPORTANCES = 2_000
ROWS_FOR_ONE_FOLD = 50_000
"""With so many validation rows, one fifth held out once gives the same choice at a fifth of the cost."""


class RiskClassifier(ClassifierMixin, BaseEstimator):
    """Boosted trees and spline logistic regression, blended and calibrated out of fold; see :mod:`.blend`.

    Takes NumPy arrays (also of objects), pandas and polars frames, with categories, texts and missing values as they are;
    two classes. Texts that stand for ordered numbers ("<1", "100-500", "10年以上", "Low" to "High"), and ordered categories, are
    read as numbers (:mod:`.encoding.ordered_text`); categories of more than ten values are also seen as out-of-fold statistics
    of the outcome (:mod:`.encoding.target_statistics`); contributions are of the columns as they are given.
    Parameters have LightGBM's names and :class:`~perfml.project.model_spec.LearnerSpec`'s defaults, and

    ``seeds``: one set of trees each; ``random_state``: as everywhere in scikit-learn; where given, as many seeds are drawn from
    it as ``seeds`` has, and it shuffles the default folds; ``n_jobs``: threads of LightGBM, -1 for all processors, by default
    one, and all from 50,000 rows on; ``blend``: "learnt", or "trees" or "curves" alone; ``monotone``: column name (``*``
    allowed) or position -> 1 or -1, the only direction in which the risk may move with it; ``cv``: what chooses rounds, ridge,
    blend and calibration: a number of folds, a scikit-learn splitter, or pairs of row numbers (for data in time, pairs of
    earlier and later rows). Default: 5 stratified folds, 3 from 20,000 rows on, and one fifth held out once from 50,000 on.

    After fitting: ``classes_``, ``n_features_in_``, ``feature_names_in_`` for columns with names; ``feature_importances_``
    (features,), the mean absolute contribution to the log-odds over the training rows, of which at most 2,000, evenly spaced,
    are looked at; and ``risk_``, the fitted :class:`~perfml.learning.estimators.blend.RiskModel`.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3)); y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    >>> model = RiskClassifier(seeds=(1,)).fit(X, y)
    >>> bool(np.allclose(model.contributions(X).sum(axis=1), model.decision_function(X)))
    True
    """

    def __init__(
        self,
        *,
        learning_rate: float = DEFAULTS.learning_rate,
        num_leaves: int = DEFAULTS.num_leaves,
        min_child_samples: int = DEFAULTS.min_child_samples,
        feature_fraction: float = DEFAULTS.feature_fraction,
        bagging_fraction: float = DEFAULTS.bagging_fraction,
        lambda_l2: float = DEFAULTS.lambda_l2,
        max_rounds: int = DEFAULTS.max_rounds,
        early_stopping_rounds: int = DEFAULTS.early_stopping_rounds,
        seeds: tuple[int, ...] = DEFAULTS.seeds,
        blend: Literal["learnt", "trees", "curves"] = DEFAULTS.blend,
        monotone: Mapping[str | int, Literal[-1, 1]] | None = None,
        cv: object = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.lambda_l2 = lambda_l2
        self.max_rounds = max_rounds
        self.early_stopping_rounds = early_stopping_rounds
        self.seeds = seeds
        self.blend = blend
        self.monotone = monotone
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        """Accept missing values and categories; two classes only."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: FeaturesLike, y: TargetLike, sample_weight: npt.ArrayLike | None = None) -> RiskClassifier:
        """Fit on ``X`` (n, features) and ``y`` (n,) of two classes; the second in sorted order is the risk.

        Raises ValueError for infinite values, one class or more than two, and text columns that look like identifiers.
        """
        X = as_frame(X)
        encoder = Encoder.fit(X)
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
            matrix, target = check_X_y(encoder.transform(X), y, **NUMBERS, estimator=self)
        else:
            matrix, target = validate_data(self, X, y, **NUMBERS)
        check_classification_targets(target)
        if type_of_target(target, input_name="y") != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {type_of_target(target)}."
            )
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"RiskClassifier needs two classes; the data contains one class: {self.classes_[0]!r}")
        weight = (
            None if sample_weight is None else _check_sample_weight(sample_weight, matrix, ensure_non_negative=True)
        )
        if weight is not None and not (weight > 0).all():  # a row of zero weight counts as absent
            matrix, codes, weight = matrix[weight > 0], codes[weight > 0], weight[weight > 0]
        label = codes.astype(np.float64)
        encoder = encoder.with_statistics(matrix, label, weight=weight)
        statistics = encoder.statistic_columns(self.n_features_in_)
        matrix = np.column_stack(
            [matrix, *(looked_up(encoder.statistics[c], matrix[:, c]) for c in statistics.values())]
        )
        given = {name: value for name, value in self.get_params(deep=False).items() if name in LearnerSpec.model_fields}
        seeds, shuffle_seed = self._seeds()
        names = encoder.names or tuple(str(i) for i in range(self.n_features_in_))
        self._encoder = encoder
        self.risk_: RiskModel = fit(
            matrix,
            label,
            folds=self._folds(matrix, codes, shuffle_seed=shuffle_seed),
            settings=LearnerSpec(**given | {"seeds": seeds}),
            signs=_signs(self.monotone or {}, names) + [0] * len(encoder.appended),
            categories=encoder.categories(self.n_features_in_),
            statistics=statistics,
            weight=weight,
            threads=_threads(self.n_jobs),
        )
        rows = np.unique(np.linspace(0, len(matrix) - 1, ROWS_FOR_IMPORTANCES).round().astype(np.int64))
        contributions = encoder.of_table(self.risk_.contributions(matrix[rows]))
        self.feature_importances_: Floats = np.abs(contributions[:, :-1]).mean(axis=0)
        return self

    def decision_function(self, X: FeaturesLike) -> Floats:
        """The margin, log-odds of the second class: (n, features) -> (n,)."""
        matrix = self._matrix(X)
        return self.risk_.margin(matrix)

    def predict_proba(self, X: FeaturesLike) -> Floats:
        """Calibrated probabilities of both classes: (n, features) -> (n, 2)."""
        risk = probability(self.decision_function(X))
        return np.column_stack([1 - risk, risk])

    def predict(self, X: FeaturesLike) -> npt.NDArray[np.generic]:
        """The likelier class: (n,)."""
        margin = self.decision_function(X)
        return np.asarray(self.classes_[(margin > 0).astype(np.int64)])

    def contributions(self, X: FeaturesLike) -> Floats:
        """Exact Shapley values of the margin: (n, features + 1); the last column is the base value.

        Each row sums to :meth:`decision_function`.
        """
        matrix = self._matrix(X)
        return self._encoder.of_table(self.risk_.contributions(matrix))

    def explanation(self, X: FeaturesLike) -> shap.Explanation:
        """:meth:`contributions` as shap's own object, for its plots; see :meth:`.RiskModel.explanation`.

        Categories are codes in ``data``.
        """
        matrix = self._matrix(X)
        names = [str(name) for name in getattr(self, "feature_names_in_", range(self.n_features_in_))]
        contributions = self._encoder.of_table(self.risk_.contributions(matrix))
        return as_explanation(contributions, matrix[:, : self.n_features_in_], names)

    def _matrix(self, X: FeaturesLike) -> Floats:
        check_is_fitted(self)
        X = as_frame(X)
        if (self._encoder.levels or self._encoder.scales) and not is_frame(X):
            X = pd.DataFrame(np.asarray(X))
        if not is_frame(X):
            return np.asarray(validate_data(self, X, reset=False, **NUMBERS))
        validate_data(self, X, reset=False, skip_check_array=True)
        return np.asarray(check_array(self._encoder.transform(X), **NUMBERS, estimator=self))

    def _seeds(self) -> tuple[tuple[int, ...], int]:
        """The seeds of the trees, and that of the default folds."""
        if self.random_state is None:
            return tuple(self.seeds), 0
        drawn = check_random_state(self.random_state).randint(2**31 - 1, size=len(self.seeds) + 1)
        *seeds, shuffle_seed = (int(seed) for seed in drawn)
        return tuple(seeds), shuffle_seed

    def _folds(self, matrix: Floats, codes: Ints, *, shuffle_seed: int) -> list[Split]:
        if self.cv is not None:
            chosen: Iterable[Split] = check_cv(self.cv, codes, classifier=True).split(matrix, codes)
            return list(chosen)
        wanted = FOLDS if len(codes) < ROWS_FOR_FEWER_FOLDS else 3
        folds = min(wanted, int(np.bincount(codes).min()) // MIN_CASES)
        if folds < 2:
            return []
        if len(codes) >= ROWS_FOR_ONE_FOLD:
            return list(StratifiedKFold(FOLDS, shuffle=True, random_state=shuffle_seed).split(matrix, codes))[:1]
        return list(StratifiedKFold(folds, shuffle=True, random_state=shuffle_seed).split(matrix, codes))


def _threads(n_jobs: int | None) -> int | None:
    """How many threads ``n_jobs`` means: -1 all processors, -2 all but one."""
    return n_jobs if n_jobs is None or n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)


def _signs(monotone: Mapping[str | int, Literal[-1, 1]], names: tuple[str, ...]) -> list[int]:
    """-1, 0 or 1 for each column. Raises ValueError for a key that matches no column."""
    signs = [0] * len(names)
    for key, sign in monotone.items():
        columns = (
            [key] if isinstance(key, int) else [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, key)]
        )
        if not columns or not all(-len(names) <= column < len(names) for column in columns):
            raise ValueError(f"monotone: no column is called {key!r}")
        for column in columns:
            signs[column] = sign
    return signs

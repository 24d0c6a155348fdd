"""The learner: boosted trees and spline logistic regression, blended as margins, with weights fitted out of fold.

Trees win on large data and find interactions, which curves cannot; curves win on small data, where trees fit noise
(stacking: Wolpert 1992; non-negative weights: Breiman 1996). The share of each is chosen on rows that neither was fitted
on. The blend is a sum of margins, so its Shapley values are the sum of theirs.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from perfml.arrays import Floats, Ints
from perfml.learning.estimators.additive import Curve, SplineLogistic, SplinesJson
from perfml.learning.estimators.calibration import Affine, at_level, fit_slope
from perfml.learning.estimators.splines import INVERSE_PENALTIES, fit_path
from perfml.project.model_spec import LearnerSpec, ModelSpec
from perfml.treeshap.contributions import contributions

if TYPE_CHECKING:
    import shap

Split = tuple[Ints, Ints]
"""Training rows and validation rows."""
DEFAULTS = LearnerSpec()
"""The learner's settings where nobody chose others: of models, of ``RiskClassifier`` and of ``HazardModel``."""
ROWS_FOR_THREADS = 50_000
"""Below this, LightGBM's threads cost more in waiting for each other than they gain."""
MIN_ROUNDS = 25
DEFAULT_ROUNDS = 120
DEFAULT_INVERSE_PENALTY = 0.05
DEFAULT_SHARE = 0.5
"""Used where the data are too few to choose by validation."""
MIN_CASES = 10
"""Rows of either label, in training and in validation, below which the default hyperparameters are used."""
PRIOR = 5.0
"""How strongly the weights of trees and curves are held near one half each, in units of log-likelihood."""
NEGLIGIBLE = 0.03
"""A share of the blend smaller than this is not worth its cost."""
MAX_COLUMNS = 250
"""Columns that get a curve; of more, those that the trees used most."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What validation chooses."""

    rounds: int = DEFAULT_ROUNDS
    """Rounds of boosting."""
    inverse_penalty: float = DEFAULT_INVERSE_PENALTY
    """scikit-learn's ``C`` of the curves' ridge: the smaller, the stronger."""
    share: float = DEFAULT_SHARE
    """The trees' part of the blend, 0 to 1."""
    slope: float = 1.0
    """What calibration multiplies the blended margin by."""


class RiskParts(TypedDict):
    """A :class:`RiskModel` as JSON, without its boosters."""

    splines: SplinesJson | None
    share: float
    slope: float
    intercept: float
    hyperparameters: Mapping[str, float]


class TreeSettings(Protocol):
    """LightGBM's parameters that :class:`~perfml.project.model_spec.LearnerSpec` and ``HazardModel`` share."""

    learning_rate: float
    num_leaves: int
    min_child_samples: int
    feature_fraction: float
    bagging_fraction: float
    lambda_l2: float


@dataclass(frozen=True, kw_only=True)
class RiskModel:
    """A fitted model of one outcome. The margin is the log-odds of the calibrated probability."""

    boosters: tuple[lgb.Booster, ...]
    splines: SplineLogistic | None
    share: float
    """The trees' part of the blend, 0 to 1; the curves have the rest."""
    calibration: Affine
    hyperparameters: Hyperparameters
    """What it was fitted with, to fit the same model again on other rows."""

    def margin(self, features: Floats) -> Floats:
        """Log-odds: (n, features) -> (n,)."""
        out = np.zeros(len(features))
        if self.boosters:
            out += self.share * _tree_margin(self.boosters, features)
        if self.splines is not None:
            out += (1 - self.share) * self.splines.margin(features)
        return self.calibration(out)

    def contributions(self, features: Floats) -> Floats:
        """Exact Shapley values: (n, features + 1); the last column is the base value. Each row sums to :meth:`margin`.

        Path-dependent TreeSHAP (Lundberg et al. 2020) for the trees; for a curve, its value less its mean.
        """
        out = np.zeros((len(features), features.shape[1] + 1))
        for booster in self.boosters:
            out += contributions(booster, features) * (self.share / len(self.boosters))
        if self.splines is not None:
            out += (1 - self.share) * self.splines.contributions(features)
        out *= self.calibration.slope
        out[:, -1] += self.calibration.intercept
        return out

    def explanation(self, features: Floats, names: Sequence[str]) -> shap.Explanation:
        """:meth:`contributions` as shap's own object, for its plots: ``values`` (n, features), ``base_values`` (n,), ``data``.

        ``names`` (features,): what the plots call the columns; without a Chinese font they print boxes for Chinese.
        """
        return as_explanation(self.contributions(features), features, names)

    def to_parts(self) -> tuple[RiskParts, list[str]]:
        """JSON and LightGBM texts, from which :meth:`from_parts` restores the model."""
        parameters: RiskParts = {
            "splines": None if self.splines is None else self.splines.to_json(),
            "share": self.share,
            "slope": self.calibration.slope,
            "intercept": self.calibration.intercept,
            "hyperparameters": asdict(self.hyperparameters),
        }
        return parameters, [booster.model_to_string(num_iteration=-1) for booster in self.boosters]

    @classmethod
    def from_parts(cls, parameters: RiskParts, boosters: Sequence[str]) -> RiskModel:
        """Restore what :meth:`to_parts` gave. A damaged text makes LightGBM end the process: compare its hash first."""
        hyperparameters: dict[str, Any] = dict(parameters["hyperparameters"])
        return cls(
            boosters=tuple(lgb.Booster(model_str=text) for text in boosters),
            splines=None if parameters["splines"] is None else SplineLogistic.from_json(parameters["splines"]),
            share=parameters["share"],
            calibration=Affine(parameters["slope"], parameters["intercept"]),
            hyperparameters=Hyperparameters(**hyperparameters),
        )

    @classmethod
    def constant(cls, cases: int, rows: int) -> RiskModel:
        """The same risk for everybody: the share of cases, shrunk a little towards one half (Laplace)."""
        share = (cases + 0.5) / (rows + 1)
        level = Affine(1.0, float(np.log(share / (1 - share))))
        return cls(boosters=(), splines=None, share=1.0, calibration=level, hyperparameters=Hyperparameters())


def as_explanation(contributions: Floats, features: Floats, names: Sequence[str]) -> shap.Explanation:
    """Contributions (n, features + 1) as shap's own object; see :meth:`RiskModel.explanation`."""
    import shap  # takes a second, and only explanations use it

    return shap.Explanation(
        contributions[:, :-1], base_values=contributions[:, -1], data=features, feature_names=list(names)
    )


def monotone_signs(names: Sequence[str], spec: ModelSpec) -> list[int]:
    """The direction that the spec's ``[monotone]`` requires of each column, 0 for none; its keys may use ``*``."""
    return [
        next((sign for pattern, sign in spec.monotone.items() if fnmatch.fnmatchcase(name, pattern)), 0)
        for name in names
    ]


def probability(margin: Floats) -> Floats:
    """The logistic function, log-odds to probability."""
    return np.asarray(expit(margin), dtype=np.float64)


def fit(
    features: Floats,
    label: Floats,
    *,
    folds: Sequence[Split] = (),
    hyperparameters: Hyperparameters | None = None,
    settings: LearnerSpec,
    signs: Sequence[int] | None = None,
    categories: Mapping[int, int] | None = None,
    weight: Floats | None = None,
    threads: int | None = None,
) -> RiskModel:
    """Fit on rows labelled 0 or 1; both classes must be present.

    ``folds`` choose the ``hyperparameters`` unless these are given; the parts are then refitted on all rows, which also set
    the level.
    ``signs``: the direction required of each column (-1, 0, 1); ``categories``: number of codes of each categorical column;
    ``threads``: of LightGBM, by default one below :data:`ROWS_FOR_THREADS` and all processors from there on.
    """
    signs = [0] * features.shape[1] if signs is None else list(signs)
    categories = categories or {}
    problem = _Problem(
        features=features,
        label=label,
        weight=weight,
        settings=settings,
        signs=signs,
        categories=categories,
        threads=threads,
    )
    usable = [fold for fold in folds if min(_cases(label[fold[0]]), _cases(label[fold[1]])) >= MIN_CASES]
    chosen = hyperparameters
    if chosen is None:
        chosen = _choose(problem, usable) if usable else Hyperparameters()
    if (fixed := _fixed_share(settings)) is not None:
        chosen = replace(chosen, share=fixed)
    share = 0.0 if chosen.share < NEGLIGIBLE else 1.0 if chosen.share > 1 - NEGLIGIBLE else chosen.share
    everything = np.arange(len(label))
    boosters = (
        tuple(problem.trees(everything, seed=seed, rounds=chosen.rounds) for seed in settings.seeds)
        if share > 0
        else ()
    )
    splines = problem.curves(everything, boosters[:1], (chosen.inverse_penalty,))[0] if share < 1 else None
    risk = RiskModel(boosters=boosters, splines=splines, share=share, calibration=Affine(), hyperparameters=chosen)
    return replace(risk, calibration=at_level(risk.margin(features), label, chosen.slope))


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """The training data, and how each part is fitted on some of its rows."""

    features: Floats
    label: Floats
    weight: Floats | None
    settings: LearnerSpec
    signs: Sequence[int]
    categories: Mapping[int, int]
    threads: int | None

    def trees(self, rows: Ints, *, seed: int, rounds: int, late: Ints | None = None) -> lgb.Booster:
        """Boost for ``rounds``, or stop early by the loss on the rows ``late``."""
        train = self._dataset(rows)
        parameters = self._parameters(seed, len(rows))
        if late is None:
            return lgb.train(parameters, train, rounds)
        stop = lgb.early_stopping(self.settings.early_stopping_rounds, verbose=False)
        return lgb.train(
            parameters | {"metric": "binary_logloss"},
            train,
            rounds,
            valid_sets=[self._dataset(late, train)],
            callbacks=[stop],
        )

    def curves(
        self, rows: Ints, boosters: Sequence[lgb.Booster], inverse_penalties: Sequence[float] = INVERSE_PENALTIES
    ) -> list[SplineLogistic]:
        """One model for each inverse penalty; of many columns, those that ``boosters`` used most."""
        columns = self._columns(boosters)
        fitted = fit_path(
            self.features[rows][:, columns],
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categories={i: self.categories[c] for i, c in enumerate(columns) if c in self.categories},
            signs=[self.signs[c] for c in columns],
            inverse_penalties=inverse_penalties,
        )
        return [_spread(model, columns, self.features.shape[1]) for model in fitted]

    def _columns(self, boosters: Sequence[lgb.Booster]) -> list[int]:
        observed = np.flatnonzero(~np.isnan(self.features).all(axis=0))
        if len(observed) <= MAX_COLUMNS:
            return [int(c) for c in observed]
        gain = (
            np.sum([b.feature_importance("gain") for b in boosters], axis=0) if boosters else self.features.std(axis=0)
        )
        return sorted(int(c) for c in observed[np.argsort(-gain[observed], kind="stable")[:MAX_COLUMNS]])

    def _dataset(self, rows: Ints, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        return lgb.Dataset(
            self.features[rows],
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categorical_feature=sorted(self.categories),
            reference=reference,
        )

    def _parameters(self, seed: int, rows: int) -> dict[str, object]:
        signs = list(self.signs) if any(self.signs) else None
        parameters = boosting(self.settings, seed=seed, rows=rows)
        if self.threads is not None:
            parameters["num_threads"] = self.threads
        return parameters | {"objective": "binary", "monotone_constraints": signs}


def boosting(settings: TreeSettings, *, seed: int, rows: int) -> dict[str, object]:
    """LightGBM's parameters for one set of trees, without the objective. ``settings`` names them as LightGBM does."""
    return {
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_child_samples": settings.min_child_samples,
        "feature_fraction": settings.feature_fraction,
        "bagging_fraction": settings.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": settings.lambda_l2,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1 if rows < ROWS_FOR_THREADS else os.cpu_count() or 1,
        "verbosity": -1,
    }


def _cases(label: Floats) -> int:
    """Rows of the rarer label."""
    return int(min(label.sum(), len(label) - label.sum()))


def _spread(model: SplineLogistic, columns: Sequence[int], width: int) -> SplineLogistic:
    """The same model over all ``width`` columns; those without a curve add nothing."""
    curves, means = [Curve((), (), 0.0)] * width, [0.0] * width
    for column, curve, mean in zip(columns, model.curves, model.means, strict=True):
        curves[column], means[column] = curve, mean
    return SplineLogistic(model.intercept, tuple(curves), tuple(means))


def _tree_margin(boosters: Sequence[lgb.Booster], features: Floats) -> Floats:
    raw = [np.asarray(booster.predict(features, raw_score=True), dtype=np.float64) for booster in boosters]
    out: Floats = np.sum(raw, axis=0) / len(raw)
    return out


def _choose(problem: _Problem, folds: Sequence[Split]) -> Hyperparameters:
    """Fit the parts on each fold, and choose what is best on its validation rows. Folds take the seeds in turn."""
    seeds = problem.settings.seeds
    stopped = [
        problem.trees(early, seed=seeds[number % len(seeds)], rounds=problem.settings.max_rounds, late=late)
        for number, (early, late) in enumerate(folds)
    ]
    rounds = max(MIN_ROUNDS, round(float(np.mean([booster.best_iteration for booster in stopped]))))
    label = np.concatenate([problem.label[late] for _, late in folds])
    trees = np.concatenate(
        [
            np.asarray(booster.predict(problem.features[late], raw_score=True, num_iteration=rounds))
            for booster, (_, late) in zip(stopped, folds, strict=True)
        ]
    )
    paths = [
        [model.margin(problem.features[late]) for model in problem.curves(early, [booster])]
        for booster, (early, late) in zip(stopped, folds, strict=True)
    ]
    by_penalty = [np.concatenate([path[i] for path in paths]) for i in range(len(INVERSE_PENALTIES))]
    best = int(np.argmin([_log_loss(label, margin) for margin in by_penalty]))
    fixed = _fixed_share(problem.settings)
    share = blend_share(trees, by_penalty[best], label) if fixed is None else fixed
    slope = fit_slope(share * trees + (1 - share) * by_penalty[best], label)
    return Hyperparameters(rounds=rounds, inverse_penalty=INVERSE_PENALTIES[best], share=share, slope=slope)


def _fixed_share(settings: LearnerSpec) -> float | None:
    """The trees' share that the settings fix; None where it is learnt."""
    return {"learnt": None, "trees": 1.0, "curves": 0.0}[settings.blend]


def blend_share(trees: Floats, curves: Floats, label: Floats) -> float:
    """The trees' share in the non-negative blend of highest likelihood, from out-of-fold margins (n,) of both.

    :data:`PRIOR` holds the weights near one half each, which matters only where cases are few.
    """
    parts = np.column_stack([trees, curves, np.ones(len(label))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = parts @ weights
        away = np.array([weights[0] - 0.5, weights[1] - 0.5, 0.0])
        gradient = parts.T @ (probability(margin) - label) + 2 * PRIOR * away
        return float(np.sum(np.logaddexp(0, margin) - label * margin) + PRIOR * away @ away), gradient

    bounds = [(0, None), (0, None), (None, None)]
    weights = minimize(loss, np.array([0.5, 0.5, 0.0]), jac=True, bounds=bounds).x
    total = float(weights[0] + weights[1])
    return float(weights[0] / total) if total > 0 else DEFAULT_SHARE


def _log_loss(label: Floats, margin: Floats) -> float:
    return float(np.mean(np.logaddexp(0, margin) - label * margin))

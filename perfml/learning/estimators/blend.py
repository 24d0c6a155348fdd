"""The learner: boosted trees and spline logistic regression, blended as margins, with weights learnt out of fold.

Trees win on large data and find what curves cannot (interactions); curves win on small data, where trees are noise
(stacking: Wolpert 1992; non-negative weights: Breiman 1996). Which of the two, and how much of each, is decided on rows
that neither has learnt from. The blend is a sum of margins, so its Shapley values are the sum of theirs.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np

from perfml.arrays import Floats, Ints
from perfml.learning.estimators.calibration import Affine, at_level, fit_slope
from perfml.learning.estimators.splines import PENALTIES, Curve, SplineLogistic, fit_path
from perfml.project.spec import LearnerSpec, ModelSpec
from perfml.treeshap.contributions import contributions

Fold = tuple[Ints, Ints]
"""Rows to learn from, rows to decide on."""
ROWS_FOR_THREADS = 50_000
"""Below this, LightGBM's threads cost more in waiting for each other than they bring."""
FEWEST_ROUNDS = 25
DEFAULT_ROUNDS = 120
DEFAULT_PENALTY = 0.05
DEFAULT_SHARE = 0.5
"""Taken where there is too little to decide on."""
FEWEST_CASES = 10
"""Of either label, in what is learnt from and in what is decided on; fewer, and the defaults are taken."""
PRIOR = 5.0
"""How strongly the weights of trees and curves are held near one half each, in units of log-likelihood."""
NEGLIGIBLE = 0.03
"""A share of the blend smaller than this is not worth its cost."""
MOST_COLUMNS = 250
"""Columns that get a curve; of more, those that the trees used most."""


@dataclass(frozen=True)
class Hyperparameters:
    """What the folds decided: rounds of boosting, strength of the curves' ridge, the trees' share, the slope."""

    rounds: int = DEFAULT_ROUNDS
    penalty: float = DEFAULT_PENALTY
    share: float = DEFAULT_SHARE
    slope: float = 1.0


@dataclass(frozen=True)
class RiskModel:
    """A fitted model of one outcome. The margin is the log-odds of the calibrated probability."""

    boosters: tuple[lgb.Booster, ...]
    splines: SplineLogistic | None
    share: float
    """The trees' part of the blend, 0 to 1; the curves have the rest."""
    calibration: Affine
    decided: Hyperparameters
    """What the folds had decided, for learning the same again from other rows."""

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

        Path-dependent TreeSHAP (Lundberg et al. 2020) for the trees; a curve's own value less its mean for the curves.
        """
        out = np.zeros((len(features), features.shape[1] + 1))
        for booster in self.boosters:
            out += contributions(booster, features) * (self.share / len(self.boosters))
        if self.splines is not None:
            out += (1 - self.share) * self.splines.contributions(features)
        out *= self.calibration.slope
        out[:, -1] += self.calibration.intercept
        return out

    def to_parts(self) -> tuple[dict[str, Any], list[str]]:
        """As JSON and LightGBM texts; :meth:`from_parts` puts them together again."""
        about = {
            "splines": None if self.splines is None else self.splines.to_json(),
            "share": self.share,
            "slope": self.calibration.slope,
            "intercept": self.calibration.intercept,
            "decided": asdict(self.decided),
        }
        return about, [booster.model_to_string(num_iteration=-1) for booster in self.boosters]

    @classmethod
    def from_parts(cls, about: Mapping[str, Any], boosters: Sequence[str]) -> RiskModel:
        """The model that :meth:`to_parts` took apart. LightGBM ends the process on a damaged text: compare its hash first."""
        return cls(
            tuple(lgb.Booster(model_str=text) for text in boosters),
            None if about["splines"] is None else SplineLogistic.from_json(about["splines"]),
            about["share"],
            Affine(about["slope"], about["intercept"]),
            Hyperparameters(**about["decided"]),
        )

    @classmethod
    def constant(cls, cases: int, rows: int) -> RiskModel:
        """The same risk for everybody: the share of cases, drawn a little towards one half (Laplace)."""
        share = (cases + 0.5) / (rows + 1)
        return cls((), None, 1.0, Affine(1.0, float(np.log(share / (1 - share)))), Hyperparameters())


def monotone_signs(names: Sequence[str], spec: ModelSpec) -> list[int]:
    """The direction that the spec's ``[monotone]`` asks of each column, 0 for none; its keys may use ``*``."""
    return [
        next((sign for pattern, sign in spec.monotone.items() if fnmatch.fnmatchcase(name, pattern)), 0)
        for name in names
    ]


def probability(margin: Floats) -> Floats:
    """The logistic function."""
    return 1.0 / (1.0 + np.exp(-np.clip(margin, -700, 700)))


def fit(
    features: Floats,
    label: Floats,
    *,
    folds: Sequence[Fold] = (),
    decided: Hyperparameters | None = None,
    settings: LearnerSpec,
    signs: Sequence[int] | None = None,
    categories: Mapping[int, int] | None = None,
    weight: Floats | None = None,
) -> RiskModel:
    """Learn from rows whose ``label`` is 0 or 1, both there.

    ``folds`` decide rounds, ridge, blend and calibration, unless all that is ``decided`` already; the parts are then fitted
    anew on all rows, which give the level.
    ``signs``: the direction asked of each column (-1, 0, 1); ``categories``: number of codes of each categorical column.
    """
    signs = [0] * features.shape[1] if signs is None else list(signs)
    categories = categories or {}
    problem = _Problem(features, label, weight, settings, signs, categories)
    usable = [fold for fold in folds if min(_cases(label[fold[0]]), _cases(label[fold[1]])) >= FEWEST_CASES]
    if decided is None:
        decided = _decide(problem, usable) if usable else Hyperparameters()
    if (asked := _asked(settings)) is not None:
        decided = replace(decided, share=asked)
    share = 0.0 if decided.share < NEGLIGIBLE else 1.0 if decided.share > 1 - NEGLIGIBLE else decided.share
    everything = np.arange(len(label))
    boosters = tuple(problem.trees(everything, seed, decided.rounds) for seed in settings.seeds) if share > 0 else ()
    splines = problem.curves(everything, boosters[:1], (decided.penalty,))[0] if share < 1 else None
    risk = RiskModel(boosters, splines, share, Affine(), decided)
    return replace(risk, calibration=at_level(risk.margin(features), label, decided.slope))


@dataclass(frozen=True)
class _Problem:
    """What is to be learnt, and how each part learns it from some of its rows."""

    features: Floats
    label: Floats
    weight: Floats | None
    settings: LearnerSpec
    signs: Sequence[int]
    categories: Mapping[int, int]

    def trees(self, rows: Ints, seed: int, rounds: int, late: Ints | None = None) -> lgb.Booster:
        """Boosted for ``rounds``, or stopped early on the rows ``late``."""
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
        self, rows: Ints, boosters: Sequence[lgb.Booster], penalties: Sequence[float] = PENALTIES
    ) -> list[SplineLogistic]:
        """One model for each penalty, of the columns that ``boosters`` used most where there are many."""
        columns = self._columns(boosters)
        fitted = fit_path(
            self.features[rows][:, columns],
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categories={i: self.categories[c] for i, c in enumerate(columns) if c in self.categories},
            signs=[self.signs[c] for c in columns],
            penalties=penalties,
        )
        return [_spread(model, columns, self.features.shape[1]) for model in fitted]

    def _columns(self, boosters: Sequence[lgb.Booster]) -> list[int]:
        there = np.flatnonzero(~np.isnan(self.features).all(axis=0))
        if len(there) <= MOST_COLUMNS:
            return [int(c) for c in there]
        gain = (
            np.sum([b.feature_importance("gain") for b in boosters], axis=0) if boosters else self.features.std(axis=0)
        )
        return sorted(int(c) for c in there[np.argsort(-gain[there], kind="stable")[:MOST_COLUMNS]])

    def _dataset(self, rows: Ints, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        return lgb.Dataset(
            self.features[rows],
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categorical_feature=sorted(self.categories),
            reference=reference,
        )

    def _parameters(self, seed: int, rows: int) -> dict[str, Any]:
        signs = list(self.signs) if any(self.signs) else None
        return boosting(self.settings, seed=seed, rows=rows) | {"objective": "binary", "monotone_constraints": signs}


def boosting(settings: Any, *, seed: int, rows: int) -> dict[str, Any]:
    """LightGBM's parameters for one set of trees, all but the objective. ``settings`` has them under LightGBM's names."""
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
    """How many rows have the rarer label."""
    return int(min(label.sum(), len(label) - label.sum()))


def _spread(model: SplineLogistic, columns: Sequence[int], width: int) -> SplineLogistic:
    """The same model over all columns; those without a curve add nothing."""
    curves, means = [Curve((), (), 0.0)] * width, [0.0] * width
    for column, curve, mean in zip(columns, model.curves, model.means, strict=True):
        curves[column], means[column] = curve, mean
    return SplineLogistic(model.intercept, tuple(curves), tuple(means))


def _tree_margin(boosters: Sequence[lgb.Booster], features: Floats) -> Floats:
    raw = [np.asarray(booster.predict(features, raw_score=True), dtype=np.float64) for booster in boosters]
    out: Floats = np.sum(raw, axis=0) / len(raw)
    return out


def _decide(problem: _Problem, folds: Sequence[Fold]) -> Hyperparameters:
    """Learn the parts on each fold, and take what is best on the rows they have not seen. Seeds take turns."""
    seeds = problem.settings.seeds
    stopped = [
        problem.trees(early, seeds[number % len(seeds)], problem.settings.max_rounds, late)
        for number, (early, late) in enumerate(folds)
    ]
    rounds = max(FEWEST_ROUNDS, round(float(np.mean([booster.best_iteration for booster in stopped]))))
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
    by_penalty = [np.concatenate([path[i] for path in paths]) for i in range(len(PENALTIES))]
    best = int(np.argmin([_log_loss(label, margin) for margin in by_penalty]))
    asked = _asked(problem.settings)
    share = blend_share(trees, by_penalty[best], label) if asked is None else asked
    slope = fit_slope(share * trees + (1 - share) * by_penalty[best], label)
    return Hyperparameters(rounds, PENALTIES[best], share, slope)


def _asked(settings: LearnerSpec) -> float | None:
    """The share that the settings ask for; None where it is to be learnt."""
    return {"learnt": None, "trees": 1.0, "curves": 0.0}[settings.blend]


def blend_share(trees: Floats, curves: Floats, label: Floats) -> float:
    """The trees' share of the non-negative blend with the highest likelihood on rows that neither learnt from.

    The weights are held near one half each by :data:`PRIOR`, which matters only where there are few cases.
    """
    from scipy.optimize import minimize

    parts = np.column_stack([trees, curves, np.ones(len(label))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = parts @ weights
        away = np.array([weights[0] - 0.5, weights[1] - 0.5, 0.0])
        gradient = parts.T @ (probability(margin) - label) + 2 * PRIOR * away
        return float(np.sum(np.logaddexp(0, margin) - label * margin) + PRIOR * away @ away), gradient

    found = minimize(loss, np.array([0.5, 0.5, 0.0]), jac=True, bounds=[(0, None), (0, None), (None, None)])
    total = float(found.x[0] + found.x[1])
    return float(found.x[0] / total) if total > 0 else DEFAULT_SHARE


def _log_loss(label: Floats, margin: Floats) -> float:
    return float(np.mean(np.logaddexp(0, margin) - label * margin))

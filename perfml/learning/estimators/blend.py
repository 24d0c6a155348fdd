"""The learner: boosted trees and spline logistic regression, blended as margins, with weights fitted out of fold.

Trees win on large data and find interactions, which curves cannot; curves win on small data, where trees fit noise
(stacking: Wolpert 1992; non-negative weights: Breiman 1996). The share of each is chosen on rows that neither was fitted
on. The blend is a sum of margins, so its Shapley values are the sum of theirs.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from perfml.arrays import Floats, Ints
from perfml.learning.estimators.additive import SplineLogistic, SplinesJson
from perfml.learning.estimators.calibration import Affine, at_level, fit_slope
from perfml.learning.estimators.problem import BinnedRows, LearningProblem, tree_margin
from perfml.learning.estimators.splines import INVERSE_PENALTIES
from perfml.project.model_spec import LearnerSpec, ModelSpec
from perfml.treeshap.contributions import contributions

if TYPE_CHECKING:
    import shap

Split = tuple[Ints, Ints]
"""Training rows and validation rows."""
DEFAULTS = LearnerSpec()
"""The learner's settings where nobody chose others: of models, of ``RiskClassifier`` and of ``HazardModel``."""
MIN_ROUNDS = 25
ROWS_AT_ONCE = 50_000
"""Rows whose margins are computed at once where the level is set on all."""
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
    statistic_rounds: int = 0
    """Rounds of the trees that see categories as statistics; 0 where there are none."""


class RiskParts(TypedDict):
    """A :class:`RiskModel` as JSON, without its boosters."""

    splines: SplinesJson | None
    share: float
    slope: float
    intercept: float
    hyperparameters: Mapping[str, float]


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

    def at_level_of(self, features: Floats, rows: Ints, label: Floats) -> RiskModel:
        """The same model with probabilities that sum to the true cases among ``rows`` of ``features``; ``label``: theirs, 0 or 1.

        Rows that a model was fitted on fit too well, and those that stand for many most of all: a level that is set on drawn
        rows alone is too high for the others.
        """
        parts = np.array_split(rows, max(1, len(rows) // ROWS_AT_ONCE))
        margin = np.concatenate([self.margin(features[part]) for part in parts])
        shift = at_level(margin, label, 1.0).intercept
        return replace(self, calibration=Affine(self.calibration.slope, self.calibration.intercept + shift))

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

    def contributions_against(self, features: Floats, background: Floats) -> Floats:
        """Exact Shapley values against the rows of ``background``: (n, features + 1); the last column is their mean margin.

        Interventional SHAP (Lundberg et al. 2020) for the trees; for a curve, its value less its mean over these rows.
        """
        from perfml.treeshap.background.explainer import BackgroundShap  # numba, which only explanations use

        out = np.zeros((len(features), features.shape[1] + 1))
        for booster in self.boosters:
            out += BackgroundShap(booster).contributions(features, background) * (self.share / len(self.boosters))
        if self.splines is not None:
            out += (1 - self.share) * self.splines.contributions_against(features, background)
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
    statistics: Mapping[int, int] | None = None,
    weight: Floats | None = None,
    stands_for: Floats | None = None,
    threads: int | None = None,
    bins: BinnedRows | None = None,
) -> RiskModel:
    """Fit on rows labelled 0 or 1; both classes must be present.

    ``folds`` choose the ``hyperparameters`` unless these are given; the parts are then refitted on all rows, which also set
    the level.
    ``signs``: the direction required of each column (-1, 0, 1); ``categories``: number of codes of each categorical column;
    ``statistics``: for each column to be filled with statistics of the outcome, the categorical column whose they are
    (:mod:`.encoding.target_statistics`), for one half of the trees;
    ``weight`` (n,): how much each row counts in the fit of the parts; ``stands_for`` (n,): how many rows it was drawn for
    (:mod:`perfml.learning.dataset.drawn_rows`), which counts everywhere, for the level and the base value too;
    ``threads``: of LightGBM, by default one below 50,000 rows and all processors from there on; ``bins``: those of other outcomes
    on the same ``features``, which are used again.
    """
    signs = [0] * features.shape[1] if signs is None else list(signs)
    categories = categories or {}
    problem = LearningProblem(
        features=features,
        label=label,
        weight=weight if stands_for is None else stands_for if weight is None else stands_for * weight,
        stands_for=stands_for,
        settings=settings,
        signs=signs,
        categories=categories,
        statistics=statistics or {},
        threads=threads,
        bins=bins,
    )
    usable = [fold for fold in folds if min(_cases(label[fold[0]]), _cases(label[fold[1]])) >= MIN_CASES]
    chosen = hyperparameters
    if chosen is None:
        chosen = _choose(problem, usable) if usable else Hyperparameters()
    if (fixed := _fixed_share(settings)) is not None:
        chosen = replace(chosen, share=fixed)
    share = 0.0 if chosen.share < NEGLIGIBLE else 1.0 if chosen.share > 1 - NEGLIGIBLE else chosen.share
    everything = np.arange(len(label))
    boosters = tuple(problem.forest(everything, chosen.rounds, chosen.statistic_rounds)) if share > 0 else ()
    splines = problem.curves(everything, boosters[:1], (chosen.inverse_penalty,))[0] if share < 1 else None
    seen = problem.seen(everything) if problem.statistics else features
    risk = RiskModel(boosters=boosters, splines=splines, share=share, calibration=Affine(), hyperparameters=chosen)
    return replace(risk, calibration=at_level(risk.margin(seen), label, chosen.slope, weight=stands_for))


def _cases(label: Floats) -> int:
    """Rows of the rarer label."""
    return int(min(label.sum(), len(label) - label.sum()))


def _tree_margin(boosters: Sequence[lgb.Booster], features: Floats) -> Floats:
    raw = [tree_margin(booster, features) for booster in boosters]
    out: Floats = np.sum(raw, axis=0) / len(raw)
    return out


def _choose(problem: LearningProblem, folds: Sequence[Split]) -> Hyperparameters:
    """Fit the parts on each fold, and choose what is best on its validation rows. Folds take the seeds in turn."""
    label = np.concatenate([problem.label[late] for _, late in folds])
    drawn = problem.stands_for
    weight = None if drawn is None else np.concatenate([drawn[late] for _, late in folds])
    rounds, trees, stopped = _out_of_fold_trees(problem, folds)
    statistic_rounds = 0
    if problem.statistics:
        rounds_of_others, others, _ = _out_of_fold_trees(problem, folds, statistics=True)
        both = (trees + others) / 2
        if _log_loss(label, both, weight) < _log_loss(label, trees, weight):
            statistic_rounds, trees = rounds_of_others, both
    paths = [
        [model.margin(problem.features[late]) for model in problem.curves(early, [booster])]
        for booster, (early, late) in zip(stopped, folds, strict=True)
    ]
    by_penalty = [np.concatenate([path[i] for path in paths]) for i in range(len(INVERSE_PENALTIES))]
    best = int(np.argmin([_log_loss(label, margin, weight) for margin in by_penalty]))
    fixed = _fixed_share(problem.settings)
    share = blend_share(trees, by_penalty[best], label, weight=weight) if fixed is None else fixed
    slope = fit_slope(share * trees + (1 - share) * by_penalty[best], label, weight=weight)
    return Hyperparameters(
        rounds=rounds,
        inverse_penalty=INVERSE_PENALTIES[best],
        share=share,
        slope=slope,
        statistic_rounds=statistic_rounds,
    )


def _out_of_fold_trees(
    problem: LearningProblem, folds: Sequence[Split], *, statistics: bool = False
) -> tuple[int, Floats, list[lgb.Booster]]:
    """Rounds, margins of the validation rows of all folds, and the trees of each fold."""
    seeds, most = problem.settings.seeds, problem.settings.max_rounds
    stopped = [
        problem.trees(early, seed=seeds[number % len(seeds)], rounds=most, late=late, statistics=statistics)
        for number, (early, late) in enumerate(folds)
    ]
    rounds = max(MIN_ROUNDS, round(float(np.mean([booster.best_iteration for booster in stopped]))))
    margins = [
        tree_margin(booster, problem.seen(late, early), rounds=rounds)
        for booster, (early, late) in zip(stopped, folds, strict=True)
    ]
    return rounds, np.concatenate(margins), stopped


def _fixed_share(settings: LearnerSpec) -> float | None:
    """The trees' share that the settings fix; None where it is learnt."""
    return {"learnt": None, "trees": 1.0, "curves": 0.0}[settings.blend]


def blend_share(trees: Floats, curves: Floats, label: Floats, *, weight: Floats | None = None) -> float:
    """The trees' share in the non-negative blend of highest likelihood, from out-of-fold margins (n,) of both.

    ``weight`` (n,): how many rows each stands for. :data:`PRIOR` holds the shares near one half each, which matters only where
    cases are few.
    """
    parts = np.column_stack([trees, curves, np.ones(len(label))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = parts @ weights
        away = np.array([weights[0] - 0.5, weights[1] - 0.5, 0.0])
        residual, each = probability(margin) - label, np.logaddexp(0, margin) - label * margin
        if weight is not None:
            residual, each = weight * residual, weight * each
        return float(np.sum(each) + PRIOR * away @ away), parts.T @ residual + 2 * PRIOR * away

    bounds = [(0, None), (0, None), (None, None)]
    weights = minimize(loss, np.array([0.5, 0.5, 0.0]), jac=True, bounds=bounds).x
    total = float(weights[0] + weights[1])
    return float(weights[0] / total) if total > 0 else DEFAULT_SHARE


def _log_loss(label: Floats, margin: Floats, weight: Floats | None = None) -> float:
    return float(np.average(np.logaddexp(0, margin) - label * margin, weights=weight))

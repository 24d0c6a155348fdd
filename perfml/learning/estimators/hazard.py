"""Time to leaving: proportional hazards boosted by LightGBM, for one cause and for several that compete.

Given the cumulative baseline hazard H0, the likelihood of proportional hazards is that of a Poisson count: the event (0 or 1)
with mean ``H0(time) · exp(score)`` (Aitkin & Clayton 1980). So LightGBM's ``poisson`` learns the score with ``log H0(time)``
as initial score, Breslow's baseline follows from the score, and both steps are done twice. Baseline, rounds and slope are
estimated from out-of-fold scores: scores of training rows would be overconfident. Half of the trees take the best of random
thresholds (extremely randomised trees: Geurts et al. 2006): their mistakes differ from the others', and the mean has fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypedDict, cast

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags, check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from perfml.arrays import Bools, FeaturesLike, Floats, Indexes, TargetLike
from perfml.learning.estimators import breslow
from perfml.learning.estimators.blend import DEFAULTS
from perfml.learning.estimators.calibration import SLOPES
from perfml.learning.estimators.encoding.encoder import Encoder, EncoderJson, is_frame
from perfml.learning.estimators.problem import at_random, boosting, of_two_kinds, tree_margin
from perfml.treeshap.contributions import contributions

Folds = list[tuple[Indexes, Indexes]]
MIN_EVENTS = 10
"""With fewer, everybody gets the baseline: nothing can be said about individuals."""
FOLDS = 5
ITERATIONS = 2
"""Alternations between fitting the baseline and boosting."""
MIN_EXPOSURE = 1e-10
"""Cumulative hazard of those censored before the first event: 0, which has no logarithm."""


class HazardParts(TypedDict):
    """A :class:`HazardModel` as JSON, without its boosters."""

    parameters: Mapping[str, object]
    encoder: EncoderJson
    features: int
    rounds: int
    slope: float
    baseline: breslow.BaselineJson


class CauseParts(HazardParts):
    """The model of one cause; ``boosters`` is their number."""

    boosters: int


class CausesParts(TypedDict):
    """:class:`CauseSpecificHazards` as JSON."""

    causes: list[CauseParts]


class HazardModel(BaseEstimator):
    """Proportional hazards by boosted trees.

    Categorical columns of a pandas or polars frame, and missing values, are used as they are. Parameters have LightGBM's
    names and :class:`~perfml.project.model_spec.LearnerSpec`'s defaults; ``max_rounds`` and ``early_stopping_rounds`` bound the
    search for the number of rounds, and a booster of either kind is fitted for each of the first half of ``seeds`` (of one seed,
    both), their margins averaged.

    After :meth:`fit`: ``boosters_``, ``rounds_``, ``slope_``, ``baseline_``, ``encoder_``, ``n_features_in_`` and, for a
    table with column names, ``feature_names_in_``.
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

    def fit(self, X: FeaturesLike, y: TargetLike) -> Self:
        """Fit on ``X`` (n, features) and ``y`` (n,) in a form that :func:`times_and_events` reads.

        With fewer than :data:`MIN_EVENTS` events every score is 0 and the baseline is Nelson and Aalen's.
        Raises ValueError where nobody has the event, a time is not positive, or a value is infinite.
        """
        times, event = times_and_events(y)
        if not event.any():
            raise ValueError("y holds no event: every time is censored, and there is nothing to learn")
        return self.fit_events(X, times, event)

    def fit_events(self, X: FeaturesLike, times: Floats, event: Bools, *, weight: Floats | None = None) -> Self:
        """:meth:`fit` with times and events apart; without any event every hazard is 0.

        ``weight`` (n,), positive: rows of the population that each row stands for (Horvitz & Thompson 1952).
        """
        features = self._features(X, fitting=True)
        weight = np.ones(len(times)) if weight is None else weight / weight.mean()
        check_consistent_length(features, times, weight)
        score = np.zeros(len(times))
        self.boosters_: tuple[lgb.Booster, ...] = ()
        self.rounds_, self.slope_ = 0, 1.0
        if event.sum() >= MIN_EVENTS:
            for _ in range(ITERATIONS):
                exposure = breslow.baseline(times, event, score, weight=weight)(times)
                self.rounds_, score = self._out_of_fold(features, event, exposure=exposure, weight=weight)
            self.slope_ = breslow.fit_slope(times, event, score, bounds=SLOPES, weight=weight)
            score = self.slope_ * score
            self.boosters_ = tuple(
                lgb.train(
                    self._parameters(seed, len(event), random=random),
                    self._data(features, event, exposure=exposure, weight=weight),
                    self.rounds_,
                )
                for seed, random in of_two_kinds(self.seeds)
            )
        self.baseline_ = breslow.baseline(times, event, score, weight=weight)
        return self

    def predict(self, X: FeaturesLike) -> Floats:
        """Calibrated log hazard relative to the baseline: (n,)."""
        features = self._features(X)
        return self.slope_ * _mean([tree_margin(b, features) for b in self.boosters_], (len(features),))

    def contributions(self, X: FeaturesLike) -> Floats:
        """Exact path-dependent TreeSHAP (Lundberg et al. 2020): (n, features + 1); the last column is the base value.

        Each row sums to :meth:`predict`.
        """
        features = self._features(X)
        shape = (len(features), features.shape[1] + 1)
        encoded = self.slope_ * _mean([contributions(b, features) for b in self.boosters_], shape)
        return self.encoder_.of_table(encoded)

    def predict_survival(self, X: FeaturesLike, times: npt.ArrayLike) -> Floats:
        """Probability of no event up to and including each of ``times``, counted from 0: (n, times).

        Raises ValueError for times beyond the longest follow-up in training, about which nothing is known.
        """
        score = self.predict(X)
        return breslow.survival(self.baseline_, score, breslow.known_times(times, self.baseline_.until))

    def predict_incidence(self, X: FeaturesLike, times: npt.ArrayLike) -> Floats:
        """Probability of the event up to and including each of ``times``: (n, times)."""
        return 1.0 - self.predict_survival(X, times)

    def score(self, X: FeaturesLike, y: TargetLike) -> float:
        """Harrell's concordance of :meth:`predict`; see :func:`perfml.learning.estimators.breslow.concordance`."""
        return breslow.concordance(*times_and_events(y), self.predict(X))

    def to_parts(self) -> tuple[HazardParts, list[str]]:
        """JSON and LightGBM texts, from which :meth:`from_parts` restores the model."""
        check_is_fitted(self)
        fitted: HazardParts = {
            "parameters": self.get_params(),
            "encoder": self.encoder_.to_json(),
            "features": self.n_features_in_,
            "rounds": self.rounds_,
            "slope": self.slope_,
            "baseline": self.baseline_.to_json(),
        }
        return fitted, [booster.model_to_string() for booster in self.boosters_]

    @classmethod
    def from_parts(cls, fitted: HazardParts, boosters: Sequence[str]) -> Self:
        """Restore what :meth:`to_parts` gave; predictions are the same to the last digit.

        A damaged text makes LightGBM end the process: compare its hash first.
        """
        parameters: dict[str, Any] = dict(fitted["parameters"])
        model = cls(**parameters | {"seeds": tuple(parameters["seeds"])})
        model.encoder_ = Encoder.from_json(fitted["encoder"])
        model.n_features_in_ = fitted["features"]
        if model.encoder_.names:
            model.feature_names_in_ = np.array(model.encoder_.names, dtype=object)
        model.rounds_, model.slope_ = fitted["rounds"], fitted["slope"]
        model.baseline_ = breslow.Baseline.from_json(fitted["baseline"])
        model.boosters_ = tuple(lgb.Booster(model_str=text) for text in boosters)
        return model

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.positive_only = True  # there is no tag for "never 0"
        return tags

    def _features(self, X: FeaturesLike, *, fitting: bool = False) -> Floats:
        """A matrix of floats, checked as scikit-learn does; ``fitting`` records names and categories."""
        if not fitting:
            check_is_fitted(self)
        if is_frame(X):  # names are checked before the encoder drops them
            validate_data(self, X, reset=fitting, skip_check_array=True)
        if fitting:
            self.encoder_ = Encoder.fit(X)
        features = self.encoder_.transform(X)
        checks = {"dtype": np.float64, "ensure_all_finite": "allow-nan", "ensure_min_samples": 2 if fitting else 1}
        if is_frame(X):
            return np.asarray(check_array(features, input_name="X", estimator=self, **checks))
        return np.asarray(validate_data(self, features, reset=fitting, **checks))

    def _out_of_fold(self, features: Floats, event: Bools, *, exposure: Floats, weight: Floats) -> tuple[int, Floats]:
        """Rounds of the lowest out-of-fold Poisson deviance, averaged over seeds, and the mean out-of-fold score (n,)."""
        runs = []
        for seed, random in of_two_kinds(self.seeds):
            folds = _folds(event, seed)
            tested = lgb.cv(
                self._parameters(seed, len(event), random=random),
                self._data(features, event, exposure=exposure, weight=weight),
                self.max_rounds,
                folds=folds,
                callbacks=[lgb.early_stopping(self.early_stopping_rounds, verbose=False)],
                return_cvbooster=True,
            )
            runs.append((folds, cast(lgb.CVBooster, tested["cvbooster"])))
        rounds = max(1, round(float(np.mean([run.best_iteration for _, run in runs]))))
        score = np.zeros(len(event))
        for folds, run in runs:
            for (_, left_out), booster in zip(folds, run.boosters, strict=True):
                score[left_out] += tree_margin(booster, features[left_out], rounds=rounds)
        return rounds, score / len(runs)

    def _data(self, features: Floats, event: Bools, *, exposure: Floats, weight: Floats) -> lgb.Dataset:
        return lgb.Dataset(
            features,
            event.astype(np.float64),
            weight=weight,
            init_score=np.log(np.maximum(exposure, MIN_EXPOSURE)),
            categorical_feature=sorted(self.encoder_.categories(self.n_features_in_)),
        )

    def _parameters(self, seed: int, rows: int, *, random: bool) -> dict[str, object]:
        parameters = boosting(self, seed=seed, rows=rows) | {"objective": "poisson"}
        return parameters | at_random(self) if random else parameters


class CauseSpecificHazards(BaseEstimator):
    """Competing causes: one :class:`HazardModel` each, in which the other causes are censoring (Prentice et al. 1978).

    ``hazard`` gives the parameters. After :meth:`fit`, ``hazards_`` holds the models in the order of the causes; a cause with
    fewer than :data:`MIN_EVENTS` events has only its baseline. ``hazards_[k].contributions`` explains cause ``k``.
    """

    def __init__(self, *, hazard: HazardModel | None = None) -> None:
        self.hazard = hazard

    def fit(
        self, X: FeaturesLike, times: npt.ArrayLike, causes: npt.ArrayLike, *, weight: Floats | None = None
    ) -> Self:
        """Fit on ``X`` (n, features), positive ``times`` (n,) and ``causes`` (n,): 0 for censored, 1 to K for a cause.

        ``weight`` as in :meth:`HazardModel.fit_events`. Raises ValueError for other causes, where all are 0, and as
        :meth:`HazardModel.fit` does.
        """
        times = positive_times(times)
        code = column_or_1d(causes, dtype=np.float64)
        check_consistent_length(times, code)
        if not (np.isin(code, np.arange(len(code) + 1)).all() and code.any()):
            raise ValueError("causes are whole numbers, 0 for censored and from 1 on for each cause, and not all 0")
        blank = self.hazard or HazardModel()
        self.hazards_ = tuple(
            clone(blank).fit_events(X, times, code == cause, weight=weight) for cause in range(1, int(code.max()) + 1)
        )
        return self

    def predict(self, X: FeaturesLike) -> Floats:
        """Calibrated log hazard of each cause relative to its baseline: (n, causes)."""
        check_is_fitted(self)
        return np.stack([hazard.predict(X) for hazard in self.hazards_], axis=1)

    def predict_incidence(self, X: FeaturesLike, times: npt.ArrayLike) -> Floats:
        """Probability of having left by each cause up to and including each of ``times``: (n, causes, times).

        It never decreases in time, and the causes and :meth:`predict_survival` add up to 1. See
        :func:`perfml.learning.estimators.breslow.cumulative_incidence`; raises as :meth:`HazardModel.predict_survival` does.
        """
        scores = self.predict(X)
        baselines = [hazard.baseline_ for hazard in self.hazards_]
        return breslow.cumulative_incidence(baselines, scores, breslow.known_times(times, baselines[0].until))

    def predict_survival(self, X: FeaturesLike, times: npt.ArrayLike) -> Floats:
        """Probability of staying beyond each of ``times``, all causes considered: (n, times)."""
        check_is_fitted(self)
        return np.asarray(np.prod([hazard.predict_survival(X, times) for hazard in self.hazards_], axis=0))

    def to_parts(self) -> tuple[CausesParts, list[str]]:
        """JSON and LightGBM texts, from which :meth:`from_parts` restores the models."""
        check_is_fitted(self)
        parts: list[tuple[HazardParts, list[str]]] = [hazard.to_parts() for hazard in self.hazards_]
        causes: list[CauseParts] = [{**fitted, "boosters": len(texts)} for fitted, texts in parts]
        return {"causes": causes}, [text for _, texts in parts for text in texts]

    @classmethod
    def from_parts(cls, fitted: CausesParts, boosters: Sequence[str]) -> Self:
        """Restore what :meth:`to_parts` gave; see :meth:`HazardModel.from_parts`."""
        texts = iter(boosters)
        model = cls()
        model.hazards_ = tuple(
            HazardModel.from_parts(cause, [next(texts) for _ in range(cause["boosters"])]) for cause in fitted["causes"]
        )
        return model


def times_and_events(y: TargetLike | None) -> tuple[Floats, Bools]:
    """Times (n,) and whether each ends with the event (n,).

    ``y``: one signed time for each row, in any unit, ``t`` for an event at ``t`` and ``-t`` for follow-up that ends at ``t``
    without one (XGBoost's ``survival:cox``); or a structured array of event and time (scikit-survival).
    Raises ValueError for times that are 0 (which has no sign), missing or infinite.
    """
    if y is None:
        raise ValueError("HazardModel requires y to be passed, but the target y is None")
    if getattr(getattr(y, "dtype", None), "names", None) is None:
        signed = np.asarray(check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=np.float64, input_name="y"))
        return positive_times(np.abs(signed)), signed > 0
    structured = np.asarray(y)
    kind = structured.dtype
    if len(kind.names or ()) != 2 or kind[0] != np.bool_:
        raise ValueError(f"a structured y holds the event (bool) and then the time, not {kind}")
    event, times = (structured[name] for name in kind.names or ())
    return positive_times(times), np.asarray(event)


def positive_times(times: npt.ArrayLike) -> Floats:
    """``times`` as floats (n,). Raises ValueError where one is not a positive, finite number."""
    checked = np.asarray(check_array(column_or_1d(times), ensure_2d=False, dtype=np.float64, input_name="times"))
    if (checked <= 0).any():
        raise ValueError(f"{(checked <= 0).sum()} times are not positive: count leaving on the first day as half a day")
    return checked


def _folds(event: Bools, seed: int) -> Folds:
    """Training and left-out rows of each fold, stratified by the event."""
    order = np.lexsort((np.random.default_rng(seed).random(len(event)), event))
    fold = np.empty(len(event), dtype=np.intp)
    fold[order] = np.arange(len(event)) % FOLDS
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]


def _mean(parts: Sequence[Any], shape: tuple[int, ...]) -> Floats:
    return np.asarray(np.mean(parts, axis=0), dtype=np.float64) if parts else np.zeros(shape)

"""The learner: regularised LightGBM, several seeds summed as margins, rounds chosen and calibrated on a later period."""

from __future__ import annotations

import datetime as dt
import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from perfml.learning.calendar import matured
from perfml.learning.calibration import Affine, at_level, fit_slope
from perfml.project.spec import LearnerSpec, ModelSpec

Floats = npt.NDArray[np.float64]
ROWS_FOR_THREADS = 50_000
"""Below this, LightGBM's threads cost more in waiting for each other than they bring."""
FEWEST_ROUNDS = 25
DEFAULT_ROUNDS = 120
"""Taken where the past is too short to choose rounds on a later period."""


@dataclass(frozen=True)
class Risk:
    """A fitted model of one horizon. The margin is the log-odds of the calibrated probability."""

    boosters: tuple[lgb.Booster, ...]
    calibration: Affine
    rounds: int

    def margin(self, features: Floats) -> Floats:
        """Log-odds: (n, features) -> (n,)."""
        raw = [np.asarray(booster.predict(features, raw_score=True), dtype=np.float64) for booster in self.boosters]
        return self.calibration(np.sum(raw, axis=0) / len(raw))

    def contributions(self, features: Floats) -> Floats:
        """Exact path-dependent TreeSHAP (Lundberg et al. 2020): (n, features + 1); the last column is the base value.

        Each row sums to :meth:`margin`.
        """
        raw = [np.asarray(booster.predict(features, pred_contrib=True), dtype=np.float64) for booster in self.boosters]
        out: Floats = np.sum(raw, axis=0) * (self.calibration.slope / len(raw))
        out[:, -1] += self.calibration.intercept
        return out


def probability(margin: Floats) -> Floats:
    """The logistic function."""
    return 1.0 / (1.0 + np.exp(-np.clip(margin, -700, 700)))


def fit(
    features: Floats,
    label: Floats,
    as_of: npt.NDArray[np.datetime64],
    *,
    names: Sequence[str],
    spec: ModelSpec,
    embargo_days: int,
) -> Risk:
    """Learn from rows whose ``label`` is 0 or 1.

    The last quarter of the as-of dates, after an embargo, chooses the rounds and the slope of the calibration; the model is
    then fitted anew on all rows, which give its level. Where the past is too short for that, :data:`DEFAULT_ROUNDS` and a
    slope of 1 are used.
    """
    constraints = [monotone_sign(name, spec) for name in names]
    split = _later_period(as_of, embargo_days)
    rounds, slope = DEFAULT_ROUNDS, 1.0
    if split is not None:
        early, late = split
        if min(label[early].sum(), label[late].sum()) >= spec.backtest.min_positives:
            rounds, margin = _choose_rounds(features, label, early, late, constraints, spec.learner)
            slope = fit_slope(margin, label[late])

    def learn(seed: int) -> lgb.Booster:
        return lgb.train(_parameters(spec.learner, seed, constraints, len(label)), lgb.Dataset(features, label), rounds)

    risk = Risk(tuple(learn(seed) for seed in spec.learner.seeds), Affine(), rounds)
    return replace(risk, calibration=at_level(risk.margin(features), label, slope))


def monotone_sign(name: str, spec: ModelSpec) -> int:
    """The direction that the spec's ``[monotone]`` asks of a column; its keys may use ``*``."""
    return next((sign for pattern, sign in spec.monotone.items() if fnmatch.fnmatchcase(name, pattern)), 0)


def _parameters(learner: LearnerSpec, seed: int, constraints: Sequence[int], rows: int) -> dict[str, object]:
    threads = 1 if rows < ROWS_FOR_THREADS else os.cpu_count() or 1
    return {
        "objective": "binary",
        "learning_rate": learner.learning_rate,
        "num_leaves": learner.num_leaves,
        "min_child_samples": learner.min_child_samples,
        "feature_fraction": learner.feature_fraction,
        "bagging_fraction": learner.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": learner.lambda_l2,
        "monotone_constraints": list(constraints),
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }


def _later_period(
    as_of: npt.NDArray[np.datetime64], embargo_days: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None:
    dates: list[dt.date] = np.unique(as_of).astype("M8[D]").tolist()
    days = as_of.astype("M8[D]")
    for number in range(len(dates) - max(1, len(dates) // 4), len(dates)):
        early = matured(dates, until=dates[number], embargo_days=embargo_days)
        if early:
            return np.isin(days, np.array(early, "M8[D]")), days >= np.datetime64(dates[number])
    return None


def _choose_rounds(
    features: Floats,
    label: Floats,
    early: npt.NDArray[np.bool_],
    late: npt.NDArray[np.bool_],
    constraints: Sequence[int],
    learner: LearnerSpec,
) -> tuple[int, Floats]:
    """The mean of the seeds' best rounds on the later period, and their mean margin there at that many rounds."""

    def learn(seed: int) -> lgb.Booster:
        train = lgb.Dataset(features[early], label[early])
        return lgb.train(
            _parameters(learner, seed, constraints, len(label)) | {"metric": "binary_logloss"},
            train,
            learner.max_rounds,
            valid_sets=[lgb.Dataset(features[late], label[late], reference=train)],
            callbacks=[lgb.early_stopping(learner.early_stopping_rounds, verbose=False)],
        )

    fitted = [learn(seed) for seed in learner.seeds]
    rounds = max(FEWEST_ROUNDS, round(float(np.mean([booster.best_iteration for booster in fitted]))))
    margins = [np.asarray(b.predict(features[late], raw_score=True, num_iteration=rounds)) for b in fitted]
    return rounds, np.mean(margins, axis=0)

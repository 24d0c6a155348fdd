"""The training data of one outcome, and how trees and curves are fitted on some of its rows.

Where categories have many values there are two kinds of trees. One sees codes, which LightGBM splits into sets by their
gradients; it finds what belongs together, and fits noise in categories of few rows. The other sees smoothed statistics of the
outcome (:mod:`.encoding.target_statistics`) as numbers, and takes the best of random thresholds (extremely randomised trees:
Geurts et al. 2006).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np

from perfml.arrays import Floats, Ints
from perfml.learning.estimators.additive import Curve, SplineLogistic
from perfml.learning.estimators.covers import with_covers
from perfml.learning.estimators.encoding.target_statistics import log_odds, looked_up, out_of_fold
from perfml.learning.estimators.splines import INVERSE_PENALTIES, fit_path
from perfml.project.model_spec import LearnerSpec

ROWS_FOR_THREADS = 50_000
"""Below this, LightGBM's threads cost more in waiting for each other than they gain."""
MAX_COLUMNS = 250
"""Columns that get a curve; of more, those that the trees used most."""

DATA_SEED = 1
"""Draws the rows from which LightGBM takes the bounds of bins, beyond 200,000 rows; one for all seeds, which share the bins."""
RANDOM_RATE = 2.0
"""Learning rate of trees with random splits over that of the others: a round of theirs brings about half as much."""


BinnedRows = dict[bytes, lgb.Dataset]
"""Positions of rows, as bytes, that LightGBM has binned -> the rows."""


class TreeSettings(Protocol):
    """LightGBM's parameters that :class:`~perfml.project.model_spec.LearnerSpec` and ``HazardModel`` share."""

    learning_rate: float
    num_leaves: int
    min_child_samples: int
    feature_fraction: float
    bagging_fraction: float
    lambda_l2: float


@dataclass(frozen=True, kw_only=True)
class LearningProblem:
    """The training data, and how each part is fitted on some of its rows."""

    features: Floats
    """(n, columns)"""
    label: Floats
    """(n,) 0 or 1."""
    weight: Floats | None
    settings: LearnerSpec
    signs: Sequence[int]
    """-1, 0 or 1 for each column."""
    categories: Mapping[int, int]
    """Number of codes of each categorical column."""
    statistics: Mapping[int, int]
    """For each column that holds statistics of the outcome, the categorical column whose they are."""
    threads: int | None
    stands_for: Floats | None = None
    """How many rows each was drawn for, (n,), which ``weight`` holds as well; None where none were drawn."""
    bins: BinnedRows | None = None
    """The bins of these features that fits of several outcomes share; those of this one are added."""

    def trees(
        self,
        rows: Ints,
        *,
        seed: int,
        rounds: int,
        late: Ints | None = None,
        statistics: bool = False,
        train: lgb.Dataset | None = None,
    ) -> lgb.Booster:
        """Boost for ``rounds``, or stop early by the loss on the rows ``late``.

        On codes; with ``statistics`` on these, with splits chosen at random, which makes the trees' mistakes less alike.
        ``train``: the rows, where they have been binned for another seed.
        """
        train = self.binned(rows, statistics=statistics) if train is None else train
        parameters = self._parameters(seed, len(rows))
        if statistics:
            parameters |= at_random(self.settings)
        if late is None:
            return lgb.train(parameters, train, rounds)
        stop = lgb.early_stopping(self.settings.early_stopping_rounds, verbose=False)
        return lgb.train(
            parameters | {"metric": "binary_logloss"},
            train,
            rounds,
            valid_sets=[self._dataset(self.seen(late, rows), late, train, statistics=statistics)],
            callbacks=[stop],
        )

    def forest(self, rows: Ints, rounds: int, statistic_rounds: int) -> list[lgb.Booster]:
        """One set of trees for each seed; of two kinds, one of each kind for each of the first half of the seeds."""
        seeds = (
            of_two_kinds(self.settings.seeds) if statistic_rounds else [(seed, False) for seed in self.settings.seeds]
        )
        binned = {second: self.binned(rows, statistics=second) for second in {second for _, second in seeds}}
        boosters = [
            self.trees(
                rows,
                seed=seed,
                rounds=statistic_rounds if second else rounds,
                statistics=second,
                train=binned[second],
            )
            for seed, second in seeds
        ]
        if self.stands_for is None:
            return boosters
        seen, stands_for = self.seen(rows), self.stands_for[rows]
        return [with_covers(booster, seen, stands_for) for booster in boosters]

    def binned(self, rows: Ints, *, statistics: bool = False) -> lgb.Dataset:
        """``rows`` for :meth:`trees`; LightGBM bins them once, with the first trees, for all seeds, and for all outcomes where
        :attr:`bins` are shared."""
        if self.bins is None or self.statistics or self.weight is not None:
            return self._dataset(self.seen(rows), rows, statistics=statistics)
        key = rows.tobytes()
        if key in self.bins:
            return self.bins[key].set_label(self.label[rows])
        self.bins[key] = self._dataset(self.seen(rows), rows, statistics=statistics)
        return self.bins[key]

    def seen(self, rows: Ints, by: Ints | None = None) -> Floats:
        """Features of ``rows`` with statistics of the rows ``by``, or, as for training, of each other."""
        features = self.features[rows]
        for column, source in self.statistics.items():
            given = rows if by is None else by
            codes, label, levels = self.features[given, source], self.label[given], self.categories[source]
            weight = None if self.weight is None else self.weight[given]
            features[:, column] = (
                out_of_fold(codes, label, levels=levels, weight=weight)
                if by is None
                else looked_up(log_odds(codes, label, levels=levels, weight=weight), features[:, source])
            )
        return features

    def curves(
        self, rows: Ints, boosters: Sequence[lgb.Booster], inverse_penalties: Sequence[float] = INVERSE_PENALTIES
    ) -> list[SplineLogistic]:
        """One model for each inverse penalty; of many columns, those that ``boosters`` used most."""
        columns = self._columns(boosters)
        fitted = fit_path(
            self.features[rows][:, columns],
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            stands_for=None if self.stands_for is None else self.stands_for[rows],
            categories={i: self.categories[c] for i, c in enumerate(columns) if c in self.categories},
            signs=[self.signs[c] for c in columns],
            inverse_penalties=inverse_penalties,
        )
        return [_spread(model, columns, self.features.shape[1]) for model in fitted]

    def _columns(self, boosters: Sequence[lgb.Booster]) -> list[int]:
        observed = np.setdiff1d(np.flatnonzero(~np.isnan(self.features).all(axis=0)), list(self.statistics))
        if len(observed) <= MAX_COLUMNS:
            return [int(c) for c in observed]
        gain = (
            np.sum([b.feature_importance("gain") for b in boosters], axis=0) if boosters else self.features.std(axis=0)
        )
        return sorted(int(c) for c in observed[np.argsort(-gain[observed], kind="stable")[:MAX_COLUMNS]])

    def _dataset(
        self, features: Floats, rows: Ints, reference: lgb.Dataset | None = None, *, statistics: bool
    ) -> lgb.Dataset:
        hidden = list(self.statistics.values() if statistics else self.statistics)
        features[:, hidden] = np.nan
        return lgb.Dataset(
            features,
            self.label[rows],
            weight=None if self.weight is None else self.weight[rows],
            categorical_feature=[column for column in sorted(self.categories) if column not in hidden],
            reference=reference,
        )

    def _parameters(self, seed: int, rows: int) -> dict[str, object]:
        signs = list(self.signs) if any(self.signs) else None
        parameters = boosting(self.settings, seed=seed, rows=rows)
        if self.threads is not None:
            parameters["num_threads"] = self.threads
        return parameters | {"objective": "binary", "monotone_constraints": signs}


def of_two_kinds(seeds: Sequence[int]) -> list[tuple[int, bool]]:
    """A seed and whether it is for the second kind: both kinds for each of the first half of the seeds, rounded up."""
    return [(seed, second) for second in (False, True) for seed in seeds[: (len(seeds) + 1) // 2]]


def at_random(settings: TreeSettings) -> dict[str, object]:
    """What differs in LightGBM's parameters for trees that take the best of random thresholds."""
    return {"extra_trees": True, "learning_rate": RANDOM_RATE * settings.learning_rate}


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
        "data_random_seed": DATA_SEED,
        "deterministic": True,
        "force_col_wise": rows < ROWS_FOR_THREADS,
        "force_row_wise": rows >= ROWS_FOR_THREADS,
        "num_threads": threads(rows),
        "verbosity": -1,
    }


def threads(rows: int) -> int:
    """How many threads of LightGBM compute ``rows``."""
    return 1 if rows < ROWS_FOR_THREADS else os.cpu_count() or 1


def tree_margin(booster: lgb.Booster, features: Floats, *, rounds: int | None = None) -> Floats:
    """The margin of the trees, (n, features) -> (n,); of the first ``rounds``, by default the best number of them."""
    margin = booster.predict(features, raw_score=True, num_iteration=rounds, num_threads=threads(len(features)))
    return np.asarray(margin, dtype=np.float64)


def _spread(model: SplineLogistic, columns: Sequence[int], width: int) -> SplineLogistic:
    """The same model over all ``width`` columns; those without a curve add nothing."""
    curves, means = [Curve((), (), 0.0)] * width, [0.0] * width
    for column, curve, mean in zip(columns, model.curves, model.means, strict=True):
        curves[column], means[column] = curve, mean
    return SplineLogistic(model.intercept, tuple(curves), tuple(means))

"""Spline logistic regression: a sum of one curve a column, each piecewise linear between a few quantiles.

Linear B-splines ("tents") at the quantiles of a column, together with the column itself, under one ridge penalty (Eilers &
Marx 1996 with a plain ridge). A sum of tents is a piecewise linear curve, so the fitted model is a table of knots and
values: it is evaluated with :func:`numpy.interp`, stored as JSON, and its Shapley values are its terms less their means.
Beyond the outermost knots a curve stays flat; missing values and categories are levels of their own.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

from perfml.arrays import Floats, Floats32
from perfml.learning.estimators.additive import Curve, SplineLogistic

INNER_KNOTS = 2
INVERSE_PENALTIES = (0.0005, 0.002, 0.01, 0.05, 0.25)
"""Values of the ridge's inverse strength, scikit-learn's ``C``, to choose from; the strongest ridge first."""
MAX_ROWS = 60_000
"""Rows a curve is fitted on; more do not sharpen it, and cost as much as the trees."""
MAX_ITERATIONS = 150
ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Basis:
    """The knots of each column, from features without labels."""

    knots: tuple[Floats, ...]
    scale: tuple[tuple[float, float], ...]
    """Mean and standard deviation of each column."""
    categories: Mapping[int, int]
    """Number of codes of each categorical column."""

    @classmethod
    def of(cls, features: Floats, categories: Mapping[int, int]) -> Basis:
        """Knots at the extremes and at :data:`INNER_KNOTS` quantiles between them. ``features``: (n, columns)."""
        knots, scale = [], []
        for column in range(features.shape[1]):
            x = features[:, column]
            x = x[~np.isnan(x)]
            if column in categories or not len(x):
                knots.append(np.empty(0))
                scale.append((0.0, 1.0))
                continue
            at = np.unique(_quantiles(x))
            knots.append(at)
            scale.append((float(x.mean()), float(x.std()) or 1.0))
        return cls(tuple(knots), tuple(scale), categories)

    def width(self, column: int) -> int:
        """Terms of the design for one column: its tents, itself, and whether it is missing."""
        return self.categories[column] + 1 if column in self.categories else len(self.knots[column]) + 2

    def design(self, features: Floats) -> Floats32:
        """(n, columns) -> (n, terms), in single precision."""
        starts = np.cumsum([0, *(self.width(column) for column in range(features.shape[1]))])
        out = np.zeros((len(features), starts[-1]), dtype=np.float32)
        bent = np.array([c for c, at in enumerate(self.knots) if len(at) > 1], dtype=np.int64)
        at = np.full((len(bent), INNER_KNOTS + 2), np.inf)
        for row, column in zip(at, bent, strict=True):
            row[: len(self.knots[column])] = self.knots[column]
        count = np.array([len(self.knots[column]) for column in bent], dtype=np.int64)
        last = at[np.arange(len(bent)), count - 1]
        inner = [np.where(number < count - 1, at[:, number], np.inf) for number in range(1, INNER_KNOTS + 1)]
        mean, spread = np.array([self.scale[column] for column in bent]).reshape(-1, 2).T
        first_knot = np.arange(len(bent)) * at.shape[1]
        for begin in range(0, len(features), ROWS_AT_ONCE):  # what is computed of so many rows stays in the cache
            rows = features[begin : begin + ROWS_AT_ONCE]
            part_of = out[begin : begin + ROWS_AT_ONCE]
            part_of[:, starts[1:] - 1] = np.isnan(rows)
            x = rows[:, bent]
            absent = np.isnan(x)
            clipped = np.clip(x, at[:, 0], last)
            low = np.sum([clipped >= knot for knot in inner], axis=0)
            left, right = (at.ravel()[first_knot + low + step] for step in (0, 1))
            part = (clipped - left) / (right - left)
            part[absent] = clipped[absent] = 0.0
            own = np.arange(len(rows))[:, None] * out.shape[1] + starts[bent] + low
            flat = part_of.reshape(-1)
            flat[own] = np.where(absent, 0.0, 1.0 - part)
            flat[own + 1] = part
            part_of[:, starts[bent] + count] = np.where(absent, 0.0, (clipped - mean) / spread)
        for column, codes in self.categories.items():
            x = features[:, column]
            observed = np.flatnonzero(~np.isnan(x))
            code = x[observed].astype(np.int64)
            seen = (code >= 0) & (code < codes)
            out[observed[seen], starts[column] + code[seen]] = 1.0
        return out

    def curves(self, coefficients: Floats, signs: Sequence[int], weight: Sequence[Floats]) -> tuple[Curve, ...]:
        """One curve a column from the coefficients of the design. ``signs``: the direction required of each column, or 0.

        A curve that bends the wrong way is replaced by the nearest monotone one: isotonic regression, weighted by the number
        of rows near each knot (``weight``).
        """
        out, start = [], 0
        for column, sign in enumerate(signs):
            end = start + self.width(column)
            own = coefficients[start:end]
            if column in self.categories:
                out.append(Curve((), tuple(own[:-1].tolist()), float(own[-1]), True))
            else:
                at = self.knots[column]
                mean, spread = self.scale[column]
                values = own[: len(at)] + own[len(at)] * (at - mean) / spread if len(at) > 1 else np.zeros(len(at))
                if sign and len(at) > 1:
                    values = _monotone(values, sign, weight[column])
                out.append(Curve(tuple(at.tolist()), tuple(values.tolist()), float(own[-1])))
            start = end
        return tuple(out)

    def means(self, curves: Sequence[Curve], average: Floats) -> tuple[float, ...]:
        """The mean of each curve over the rows whose design has the means ``average`` (terms,)."""
        out, start = [], 0
        for column, curve in enumerate(curves):
            end = start + self.width(column)
            shares = average[start : start + len(curve.values)]
            out.append(float(shares @ np.array(curve.values) + average[end - 1] * curve.missing))
            start = end
        return tuple(out)


def fit_path(
    features: Floats,
    label: Floats,
    *,
    weight: Floats | None = None,
    categories: Mapping[int, int] | None = None,
    signs: Sequence[int] | None = None,
    inverse_penalties: Sequence[float] = INVERSE_PENALTIES,
    stands_for: Floats | None = None,
    seed: int = 0,
) -> list[SplineLogistic]:
    """One model for each of ``inverse_penalties``, each started from the previous one's solution.

    ``features``: (n, columns); ``label``: 0 or 1, both present; ``categories``: number of codes of each categorical column;
    ``stands_for`` (n,): how many rows each was drawn for, which ``weight`` holds as well.
    """
    if len(label) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(label), MAX_ROWS, replace=False))
        features, label = features[rows], label[rows]
        weight = None if weight is None else weight[rows]
        stands_for = None if stands_for is None else stands_for[rows]
    signs = [0] * features.shape[1] if signs is None else list(signs)
    basis = Basis.of(features, categories or {})
    design = basis.design(features)
    average = design.mean(axis=0, dtype=np.float64)
    if stands_for is not None:
        average = np.average(design, axis=0, weights=stands_for)
    middle = np.average(design, axis=0, weights=weight).astype(np.float32)
    design -= middle
    near = _rows_near_knots(basis, features, signs)
    logistic = LogisticRegression(max_iter=MAX_ITERATIONS, tol=1e-3, warm_start=True)
    models = []
    # BLAS's threads wait longer for each other here than they compute.
    with warnings.catch_warnings(), _blas().limit(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for inverse_penalty in inverse_penalties:
            logistic.C = inverse_penalty  # as close to the optimum as the blend needs
            logistic.fit(design, label, sample_weight=weight)
            coefficients = logistic.coef_[0].astype(np.float64)
            curves = basis.curves(coefficients, signs, near)
            intercept = float(logistic.intercept_[0] - coefficients @ middle.astype(np.float64))
            models.append(SplineLogistic(intercept, curves, basis.means(curves, average)))
    return models


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries; finding them takes as long as a fit."""
    return ThreadpoolController().select(user_api="blas")


def _quantiles(x: Floats) -> Floats:
    """The extremes of ``x`` (n,) and :data:`INNER_KNOTS` quantiles between them: :func:`numpy.quantile`, which does not sort and
    takes three times as long."""
    ordered = np.sort(x)
    position = np.linspace(0.0, 1.0, INNER_KNOTS + 2) * (len(x) - 1)
    low = np.floor(position).astype(np.int64)
    above = position - low
    left, right = ordered[low], ordered[np.minimum(low + 1, len(x) - 1)]
    step = right - left
    between: Floats = np.where(above >= 0.5, right - step * (1 - above), left + step * above)
    return between


def _rows_near_knots(basis: Basis, features: Floats, signs: Sequence[int]) -> list[Floats]:
    """For each column that must be monotone, one plus the number of rows nearest to each knot; ones for the others."""
    out = [np.ones(len(at)) for at in basis.knots]
    for column in np.flatnonzero(signs):
        at, x = basis.knots[column], features[:, column]
        if len(at) > 1:
            out[column] += np.bincount(np.abs(x[~np.isnan(x), None] - at).argmin(axis=1), minlength=len(at))
    return out


def _monotone(values: Floats, sign: int, weight: Floats) -> Floats:
    return np.asarray(isotonic_regression(values, sample_weight=weight, increasing=sign > 0), dtype=np.float64)

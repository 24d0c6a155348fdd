"""A sum of curves, one a column, as it is stored and evaluated; :mod:`.splines` fits it.

Light: a reader needs NumPy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from perfml.arrays import Floats


@dataclass(frozen=True)
class Curve:
    """One column's term: ``values`` at ``knots``, linear between them; for a category, the value of each code."""

    knots: tuple[float, ...]
    values: tuple[float, ...]
    missing: float
    categorical: bool = False

    def __call__(self, x: Floats) -> Floats:
        """(n,) -> (n,); a category not seen in training counts as missing."""
        absent = np.isnan(x)
        if not self.values:
            return np.where(absent, self.missing, 0.0)
        if self.categorical:
            code = np.where(absent, 0, x).astype(np.int64)
            known = ~absent & (code >= 0) & (code < len(self.values))
            return np.where(known, np.array(self.values)[np.where(known, code, 0)], self.missing)
        return np.where(absent, self.missing, np.interp(np.where(absent, self.knots[0], x), self.knots, self.values))


class SplinesJson(TypedDict):
    """A :class:`SplineLogistic` as JSON; a curve is its knots, values, value where missing, and whether it is categorical."""

    intercept: float
    curves: Sequence[tuple[Sequence[float], Sequence[float], float, bool]]
    means: Sequence[float]


@dataclass(frozen=True)
class SplineLogistic:
    """``intercept`` plus one curve a column, in log-odds. ``means``: each curve's mean over its training rows."""

    intercept: float
    curves: tuple[Curve, ...]
    means: tuple[float, ...]

    def margin(self, features: Floats) -> Floats:
        """Log-odds: (n, features) -> (n,)."""
        out = np.full(len(features), self.intercept)
        for column, curve in enumerate(self.curves):
            if any(curve.values) or curve.missing:
                out += curve(features[:, column])
        return out

    def contributions(self, features: Floats) -> Floats:
        """Exact Shapley values of an additive model: (n, features + 1); the last column is the base value."""
        out = np.empty((len(features), len(self.curves) + 1))
        for column, (curve, mean) in enumerate(zip(self.curves, self.means, strict=True)):
            out[:, column] = curve(features[:, column]) - mean
        out[:, -1] = self.intercept + sum(self.means)
        return out

    def contributions_against(self, features: Floats, background: Floats) -> Floats:
        """Like :meth:`contributions`, against the mean of the rows of ``background`` (rows, features)."""
        means = tuple(float(curve(background[:, column]).mean()) for column, curve in enumerate(self.curves))
        return replace(self, means=means).contributions(features)

    def to_json(self) -> SplinesJson:
        """JSON from which :meth:`from_json` restores the model."""
        curves = [(c.knots, c.values, c.missing, c.categorical) for c in self.curves]
        return {"intercept": self.intercept, "curves": curves, "means": self.means}

    @classmethod
    def from_json(cls, raw: SplinesJson) -> SplineLogistic:
        """Restore what :meth:`to_json` gave."""
        curves = tuple(Curve(tuple(k), tuple(v), missing, cat) for k, v, missing, cat in raw["curves"])
        return cls(raw["intercept"], curves, tuple(raw["means"]))

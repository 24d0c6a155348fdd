"""How long the work on milestones takes, relative to what was planned for it, from finished and from open ones.

    log(days taken / days planned) = middle + owner + quarter + own

A milestone that is open says that it takes at least so long: leaving it out would make every forecast too early. Effects of
owners and of quarters are shrunk (random effects), with open ones in the mean of what they can still be; that follows from the
shape of the rest, which is that of Kaplan & Meier (1958) over the residuals (Buckley & James 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from perfml.arrays import Bools, Floats, Ints

ROUNDS = 60
GRID = np.linspace(0.0025, 0.9975, 200)
LEAST_SPREAD = 0.05
"""Smallest standard deviation in log points, so that a record without any spread still has an interval."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One kind of effect by the code of its group: mean and variance (groups,), and those of a group that was never seen."""

    mean: Floats
    variance: Floats
    unseen: float

    def at(self, code: int) -> tuple[float, float]:
        """(mean, standard deviation) of a group; 0 and the spread of groups for one that was never seen."""
        if code >= len(self.mean):
            return 0.0, float(np.sqrt(self.unseen))
        return float(self.mean[code]), float(np.sqrt(self.variance[code]))


@dataclass(frozen=True, kw_only=True)
class Durations:
    """What is known of durations at a day."""

    middle: float
    owner: Effect
    quarter: Effect
    spread: float
    """Standard deviation of what is left."""
    quantiles: Floats
    """What is left, at :data:`GRID`."""

    @classmethod
    def of(cls, value: Floats, *, open_yet: Bools, owner: Ints, quarter: Ints) -> Durations:
        """Fit on log(days taken / days planned) (n,); of those ``open_yet`` it is the least they can be."""
        groups = [(owner, int(owner.max(initial=-1)) + 1), (quarter, int(quarter.max(initial=-1)) + 1)]
        effects = [np.zeros(count) for _, count in groups]
        sizes = [np.bincount(code, minlength=count).astype(np.float64) for code, count in groups]
        variances = [np.zeros(count) for _, count in groups]
        done = value[~open_yet]
        middle = float(np.mean(done))
        left = max(float(np.var(done)), LEAST_SPREAD**2)
        between = [left / 4, left / 8]
        quantiles = left**0.5 * ndtri(GRID)
        for _ in range(ROUNDS):
            fitted = middle + effects[0][owner] + effects[1][quarter]
            filled, doubt = _filled(value, fitted, open_yet, quantiles=quantiles)
            for which, (code, count) in enumerate(groups):
                rest = filled - middle - effects[1 - which][groups[1 - which][0]]
                weight = sizes[which] + left / max(between[which], 1e-9)
                effects[which] = np.bincount(code, rest, minlength=count) / weight
                variances[which] = left / weight
                seen = sizes[which] > 0
                between[which] = float(np.mean((effects[which] ** 2 + variances[which])[seen]))
            middle = float(np.mean(filled - effects[0][owner] - effects[1][quarter]))
            rest = filled - middle - effects[0][owner] - effects[1][quarter]
            doubtful = variances[0][owner] + variances[1][quarter]
            left = max(float(np.mean(rest**2 + doubt + doubtful)), LEAST_SPREAD**2)
            residual = value - middle - effects[0][owner] - effects[1][quarter]
            quantiles = _quantiles(residual, open_yet, spread=left**0.5)
        return cls(
            middle=middle,
            owner=Effect(mean=effects[0], variance=variances[0], unseen=between[0]),
            quarter=Effect(mean=effects[1], variance=variances[1], unseen=between[1]),
            spread=left**0.5,
            quantiles=quantiles,
        )

    def below(self, residual: Floats) -> Floats:
        """The probability of less than ``residual``."""
        return np.asarray(np.interp(residual, self.quantiles, GRID, left=0.0, right=GRID[-1]))

    def at(self, probability: Floats) -> Floats:
        """The residual that is not exceeded with ``probability``; beyond the grid it goes on as a normal tail does."""
        inside = np.interp(probability, GRID, self.quantiles)
        beyond = np.maximum(ndtri(np.clip(probability, GRID[-1], 1 - 1e-9)) - ndtri(GRID[-1]), 0.0) * self.spread
        return np.asarray(inside + beyond)


def _filled(value: Floats, fitted: Floats, open_yet: Bools, *, quantiles: Floats) -> tuple[Floats, Floats]:
    """The values with the mean of what open ones can still be, and the variance of that (n,)."""
    count = np.arange(len(quantiles), 0, -1)
    mean, square = (np.cumsum(quantiles[::-1] ** power)[::-1] / count for power in (1, 2))
    at = np.minimum(np.searchsorted(quantiles, value - fitted), len(quantiles) - 1)
    beyond = np.maximum(mean[at], value - fitted)  # above the whole grid nothing is known but the value itself
    doubt = np.maximum(square[at] - mean[at] ** 2, 0.0)
    return np.where(open_yet, fitted + beyond, value), np.where(open_yet, doubt, 0.0)


def _quantiles(residual: Floats, open_yet: Bools, *, spread: float) -> Floats:
    """Quantiles at :data:`GRID` of the product-limit estimate, with a normal tail above the last that was finished."""
    rows = pd.DataFrame({"at": residual, "ended": ~open_yet}).sort_values(["at", "ended"], ascending=[True, False])
    at_risk = np.arange(len(rows), 0, -1)
    ended = rows["ended"].to_numpy(dtype=bool)
    survival = np.cumprod(np.where(ended, 1 - 1 / at_risk, 1.0))
    where, reached = rows["at"].to_numpy()[ended], 1 - survival[ended]
    before = np.concatenate([[0.0], reached[:-1]])
    middle = (before + reached) / 2
    inside = np.interp(GRID, middle, where)
    top = float(middle[-1])
    tail = where[-1] + spread * np.maximum(ndtri(GRID) - ndtri(min(top, GRID[-1])), 0.0)
    return np.maximum.accumulate(np.where(top < GRID, np.maximum(inside, tail), inside))

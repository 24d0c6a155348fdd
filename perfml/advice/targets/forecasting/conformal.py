"""Split-conformal intervals from out-of-sample errors at past origins, assumed exchangeable with future ones.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) on errors in log points, separately for each share of the period at
which past forecasts were made (Mondrian), and without assuming symmetry: both tails are measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats

MIN_FORECASTS = 20
"""Past forecasts below which no interval is given."""
GRID = np.linspace(0.005, 0.995, 199)
COVERAGE = 0.8
COMMON_VARIANCE_SHARE = 1 / 3
"""Share of the variance of errors common to the goals of one period: the prior, until two periods show it."""
NORMAL_WIDTH = 2.563
"""Width of the middle 80 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Errors:
    """Quantiles of log(final / expected) at :data:`GRID`, by the share of the period ``elapsed`` at the origin."""

    elapsed: Floats
    """Mean elapsed share of the period at each origin, ascending (origins,)."""
    quantiles: Floats
    """(origins, grid)."""

    @classmethod
    def of(cls, elapsed: Floats, error: Floats, *, part: Floats, period: Floats) -> Errors:
        """Fit on past forecasts: ``elapsed`` share of the period, ``error``, nominal ``part`` of the period at the origin, and
        ``period``; all (n,).

        A part with too few forecasts uses the errors of all parts. Goals of one period share a market, so a few periods say
        little about the next one: :func:`stretch` widens the errors for it.
        """
        known = np.isfinite(error)
        elapsed, error, part = elapsed[known], error[known], part[known]
        if len(error) < MIN_FORECASTS:
            return cls(np.zeros(1), np.full((1, len(GRID)), np.nan))
        middle = np.median(error)
        error = middle + (error - middle) * stretch(error, part, period[known])
        anchors, rows = [], []
        for nominal in np.unique(part):
            inside = error[part == nominal]
            inside = inside if len(inside) >= MIN_FORECASTS else error
            # finite-sample correction of split conformal prediction: n + 1 instead of n
            wider = 0.5 + (GRID - 0.5) * (1 + 1 / len(inside))
            anchors.append(elapsed[part == nominal].mean())
            rows.append(np.quantile(inside, np.clip(wider, 0, 1)))
        order = np.argsort(anchors, kind="stable")
        return cls(np.array(anchors)[order], np.array(rows)[order])

    def at(self, elapsed: Floats, probability: float) -> Floats:
        """The error not exceeded with ``probability`` (n,), interpolated linearly between origins."""
        errors = [np.interp(probability, GRID, row) for row in self.quantiles]
        return np.asarray(np.interp(elapsed, self.elapsed, errors))

    def exceeds(self, elapsed: Floats, error: Floats) -> Floats:
        """The probability of an error of at least ``error`` (n,); never 0 or 1, as the grid ends before them."""
        out = np.full(len(error), np.nan)
        if np.isnan(self.quantiles).any():
            return out
        shares, which = np.unique(elapsed, return_inverse=True)
        order = np.argsort(which, kind="stable")
        for share, rows in zip(shares, np.split(order, np.cumsum(np.bincount(which))[:-1]), strict=True):
            quantiles = np.array([np.interp(share, self.elapsed, column) for column in self.quantiles.T])
            out[rows] = np.where(np.isnan(error[rows]), np.nan, 1 - np.interp(error[rows], quantiles, GRID))
        return out

    def spread(self, elapsed: Floats) -> Floats:
        """Standard deviation of the normal distribution whose middle 80 % is as wide (n,)."""
        width = self.at(elapsed, (1 + COVERAGE) / 2) - self.at(elapsed, (1 - COVERAGE) / 2)
        return np.asarray(width / NORMAL_WIDTH)


def stretch(error: Floats, part: Floats, period: Floats) -> float:
    """The ratio, at least 1, of the standard deviation of errors in a new period to that in the observed periods.

    If the goals of a period share a part s of the variance, errors observed over n periods have a variance of 1 - s / n about
    their middle, and those of a new period 1 + s / n. The share is estimated from period means (one-way random effects:
    Searle, Casella & McCulloch 1992) and shrunk towards :data:`COMMON_VARIANCE_SHARE` with the weight of one period.
    """
    errors = pd.DataFrame({"error": error, "part": part, "period": period})
    errors["error"] -= errors.groupby("part")["error"].transform("mean")
    cells = errors.groupby(["part", "period"])["error"].agg(["mean", "var", "size"])
    periods, parts = len(np.unique(period)), len(np.unique(part))
    within = float(np.average(cells["var"].fillna(0.0), weights=cells["size"]))
    freedom = max(1, len(cells) - parts)
    between = max(0.0, float((cells["mean"] ** 2).sum() / freedom - (within / cells["size"]).mean()))
    observed = between / (between + within) if between + within > 0 else 0.0
    share = (observed * (periods - 1) + COMMON_VARIANCE_SHARE) / periods
    return float(np.sqrt((1 + share / periods) / (1 - share / periods)))

"""How far forecasts were off: the spread of their errors at past origins, which is that of the next ones.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) with errors in log points, apart for each share of the period at which
past forecasts were looked at (Mondrian), and without a sign assumed: what lies above and what lies below are measured apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats

FEWEST = 20
"""Past forecasts, below which no interval is claimed."""
GRID = np.linspace(0.005, 0.995, 199)
COVERAGE = 0.8
SHARED = 1 / 3
"""Of the variance of errors, the share that goals of one period have in common, before two periods show it."""
NORMAL_WIDTH = 2.563
"""Standard deviations that the middle 80 % of a normal distribution is wide."""


@dataclass(frozen=True)
class Errors:
    """Quantiles of log(final / expected) at :data:`GRID`, where so much of the period was ``gone``."""

    gone: Floats
    """Mean share of the period that had been measured at each of the origins, ascending (origins,)."""
    quantiles: Floats
    """(origins, grid)."""

    @classmethod
    def of(cls, gone: Floats, error: Floats, *, part: Floats, period: Floats) -> Errors:
        """From past forecasts: what share of the period was ``gone``, their ``error``, at which ``part`` of the period they were
        made, and which ``period`` it was; all (n,).

        A part with too few takes the errors of all. Goals of one period meet the same market, so that few periods tell little
        of how far the next may lie: errors are stretched by :func:`stretch`.
        """
        known = np.isfinite(error)
        gone, error, part = gone[known], error[known], part[known]
        if len(error) < FEWEST:
            return cls(np.zeros(1), np.full((1, len(GRID)), np.nan))
        middle = np.median(error)
        error = middle + (error - middle) * stretch(error, part, period[known])
        anchors, rows = [], []
        for one in np.unique(part):
            inside = error[part == one]
            inside = inside if len(inside) >= FEWEST else error
            # the finite-sample correction of split conformal: one more than there are
            wider = 0.5 + (GRID - 0.5) * (1 + 1 / len(inside))
            anchors.append(gone[part == one].mean())
            rows.append(np.quantile(inside, np.clip(wider, 0, 1)))
        order = np.argsort(anchors, kind="stable")
        return cls(np.array(anchors)[order], np.array(rows)[order])

    def at(self, gone: Floats, probability: float) -> Floats:
        """The error that is not exceeded with ``probability`` (n,); between two origins, in proportion."""
        said = [np.interp(probability, GRID, row) for row in self.quantiles]
        return np.asarray(np.interp(gone, self.gone, said))

    def exceeds(self, gone: Floats, error: Floats) -> Floats:
        """The probability of an error of at least ``error`` (n,); beyond the grid it never is nought or certain."""
        out = np.full(len(error), np.nan)
        if np.isnan(self.quantiles).any():
            return out
        shares, which = np.unique(gone, return_inverse=True)
        order = np.argsort(which, kind="stable")
        for share, here in zip(shares, np.split(order, np.cumsum(np.bincount(which))[:-1]), strict=True):
            row = np.array([np.interp(share, self.gone, column) for column in self.quantiles.T])
            out[here] = np.where(np.isnan(error[here]), np.nan, 1 - np.interp(error[here], row, GRID))
        return out

    def spread(self, gone: Floats) -> Floats:
        """A standard deviation that fits the middle 80 % (n,)."""
        width = self.at(gone, (1 + COVERAGE) / 2) - self.at(gone, (1 - COVERAGE) / 2)
        return np.asarray(width / NORMAL_WIDTH)


def stretch(error: Floats, part: Floats, period: Floats) -> float:
    """By how much the errors of a new period are wider than those of the periods that are known; one or more.

    With a share s of the variance common to the goals of a period, the errors seen in n periods have a variance of
    1 - s / n about their middle, and those of a new one 1 + s / n. The share is estimated from the means of periods (one-way
    random effects: Searle, Casella & McCulloch 1992) and pulled towards :data:`SHARED` by one period.
    """
    errors = pd.DataFrame({"error": error, "part": part, "period": period})
    errors["error"] -= errors.groupby("part")["error"].transform("mean")
    cells = errors.groupby(["part", "period"])["error"].agg(["mean", "var", "size"])
    periods, parts = len(np.unique(period)), len(np.unique(part))
    within = float(np.average(cells["var"].fillna(0.0), weights=cells["size"]))
    freedom = max(1, len(cells) - parts)
    between = max(0.0, float((cells["mean"] ** 2).sum() / freedom - (within / cells["size"]).mean()))
    seen = between / (between + within) if between + within > 0 else 0.0
    share = (seen * (periods - 1) + SHARED) / periods
    return float(np.sqrt((1 + share / periods) / (1 - share / periods)))

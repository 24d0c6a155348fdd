"""How far forecasts were off: the spread of their errors at past origins, which is that of the next ones.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) with errors in log points, taken apart by how much of the period was
gone (Mondrian), and without a sign assumed: what lies above and what lies below the forecast are measured apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
EDGES = (0.0, 0.4, 0.65, 1.0)
"""Share of the period gone: within each part errors are of one kind."""
FEWEST = 20
"""Past forecasts, below which no interval is claimed."""
GRID = np.linspace(0.005, 0.995, 199)
COVERAGE = 0.8


@dataclass(frozen=True)
class Errors:
    """Quantiles of log(final / expected) for each part of :data:`EDGES`, at :data:`GRID`: (parts, grid)."""

    quantiles: Floats

    @classmethod
    def of(cls, gone: Floats, error: Floats, period: Floats) -> Errors:
        """From past forecasts: what share of the period was ``gone``, their ``error``, and which ``period`` it was; all (n,).

        A part with too few takes those of all. Goals of one period meet the same market, so that few periods tell little of how
        far the next may lie: errors are stretched by the root of 1 + 1 / periods, as a new draw lies from the mean of so many.
        """
        known = np.isfinite(error)
        gone, error = gone[known], error[known]
        periods = max(1, len(np.unique(period[known])))
        middle = np.median(error) if len(error) else 0.0
        error = middle + (error - middle) * np.sqrt(1 + 1 / periods)
        out = np.full((len(EDGES) - 1, len(GRID)), np.nan)
        for part, (low, high) in enumerate(pairwise(EDGES)):
            inside = error[(gone >= low) & (gone < high)]
            inside = inside if len(inside) >= FEWEST else error
            if len(inside) >= FEWEST:
                # the finite-sample correction of split conformal: one more than there are
                wider = 0.5 + (GRID - 0.5) * (1 + 1 / len(inside))
                out[part] = np.quantile(inside, np.clip(wider, 0, 1))
        return cls(out)

    def _part(self, gone: Floats) -> npt.NDArray[np.intp]:
        return np.clip(np.searchsorted(EDGES, gone, side="right") - 1, 0, len(EDGES) - 2)

    def at(self, gone: Floats, probability: float) -> Floats:
        """The error that is not exceeded with ``probability`` (n,)."""
        rows = self.quantiles[self._part(gone)]
        found: Floats = np.array([np.interp(probability, GRID, row) for row in rows]) if len(rows) else np.zeros(0)
        return found

    def exceeds(self, gone: Floats, error: Floats) -> Floats:
        """The probability of an error of at least ``error`` (n,); beyond the grid it never is nought or certain."""
        rows = self.quantiles[self._part(gone)]
        out = np.full(len(error), np.nan)
        for at, (row, given) in enumerate(zip(rows, error, strict=True)):
            if not np.isnan(row[0]) and not np.isnan(given):
                out[at] = 1 - np.interp(given, row, GRID)
        return out

    def spread(self, gone: Floats) -> Floats:
        """A standard deviation that fits the middle 80 % (n,)."""
        width = self.at(gone, (1 + COVERAGE) / 2) - self.at(gone, (1 - COVERAGE) / 2)
        return width / 2.563

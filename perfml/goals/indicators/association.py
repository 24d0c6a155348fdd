"""Rank association within strata, of groups of rows that belong together: how far two figures move together, and how surely.

Ranks are those of differences from the mean of a period and region (aligned ranks, Hodges & Lehmann 1962): neither a good year
nor a rich region makes two figures move together, and small regions cost little. The rows of one group (an owner of goals over
the years, a person, a region) are never taken apart: the interval resamples groups, and the p-value is that of the mean over
groups under symmetry (Efron 1969; Liang & Zeger 1986), so that habits that last do not count as new evidence every period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

from perfml.arrays import Floats, Ints

DRAWS = 400
"""Resamples of groups behind an interval."""
LEVEL = 0.95
SEED = 41


@dataclass(frozen=True, kw_only=True)
class RankAssociation:
    """How far two figures move together: -1 to 1, with a 95 % interval and a two-sided p-value."""

    rank: float
    low: float
    high: float
    p: float
    cells: int
    groups: int
    periods: int


def rank_association(x: Floats, y: Floats, *, stratum: Ints, group: Ints, period: Ints) -> RankAssociation:
    """Associate ``x`` and ``y``, both (n,), by ranks aligned within each ``stratum``; rows of one ``group`` belong together.

    A figure without any variation within strata has association 0 and p-value 1.
    """
    of_x, of_y = (_aligned(values, stratum) for values in (x, y))
    names, code = np.unique(group, return_inverse=True)
    xy, xx, yy = (
        np.bincount(code, product, minlength=len(names)) for product in (of_x * of_y, of_x * of_x, of_y * of_y)
    )
    rng = np.random.default_rng(SEED)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS).astype(np.float64)
    low, high = np.quantile(_ratio(draws @ xy, draws @ xx, draws @ yy), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return RankAssociation(
        rank=float(_ratio(*(each.sum(keepdims=True) for each in (xy, xx, yy)))[0]),
        low=float(low),
        high=float(high),
        p=min(1.0, 2 * symmetric_p(xy * np.sign(xy.sum()))),
        cells=len(x),
        groups=len(names),
        periods=len(np.unique(period)),
    )


def symmetric_p(scores: Floats) -> float:
    """One-sided p-value of the mean of ``scores``, one a group, being above zero; 1 where nothing varies."""
    count, squares = len(scores), float(scores @ scores)
    if count < 2 or squares == 0:
        return 1.0
    ratio = float(scores.sum()) / np.sqrt(squares)
    rest = max(count - ratio**2, 1e-12)
    return float(student.sf(ratio * np.sqrt((count - 1) / rest), count - 1))


def _aligned(values: Floats, stratum: Ints) -> Floats:
    """Ranks, between -.5 and .5, of what ``values`` are above the mean of their stratum; equal ones share their mean rank."""
    size = np.bincount(stratum)
    above = values - (np.bincount(stratum, values) / np.maximum(size, 1))[stratum]
    ranks: Floats = np.where(size[stratum] > 1, (rankdata(np.round(above, 12)) - 0.5) / len(values) - 0.5, 0.0)
    return ranks


def _ratio(xy: Floats, xx: Floats, yy: Floats) -> Floats:
    scale = np.sqrt(xx * yy)
    return np.divide(xy, scale, out=np.zeros_like(scale), where=scale > 0)

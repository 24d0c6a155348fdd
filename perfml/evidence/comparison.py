"""Evidence relative to the manager's team and to peers of the same role and level: z-scores in a group at one as-of date."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats, Ints

SMALLEST_GROUP = 3
"""A comparison among fewer than three people is meaningless and could identify one of them."""


def z_scores(values: Floats, groups: Ints) -> Floats:
    """(value − mean) / sample standard deviation within each group; missing values are ignored.

    ``groups``: one code per row, −1 for no group. The result is missing in a group of fewer than :data:`SMALLEST_GROUP`
    values, and exactly 0 in one whose values are all equal.

    >>> z_scores(np.array([1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 0, -1])).tolist()
    [-1.0, 0.0, 1.0, nan]
    """
    out = np.full(len(values), np.nan)
    rows = np.flatnonzero((groups >= 0) & ~np.isnan(values))
    if not len(rows):
        return out
    x, g = values.take(rows), groups.take(rows)
    size = int(g.max()) + 1
    n = np.bincount(g, minlength=size)
    mean = np.bincount(g, weights=x, minlength=size) / np.maximum(n, 1)
    deviation = x - mean[g]
    variance = np.bincount(g, weights=deviation * deviation, minlength=size) / np.maximum(n - 1, 1)
    any_value = np.zeros(size)
    any_value[g] = x
    flat = np.bincount(g, weights=x != any_value[g], minlength=size) == 0
    z = np.where(flat[g], 0.0, deviation / np.sqrt(np.where(flat, 1.0, variance))[g])
    out[rows] = np.where(n[g] >= SMALLEST_GROUP, z, np.nan)
    return out

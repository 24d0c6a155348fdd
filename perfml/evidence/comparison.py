"""Evidence relative to the manager's team and to the peers of role and level: z-scores within a group at one as-of date."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats, Ints

SMALLEST_GROUP = 3
"""Below three people a comparison says nothing and could point at one person."""


def z_scores(values: Floats, groups: Ints) -> Floats:
    """(value − mean) / sample standard deviation within each group; missing values take no part.

    ``groups``: one code a row, −1 for none. A group of fewer than :data:`SMALLEST_GROUP` values gives missing; one whose
    values are all equal gives exactly 0.

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

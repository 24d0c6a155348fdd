"""Evidence relative to the manager's team and to peers of the same role and level, at one as-of date: z-scores in a group, and
what the others of it have together."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.errors import DataError
from perfml.project.spec import OfTeam

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


def of_others(values: Floats, groups: Ints, summary: OfTeam, *, decimals: int) -> Floats:
    """The sum of the others' values in each group, or the share of the others whose value is not zero.

    ``groups``: as for :func:`z_scores`; ``decimals`` that values have. Missing where a value is missing itself, and where fewer
    than :data:`SMALLEST_GROUP` others have one: so few could be identified. Sums are added as integers, so that neither the
    order of rows nor who is left out changes a digit. Raises :class:`DataError` where they exceed 64 bits.

    >>> of_others(np.array([0.1, 0.2, 0.0, 0.3]), np.zeros(4, np.int64), "sum", decimals=1).tolist()
    [0.5, 0.4, 0.6, 0.3]
    """
    out = np.full(len(values), np.nan)
    rows = np.flatnonzero((groups >= 0) & ~np.isnan(values))
    if not len(rows):
        return out
    x, g = values.take(rows), groups.take(rows)
    others = np.bincount(g)[g] - 1
    scale = 1 if summary == "share" else 10**decimals
    if np.abs(x).max() * scale * (int(others.max()) + 1) >= 2**63:
        raise DataError(
            "the values of one team add up past 64 bits",
            where="events.value",
            remedy="lower value_decimals in features/sources.toml [events], or export a larger unit",
        )
    counted = (x != 0).astype(np.int64) if summary == "share" else np.rint(x * scale).astype(np.int64)
    total = np.zeros(int(g.max()) + 1, np.int64)
    np.add.at(total, g, counted)
    over = others if summary == "share" else np.full(len(others), scale)
    enough = others >= SMALLEST_GROUP
    out[rows[enough]] = (total[g] - counted)[enough] / over[enough]
    return out

"""How far a policy lies within what the model was trained on: nothing is predicted of values that hardly anybody has had."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Bools, Floats
from perfml.learning.validation.reference import Bins
from perfml.project.goals.what_if_spec import EvidenceChange

LEAST_SHARE = 0.05
"""Share of the rows in training, and of the people scored, who must already be as the policy asks."""
NEAREST = 50
"""People nearest to the limit, of whom the one most like the person lends their values."""


def complies(change: EvidenceChange, values: Floats) -> Bools:
    """Whether each known value is as ``change`` asks; of a set value, whether it is near it, by a tenth of what people have."""
    if change.at_most is not None:
        within: Bools = values <= change.at_most
        return within
    if change.at_least is not None:
        above: Bools = values >= change.at_least
        return above
    low, high = np.nanquantile(values, [0.05, 0.95]) if np.isfinite(values).any() else (0.0, 0.0)
    near: Bools = np.abs(values - change.limit) <= (high - low) / 10
    return near


def share_in_training(change: EvidenceChange, bins: Bins) -> float:
    """The share of the training rows with a known value that were as ``change`` asks: at least so many, as bins tell."""
    shares = np.array(bins.shares[:-1])
    edges = np.array(bins.edges)
    known = max(float(shares.sum()), 1e-9)
    if change.at_most is not None:
        inside = np.append(edges <= change.limit, change.limit >= _beyond(bins))
    elif change.at_least is not None:
        inside = np.append(change.limit <= -_beyond(bins), edges >= change.limit)
    else:
        inside = np.zeros(len(shares), dtype=bool)
        inside[int(np.searchsorted(edges, change.limit))] = abs(change.limit - bins.mean) <= 3 * bins.sd
    return float(shares[inside].sum()) / known


def _beyond(bins: Bins) -> float:
    """A value beyond which hardly any lies."""
    return bins.mean + 3 * bins.sd


def lent(values: Floats, *, number: int, columns: list[int], concerned: Bools, lenders: Bools, limit: float) -> Floats:
    """``values`` (people, columns) where everybody ``concerned`` has in ``columns`` what one of the ``lenders`` really has.

    Of the :data:`NEAREST` to ``limit`` in the column ``number``, the one most alike by rank in the other ``columns``.
    """
    out = values.copy()
    pool = np.flatnonzero(lenders & ~np.isnan(values[:, number]))
    pool = pool[np.argsort(np.abs(values[pool, number] - limit), kind="stable")][:NEAREST]
    ranks = np.column_stack([_ranks(values[:, each]) for each in columns])
    for person in np.flatnonzero(concerned):
        nearest = pool[int(np.argmin(np.abs(ranks[pool] - ranks[person]).sum(axis=1)))]
        out[person, columns] = values[nearest, columns]
    return out


def _ranks(column: Floats) -> Floats:
    """Ranks from 0 to 1 among the known values; the middle where nothing is known."""
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return np.full(len(column), 0.5)
    below, above = np.searchsorted(known, column, "left"), np.searchsorted(known, column, "right")
    return np.where(np.isnan(column), 0.5, (below + above) / (2 * len(known)))

"""Coherent incidences: predictions for several horizons and causes that do not contradict each other.

Each horizon and cause has its own classifier. Together they can contradict each other: leaving within three months more
probable than leaving within six, or causes that add up to more than 1. Horizons are reconciled on the margin, the scale of
contributions: margins that fall with the horizon are pooled with their neighbours (pool adjacent violators, Ayer et al.
1955). A pooled margin is a mean of margins, so its Shapley values are the mean of theirs. Causes hardly ever exceed 1 in
total; where they do, the increments between horizons are scaled, and the change of the margin is added to the base value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import expit

from perfml.arrays import Floats, Indexes

MAX_TOTAL = 1 - 1e-6
"""Upper limit of the causes' total, below 1."""
FINITE = (-700, 700)
"""Margins within which a probability is above 0, so that its logarithm is finite."""


@dataclass(frozen=True)
class Incidences:
    """Reconciled predictions for n people, K causes (the listed one first) and H ascending horizons."""

    margin: Floats
    """(n, H), of the listed cause."""
    pooled: Floats
    """(n, H, H): averaging weights; row h holds the weights of the horizons pooled into horizon h, and sums to 1."""
    shift: Floats
    """(n, H): added to the margin by reconciling the causes; nearly always 0."""
    incidence: Floats
    """(n, K, H): probabilities that never decrease with the horizon and add up to less than 1 over the causes."""

    def take(self, rows: Indexes) -> Incidences:
        """Those of ``rows``."""
        return Incidences(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def staying(self) -> Floats:
        """(n, H): the probability of none of the causes."""
        return np.asarray(1.0 - self.incidence.sum(axis=1), dtype=np.float64)


def coherent(margins: Floats) -> Incidences:
    """Reconcile margins (n, K, H), the listed cause first, horizons ascending.

    >>> reconciled = coherent(np.array([[[-1.0, -2.0, 0.0]]]))
    >>> reconciled.margin.tolist(), reconciled.pooled[0, 0].tolist()
    ([[-1.5, -1.5, 0.0]], [0.5, 0.5, 0.0])
    """
    pooled = _pool(margins[:, 0])
    listed = np.einsum("nhk,nk->nh", pooled, margins[:, 0])
    others = [
        np.einsum("nhk,nk->nh", _pool(margins[:, cause]), margins[:, cause]) for cause in range(1, margins.shape[1])
    ]
    before = expit(np.clip(np.stack([listed, *others], axis=1), *FINITE))
    incidence = _within_total(before)
    moved = incidence[:, 0] != before[:, 0]
    shift = np.where(moved, _margin(incidence[:, 0]) - listed, 0.0)
    return Incidences(listed + shift, pooled, shift, incidence)


def _pool(margin: Floats) -> Floats:
    """Weights (n, H, H) that average margins (n, H) so that they never decrease."""
    n, horizons = margin.shape
    out = np.broadcast_to(np.eye(horizons), (n, horizons, horizons)).copy()
    for row in np.flatnonzero((np.diff(margin, axis=1) < 0).any(axis=1)):
        blocks: list[tuple[float, int]] = []
        for value in margin[row]:
            mean, size = float(value), 1
            while blocks and blocks[-1][0] > mean:
                before, wide = blocks.pop()
                mean, size = (mean * size + before * wide) / (size + wide), size + wide
            blocks.append((mean, size))
        start = 0
        for _, size in blocks:
            out[row, start : start + size] = 0.0
            out[row, start : start + size, start : start + size] = 1.0 / size
            start += size
    return out


def _within_total(incidence: Floats) -> Floats:
    """Scale the increments between horizons (n, K, H) so that the causes add up to at most :data:`MAX_TOTAL`."""
    if (incidence[:, :, -1].sum(axis=1) <= MAX_TOTAL).all():
        return incidence
    steps = np.diff(incidence, axis=2, prepend=0.0)
    left = np.full(len(incidence), MAX_TOTAL)
    for horizon in range(incidence.shape[2]):
        added = steps[:, :, horizon].sum(axis=1)
        scale = np.where(added > left, left / np.where(added > 0, added, 1.0), 1.0)
        steps[:, :, horizon] *= scale[:, None]
        left = np.maximum(left - added * scale, 0.0)
    out: Floats = np.cumsum(steps, axis=2)
    over = incidence[:, :, -1].sum(axis=1) > MAX_TOTAL
    return np.where(over[:, None, None], out, incidence)


def _margin(probability: Floats) -> Floats:
    return np.log(probability / (1.0 - probability))

"""Coherent incidences: what is said for several horizons and causes must fit together.

Each horizon and cause has a classifier of its own. Read together they can contradict each other: leaving within three months
above leaving within six, or causes that add up to more than certainty. Horizons are reconciled where reasons live, on the
margin: margins that fall with the horizon are pooled with their neighbours (pool adjacent violators, Ayer et al. 1955). A
pooled margin is a mean of margins, so its Shapley values are the mean of theirs. Causes hardly ever exceed certainty; where
they do, the increments between horizons are scaled, and the change of the margin goes to the base value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats

MOST = 1 - 1e-6
"""The causes together never quite reach certainty."""


@dataclass(frozen=True)
class Incidences:
    """Of n people, K causes (the listed one first) and H ascending horizons."""

    margin: Floats
    """(n, H), of the listed cause."""
    pooled: Floats
    """(n, H, H): of which horizons' margins each margin is the mean; each row sums to 1."""
    shift: Floats
    """(n, H): what reconciling the causes added to the margin; nearly always 0."""
    incidence: Floats
    """(n, K, H): probabilities that never decrease with the horizon and add up to at most 1; the rest stay."""

    @property
    def staying(self) -> Floats:
        """(n, H): the probability of none of the causes."""
        return np.asarray(1.0 - self.incidence.sum(axis=1), dtype=np.float64)


def coherent(margins: Floats) -> Incidences:
    """Reconcile margins (n, K, H), the listed cause first, horizons ascending.

    >>> found = coherent(np.array([[[-1.0, -2.0, 0.0]]]))
    >>> found.margin.tolist(), found.pooled[0, 0].tolist()
    ([[-1.5, -1.5, 0.0]], [0.5, 0.5, 0.0])
    """
    pooled = _pool(margins[:, 0])
    listed = np.einsum("nhk,nk->nh", pooled, margins[:, 0])
    others = [
        np.einsum("nhk,nk->nh", _pool(margins[:, cause]), margins[:, cause]) for cause in range(1, margins.shape[1])
    ]
    before = _probability(np.stack([listed, *others], axis=1))
    incidence = _within_certainty(before)
    moved = incidence[:, 0] != before[:, 0]
    shift = np.where(moved, _margin(incidence[:, 0]) - listed, 0.0)
    return Incidences(listed + shift, pooled, shift, incidence)


def _pool(margin: Floats) -> Floats:
    """The weights with which (n, H) margins are averaged so that they never decrease: (n, H, H)."""
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


def _within_certainty(incidence: Floats) -> Floats:
    """Scale what each horizon adds (n, K, H) so that the causes never add up to more than :data:`MOST`."""
    if (incidence[:, :, -1].sum(axis=1) <= MOST).all():
        return incidence
    steps = np.diff(incidence, axis=2, prepend=0.0)
    left = np.full(len(incidence), MOST)
    for horizon in range(incidence.shape[2]):
        added = steps[:, :, horizon].sum(axis=1)
        scale = np.where(added > left, left / np.where(added > 0, added, 1.0), 1.0)
        steps[:, :, horizon] *= scale[:, None]
        left = np.maximum(left - added * scale, 0.0)
    out: Floats = np.cumsum(steps, axis=2)
    over = incidence[:, :, -1].sum(axis=1) > MOST
    return np.where(over[:, None, None], out, incidence)


def _probability(margin: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(margin, -700, 700)))


def _margin(probability: Floats) -> Floats:
    return np.log(probability / (1.0 - probability))

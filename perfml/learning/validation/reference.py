"""Distribution of evidence and scores in training: shares and quantiles, without any person's values.

A :class:`Reference` is stored beside the model; :func:`perfml.learning.validation.drift.assess` compares later rows with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Objects

BINS = 10


@dataclass(frozen=True, kw_only=True)
class Bins:
    """One column: inner ``edges`` ascending, the share of rows in each bin and, last, the missing ones."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Floats) -> Bins:
        """Bin by deciles of the known values; a column of few distinct values gets one bin per value."""
        known = values[np.isfinite(values)]
        distinct = np.unique(known)
        if len(distinct) <= BINS:
            edges = (distinct[1:] + distinct[:-1]) / 2
        else:
            edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
        mean, sd = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
        shares = _counts(edges, values) / max(1, len(values))
        return cls(edges=tuple(edges.tolist()), shares=tuple(shares.tolist()), mean=mean, sd=sd)

    def counts(self, values: Floats) -> Floats:
        """Count ``values`` (n,) in each bin, missing values last. A value on an edge belongs to the bin below."""
        return _counts(np.array(self.edges), values)


def _counts(edges: Floats, values: Floats) -> Floats:
    known = np.isfinite(values)
    inside = np.bincount(np.searchsorted(edges, values[known]), minlength=len(edges) + 1)
    return np.append(inside, (~known).sum()).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The evidence and the scores of the newest rows of training."""

    people: int
    rows: int
    columns: Mapping[str, Bins]
    score: Bins

    @classmethod
    def of(cls, *, features: Floats, names: Sequence[str], probability: Floats, person: Objects) -> Reference:
        """Build from training rows: ``features`` (rows, columns), ``probability`` and ``person`` (rows,).

        The probabilities come from the saved model. Those of its training rows are a little more extreme than later ones;
        out-of-fold siblings differ in rounds and calibration, which in trials looked like far more drift than there was.
        """
        return cls(
            people=len(np.unique(person)),
            rows=len(person),
            columns={name: Bins.of(features[:, i]) for i, name in enumerate(names)},
            score=Bins.of(probability),
        )

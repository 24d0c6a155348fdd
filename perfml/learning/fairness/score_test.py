"""Score test of equal group rates with clustered rows: the probability that chance sets equal groups as far apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import studentized_range

from perfml.arrays import Floats, Ints


@dataclass(frozen=True)
class ScoreTest:
    """Score and information of each group under equal rates, (groups,).

    The variance is that under equal rates, so it is finite even for a group of 30 without a flag; it is inflated by the
    correlation of the rows of one person (Rao & Scott 1992).
    """

    score: Floats
    information: Floats

    @classmethod
    def of(cls, outcome: Floats, *, mean: Floats, code: Ints, person: Ints) -> ScoreTest:
        """Test ``outcome`` (rows,) against ``mean``, its expectation under equal groups; codes are 0 to groups - 1."""
        variance, residual = mean * (1 - mean), outcome - mean
        _, cell = np.unique(person * (int(code.max()) + 1) + code, return_inverse=True)
        of_all = max(float(variance.sum()), 1e-12)
        inflation = max(1.0, float((np.bincount(cell, residual) ** 2).sum()) / of_all)
        return cls(np.bincount(code, residual) / inflation, np.maximum(np.bincount(code, variance) / inflation, 1e-12))

    def pairwise_z(self, a: int, b: int) -> float:
        """Difference of two groups in standard errors."""
        distance = self.score[a] / self.information[a] - self.score[b] / self.information[b]
        return abs(float(distance)) / math.sqrt(1 / self.information[a] + 1 / self.information[b])

    def vs_rest_z(self, a: int) -> float:
        """Difference of a group from all groups, itself included, in standard errors."""
        spread = self.information[a] * (1 - self.information[a] / self.information.sum())
        return abs(float(self.score[a])) / math.sqrt(spread)

    def pair_p(self, z: float) -> float:
        """Probability that chance sets any two of the groups as far apart (Tukey's range; Kramer 1956 for unequal groups)."""
        return float(np.clip(studentized_range.sf(z * math.sqrt(2), len(self.score), np.inf), 0.0, 1.0))

    def each_p(self, z: float) -> float:
        """Probability that chance sets any group as far from all (Šidák 1967); two groups deviate equally, so they count once."""
        groups = len(self.score) if len(self.score) > 2 else 1
        return -math.expm1(groups * math.log1p(-min(math.erfc(z / math.sqrt(2)), 1 - 1e-12)))

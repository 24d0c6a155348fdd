"""How often chance alone sets groups apart that are alike: a score test for rows that belong to people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Ints


@dataclass(frozen=True)
class ScoreTest:
    """A score test of groups being alike: the score and the information of each group, (groups,).

    The variance is that of equal groups, so that a group of 30 with no flag among them is judged as what it is, and it is
    inflated by how much the rows of one person say the same (Rao & Scott 1992).
    """

    score: Floats
    information: Floats

    @classmethod
    def of(cls, outcome: Floats, mean: Floats, code: Ints, person: Ints) -> ScoreTest:
        """``mean``: what is expected of each row's outcome, were all groups alike; codes are 0 to groups - 1."""
        variance, residual = mean * (1 - mean), outcome - mean
        _, cell = np.unique(person * (int(code.max()) + 1) + code, return_inverse=True)
        of_all = max(float(variance.sum()), 1e-12)
        inflation = max(1.0, float((np.bincount(cell, residual) ** 2).sum()) / of_all)
        return cls(np.bincount(code, residual) / inflation, np.maximum(np.bincount(code, variance) / inflation, 1e-12))

    def apart(self, a: int, b: int) -> float:
        """By how many standard errors two groups differ."""
        distance = self.score[a] / self.information[a] - self.score[b] / self.information[b]
        return abs(float(distance)) / math.sqrt(1 / self.information[a] + 1 / self.information[b])

    def from_all(self, a: int) -> float:
        """By how many standard errors a group differs from all, itself among them."""
        spread = self.information[a] * (1 - self.information[a] / self.information.sum())
        return abs(float(self.score[a])) / math.sqrt(spread)

    def pair_p(self, z: float) -> float:
        """How often chance sets any two of the groups as far apart (Tukey's range; Kramer 1956 for unequal groups)."""
        from scipy.stats import studentized_range

        return float(np.clip(studentized_range.sf(z * math.sqrt(2), len(self.score), np.inf), 0.0, 1.0))

    def each_p(self, z: float) -> float:
        """How often chance sets any group as far from all (Šidák 1967); of two, one is as far up as the other is down."""
        groups = len(self.score) if len(self.score) > 2 else 1
        return -math.expm1(groups * math.log1p(-min(math.erfc(z / math.sqrt(2)), 1 - 1e-12)))

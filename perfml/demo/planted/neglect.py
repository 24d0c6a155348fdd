"""Units of the simulated company in which overtime surges and feedback stops more often than in others.

Which people these causes meet has a stream of its own; everything else goes on with the stream of the lives, which more episodes
move on: two companies with and without neglect are not the same otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.planted.programme import DEPARTMENT_COUNT, LOCATION_COUNT

NEGLECTED: Final = ("overtime", "feedback_drought")
SHARPEST: Final = 3
"""The power to which evenly drawn numbers are raised: few units have much of a cause, most have little."""


@dataclass(frozen=True, kw_only=True)
class Neglect:
    """How often each cause comes, and where."""

    times: float
    """Episodes of these causes for each one of a company without neglect."""
    weight: Mapping[str, Floats]
    """Cause -> (departments, locations): how likely an episode is in a unit, compared with others."""
    rng: np.random.Generator

    def rate(self, cause: str) -> float:
        """Episodes of a cause for each one without neglect."""
        return self.times if cause in self.weight else 1.0

    def chosen(self, cause: str, people: Ints, *, department: Ints, location: Ints, count: int) -> Ints | None:
        """``count`` of ``people``, more likely in neglected units; None for a cause that comes everywhere alike."""
        if cause not in self.weight:
            return None
        weight = self.weight[cause][np.maximum(department[people], 0), location[people]]
        drawn = self.rng.exponential(size=len(people)) / np.maximum(weight, 1e-9)
        return people[np.argsort(drawn, kind="stable")[:count]]


def draw_neglect(*, seed: int, times: float = 3.0) -> Neglect:
    """Draw where each cause comes how often."""
    rng = np.random.default_rng([seed, 45])
    weight = {cause: rng.random((DEPARTMENT_COUNT, LOCATION_COUNT)) ** SHARPEST for cause in NEGLECTED}
    return Neglect(times=times, weight=weight, rng=rng)

"""What a feature earns at a leaf, by how many features the row and the group lack there."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats


def shapley_weights(most: int) -> tuple[Floats, Floats]:
    """What a feature of W gains and one of Z loses, by the sizes of both, (most + 1, most + 1) each; 0 where it has no feature.

    (w - 1)! z! / (w + z)! and w! (z - 1)! / (w + z)!.
    """
    gains = np.zeros((most + 1, most + 1))
    gains[1:, 0] = 1 / np.arange(1, most + 1)
    for z in range(1, most + 1):
        gains[1:, z] = gains[1:, z - 1] * z / (np.arange(1, most + 1) + z)
    return gains, gains.T.copy()

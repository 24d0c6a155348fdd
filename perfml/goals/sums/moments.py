"""Sums of random amounts by their cumulants: what is independent adds, what is common multiplies.

Cumulants of independent amounts add; a common factor multiplies raw moments. Both hold exactly, so no draws are needed; quantiles
come from the first four cumulants (Cornish & Fisher 1938, *Revue de l'Institut International de Statistique* 5).
"""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats

ORDER = 4
"""Cumulants and moments are arrays (4, n): of the orders 1 to 4."""


def raw_moments(cumulants: Floats) -> Floats:
    """Raw moments from cumulants, both (4, n)."""
    k1, k2, k3, k4 = cumulants
    return np.stack(
        [
            k1,
            k2 + k1**2,
            k3 + 3 * k2 * k1 + k1**3,
            k4 + 4 * k3 * k1 + 3 * k2**2 + 6 * k2 * k1**2 + k1**4,
        ]
    )


def cumulants(moments: Floats) -> Floats:
    """Cumulants from raw moments, both (4, n)."""
    m1, m2, m3, m4 = moments
    return np.stack(
        [
            m1,
            m2 - m1**2,
            m3 - 3 * m2 * m1 + 2 * m1**3,
            m4 - 4 * m3 * m1 - 3 * m2**2 + 12 * m2 * m1**2 - 6 * m1**4,
        ]
    )


def times_common(cumulants_of: Floats, variance: Floats) -> Floats:
    """Cumulants (4, n) after multiplication with exp(c), c normal with mean 0 and ``variance`` (n,), independent of the rest."""
    order = np.arange(1, ORDER + 1)[:, None]
    size = np.where(cumulants_of[0] == 0, 1.0, cumulants_of[0])  # amounts of the size of one keep the digits
    scaled = raw_moments(cumulants_of / size**order) * np.exp(order**2 * variance / 2)
    return np.asarray(cumulants(scaled) * size**order)


def quantile(cumulants_of: Floats, z: float) -> Floats:
    """The quantile (n,) at the standard normal quantile ``z``."""
    mean, variance, third, fourth = cumulants_of
    sd = np.sqrt(np.fmax(variance, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        skew, excess = np.nan_to_num(third / sd**3), np.nan_to_num(fourth / sd**4)
    moved = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    return np.asarray(mean + sd * moved)

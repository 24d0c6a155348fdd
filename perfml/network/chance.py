"""What chance alone would give: contacts of units by their sizes and activity, and whether a count is too small for it."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.stats import false_discovery_control, nbinom
from scipy.stats.distributions import rv_frozen

from perfml.arrays import Bools, Floats

ROUNDS: Final = 500
NEAR: Final = 1e-9
NO_MORE: Final = 1e-6
"""Dispersion below which counts are as good as Poisson."""


def gravity(ties: Floats, near: Bools, silent: Bools | None = None) -> Floats:
    """What the activity of units lets expect between each two, (n, n), for symmetric counts ``ties`` with an empty diagonal;
    ``near``: (n, n), which of them belong together, such as teams of one department, and speak more; ``silent``: (n, n), pairs
    that the fit leaves out, so that a silence does not lower what is expected of itself.

    Quasi-independence: expected counts have the row sums of ``ties`` and its sums over those that are near and those that are
    not, fitted by proportional scaling (Goodman 1968). Fewer than four units are always fitted exactly, so nothing follows.

    >>> ties = np.array([[0, 4, 4, 4], [4, 0, 4, 4], [4, 4, 0, 4], [4, 4, 4, 0.0]])
    >>> gravity(ties, np.zeros((4, 4), dtype=bool)).round(3)[0].tolist()
    [0.0, 4.0, 4.0, 4.0]
    """
    expected: Floats = 1.0 - np.eye(len(ties))
    fitted: Bools = np.ones(ties.shape, dtype=bool) if silent is None else ~silent
    totals = ties.sum(axis=1, where=fitted)
    for _ in range(ROUNDS):
        before = expected
        scale = np.sqrt(totals / np.maximum(expected.sum(axis=1, where=fitted), NEAR))
        expected = expected * np.outer(scale, scale)
        for group in (near, ~near):
            part = group & fitted
            expected = np.where(group, expected * (ties[part].sum() / max(expected[part].sum(), NEAR)), expected)
        if np.allclose(expected, before, rtol=NEAR, atol=NEAR):
            break
    return expected


def dispersion(counts: Floats, expected: Floats) -> float:
    """How much more counts vary than Poisson counts: α of a variance of μ + αμ², by moments; never below 0."""
    square = float((expected**2).sum())
    return max(0.0, float(((counts - expected) ** 2 - expected).sum()) / square) if square else 0.0


def at_most(counts: Floats, expected: Floats, alpha: float) -> Floats:
    """Probability of ``counts`` or fewer, negative binomial with mean ``expected`` and variance μ + αμ².

    >>> at_most(np.array([0.0]), np.array([3.0]), 0.0).round(4).tolist()
    [0.0498]
    """
    below: Floats = np.asarray(_counts(expected, alpha).cdf(counts))
    return below


def mid_p(counts: Floats, expected: Floats, alpha: float) -> Floats:
    """The same, with half of the probability of ``counts`` itself: a test of small counts says less than it could otherwise
    (Lancaster 1961).

    >>> mid_p(np.array([0.0]), np.array([3.0]), 0.0).round(4).tolist()
    [0.0249]
    """
    half: Floats = at_most(counts, expected, alpha) - np.asarray(_counts(expected, alpha).pmf(counts)) / 2
    return half


def _counts(expected: Floats, alpha: float) -> rv_frozen:
    size = 1 / max(alpha, NO_MORE)
    return nbinom(size, size / (size + expected))


def significant(p: Floats, false_share: float) -> Bools:
    """Which of several tests are told, so that at most ``false_share`` of those are expected to be false alarms."""
    return np.asarray(false_discovery_control(p) <= false_share) if len(p) else np.zeros(0, dtype=bool)

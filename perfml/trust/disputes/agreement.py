"""How often a second reviewer agrees with the decision: share, and Cohen's kappa, which takes chance out of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from perfml.trust.disputes.dispute import Dispute

Z95 = 1.959964


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Agreement of decisions and second reviews; figures are None where it is insufficient or cannot be computed."""

    verdict: Literal["measured", "insufficient"]
    reviewed: int
    """Disputes that were decided and reviewed."""
    least: int
    """How many are needed."""
    share: float | None = None
    """Share of equal verdicts, with its 95 % interval (Wilson 1927)."""
    low: float | None = None
    high: float | None = None
    kappa: float | None = None
    """Cohen (1960), with its 95 % interval; None where all verdicts are the same."""
    kappa_low: float | None = None
    kappa_high: float | None = None


def agreement(disputes: Iterable[Dispute], *, least: int) -> Agreement:
    """Measure agreement; of several reviews of a dispute the first reviewer by id counts."""
    pairs = [(each.decision.verdict, each.reviews[0].verdict) for each in disputes if each.decision and each.reviews]
    n = len(pairs)
    if n < max(1, least):
        return Agreement(verdict="insufficient", reviewed=n, least=least)
    share = sum(first == second for first, second in pairs) / n
    centre, spread = share + Z95**2 / (2 * n), Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    low, high = ((centre + sign * spread) / (1 + Z95**2 / n) for sign in (-1, 1))
    upheld = [sum(pair[which] == "upheld" for pair in pairs) / n for which in (0, 1)]
    chance = upheld[0] * upheld[1] + (1 - upheld[0]) * (1 - upheld[1])
    kappa = error = None
    if chance < 1:
        kappa = (share - chance) / (1 - chance)
        error = Z95 * math.sqrt(share * (1 - share) / n) / (1 - chance)
    return Agreement(
        verdict="measured",
        reviewed=n,
        least=least,
        share=share,
        low=low,
        high=high,
        kappa=kappa,
        kappa_low=None if kappa is None or error is None else max(-1.0, kappa - error),
        kappa_high=None if kappa is None or error is None else min(1.0, kappa + error),
    )

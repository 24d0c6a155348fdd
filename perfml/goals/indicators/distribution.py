"""What the results of a metric look like by themselves: all the same, heaped at a threshold, or made at the deadline.

Heaping is counted against the slope around the threshold: bunching (Saez 2010; Kleven 2016) as a jump of the density at a known
point (McCrary 2008; Cattaneo, Jansson & Ma 2020). A jump at the deadline is what incentives with a date bring about (Oyer 1998).
Neither proves that somebody bent a figure: a rule of rounding, or a customer who pays at the end of the quarter, looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Objects
from perfml.goals.indicators.association import symmetric_p
from perfml.project.goals.indicators_spec import IndicatorsSpec

AROUND = 3
"""The slope is that between windows so many times as far from the threshold."""
FEWEST_STEPS = 2
"""Whole numbers within the window of a threshold below which a goal cannot just miss it."""


@dataclass(frozen=True, kw_only=True)
class Heaping:
    """Results just at a threshold beside those just below it."""

    below: int
    at: int
    expected: float
    """Results at the threshold for one below it, by the slope around."""
    p: float


@dataclass(frozen=True, kw_only=True)
class DeadlineJump:
    """The pace of the last stretch over the pace before it."""

    ratio: float
    """Median; NaN without two stretches."""
    people: int
    p: float


def share_at_one_value(attained: Floats, spec: IndicatorsSpec) -> float:
    """The largest share of results, (n,), that lie within ``saturated_within`` of one value."""
    values = np.sort(attained)
    ends = np.searchsorted(values, values + 2 * spec.saturated_within + 1e-12, side="right")
    return float((ends - np.arange(len(values))).max() / len(values))


def heaping(attained: Floats, person: Objects, *, fine: Bools, spec: IndicatorsSpec) -> Heaping:
    """Count results around the threshold; ``fine``: (n,) those measured finely enough to just miss it."""
    away = (attained - spec.threshold) / spec.threshold_within
    at, below = fine & (away >= 0) & (away < 1), fine & (away < 0) & (away >= -1)
    beyond, short = (int((fine & (low <= away) & (away < low + AROUND - 1)).sum()) for low in (1, -AROUND))
    expected = ((beyond + 1) / (short + 1)) ** (1 / (AROUND + 1))
    near = at | below
    over: Floats = at[near].astype(np.float64) - expected / (1 + expected)
    p = symmetric_p(_by_person(over, person[near]))
    return Heaping(below=int(below.sum()), at=int(at.sum()), expected=expected, p=p)


def deadline_jump(ratio: Floats, person: Objects, spec: IndicatorsSpec) -> DeadlineJump:
    """How much faster the last stretch is; ``ratio``: (n,), NaN without two stretches."""
    known = np.isfinite(ratio)
    faster: Floats = (ratio[known] > spec.deadline_ratio).astype(np.float64) - 0.5
    scores = _by_person(faster, person[known])
    return DeadlineJump(
        ratio=float(np.median(ratio[known])) if known.any() else float("nan"), people=len(scores), p=symmetric_p(scores)
    )


def _by_person(scores: Floats, person: Objects) -> Floats:
    code, names = pd.factorize(person)
    summed: Floats = np.bincount(code, scores, minlength=len(names)).astype(np.float64)
    return summed

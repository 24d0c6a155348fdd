"""Proportional hazards: baseline, likelihood, concordance, and curves of one and of several causes.

A person's hazard is ``h0(t) · exp(score)``. The formulas are exact for step functions and independent of the learner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from perfml.arrays import Bools, Floats

CELLS = 1_000_000
"""Values of whole curves in memory at once."""


class BaselineJson(TypedDict):
    """A :class:`Baseline` as JSON."""

    times: list[float]
    hazard: list[float]
    until: float


@dataclass(frozen=True)
class Baseline:
    """A cumulative baseline hazard, a step function in the unit of the training times."""

    times: Floats
    """(steps,) distinct times of events, ascending."""
    hazard: Floats
    """(steps,) cumulative hazard from each of them on."""
    until: float
    """The longest follow-up, beyond which nothing is known."""

    def __call__(self, times: Floats) -> Floats:
        """Cumulative hazard at ``times``, any shape; 0 before the first event."""
        return np.concatenate([[0.0], self.hazard])[np.searchsorted(self.times, times, side="right")]

    def to_json(self) -> BaselineJson:
        """JSON from which :meth:`from_json` restores the baseline to the last digit."""
        return {"times": self.times.tolist(), "hazard": self.hazard.tolist(), "until": self.until}

    @classmethod
    def from_json(cls, raw: BaselineJson) -> Baseline:
        """Restore what :meth:`to_json` gave."""
        return cls(np.array(raw["times"], np.float64), np.array(raw["hazard"], np.float64), float(raw["until"]))


def _log_risk_set(times: Floats, score: Floats, weight: Floats) -> Floats:
    """Log of the sum of ``weight · exp(score)`` over the risk set at each row's time, its own ties included: (n,)."""
    order = np.argsort(-times, kind="stable")
    total = np.logaddexp.accumulate((score + np.log(weight))[order])
    last_of_tie = np.searchsorted(-times[order], -times, side="right") - 1
    out: Floats = total[last_of_tie]
    return out


def baseline(times: Floats, event: Bools, score: Floats, *, weight: Floats | None = None) -> Baseline:
    """Breslow's (1972) cumulative baseline hazard; with scores of 0, Nelson and Aalen's.

    ``times``, ``event`` and ``score`` are (n,); a row of positive ``weight`` (n,) w counts as w rows. Use out-of-fold scores:
    those of training rows order people by when they happened to leave, so that risk sets start too large and end too small.
    On simulated people the expected incidence late in the record is then 6 to 7 % too high; out of fold it is right.
    """
    weight = np.ones(len(times)) if weight is None else weight
    each = weight[event] * np.exp(-_log_risk_set(times, score, weight)[event])
    steps, step = np.unique(times[event], return_inverse=True)
    jumps = np.zeros(len(steps))
    np.add.at(jumps, step, each)
    return Baseline(steps, np.cumsum(jumps), float(times.max()))


def partial_log_likelihood(times: Floats, event: Bools, score: Floats, *, weight: Floats | None = None) -> float:
    """Cox's (1972) log partial likelihood in nats, ties after Breslow; rows count by ``weight`` where it is given."""
    weight = np.ones(len(times)) if weight is None else weight
    return float((weight * (score - _log_risk_set(times, score, weight)))[event].sum())


def fit_slope(
    times: Floats, event: Bools, score: Floats, *, bounds: tuple[float, float], weight: Floats | None = None
) -> float:
    """The factor, within ``bounds``, that turns out-of-fold scores into log hazards.

    It is the slope of a Cox regression on the score if that gains more than one nat of partial likelihood, Akaike's price of
    a parameter, with which leave-one-out cross-validation agrees (Stone 1977); otherwise 1.
    """

    def loss(slope: float) -> float:
        return -partial_log_likelihood(times, event, slope * score, weight=weight)

    slope = float(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    return slope if loss(1.0) - loss(slope) > 1.0 else 1.0


def concordance(times: Floats, event: Bools, score: Floats) -> float:
    """Harrell's C (1982): share of comparable pairs in which the earlier event has the higher score; ties count half.

    Two events at one time are not comparable; an event and a censoring at one time are, the event coming first.
    Missing where no pair is comparable.
    """
    order = np.lexsort((~event, times))
    times, event, score = times[order], event[order], score[order]
    concordant = pairs = 0.0
    steps, cases = np.unique(times[event], return_counts=True)
    for start, count in zip(np.searchsorted(times, steps), cases, strict=True):
        first, later = score[start : start + count, None], score[start + count :]
        concordant += float((first > later).sum() + (first == later).sum() / 2)
        pairs += first.size * later.size
    return concordant / pairs if pairs else float("nan")


def known_times(times: npt.ArrayLike, until: float) -> Floats:
    """``times`` as an array (times,). Raises ValueError for negative ones and for those beyond the follow-up ``until``."""
    checked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if checked.ndim != 1 or not ((checked >= 0) & (checked <= until)).all():
        raise ValueError(
            f"times must lie from 0 to {until:g}, the longest follow-up in the data: nothing is known beyond"
        )
    return checked


def survival(baseline: Baseline, score: Floats, times: Floats) -> Floats:
    """Probability of no event up to and including each of ``times``: (n,), (times,) -> (n, times)."""
    out: Floats = np.exp(-np.exp(score)[:, None] * baseline(times))
    return out


def cumulative_incidence(baselines: Sequence[Baseline], scores: Floats, times: Floats) -> Floats:
    """Probability of an event of each cause up to and including each of ``times``, with competing causes.

    ``scores`` is (n, causes), the result (n, causes, times). Each step adds to each cause its share of those who leave at it
    (Aalen & Johansen 1978; Kalbfleisch & Prentice 2002, section 8.2). The share that survives a step is ``exp(-hazard)``, not
    ``1 - hazard``, which is below 0 for a person of high risk: so the causes and the survival of the summed hazards add up to
    1, and with one cause the result equals 1 - :func:`survival`.
    """
    steps = np.unique(np.concatenate([baseline.times for baseline in baselines]))
    steps = steps[steps <= np.max(times, initial=0.0)]
    jumps = np.stack([np.diff(baseline(steps), prepend=0.0) for baseline in baselines])
    at = np.searchsorted(steps, times, side="right")
    out = np.empty((*scores.shape, len(times)))
    for rows in _blocks(len(scores), jumps.size):
        hazard = np.exp(scores[rows])[:, :, None] * jumps
        total = hazard.sum(axis=1)
        after = np.cumsum(total, axis=1)
        left = np.exp(-(after - total)) * -np.expm1(-total)
        share = np.divide(hazard, total[:, None], out=np.zeros_like(hazard), where=total[:, None] > 0)
        out[rows] = np.pad(np.cumsum(left[:, None] * share, axis=2), ((0, 0), (0, 0), (1, 0)))[:, :, at]
    return out


def _blocks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, CELLS // max(1, width))
    return (slice(low, low + step) for low in range(0, rows, step))

"""The number of true cases in a list of N people, with an interval.

It is uncertain for two reasons: chance (each person leaves or stays), and the past error of the model's probabilities for
listed people. The first is a sum of independent draws; the second is estimated from the back-test, where lists of the same
size were drawn up at past dates and the outcomes are known (a parametric bootstrap: Efron & Tibshirani 1993, ch. 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from perfml.arrays import Bools, Dates, Floats, Ints, Objects
from perfml.learning.record import ListRecord

DRAWS = 200
SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
"""Sizes of back-tested lists, as shares of those scored."""


@dataclass(frozen=True)
class Cases:
    """Expected number of true cases in a list, with its 95 % interval."""

    expected: float
    low: float
    high: float


def listed_rows(probability: Floats, when: Dates, capacity: Callable[[int], int]) -> Ints:
    """Positions of the rows that are listed: at each date of ``when``, the ``capacity(n)`` ranked highest of its ``n`` rows."""
    order = np.argsort(when, kind="stable")
    dates = np.split(order, np.flatnonzero(np.diff(when[order]).astype(np.int64)) + 1)
    tops: list[Ints] = [rows[np.argsort(-probability[rows], kind="stable")[: capacity(len(rows))]] for rows in dates]
    return np.concatenate(tops)


def ratio_draws(
    outcome: Floats,
    probability: Floats,
    *,
    person: Objects,
    when: Dates,
    capacity: Callable[[int], int],
    draws: int = DRAWS,
    seed: int = 0,
) -> Floats:
    """Observed over expected cases in the lists of each date of ``when``, in bootstrap draws over people: (draws,).

    People are drawn with replacement with all their rows; draws without a listed person are left out. One half is added to
    both counts, so that a short back-test without a case does not imply that there will never be one.
    """
    listed = listed_rows(probability, when, capacity)
    everyone, code = np.unique(person, return_inverse=True)
    share = np.full(len(everyone), 1 / len(everyone))
    weight = np.random.default_rng(seed).multinomial(len(everyone), share, size=draws)[:, code[listed]]
    ratio: Floats = (weight @ outcome[listed] + 0.5) / (weight @ probability[listed] + 0.5)
    any_listed: Bools = weight.sum(axis=1) > 0
    return ratio[any_listed]


def cases_in_list(probability: Floats, ratio: Sequence[float], *, seed: int = 0) -> Cases:
    """Expected cases among people of these probabilities. ``ratio``: :func:`ratio_draws` of the back-test.

    The expected number is the plain sum; the interval includes the past error of such sums.

    >>> cases_in_list(np.full(40, 0.25), [1.0]).expected
    10.0
    """
    if not len(probability):
        return Cases(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    factor = rng.choice(np.asarray(ratio or [1.0]), size=2_000)
    odds = probability / np.clip(1 - probability, 1e-9, None)
    scaled = factor[:, None] * odds / (1 + factor[:, None] * odds)
    counts = (rng.random(scaled.shape) < scaled).sum(axis=1)
    low, high = np.quantile(counts, [0.025, 0.975])
    return Cases(float(probability.sum()), float(low), float(high))


def capacity_of(share: float, n: int) -> int:
    """How many of ``n`` people a list of ``share`` of them holds: at least one."""
    return max(1, round(share * n))


def lists_by_size(outcome: Floats, probability: Floats, *, person: Objects, when: Dates) -> list[ListRecord]:
    """The back-tested lists of each of :data:`SHARES`.

    ``share``, ``listed`` rows and true ``cases`` among them, ``precision`` with its 95 % interval over people (``low``,
    ``high``), and ``ratio``, :func:`ratio_draws`.
    """
    out = []
    for share in SHARES:
        capacity = partial(capacity_of, share)
        listed = listed_rows(probability, when, capacity)
        ratio = ratio_draws(outcome, probability, person=person, when=when, capacity=capacity)
        expected = float(probability[listed].mean())
        low, high = np.quantile(ratio, [0.025, 0.975]) if len(ratio) else (math.nan, math.nan)
        precision = float(outcome[listed].mean())  # the added halves must not exclude it from the interval
        low, high = min(precision, low * expected), max(precision, min(1.0, high * expected))
        figures = {"precision": precision, "low": low, "high": high}
        rounded = {name: round(float(x), 4) if math.isfinite(x) else None for name, x in figures.items()}
        out.append(
            ListRecord(
                share=share,
                listed=len(listed),
                cases=int(outcome[listed].sum()),
                ratio=tuple(np.round(ratio, 3).tolist()),
                **rounded,
            )
        )
    return out


def list_like(lists: Sequence[ListRecord], n: int, of: int) -> ListRecord:
    """The smallest back-tested list of :func:`lists_by_size` whose share is at least ``n / of``."""
    wanted = n / max(1, of)
    return min(lists, key=lambda tested: (tested.share < wanted - 1e-9, abs(tested.share - wanted)))

"""How many true cases a list of N people holds: a number with an interval, not a promise.

Two things make it uncertain: chance (each person leaves or stays), and how far the model's probabilities of listed people
have been off before. The first is a sum of independent draws; the second is read off the back-test, where the same list
was made at past dates and the outcome is known (a parametric bootstrap: Efron & Tibshirani 1993, ch. 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from perfml.arrays import Bools, Dates, Floats, Ints, Objects

DRAWS = 200
SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
"""Sizes of list, as shares of those scored, that the back-test looks at."""


@dataclass(frozen=True)
class Cases:
    """Expected number of true cases among those listed, with its 95 % interval."""

    expected: float
    low: float
    high: float


def listed_rows(probability: Floats, when: Dates, room: Callable[[int], int]) -> Ints:
    """Positions of those who would be listed: at each date of ``when``, the ``room(n)`` ranked highest of its ``n`` rows."""
    order = np.argsort(when, kind="stable")
    dates = np.split(order, np.flatnonzero(np.diff(when[order]).astype(np.int64)) + 1)
    tops: list[Ints] = [here[np.argsort(-probability[here], kind="stable")[: room(len(here))]] for here in dates]
    return np.concatenate(tops)


def ratio_draws(
    outcome: Floats,
    probability: Floats,
    person: Objects,
    when: Dates,
    room: Callable[[int], int],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Floats:
    """Observed over expected cases among those listed at each date of ``when``, in ``draws`` over people: (draws,).

    People are drawn with replacement with all their rows; draws in which nobody was listed are left out. One half is added
    to both counts, so that a short back-test without a case does not claim that there will never be one.
    """
    listed = listed_rows(probability, when, room)
    everyone, code = np.unique(person, return_inverse=True)
    share = np.full(len(everyone), 1 / len(everyone))
    weight = np.random.default_rng(seed).multinomial(len(everyone), share, size=draws)[:, code[listed]]
    found: Floats = (weight @ outcome[listed] + 0.5) / (weight @ probability[listed] + 0.5)
    some: Bools = weight.sum(axis=1) > 0
    return found[some]


def cases_in_list(probability: Floats, ratio: Sequence[float], *, seed: int = 0) -> Cases:
    """The cases to expect among people of these probabilities. ``ratio``: :func:`ratio_draws` of the back-test.

    The expected number is the plain sum; the interval also carries how far such sums were off before.

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


def _room(share: float, n: int) -> int:
    return max(1, round(share * n))


def lists_by_size(outcome: Floats, probability: Floats, person: Objects, when: Dates) -> list[dict[str, Any]]:
    """What lists of each of :data:`SHARES` held in the back-test, as JSON: ``share``, ``listed`` rows and true ``cases`` among
    them, ``precision`` with its 95 % interval over people (``low``, ``high``), and ``ratio``, :func:`ratio_draws`."""
    out = []
    for share in SHARES:
        room = partial(_room, share)
        listed = listed_rows(probability, when, room)
        ratio = ratio_draws(outcome, probability, person, when, room)
        expected = float(probability[listed].mean())
        low, high = np.quantile(ratio, [0.025, 0.975]) if len(ratio) else (math.nan, math.nan)
        found = {"share": share, "listed": len(listed), "cases": int(outcome[listed].sum())}
        precision = float(outcome[listed].mean())  # the halves that draws carry must not leave it outside
        low, high = min(precision, low * expected), max(precision, min(1.0, high * expected))
        figures = {"precision": precision, "low": low, "high": high}
        rounded = {name: round(float(x), 4) if math.isfinite(x) else None for name, x in figures.items()}
        out.append({**found, **rounded, "ratio": np.round(ratio, 3).tolist()})
    return out


def list_like(lists: Sequence[Mapping[str, Any]], n: int, of: int) -> Mapping[str, Any]:
    """Of :func:`lists_by_size`, the smallest list that is no smaller, as a share, than ``n`` people ``of`` those scored.

    >>> list_like([{"share": 0.02}, {"share": 0.05}], 3, 100)["share"]
    0.05
    """
    wanted = n / max(1, of)
    return min(lists, key=lambda one: (one["share"] < wanted - 1e-9, abs(one["share"] - wanted)))

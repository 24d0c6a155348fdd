"""Is the list the same when the model is learnt again? Refits on halves of the people (Meinshausen & Bühlmann 2010)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from perfml.learning.learner import Risk
from perfml.reasons.leading import LEADING

Floats = npt.NDArray[np.float64]
TOP = 0.1
FEWEST_LISTED = 10
"""People in the top decile; fewer, and agreement is not worth a figure."""


@dataclass(frozen=True)
class Stability:
    """Agreement between refits, missing where there are too few people.

    ``jaccard``: mean over pairs of refits of people in both top deciles over people in either. ``reasons_kept``: of the
    ``LEADING`` reasons that the model gives a person in its top decile, the mean share that a refit gives as leading too.
    ``kept``: that share for each reason by name, as far as it led for anybody.
    """

    jaccard: float
    reasons_kept: float
    refits: int
    kept: dict[str, float]


def stability(
    risk: Risk,
    refit: Callable[[npt.NDArray[np.int64], int], Risk],
    person: npt.NDArray[np.object_],
    latest: Floats,
    reasons: Sequence[str],
    *,
    refits: int,
    tell: Callable[[int], None] = lambda done: None,
) -> Stability:
    """Learn ``refits`` times, each time from another half of the people, and compare.

    ``refit(rows, seed)`` learns from some rows of ``person`` (n,); ``latest``: (m, columns), the people who
    would be listed now; ``reasons``: the reason that each column belongs to.
    """
    size = round(TOP * len(latest))
    if size < FEWEST_LISTED:
        return Stability(float("nan"), float("nan"), 0, {})
    everyone, code = np.unique(person, return_inverse=True)
    rows_of = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    names = np.unique(np.asarray(reasons, dtype=object))
    member = np.searchsorted(names, np.asarray(reasons, dtype=object))
    listed = np.argsort(-risk.margin(latest), kind="stable")[:size]
    ours = _leading(risk, latest[listed], member, len(names))
    tops: list[set[int]] = []
    agreed = np.zeros(ours.shape, dtype=np.float64)
    for number in range(refits):
        rng = np.random.default_rng(number)
        half = rng.permutation(len(everyone))[: (len(everyone) + 1) // 2]
        other = refit(np.concatenate([rows_of[i] for i in half]), number)
        tops.append(set(np.argsort(-other.margin(latest), kind="stable")[:size].tolist()))
        theirs = _leading(other, latest[listed], member, len(names))
        agreed += (ours[:, :, None] == theirs[:, None, :]).any(axis=2)
        tell(number + 1)
    jaccard = float(np.mean([len(a & b) / len(a | b) for a, b in combinations(tops, 2)]))
    kept = {str(names[i]): float(agreed[ours == i].mean() / refits) for i in np.unique(ours)}
    return Stability(jaccard, float(agreed.mean() / refits), refits, kept)


def _leading(risk: Risk, features: Floats, member: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The reasons that weigh most for each row: (n, LEADING), as numbers."""
    contributions = risk.contributions(features)[:, :-1]
    sums = np.zeros((len(features), count))
    np.add.at(sums.T, member, contributions.T)
    return np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :LEADING]

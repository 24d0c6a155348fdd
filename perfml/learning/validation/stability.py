"""Stability of lists and reasons between refits on halves of the people (Meinshausen & Bühlmann 2010)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from perfml.arrays import Floats, Ints, Objects
from perfml.learning.estimators.blend import RiskModel
from perfml.progress import SILENT, Progress

TOP = 0.1
FEWEST_LISTED = 10
"""Fewest people in the top decile for which agreement is measured."""


@dataclass(frozen=True)
class Stability:
    """Agreement between refits, NaN where there are too few people.

    ``jaccard``: mean over pairs of refits of people in both top deciles over people in either. ``selection_frequency``:
    reason → share of refits in which it leads again, for reasons that lead for anybody in the top decile;
    ``mean_selection_frequency``: its mean over the leading reasons of those people.
    """

    jaccard: float
    mean_selection_frequency: float
    refits: int
    selection_frequency: dict[str, float]


def stability(
    risk: RiskModel,
    refit: Callable[[Ints, int], RiskModel],
    *,
    person: Objects,
    latest: Floats,
    reasons: Sequence[str],
    refits: int,
    leading: int,
    progress: Progress = SILENT,
    task: str = "refits",
) -> Stability:
    """Refit ``refits`` times, each time on a different half of the people, and compare.

    ``refit(rows, seed)`` fits on some rows of ``person`` (n,); ``latest``: (m, columns), the people who would be listed
    today; ``reasons``: the reason that each column belongs to; ``leading``: how many reasons lead.
    """
    size = round(TOP * len(latest))
    if size < FEWEST_LISTED:
        return Stability(float("nan"), float("nan"), 0, {})
    everyone, code = np.unique(person, return_inverse=True)
    rows_of = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    names = np.unique(np.asarray(reasons, dtype=object))
    member = np.searchsorted(names, np.asarray(reasons, dtype=object))
    listed = np.argsort(-risk.margin(latest), kind="stable")[:size]
    ours = _leading(risk, latest[listed], member, count=len(names), leading=leading)
    tops: list[set[int]] = []
    agreed = np.zeros(ours.shape, dtype=np.float64)
    for number in progress.track(task, range(refits)):
        rng = np.random.default_rng(number)
        half = rng.permutation(len(everyone))[: (len(everyone) + 1) // 2]
        other = refit(np.concatenate([rows_of[i] for i in half]), number)
        tops.append(set(np.argsort(-other.margin(latest), kind="stable")[:size].tolist()))
        theirs = _leading(other, latest[listed], member, count=len(names), leading=leading)
        agreed += (ours[:, :, None] == theirs[:, None, :]).any(axis=2)
    jaccard = float(np.mean([len(a & b) / len(a | b) for a, b in combinations(tops, 2)]))
    frequency = {str(names[i]): float(agreed[ours == i].mean() / refits) for i in np.unique(ours)}
    return Stability(jaccard, float(agreed.mean() / refits), refits, frequency)


def _leading(risk: RiskModel, features: Floats, member: Ints, *, count: int, leading: int) -> Ints:
    """Return the indices of the reasons with the largest absolute contribution in each row: (n, leading)."""
    contributions = risk.contributions(features)[:, :-1]
    sums = np.zeros((len(features), count))
    np.add.at(sums.T, member, contributions.T)
    return np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :leading]

"""Stability of lists and reasons between refits on halves of the people (Meinshausen & Bühlmann 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from perfml.arrays import Floats, Ints, Objects
from perfml.learning.estimators.blend import RiskModel
from perfml.progress import SILENT, Progress
from perfml.workers.pool import Call

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


def halves(person: Objects, *, latest: Floats, refits: int) -> list[Ints]:
    """The rows of half of the people, (rows,) of ``person`` (n,), for each of ``refits``.

    None where too few people would be listed today, of whom ``latest`` (m, columns) are the features.
    """
    if _listed(latest) < FEWEST_LISTED:
        return []
    everyone, code = np.unique(person, return_inverse=True)
    rows_of = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    drawn = [np.random.default_rng(number).permutation(len(everyone)) for number in range(refits)]
    return [np.concatenate([rows_of[i] for i in order[: (len(everyone) + 1) // 2]]) for order in drawn]


def stability(
    risk: RiskModel,
    refitted: Sequence[Call[RiskModel]],
    *,
    latest: Floats,
    reasons: Sequence[str],
    leading: int,
    progress: Progress = SILENT,
    task: str = "refits",
) -> Stability:
    """Compare ``risk`` with models ``refitted`` each on another half of the people (:func:`halves`).

    ``latest``: (m, columns), the people who would be listed today; ``reasons``: the reason that each column belongs to;
    ``leading``: how many reasons lead.
    """
    size = _listed(latest)
    if not refitted:
        return Stability(float("nan"), float("nan"), 0, {})
    names = np.unique(np.asarray(reasons, dtype=object))
    member = np.searchsorted(names, np.asarray(reasons, dtype=object))
    listed = np.argsort(-risk.margin(latest), kind="stable")[:size]
    ours = _leading(risk, latest[listed], member, count=len(names), leading=leading)
    tops: list[set[int]] = []
    agreed = np.zeros(ours.shape, dtype=np.float64)
    for call in progress.track(task, refitted):
        other = call.result()
        tops.append(set(np.argsort(-other.margin(latest), kind="stable")[:size].tolist()))
        theirs = _leading(other, latest[listed], member, count=len(names), leading=leading)
        agreed += (ours[:, :, None] == theirs[:, None, :]).any(axis=2)
    refits = len(refitted)
    jaccard = float(np.mean([len(a & b) / len(a | b) for a, b in combinations(tops, 2)]))
    frequency = {str(names[i]): float(agreed[ours == i].mean() / refits) for i in np.unique(ours)}
    return Stability(jaccard, float(agreed.mean() / refits), refits, frequency)


def _listed(latest: Floats) -> int:
    return round(TOP * len(latest))


def _leading(risk: RiskModel, features: Floats, member: Ints, *, count: int, leading: int) -> Ints:
    """Return the indices of the reasons with the largest absolute contribution in each row: (n, leading)."""
    contributions = risk.contributions(features)[:, :-1]
    sums = np.zeros((len(features), count))
    np.add.at(sums.T, member, contributions.T)
    return np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :leading]

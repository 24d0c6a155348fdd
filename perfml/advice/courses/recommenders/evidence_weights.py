"""How much each kind of evidence counts for employees, learnt from enrolments.

Everybody's last enrolment is held out. The weights are those under which it is the most probable choice among the candidates
(conditional logit, McFadden 1974). Half of the people, whose choices did not fit the weights, test whether they beat popularity,
content, and the two fused by reciprocal rank (Cormack, Clarke & Büttcher 2009). If not, the best of these three is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import softmax

from perfml.advice.courses.recommenders.contract import CourseScorer
from perfml.advice.courses.recommenders.frames import Catalogue, History
from perfml.advice.courses.recommenders.ranking import without_taken
from perfml.advice.courses.recommenders.recommender import BATCH
from perfml.arrays import Floats, Floats32, Ints
from perfml.messages import Message

MIN_PEOPLE = 100
"""People with a held-out enrolment below which no weights are learnt."""
MAX_PEOPLE, MAX_CANDIDATES = 20_000, 100
"""People from whom the weights are learnt, at most, and courses among which each of them chose."""
RECIPROCAL_RANK_OFFSET = 60
"""Ranks added before the reciprocal, so that the first few do not dominate (Cormack, Clarke & Büttcher 2009)."""
Z = 1.96
"""Standard errors by which the learnt ranking must be ahead: the bound of a 95 % interval."""
SIMPLE_RANKINGS: Mapping[str, str] = {
    "popular": "ranking_popular",
    "content": "ranking_content",
    "popular and content": "ranking_popular_and_content",
}
"""Ranking that the learnt one must beat → the message that names it."""
Scorers = Mapping[str, CourseScorer]
"""Kind of evidence → its scores; ``popular`` and ``content`` among them."""


class LearntWeights(NamedTuple):
    """The weight of each kind of evidence; the mean nDCG@10 of each ranking on people held out; why nothing was learnt."""

    weights: Mapping[str, float]
    """Empty: popularity and content by reciprocal rank."""
    held_out: Mapping[str, float]
    notice: Message | None = None


def learn_weights(scorers: Scorers, catalogue: Catalogue, history: History) -> LearntWeights:
    """Weights from everybody's last enrolment, or the best simple ranking and why. ``scorers`` are left fitted on the history
    before these enrolments."""
    before, people, course = history.without_last()
    if len(people) < MIN_PEOPLE:
        return LearntWeights({}, {}, Message.of("weights_not_learnt", people=len(people), need=MIN_PEOPLE))
    for scorer in scorers.values():
        scorer.learn_from(catalogue, before)
    chosen = np.random.default_rng(0).permutation(len(people))[:MAX_PEOPLE]
    people, course, half = people[chosen], course[chosen], len(chosen) // 2
    shown, which = _choices(scorers, before.taken, people=people, course=course)
    learnt = conditional_logit(shown[:half], which[:half])
    simple: dict[str, dict[str, float]] = {
        "popular": {"popular": 1.0},
        "content": {"content": 1.0},
        "popular and content": {},
    }
    gains = {
        name: _gains(scorers, weights, before.taken, people=people[half:], course=course[half:])
        for name, weights in {"learnt": dict(zip(scorers, learnt, strict=True)), **simple}.items()
    }
    held_out = {name: float(gain.mean()) for name, gain in gains.items()}
    best = max(simple, key=lambda name: held_out[name])
    ahead = gains["learnt"] - gains[best]
    if learnt.sum() == 0 or ahead.mean() <= Z * ahead.std() / np.sqrt(len(ahead)):
        named = Message.of(SIMPLE_RANKINGS[best])
        notice = Message.of("weights_no_better", ranking=named, learnt=held_out["learnt"], simple=held_out[best])
        return LearntWeights(simple[best], held_out, notice)
    return LearntWeights(dict(zip(scorers, conditional_logit(shown, which).tolist(), strict=True)), held_out)


def fused(scorers: Scorers, weights: Mapping[str, float], rows: Ints) -> Floats32:
    """(len(rows), n) weighted mean of the scores; without weights, reciprocal ranks of popularity and content."""
    if weights:
        used = {name: weight for name, weight in weights.items() if weight > 0}
        total = sum(weight * scorers[name].people_scores(rows) for name, weight in used.items())
        return np.asarray(total / sum(used.values()), dtype=np.float32)
    ranks = sum(_reciprocal(scorers[name].people_scores(rows)) for name in ("popular", "content"))
    return np.asarray(ranks * (RECIPROCAL_RANK_OFFSET + 1) / 2, dtype=np.float32)


def _reciprocal(scores: Floats32) -> Floats:
    """1 / (60 + rank) of each score above 0, and 0 of the rest."""
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return np.where(scores > 0, 1 / (RECIPROCAL_RANK_OFFSET + rank), 0.0)


def _choices(scorers: Scorers, taken: sparse.csr_matrix, *, people: Ints, course: Ints) -> tuple[Floats32, Ints]:
    """Of the people whose last course is among their candidates: (people, candidates, kinds) scores, and (people,) the
    candidate chosen."""
    shown, which = [], []
    for low in range(0, len(people), BATCH):
        rows, last = people[low : low + BATCH], course[low : low + BATCH]
        kinds = [scorer.people_scores(rows) for scorer in scorers.values()]
        total = without_taken(np.sum(kinds, axis=0), taken[rows])
        k = min(MAX_CANDIDATES, total.shape[1])
        top = np.argpartition(-total, k - 1, axis=1)[:, :k]
        chosen = top == last[:, None]
        among = chosen.any(axis=1)
        stacked = np.stack([np.take_along_axis(scores, top, axis=1) for scores in kinds], axis=2)
        shown.append(stacked[among])
        which.append(chosen[among].argmax(axis=1))
    return np.concatenate(shown), np.concatenate(which)


def conditional_logit(shown: Floats32, which: Ints) -> Floats:
    """(kinds,) weights, none below 0, under which the choices are the most probable (McFadden 1974).

    ``shown`` (people, candidates, kinds): scores; ``which`` (people,): the candidate chosen.
    """
    row = np.arange(len(shown))
    if not len(shown):
        return np.zeros(shown.shape[2])

    def loss(weights: Floats) -> tuple[float, Floats]:
        share = softmax(shown @ weights.astype(np.float32), axis=1)
        slope = np.einsum("ij,ijk->ik", share, shown) - shown[row, which]
        return float(-np.log(share[row, which] + 1e-12).mean()), slope.mean(axis=0).astype(np.float64)

    kinds = shown.shape[2]
    fit = minimize(loss, np.ones(kinds), jac=True, method="L-BFGS-B", bounds=[(0, None)] * kinds)
    return np.asarray(fit.x, dtype=np.float64)


def _gains(
    scorers: Scorers, weights: Mapping[str, float], taken: sparse.csr_matrix, *, people: Ints, course: Ints
) -> Floats:
    """(people,) nDCG@10 of the one course held out: 1 / log2(1 + rank), 0 beyond 10."""
    out = []
    for low in range(0, len(people), BATCH):
        rows, last = people[low : low + BATCH], course[low : low + BATCH]
        scores = without_taken(fused(scorers, weights, rows), taken[rows])
        mine = np.take_along_axis(scores, last[:, None], axis=1)
        first = np.arange(scores.shape[1])[None, :] < last[:, None]  # of equal scores the first in the catalogue leads
        rank = (scores > mine).sum(axis=1) + ((scores == mine) & first).sum(axis=1) + 1
        out.append(np.where((rank <= 10) & (mine[:, 0] > 0), 1 / np.log2(1 + rank), 0.0))
    return np.concatenate(out)

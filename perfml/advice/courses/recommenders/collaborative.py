"""Evidence from what people took: popularity, courses taken together, and factors. Each needs a history.

Courses taken together: how many people took both, each person counting less the more they took, divided by a small power of
how many took the course at hand (Deshpande & Karypis 2004, eq. 5; Aiolli 2013). Factors: ``implicit``'s weighted matrix
factorisation by alternating least squares (Hu, Koren & Volinsky 2008), with their confidence of 40.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from perfml.advice.courses.recommenders.frames import Catalogue, History
from perfml.advice.courses.recommenders.ranking import relative
from perfml.advice.courses.recommenders.recommender import Recommender
from perfml.arrays import Floats32, Ints
from perfml.messages import Message

DECAY = 0.7
"""Factor by which a course counts less for every course that the person took afterwards; chosen on held-out last enrolments."""
POPULARITY_POWER = 0.3
"""Power of the number of people who took a course that divides its neighbours; chosen likewise (0.5 is the cosine's)."""
MAX_NEIGHBOURS = 200
"""Neighbours stored for each course; all of them rank no better."""
FACTORS, CONFIDENCE, REGULARISATION, ROUNDS = 64, 40.0, 10.0, 15
"""Latent dimensions, confidence of an enrolment (Hu, Koren & Volinsky 2008), L2 penalty, and iterations of least squares."""
BLOCK_ROWS = 1_000
"""Rows of a sparse product computed at a time, to bound memory."""


class PopularRecommender(Recommender):
    """The courses most taken within a year, for everybody."""

    def learn(self) -> None:
        """Count recent enrolments."""
        n = len(self.catalogue.ids)
        counts = np.zeros(n, dtype=np.float32) if self.history is None else self.history.recent_counts
        self._scores = relative(counts[None, :])[0]

    def people_scores(self, rows: Ints) -> Floats32:
        """The same for everybody."""
        return np.tile(self._scores, (len(rows), 1))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """How many people took it."""
        return [self.why_cold(each) for each in best]


class Neighbours:
    """Scores from an (n, n) matrix of neighbouring courses: summed over what a person took, the latest counting most."""

    def __init__(self, history: History, similar: sparse.csr_matrix) -> None:
        self._taken, self._similar = history.matrix(decay=DECAY), similar

    def scores(self, rows: Ints) -> Floats32:
        """(len(rows), n), unbounded."""
        return np.asarray((self._taken[rows] @ self._similar).toarray(), dtype=np.float32)

    def strongest(self, rows: Ints, best: Sequence[Ints]) -> list[list[tuple[int, float]]]:
        """For each course in ``best`` of each of ``rows``: the course taken that contributes most to it, and how much."""
        mine = self._taken[rows]
        owner = np.repeat(np.arange(len(rows)), [len(each) for each in best])
        wanted = np.concatenate([*best, np.zeros(0, dtype=np.int64)]).astype(np.int64)
        counts = np.diff(mine.indptr)[owner]
        pair = np.repeat(np.arange(len(owner)), counts)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = mine.indptr[owner][pair] + within
        taken = mine.indices[at]
        part = mine.data[at] * np.asarray(self._similar[taken, wanted[pair]]).ravel() if len(pair) else np.zeros(0)
        order = np.lexsort((-part, pair))
        firsts = order[np.searchsorted(pair[order], np.arange(len(owner)))] if len(pair) else order
        flat = iter(zip(taken[firsts].tolist(), part[firsts].tolist(), strict=True))
        return [[next(flat) for _ in each] for each in best]

    def why(self, rows: Ints, best: Sequence[Ints], *, catalogue: Catalogue, code: str) -> list[list[Message | None]]:
        """The message ``code`` with the ``title`` of the strongest course taken; None where none contributes."""
        strongest = self.strongest(rows, best)
        messages = {
            taken: Message.of(code, title=catalogue.titles[taken])
            for taken in {taken for each in strongest for taken, _ in each}
        }
        return [[messages[taken] if part > 0 else None for taken, part in each] for each in strongest]


class NeighbourRecommender(Recommender):
    """Courses taken by people who took the same courses as this person."""

    def learn(self) -> None:
        """Count people who took both of two courses."""
        self.near: Neighbours | None = None
        if self.history is not None:
            self.near = Neighbours(self.history, taken_together(self.history))

    def people_scores(self, rows: Ints) -> Floats32:
        """The sum over the neighbours of what the person took."""
        assert self.near is not None
        return relative(self.near.scores(rows))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """The course taken that contributes most."""
        assert self.near is not None
        return self.near.why(rows, best, catalogue=self.catalogue, code="course_taken_with")


class FactorRecommender(Recommender):
    """Alternating least squares of ``implicit``, on one thread, so that the result is the same on every machine."""

    def __init__(self, *, factors: int = FACTORS, seed: int = 0) -> None:
        self._factors, self._seed = factors, seed

    def fresh(self) -> Recommender:
        """Another with the same factors and seed."""
        return type(self)(factors=self._factors, seed=self._seed)

    def learn(self) -> None:
        """Factorise the history."""
        self._model: Any = None
        if self.history is None:
            return
        with threadpool_limits(1, user_api="blas"):  # implicit warns of nested threads, and is slowed by them
            self._model = AlternatingLeastSquares(
                factors=self._factors,
                regularization=REGULARISATION,
                alpha=CONFIDENCE,
                iterations=ROUNDS,
                random_state=self._seed,
                num_threads=1,
            )
            self._model.fit(self.history.taken, show_progress=False)

    def people_scores(self, rows: Ints) -> Floats32:
        """Inner products of factors; a negative one is no evidence."""
        return relative(np.maximum(self._model.user_factors[rows] @ self._model.item_factors.T, 0))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """The same message for all: a factorisation has no single reason."""
        return [[Message.of("course_taken_alike")] * len(each) for each in best]


def taken_together(history: History) -> sparse.csr_matrix:
    """(n, n) the :data:`MAX_NEIGHBOURS` strongest neighbours of each course, in its row."""
    taken = history.taken
    count = np.asarray(taken.sum(axis=1)).ravel()
    shared = sparse.diags_array((1 / np.sqrt(np.log1p(np.maximum(count, 1)))).astype(np.float32)) @ taken
    often = np.maximum(np.asarray(taken.sum(axis=0)).ravel(), 1) ** -POPULARITY_POWER
    left = (sparse.diags_array(often.astype(np.float32)) @ shared.T).tocsr()
    return neighbours_of(left, shared.tocsr(), most=MAX_NEIGHBOURS)


def neighbours_of(left: sparse.csr_matrix, right: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """``left @ right`` without its diagonal, the ``most`` largest values of each row, computed in blocks of rows."""
    parts = []
    for low in range(0, left.shape[0], BLOCK_ROWS):
        block = sparse.csr_matrix(left[low : low + BLOCK_ROWS] @ right)
        indices, data, ends = [], [], [0]
        for row in range(block.shape[0]):
            span = slice(block.indptr[row], block.indptr[row + 1])
            columns, values = block.indices[span], block.data[span]
            other = (columns != low + row) & (values > 0)
            columns, values = columns[other], values[other]
            if len(values) > most:
                top = np.sort(np.argpartition(-values, most)[:most])
                columns, values = columns[top], values[top]
            indices.append(columns)
            data.append(values)
            ends.append(ends[-1] + len(values))
        shape = (block.shape[0], right.shape[1])
        parts.append(sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), ends), shape=shape))
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"))

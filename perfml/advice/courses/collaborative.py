"""What people who took the same courses took: popularity, neighbouring courses, and factors. All of it needs a history.

Neighbours: how many took both, each person counting less the more they took, divided by a small power of how many took the
one at hand (Deshpande & Karypis 2004, eq. 5; Aiolli 2013). Factors: ``implicit``'s weighted matrix factorisation by alternating
least squares (Hu, Koren & Volinsky 2008), with their confidence of 40.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from perfml.advice.courses.recommender import Catalogue, History, Recommender, recent_counts, relative
from perfml.arrays import Floats32, Ints

FADING = 0.7
"""A course counts so much less for every one that the person took since. Chosen on last enrolments held out."""
POWER = 0.3
"""Of how many took the course at hand, by which its neighbours are divided; chosen likewise: 0.5 is cosine's."""
KEPT = 200
"""Neighbours a course keeps: with all of them nothing was gained."""
FACTORS, CONFIDENCE, REGULARISATION, ROUNDS = 64, 40.0, 10.0, 15
ROWS = 1_000


class PopularRecommender(Recommender):
    """The courses most taken within a year, for everybody."""

    def learn(self) -> None:
        """Count."""
        n = len(self.catalogue.ids)
        counts = recent_counts(self.history) if self.history is not None else np.zeros(n, dtype=np.float32)
        self._scores = relative(counts[None, :])[0]

    def people_scores(self, rows: Ints) -> Floats32:
        """The same for everybody."""
        return np.tile(self._scores, (len(rows), 1))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """How many took it."""
        return [self.why_cold(each) for each in best]


class Neighbours:
    """Scores of people from a course-by-course matrix: the sum over what they took, the latest the most."""

    def __init__(self, history: History, similar: sparse.csr_matrix, words: str) -> None:
        self._taken, self._similar, self._words = history.matrix(fading=FADING), similar, words

    def scores(self, rows: Ints) -> Floats32:
        """(len(rows), n), without a bound."""
        return np.asarray((self._taken[rows] @ self._similar).toarray(), dtype=np.float32)

    def strongest(self, rows: Ints, best: Sequence[Ints]) -> list[list[tuple[int, float]]]:
        """For each course of each row the course taken that speaks most for it, and how much."""
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

    def why(self, rows: Ints, best: Sequence[Ints], catalogue: Catalogue) -> list[list[str]]:
        """The strongest in words; empty where nothing taken speaks for it."""
        return [
            [f"{self._words} “{catalogue.titles[taken]}”, which they took" if part > 0 else "" for taken, part in each]
            for each in self.strongest(rows, best)
        ]


class NeighbourRecommender(Recommender):
    """Courses that were taken by people who took the same as this person."""

    def learn(self) -> None:
        """Count who took both."""
        self.near: Neighbours | None = None
        if self.history is not None:
            self.near = Neighbours(self.history, taken_together(self.history), "taken by people who took")

    def people_scores(self, rows: Ints) -> Floats32:
        """The sum over the neighbours of what the person took."""
        assert self.near is not None
        return relative(self.near.scores(rows))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """The course taken that speaks most for it."""
        assert self.near is not None
        said = self.near.strongest(rows, best)
        titles = self.catalogue.titles
        return [[f"taken by people who took “{titles[taken]}”" if p > 0 else "" for taken, p in each] for each in said]


class FactorRecommender(Recommender):
    """Alternating least squares of ``implicit``, with the same result on every machine with one thread."""

    def __init__(self, *, factors: int = FACTORS, seed: int = 0) -> None:
        self._factors, self._seed = factors, seed

    def fresh(self) -> Recommender:
        """Another with as many factors."""
        return type(self)(factors=self._factors, seed=self._seed)

    def learn(self) -> None:
        """Factorise."""
        self._model: Any = None
        if self.history is None:
            return
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):  # implicit warns of, and is slowed by, threads inside threads
            self._model = AlternatingLeastSquares(
                factors=self._factors,
                regularization=REGULARISATION,
                alpha=CONFIDENCE,
                iterations=ROUNDS,
                random_state=self._seed,
                num_threads=1,
            )
            self._model.fit(self.history.matrix(), show_progress=False)

    def people_scores(self, rows: Ints) -> Floats32:
        """Inner products; what lies below 0 is no evidence."""
        return relative(np.maximum(self._model.user_factors[rows] @ self._model.item_factors.T, 0))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """A factorisation knows no single reason."""
        return [["taken by people with a similar history"] * len(each) for each in best]


def taken_together(history: History) -> sparse.csr_matrix:
    """(n, n) neighbours of every course in its row, the :data:`KEPT` strongest."""
    taken = history.matrix()
    count = np.asarray(taken.sum(axis=1)).ravel()
    shared = sparse.diags_array((1 / np.sqrt(np.log1p(np.maximum(count, 1)))).astype(np.float32)) @ taken
    often = np.maximum(np.asarray(taken.sum(axis=0)).ravel(), 1) ** -POWER
    return neighbours_of((sparse.diags_array(often.astype(np.float32)) @ shared.T).tocsr(), shared.tocsr(), KEPT)


def neighbours_of(left: sparse.csr_matrix, right: sparse.csr_matrix, kept: int) -> sparse.csr_matrix:
    """``left @ right`` without its diagonal, each row's ``kept`` largest, made some rows at a time."""
    parts = []
    for low in range(0, left.shape[0], ROWS):
        block = sparse.csr_matrix(left[low : low + ROWS] @ right)
        indices, data, ends = [], [], [0]
        for place in range(block.shape[0]):
            span = slice(block.indptr[place], block.indptr[place + 1])
            columns, values = block.indices[span], block.data[span]
            other = (columns != low + place) & (values > 0)
            columns, values = columns[other], values[other]
            if len(values) > kept:
                top = np.sort(np.argpartition(-values, kept)[:kept])
                columns, values = columns[top], values[top]
            indices.append(columns)
            data.append(values)
            ends.append(ends[-1] + len(values))
        shape = (block.shape[0], right.shape[1])
        parts.append(sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), ends), shape=shape))
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"))

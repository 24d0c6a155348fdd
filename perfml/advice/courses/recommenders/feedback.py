"""Skills that the first results share, and other courses that have them: pseudo-relevance feedback.

Rocchio's (1971) step with the relevance model's weights (RM3: Lavrenko & Croft 2001): the weight of a skill is the sum of the
scores of the first results that have it, times its rarity. It finds the course on *regression* for the tag *statistics*,
although that course never says so.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import sparse

from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.arrays import Floats32, Ints

FIRST_RESULTS, MAX_SKILLS = 5, 10
"""Results read, and skills taken from them; chosen on half of the tags of a real catalogue (docs/decisions/0016)."""
EVIDENCE_SKILLS = 3
"""Shared skills named as evidence."""


class SkillFeedback:
    """The skills of the courses, lower-cased and whole, as an (n, skills) matrix."""

    def __init__(self, catalogue: Catalogue) -> None:
        lists = [sorted({skill.lower() for skill in skills}) for skills in catalogue.skills]
        often = Counter(skill for skills in lists for skill in skills)
        self.names = tuple(often)
        index = {name: i for i, name in enumerate(self.names)}
        row = [i for i, skills in enumerate(lists) for _ in skills]
        column = [index[skill] for skills in lists for skill in skills]
        shape = (len(lists), len(self.names))
        self._has = sparse.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=shape)
        self._rarity = np.log1p(len(lists) / np.array([*often.values()], dtype=np.float32))

    def weights(self, scores: Floats32) -> tuple[Ints, Floats32]:
        """The skills that the first results by ``scores`` (n,) share, as positions in :attr:`names`, and their weights."""
        first = np.argsort(-scores, kind="stable")[:FIRST_RESULTS]
        first = first[scores[first] > 0]
        if not len(first) or not self.names:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        weight = scores[first] / scores[first].sum()
        shared = np.asarray(self._has[first].T @ weight).ravel() * self._rarity
        top = np.argsort(-shared, kind="stable")[:MAX_SKILLS]
        top = top[shared[top] > 0]
        return top, shared[top].astype(np.float32)

    def scores(self, scores: Floats32) -> Floats32:
        """(n,) weight of the shared skills that each course has, relative to the largest."""
        skills, weight = self.weights(scores)
        if not len(skills):
            return np.zeros(len(scores), dtype=np.float32)
        total = np.asarray(self._has[:, skills] @ weight).ravel()
        return np.asarray(total / max(float(total.max()), 1e-9), dtype=np.float32)

    def shared(self, scores: Floats32, course: int) -> list[str]:
        """The heaviest skills that ``course`` shares with the first results, heaviest first."""
        skills, _ = self.weights(scores)
        mine = set(self._has[course].indices.tolist())
        return [self.names[skill] for skill in skills if skill in mine][:EVIDENCE_SKILLS]

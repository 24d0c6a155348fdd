"""What the first results have in common, and who else has it: pseudo-relevance feedback through the skills of courses.

Rocchio's (1971) step with the relevance model's weights (RM3: Lavrenko & Croft 2001): a skill counts as often as it stands among
the first results, each weighed by its score, times its rarity. It finds the course on *regression* for the tag *statistics*
that nowhere says so.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import sparse

from perfml.advice.courses.recommender import Catalogue
from perfml.arrays import Floats32, Ints

FIRST, SHOWN = 5, 10
"""Results looked at, and skills taken from them; chosen on half of the tags of a real catalogue (docs/decisions/0016)."""


class SkillFeedback:
    """The skills of the courses, lower-cased and whole, as a (n, skills) matrix."""

    def __init__(self, catalogue: Catalogue) -> None:
        lists = [sorted({one.lower() for one in skills}) for skills in catalogue.skills]
        often = Counter(skill for skills in lists for skill in skills)
        self.names = tuple(often)
        place = {name: i for i, name in enumerate(self.names)}
        row = [i for i, skills in enumerate(lists) for _ in skills]
        column = [place[one] for skills in lists for one in skills]
        shape = (len(lists), len(self.names))
        self._has = sparse.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=shape)
        self._rarity = np.log1p(len(lists) / np.array([*often.values()], dtype=np.float32))

    def weights(self, scores: Floats32) -> tuple[Ints, Floats32]:
        """Of the first results by ``scores`` (n,): the skills they share, as places in :attr:`names`, with their weights."""
        first = np.argsort(-scores, kind="stable")[:FIRST]
        first = first[scores[first] > 0]
        if not len(first) or not self.names:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        weight = scores[first] / scores[first].sum()
        shared = np.asarray(self._has[first].T @ weight).ravel() * self._rarity
        top = np.argsort(-shared, kind="stable")[:SHOWN]
        top = top[shared[top] > 0]
        return top, shared[top].astype(np.float32)

    def scores(self, scores: Floats32) -> Floats32:
        """(n,) how much of what the first results share each course has, the most being 1."""
        skills, weight = self.weights(scores)
        if not len(skills):
            return np.zeros(len(scores), dtype=np.float32)
        found = np.asarray(self._has[:, skills] @ weight).ravel()
        return np.asarray(found / max(float(found.max()), 1e-9), dtype=np.float32)

    def shared(self, scores: Floats32, course: int, *, most: int = 3) -> list[str]:
        """Names of the skills by which ``course`` is like the first results, the weightiest first."""
        skills, _ = self.weights(scores)
        mine = set(self._has[course].indices.tolist())
        return [self.names[skill] for skill in skills if skill in mine][:most]

"""Which skills a text is about, by likeness to examples of each skill: a classifier over sentence embeddings.

Linear discriminant analysis (Fisher 1936; the pooled covariance shrunk towards its mean variance, since there are fewer
examples than entries) on the sentence vectors of ``models/skill_examples.toml``: a tag need not contain the words of a skill,
nor be written in the language of the course. Texts like no skill have a class of their own.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from perfml.advice.courses.recommenders.embedding import stored_vectors
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.arrays import Floats, Floats32
from perfml.project.course_policy import SkillExamplesSpec

SHRINKAGE = 0.3
"""Weight of the mean variance in the pooled covariance, 0 to 1."""
TEMPERATURE = 4.0
"""Divisor of the log-odds: 83 classes with some thirty examples each make the classifier far too confident."""
MIN_SHARE = 0.25
"""Share of a skill from which a text is described as being about it."""
AGREEMENT_FLOOR = 1e-3
"""Added to an agreement before its logarithm."""


class Likeness:
    """Skills by likeness, and how well a tag and a course agree on them.

    ``taxonomy`` has examples (:attr:`Taxonomy.examples`); those of skills that it does not have are left out.
    """

    def __init__(self, taxonomy: Taxonomy, examples: SkillExamplesSpec) -> None:
        self._known = [(name, each) for name, each in examples.examples.items() if name in taxonomy.spec.skills]
        self.skills = tuple(name for name, _ in self._known)
        self._taxonomy, self._unrelated = taxonomy, examples.unrelated

    @cached_property
    def _classifier(self) -> tuple[Floats, Floats]:
        """(skills + 1, 512) coefficients and (skills + 1,) intercepts; the last class is no skill."""
        texts, label = [], []
        groups = [*((self._names(name), each) for name, each in self._known), ((), self._unrelated)]
        for number, (names, each) in enumerate(groups):
            lines = [*names, *each.lacking, *each.teaching]
            texts += lines
            label += [number] * len(lines)
        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        analysis.fit(stored_vectors(tuple(texts)).astype(np.float64), np.array(label))
        return analysis.coef_, analysis.intercept_

    def _names(self, skill: str) -> tuple[str, str]:
        return self._taxonomy.name(skill, "zh"), self._taxonomy.name(skill, "en")

    def shares(self, vectors: Floats32) -> Floats:
        """(texts, skills + 1) probability that each text is about each of :attr:`skills`, and, last, about none.

        ``vectors`` (texts, 512): sentence embeddings. Rows sum to 1.
        """
        coefficients, intercepts = self._classifier
        odds = (vectors.astype(np.float64) @ coefficients.T + intercepts) / TEMPERATURE
        return np.asarray(softmax(odds, axis=1), dtype=np.float64)

    @cached_property
    def _helps(self) -> Floats:
        """(skills, skills): how much the skill of a column helps that of a row, itself 1."""
        index = {name: number for number, name in enumerate(self.skills)}
        out = np.eye(len(index))
        for name, row in index.items():
            for helper, strength in self._taxonomy.helped_by(name).items():
                if helper in index:
                    out[row, index[helper]] = strength
        return out

    def agreement(self, tag: Floats, courses: Floats) -> tuple[Floats, Floats]:
        """(n,) log-probability that a tag and each course are about the same skill, and that the course's helps the tag's.

        ``tag`` (skills + 1,) and ``courses`` (n, skills + 1): :meth:`shares`.
        """
        same = courses[:, :-1] @ tag[:-1]
        helping = courses[:, :-1] @ (tag[:-1] @ self._helps)
        return np.log(same + AGREEMENT_FLOOR), np.log(helping + AGREEMENT_FLOOR)

    def shared(self, tag: Floats, course: Floats) -> str:
        """The skill that both are about (:meth:`shares`), each to at least :data:`MIN_SHARE`; '' for none."""
        both = np.minimum(tag[:-1], course[:-1])
        best = int(np.argmax(both))
        return self.skills[best] if both[best] >= MIN_SHARE else ""

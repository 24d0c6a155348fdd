"""Which skills a text is about, by what it is like: examples of each skill, and a classifier over their embeddings.

Linear discriminant analysis (Fisher 1936; the pooled covariance drawn towards its diagonal mean, since there are fewer examples
than it has entries) on the sentence vectors of ``models/skill_examples.toml``: a tag need not hold the words of a skill, nor be
written in the language of the course. What is like no skill has a class of its own.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from perfml.advice.courses.embedding import kept_vectors
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.arrays import Floats
from perfml.project.course_policy import SkillExamplesSpec

SHRINKAGE = 0.3
SOFTENED = 4.0
"""What log-odds are divided by: 83 classes with some thirty examples each make the classifier far too sure of itself."""
SHARED = 0.25
"""Share of a skill from which a text is said to be about it."""
FLOOR = 1e-3
"""Added to an agreement before its logarithm."""


class Likeness:
    """Skills by likeness, and how well a tag and a course agree on them.

    ``taxonomy`` has examples (:attr:`Taxonomy.examples`); those of skills that it does not have are left out.
    """

    def __init__(self, taxonomy: Taxonomy, examples: SkillExamplesSpec) -> None:
        self._known = [(name, each) for name, each in examples.examples.items() if name in taxonomy.spec.skills]
        self.skills = tuple(name for name, _ in self._known)
        self._taxonomy, self._elsewhere = taxonomy, examples.unrelated

    @cached_property
    def _classifier(self) -> tuple[Floats, Floats]:
        """(skills + 1, dimensions) coefficients and (skills + 1,) intercepts; the last class is no skill."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        texts, label = [], []
        groups = [*((self._named(name), each) for name, each in self._known), ((), self._elsewhere)]
        for number, (names, each) in enumerate(groups):
            said = [*names, *each.lacking, *each.teaching]
            texts += said
            label += [number] * len(said)
        made = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        made.fit(kept_vectors(tuple(texts)).astype(np.float64), np.array(label))
        return made.coef_, made.intercept_

    def name(self, skill: str) -> str:
        """What a skill is called in English."""
        return self._taxonomy.name(skill, "en")

    def _named(self, skill: str) -> tuple[str, str]:
        return self._taxonomy.name(skill, "zh"), self._taxonomy.name(skill, "en")

    def shares(self, vectors: npt.NDArray[np.float32]) -> Floats:
        """(texts, skills + 1) how much each text is about each of :attr:`skills`, and last about none; rows add up to 1."""
        coefficients, intercepts = self._classifier
        odds = (vectors.astype(np.float64) @ coefficients.T + intercepts) / SOFTENED
        raised = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)

    @cached_property
    def _helps(self) -> Floats:
        """(skills, skills): how much the skill of a column helps that of a row, itself 1."""
        place = {name: number for number, name in enumerate(self.skills)}
        out = np.eye(len(place))
        for name, row in place.items():
            for helper, strength in self._taxonomy.helped_by(name).items():
                if helper in place:
                    out[row, place[helper]] = strength
        return out

    def agreement(self, tag: Floats, courses: Floats) -> tuple[Floats, Floats]:
        """(n,) log-probability that a tag and each course are about the same skill, and that the course's helps the tag's.

        ``tag`` (skills + 1,) and ``courses`` (n, skills + 1): :meth:`shares`.
        """
        same = courses[:, :-1] @ tag[:-1]
        helping = courses[:, :-1] @ (tag[:-1] @ self._helps)
        return np.log(same + FLOOR), np.log(helping + FLOOR)

    def shared(self, tag: Floats, course: Floats) -> str:
        """The skill that both are about (:meth:`shares`), each to at least :data:`SHARED`; '' where there is none."""
        both = np.minimum(tag[:-1], course[:-1])
        best = int(np.argmax(both))
        return self.skills[best] if both[best] >= SHARED else ""

"""Which skills a text is about, by likeness to examples of each skill, without a phrase of the taxonomy.

Two classifiers learn from ``models/skill_examples.toml`` and the names of ``models/skills.toml``; texts about no skill have a
class of their own. Naive Bayes (McCallum & Nigam 1998) reads words and needs nothing installed. Linear discriminant analysis
(Fisher 1936; the pooled covariance shrunk towards its mean variance, since there are fewer examples than entries) reads sentence
vectors, where an encoder is installed, and recognises other words. Their geometric mean counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB

from perfml.advice.courses.recommenders.embedding import SentenceEncoder, SentenceSpace, TextRole, sentence_space
from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.advice.courses.recommenders.text import query_tokens, tokens
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.arrays import Floats, Floats32
from perfml.project.course_policy import SkillExamplesSpec

SMOOTHING, WORDING_TEMPERATURE = 0.1, 0.5
"""Weight added to every word of a skill, and divisor of the log-odds of words."""
SHRINKAGE, MEANING_TEMPERATURE = 0.3, 4.0
"""Weight of the mean variance in the pooled covariance, 0 to 1, and divisor of the log-odds of vectors: 83 classes with some
thirty examples each make that classifier far too confident."""
MIN_SHARE = 0.25
"""Share of a skill from which a text is described as being about it."""
SHARE_FLOOR, AGREEMENT_FLOOR = 1e-6, 1e-3
"""Least share within the geometric mean; what is added to an agreement before its logarithm."""
Lines = tuple[tuple[str, int], ...]
"""Example lines, each with the position of its skill."""


class WordingClassifier:
    """Naive Bayes over the words of texts, weighted by their rarity among the examples."""

    def __init__(self, lines: Lines) -> None:
        texts, label = zip(*lines, strict=True)
        self._vocabulary: Any = TfidfVectorizer(analyzer=_tokens, sublinear_tf=True)
        self._bayes: Any = MultinomialNB(alpha=SMOOTHING, fit_prior=False)
        self._bayes.fit(self._vocabulary.fit_transform(texts), label)
        self._rarity = dict(zip(self._vocabulary.get_feature_names_out(), self._vocabulary.idf_, strict=True))
        self._unseen = float(np.log(len(texts) + 1) + 1)  # the rarity of a word in none of them

    def shares(self, texts: Sequence[str]) -> Floats:
        """(texts, skills + 1) probability of each skill and, last, of none. Rows sum to 1."""
        odds = self._bayes.predict_log_proba(self._vocabulary.transform(texts)) / WORDING_TEMPERATURE
        return np.asarray(softmax(odds, axis=1), dtype=np.float64)

    def shares_of_tag(self, tag: str) -> Floats:
        """(skills + 1,) the same for a tag; what no example has a word for is about no skill: of *cheese making* only the second
        word is known."""
        asked = set(query_tokens(tag))
        known = sum(self._rarity.get(word, 0.0) for word in asked)
        share = known / max(sum(self._rarity.get(word, self._unseen) for word in asked), 1e-9)
        out = np.asarray(self.shares([tag])[0] * share, dtype=np.float64)
        out[-1] += 1 - share
        return out


class MeaningClassifier:
    """Linear discriminant analysis over sentence vectors."""

    def __init__(self, vectors: Floats32, labels: Sequence[int]) -> None:
        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        analysis.fit(vectors.astype(np.float64), np.array(labels))
        self._coefficients, self._intercepts = analysis.coef_, analysis.intercept_

    def shares(self, vectors: Floats32) -> Floats:
        """(texts, skills + 1) probability of each skill and, last, of none. Rows sum to 1."""
        odds = (vectors.astype(np.float64) @ self._coefficients.T + self._intercepts) / MEANING_TEMPERATURE
        return np.asarray(softmax(odds, axis=1), dtype=np.float64)


def _tokens(text: str) -> list[str]:
    return list(tokens(text))


@lru_cache(maxsize=4)
def _wording_classifier(lines: Lines) -> WordingClassifier:
    return WordingClassifier(lines)


@lru_cache(maxsize=4)
def _meaning_classifier(space: SentenceSpace, names: Lines, lacking: Lines, teaching: Lines) -> MeaningClassifier:
    groups: tuple[tuple[Lines, TextRole], ...] = ((names, "tag"), (lacking, "tag"), (teaching, "course"))
    vectors = [space.examples(tuple(text for text, _ in lines), role) for lines, role in groups]
    return MeaningClassifier(np.vstack(vectors), [skill for lines, _ in groups for _, skill in lines])


class Likeness:
    """Skills by likeness, and how well a tag and a course agree on them.

    ``examples`` of skills that ``taxonomy`` does not have are left out. ``encoders``: what meaning is read with; words alone
    without one.
    """

    def __init__(
        self, taxonomy: Taxonomy, examples: SkillExamplesSpec, *, encoders: tuple[SentenceEncoder, ...] = ()
    ) -> None:
        known = [(name, each) for name, each in examples.examples.items() if name in taxonomy.spec.skills]
        self.skills = tuple(name for name, _ in known)
        self._taxonomy = taxonomy
        groups = [*enumerate(each for _, each in known), (len(known), examples.unrelated)]
        self._names: Lines = tuple(
            (phrase, number)
            for number, name in enumerate(self.skills)
            for phrase in (taxonomy.name(name, "zh"), taxonomy.name(name, "en"))
        )
        self._lacking: Lines = tuple((line, number) for number, each in groups for line in each.lacking)
        self._teaching: Lines = tuple((line, number) for number, each in groups for line in each.teaching)
        self.space = sentence_space(
            encoders, tuple(line for line, _ in self._lacking), tuple(line for line, _ in self._teaching)
        )

    @cached_property
    def _wording(self) -> WordingClassifier:
        skills = self._taxonomy.spec.skills
        phrases = [
            (phrase, number)
            for number, name in enumerate(self.skills)
            for phrase in (*skills[name].aliases, *skills[name].hints)
        ]
        return _wording_classifier((*self._names, *self._lacking, *self._teaching, *phrases))

    @cached_property
    def _meaning(self) -> MeaningClassifier | None:
        if self.space is None:
            return None
        return _meaning_classifier(self.space, self._names, self._lacking, self._teaching)

    def of_tag(self, tag: str) -> Floats:
        """(skills + 1,) probability that a tag is about each of :attr:`skills`, and, last, about none. Sums to 1."""
        shares = self._wording.shares_of_tag(tag)[None, :]
        if self._meaning is not None and self.space is not None:
            shares = _mean(shares, self._meaning.shares(self.space.tag(tag)[None, :]))
        return np.asarray(shares[0], dtype=np.float64)

    def course_vectors(self, catalogue: Catalogue) -> Floats32 | None:
        """(n, entries) of each course's title and summary; None without an encoder. Each course must be embedded."""
        return None if self.space is None else self.space.courses(described(catalogue))

    def of_courses(self, catalogue: Catalogue, vectors: Floats32 | None = None) -> Floats:
        """(n, skills + 1) the same for every course, with their ``vectors``, if meaning is to count. Rows sum to 1."""
        skills = ("; ".join(each) for each in catalogue.skills)
        shares = self._wording.shares(
            [f"{text} {each}" for text, each in zip(described(catalogue), skills, strict=True)]
        )
        if self._meaning is not None and vectors is not None:
            shares = _mean(shares, self._meaning.shares(vectors))
        return shares

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

        ``tag`` (skills + 1,) and ``courses`` (n, skills + 1): :meth:`of_tag` and :meth:`of_courses`.
        """
        same = courses[:, :-1] @ tag[:-1]
        helping = courses[:, :-1] @ (tag[:-1] @ self._helps)
        return np.log(same + AGREEMENT_FLOOR), np.log(helping + AGREEMENT_FLOOR)

    def shared(self, tag: Floats, course: Floats) -> str:
        """The skill that both are about (:meth:`of_tag`), each to at least :data:`MIN_SHARE`; '' for none."""
        both = np.minimum(tag[:-1], course[:-1])
        best = int(np.argmax(both))
        return self.skills[best] if both[best] >= MIN_SHARE else ""

    def cosines(self, tag: str, vectors: Floats32) -> Floats32:
        """(n,) cosine of the tag with each course of ``vectors``, clipped to [0, 1]; 0 for an empty tag."""
        if self.space is None or not tag.strip():
            return np.zeros(len(vectors), dtype=np.float32)
        return np.asarray(np.clip(vectors @ self.space.tag(tag), 0, 1), dtype=np.float32)


def described(catalogue: Catalogue) -> tuple[str, ...]:
    """(n,) what each course says of itself: title and summary."""
    return tuple(f"{title}. {summary}" for title, summary in zip(catalogue.titles, catalogue.summaries, strict=True))


def _mean(a: Floats, b: Floats) -> Floats:
    """The geometric mean of two distributions, row by row."""
    product = np.sqrt(np.maximum(a, SHARE_FLOOR) * np.maximum(b, SHARE_FLOOR))
    return np.asarray(product / product.sum(axis=1, keepdims=True), dtype=np.float64)

"""Measures of a ranking against grades: normalised discounted cumulative gain, and courses of a wrong topic."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence


def gain(grade: int) -> float:
    """What a course of this grade is worth: 0, 1, 3 for the grades 0, 1, 2 (Burges et al. 2005, "Learning to rank")."""
    return 2.0**grade - 1


def discounted(gains: Sequence[float]) -> float:
    """Gains in the order shown, the one at rank r divided by log2(r + 1) (Järvelin & Kekäläinen 2002)."""
    return sum(each / math.log2(rank + 1) for rank, each in enumerate(gains, start=1))


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], *, k: int) -> float:
    """Discounted gain of the first ``k`` of ``ranked``, divided by that of the best possible ``k``: from 0 to 1.

    A course without a grade is worth nothing, and so is a place left empty. Raises ValueError where the measure has no
    meaning: nothing is graded above 0, or a course is ranked twice.

    >>> ndcg(["a", "b"], {"a": 2, "b": 1}, k=5)
    1.0
    """
    if len(set(ranked)) < len(ranked):
        raise ValueError(f"ranked twice: {ranked}")
    best = discounted(sorted(map(gain, grades.values()), reverse=True)[:k])
    if not best:
        raise ValueError("no course is graded above 0")
    return discounted([gain(grades.get(course, 0)) for course in ranked[:k]]) / best


def wrong_topics(
    ranked: Sequence[str], topics: Collection[str], course_topics: Mapping[str, Collection[str]], *, k: int
) -> list[str]:
    """Those of the first ``k`` that share no topic group with ``topics``, those of the tag, in the order shown."""
    return [course for course in ranked[:k] if not set(topics) & set(course_topics[course])]


def mean(values: Collection[float]) -> float:
    """The plain mean, of at least one value."""
    return sum(values) / len(values)

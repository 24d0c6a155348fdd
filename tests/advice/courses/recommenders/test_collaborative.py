"""Histories, neighbours and factors against what can be worked out by hand or densely."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from perfml.advice.courses.recommenders.collaborative import (
    POPULARITY_POWER,
    NeighbourRecommender,
    neighbours_of,
    taken_together,
)
from perfml.advice.courses.recommenders.frames import Catalogue, History
from tests.tables import draw

COURSES = pd.DataFrame({"course_id": list("abcd"), "title": ["Anna", "Bert", "Cora", "Dora"]})
TAKEN = draw("""
employee_id | course_id | enrolled_on
p           | a         | 2026-01-01
p           | b         | 2026-02-01
p           | c         | 2026-03-01
q           | b         | 2026-02-01
q           | a         | 2026-01-01
q           | a         | 2026-05-01
r           | d         | 2024-01-01
""")


def history() -> History:
    return History.of(TAKEN, Catalogue.of(COURSES))


def test_each_course_counts_less_for_every_one_taken_since() -> None:
    expected = [[0.25, 0.5, 1, 0], [1, 0.5, 0, 0], [0, 0, 0, 1]]  # q took a again, last
    np.testing.assert_allclose(history().matrix(decay=0.5).toarray(), expected)
    np.testing.assert_array_equal(history().matrix().toarray() > 0, np.array(expected) > 0)


def test_the_last_enrolment_of_everybody_who_has_an_earlier_one() -> None:
    before, people, last = history().without_last()
    np.testing.assert_array_equal(before.matrix().toarray(), [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    assert list(zip(people, last, strict=True)) == [(0, 2), (1, 0)]


def test_popularity_is_of_the_last_year() -> None:
    assert history().recent_counts.tolist() == [2, 2, 1, 0]


def test_neighbours_are_those_taken_together() -> None:
    shared = {("a", "b"): (1 / np.log(4) + 1 / np.log(3)), ("a", "c"): 1 / np.log(4)}
    neighbours = taken_together(history()).toarray()
    np.testing.assert_allclose(
        neighbours[0],
        [0, shared["a", "b"] * 2**-POPULARITY_POWER, shared["a", "c"] * 2**-POPULARITY_POWER, 0],
        rtol=1e-5,
    )
    assert not neighbours[3].any() and not np.diag(neighbours).any()


def test_the_strongest_neighbours_are_kept() -> None:
    rng = np.random.default_rng(0)
    left = sparse.random_array((30, 12), density=0.5, rng=rng, format="csr")
    dense = (left @ left.T).toarray()
    np.fill_diagonal(dense, 0)
    neighbours = neighbours_of(sparse.csr_matrix(left), sparse.csr_matrix(left.T), most=5).toarray()
    for row, whole in zip(neighbours, dense, strict=True):
        np.testing.assert_allclose(row, np.where(whole >= np.sort(whole)[-5], whole, 0))


def test_the_evidence_names_the_course_that_contributes_most() -> None:
    ranked = NeighbourRecommender().fit(COURSES, TAKEN).for_employees(["q"])
    assert ranked["course_id"].tolist() == ["c"]
    assert ranked["why"].tolist() == ["taken by people who took “Anna”"]

"""The labelled gap tags and courses (labelled/README.md says how): they are sound, and the recommender answers them."""

from __future__ import annotations

from collections import Counter

import pytest

from perfml.advice.courses.recommenders.embedding import E5, encoders
from tests.advice.courses.labelled_sets import AGAIN, FIRST, FRESH, THIRD, THIRD_GRADED, K, LabelledSet, ShownCourses
from tests.advice.courses.ranking import mean, ndcg, wrong_topics

pytestmark = pytest.mark.slow

TOPICS = {
    "communication",
    "presenting",
    "leading",
    "self",
    "thinking",
    "projects",
    "selling",
    "service",
    "data",
    "software",
    "supply",
    "finance",
    "people",
    "quality",
    "compliance",
    "language",
    "leisure",
    "trades",
}
THIRD_TOPICS = (TOPICS - {"communication", "thinking", "projects", "selling", "software", "compliance", "trades"}) | {
    "it",
    "legal",
    "marketing",
    "production",
    "project",
    "research",
    "safety",
    "sales",
}
"""Whoever wrote the third set gave it groups of its own."""
SETS = {"first": FIRST, "fresh": FRESH, "fresh, graded again": AGAIN, "third": THIRD}


@pytest.mark.parametrize("labelled", SETS.values(), ids=SETS)
def test_a_set_is_as_large_and_as_mixed_as_it_says(labelled: LabelledSet) -> None:
    courses = labelled.courses
    assert len(courses) >= 120 and len(labelled.present) >= 60 and len(labelled.absent) >= 8
    assert set(courses["language"]) == set(labelled.tags["language"]) == {"zh", "en"}
    assert 0.4 <= (courses["language"] == "zh").mean() <= 0.6
    assert 0.3 <= (courses["skills"] == "").mean() <= 0.5


@pytest.mark.parametrize("labelled", SETS.values(), ids=SETS)
def test_ids_and_tags_are_unique_and_everything_refers_to_what_exists(labelled: LabelledSet) -> None:
    courses, tags = labelled.courses, labelled.tags
    assert courses["course_id"].is_unique and tags["tag_id"].is_unique and tags["tag"].is_unique
    graded = [grades for grades in labelled.grades.values() if grades]
    assert set().union(*graded) <= set(courses["course_id"])
    assert {grade for grades in graded for grade in grades.values()} == {1, 2}
    assert {p for each in courses["prerequisites"] for p in each.split(";") if p} <= set(courses["course_id"])
    assert courses["level"].between(1, 5).all() and (courses["hours"] > 0).all()


@pytest.mark.parametrize(
    ("labelled", "topics"), [(FIRST, TOPICS), (FRESH, TOPICS), (THIRD, THIRD_TOPICS)], ids=["first", "fresh", "third"]
)
def test_topics_are_of_the_list(labelled: LabelledSet, topics: set[str]) -> None:
    assert set().union(*labelled.course_topics.values()) <= topics >= set().union(*labelled.topics.values())


@pytest.mark.parametrize(("labelled", "fewest"), [(FIRST, 2), (FRESH, 1)], ids=["first", "fresh"])
def test_the_rule_holds_where_it_can_be_checked(labelled: LabelledSet, fewest: int) -> None:
    """A tag with an answer has one that teaches just this; a graded course is of its topic; so are the ways there."""
    courses = labelled.courses
    before = {c: p.split(";") for c, p in zip(courses["course_id"], courses["prerequisites"], strict=True) if p}
    for tag in labelled.present:
        grades = labelled.grades[tag]
        assert len(grades) >= fewest and 2 in grades.values(), tag
        assert wrong_topics(list(grades), labelled.topics[tag], labelled.course_topics, k=len(grades)) == []
        for course, given in grades.items():
            assert given < 2 or set(before.get(course, [])) <= set(grades), f"{tag}: what {course} needs has no grade"


def test_the_third_set_departs_from_the_rule_where_its_page_says() -> None:
    """Six of its graded courses share no topic with their tag; not one of them was shown as a wrong topic (README)."""
    assert all(2 in THIRD.grades[tag].values() for tag in THIRD.present)
    outside = [
        wrong_topics(list(grades), THIRD.topics[tag], THIRD.course_topics, k=len(grades))
        for tag, grades in THIRD.grades.items()
    ]
    assert sum(map(len, outside)) == 6


@pytest.mark.parametrize("graded", [(FRESH, AGAIN), THIRD_GRADED], ids=["fresh", "third"])
def test_two_annotators_agree(graded: tuple[LabelledSet, LabelledSet]) -> None:
    """Cohen's kappa over all pairs, graded or not; whoever wrote the tags had the courses in mind, so it is an upper bound."""
    from sklearn.metrics import cohen_kappa_score

    pairs = [(tag, course) for tag in graded[0].grades for course in graded[0].course_topics]
    first, other = ([each.grades[tag].get(course, 0) for tag, course in pairs] for each in graded)
    assert cohen_kappa_score(first, other, weights="linear") > 0.9
    assert set(graded[0].absent) == set(graded[1].absent)


def test_the_grade_of_two_annotators_is_their_mean_rounded_down() -> None:
    for tag, grades in THIRD.grades.items():
        for course in THIRD.course_topics:
            assert grades.get(course, 0) == sum(each.grades[tag].get(course, 0) for each in THIRD_GRADED) // 2


def test_ndcg_equals_what_a_pencil_gives() -> None:
    grades = {"a": 2, "b": 1}
    assert ndcg(["b", "a"], grades, k=5) == pytest.approx((1 + 3 / 1.5849625) / (3 + 1 / 1.5849625))
    assert ndcg(["x", "a"], grades, k=5) == pytest.approx((3 / 1.5849625) / (3 + 1 / 1.5849625))
    assert ndcg(["x", "a"], grades, k=1) == 0 == ndcg([], grades, k=5)
    assert ndcg(["a"], grades, k=1) == 1 == ndcg(["a", "b", "x"], grades, k=5)
    with pytest.raises(ValueError, match="twice"):
        ndcg(["a", "a"], grades, k=5)
    with pytest.raises(ValueError, match="graded"):
        ndcg(["a"], {}, k=5)


def test_a_course_is_of_the_wrong_topic_when_it_shares_no_group() -> None:
    groups = {"a": ["self"], "b": ["data", "selling"], "c": ["leisure"]}
    assert wrong_topics(["c", "a", "b"], ["self", "data"], groups, k=3) == ["c"]
    assert wrong_topics(["a", "b", "c"], ["self", "data"], groups, k=2) == []


@pytest.mark.parametrize("labelled", [FIRST, FRESH, THIRD], ids=["first", "fresh", "third"])
def test_one_order_for_every_tag_is_no_answer(labelled: LabelledSet) -> None:
    """The set can be failed: the courses most often right, shown to everybody, reach next to nothing."""
    worth = Counter[str]()
    for grades in labelled.grades.values():
        worth.update(grades)
    popular = [course for course, _ in worth.most_common()]
    assert mean([ndcg(popular, labelled.grades[tag], k=K) for tag in labelled.present]) < 0.15
    of_courses = labelled.course_topics
    assert all(wrong_topics(popular, labelled.topics[tag], of_courses, k=len(popular)) for tag in labelled.present)


Shown = dict[tuple[str, bool], ShownCourses]


@pytest.fixture(scope="module")
def shown() -> Shown:
    wanted = (False, True) if encoders() else (False,)
    return {
        (name, embedding): ShownCourses.of(labelled, embedding=embedding)
        for name, labelled in SETS.items()
        for embedding in wanted
    }


@pytest.mark.parametrize(
    ("name", "embedding", "least_ndcg", "most_off_topic", "most_answered"),
    [
        ("first", False, 0.69, 15, 3),
        ("first", True, 0.71, 16, 4),
        ("fresh", False, 0.51, 15, 5),
        ("fresh", True, 0.60, 13, 8),
        ("fresh, graded again", True, 0.60, 13, 8),
        ("third", False, 0.31, 13, 5),
        ("third", True, 0.47, 17, 7),
    ],
)
def test_it_is_no_worse_than_it_was(
    shown: Shown, name: str, embedding: bool, least_ndcg: float, most_off_topic: int, most_answered: int
) -> None:
    """A little below what was measured with both encoders and with one (docs/decisions/0054)."""
    if (name, embedding) not in shown:
        pytest.skip("no encoder of perfml[embeddings] runs here")
    figures = shown[name, embedding]
    assert figures.ndcg >= least_ndcg
    assert len(figures.off_topic) <= most_off_topic and len(figures.answered) <= most_answered


@pytest.fixture
def unseen(shown: Shown) -> ShownCourses:
    if E5 not in encoders():
        pytest.skip("both encoders of perfml[embeddings] are needed")
    return shown["third", True]


NOT_YET = "third tags: nDCG@5 .55 [.45, .64], .34 by words; 10 of 16 absent left empty, a wrong topic for 16 of 96"


@pytest.mark.xfail(reason=NOT_YET)
def test_the_right_courses_come_first(unseen: ShownCourses) -> None:
    assert unseen.ndcg >= 0.68


@pytest.mark.xfail(reason=NOT_YET)
def test_the_right_courses_come_first_with_nothing_installed(shown: Shown) -> None:
    assert shown["third", False].ndcg >= 0.55


@pytest.mark.xfail(reason=NOT_YET)
def test_a_wrong_topic_is_seldom_among_the_first_three(unseen: ShownCourses) -> None:
    assert len(unseen.off_topic) <= 0.15 * len(unseen.shown), unseen.off_topic


@pytest.mark.xfail(reason=NOT_YET)
def test_a_subject_that_no_course_teaches_gets_no_course(unseen: ShownCourses) -> None:
    assert len(unseen.answered) <= 0.2 * len(unseen.labelled.absent), unseen.answered

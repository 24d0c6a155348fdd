"""The labelled gap tags and courses (labelled/README.md says how): they are sound, and the recommender answers them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.advice.courses.ranking import mean, ndcg, wrong_topics

pytestmark = pytest.mark.slow

LABELLED = Path(__file__).parent / "labelled"
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
K, TOP = 5, 3


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(LABELLED / f"{name}.csv", keep_default_na=False)


@dataclass(frozen=True)
class Tags:
    """Gap tags with their topics, and the graded courses of each; every other course has grade 0."""

    frame: pd.DataFrame
    topics: dict[str, list[str]]
    grades: dict[str, dict[str, int]]

    @classmethod
    def of(cls, tags: str, relevant: str) -> Tags:
        frame, graded = read(tags), read(relevant)
        assert not graded.duplicated(["tag_id", "course_id"]).any()
        grades: dict[str, dict[str, int]] = {tag: {} for tag in frame["tag_id"]}
        for tag_id, course_id, grade in graded.itertuples(index=False):
            grades[tag_id][course_id] = int(grade)
        topics = {tag: each.split(";") for tag, each in zip(frame["tag_id"], frame["topics"], strict=True)}
        return cls(frame, topics, grades)

    @property
    def present(self) -> list[str]:
        """Tags with an answer among the courses."""
        return [tag for tag, grades in self.grades.items() if grades]

    @property
    def absent(self) -> list[str]:
        """Tags without one."""
        return [tag for tag, grades in self.grades.items() if not grades]


courses = read("courses")
COURSE_TOPICS = {c: t.split(";") for c, t in zip(courses["course_id"], courses["topics"], strict=True)}
FIRST = Tags.of("tags", "relevant")
"""The constants of the recommender were chosen on these."""
FRESH = Tags.of("tags_fresh", "relevant_fresh")
"""Written by another annotator afterwards, without sight of these, of the recommender or of its taxonomy."""
AGAIN = Tags.of("tags_fresh", "relevant_fresh_again")
"""The fresh tags, graded once more by a third who had not seen those grades."""
SETS = {"first": FIRST, "fresh": FRESH, "fresh, graded again": AGAIN}


@pytest.mark.parametrize("tags", SETS.values(), ids=SETS)
def test_a_set_is_as_large_and_as_mixed_as_it_says(tags: Tags) -> None:
    assert len(courses) >= 120 and len(tags.present) >= 60 and len(tags.absent) >= 8
    assert set(courses["language"]) == set(tags.frame["language"]) == {"zh", "en"}
    assert 0.4 <= (courses["language"] == "zh").mean() <= 0.6
    assert 0.3 <= (courses["skills"] == "").mean() <= 0.4


@pytest.mark.parametrize("tags", SETS.values(), ids=SETS)
def test_ids_and_tags_are_unique_and_everything_refers_to_what_exists(tags: Tags) -> None:
    assert courses["course_id"].is_unique and tags.frame["tag_id"].is_unique and tags.frame["tag"].is_unique
    graded = [grades for grades in tags.grades.values() if grades]
    assert set().union(*graded) <= set(COURSE_TOPICS)
    assert {grade for grades in graded for grade in grades.values()} == {1, 2}
    assert {p for each in courses["prerequisites"] for p in each.split(";") if p} <= set(COURSE_TOPICS)
    assert set().union(*COURSE_TOPICS.values()) == TOPICS >= set().union(*tags.topics.values())
    assert courses["level"].between(1, 5).all() and (courses["hours"] > 0).all()


@pytest.mark.parametrize(("tags", "fewest"), [(FIRST, 2), (FRESH, 1)], ids=["first", "fresh"])
def test_the_rule_holds_where_it_can_be_checked(tags: Tags, fewest: int) -> None:
    """A tag with an answer has one that teaches just this; a graded course is of its topic; so are the ways there."""
    before = {c: p.split(";") for c, p in zip(courses["course_id"], courses["prerequisites"], strict=True) if p}
    for tag in tags.present:
        grades = tags.grades[tag]
        assert len(grades) >= fewest and 2 in grades.values(), tag
        assert wrong_topics(list(grades), tags.topics[tag], COURSE_TOPICS, k=len(grades)) == []
        for course, given in grades.items():
            assert given < 2 or set(before.get(course, [])) <= set(grades), f"{tag}: what {course} needs has no grade"


def test_two_annotators_agree_on_the_fresh_tags() -> None:
    """Cohen's kappa over all pairs, graded or not; whoever wrote the tags had the courses in mind, so it is an upper bound."""
    from sklearn.metrics import cohen_kappa_score

    pairs = [(tag, course) for tag in FRESH.grades for course in COURSE_TOPICS]
    first, other = ([each.grades[tag].get(course, 0) for tag, course in pairs] for each in (FRESH, AGAIN))
    assert cohen_kappa_score(first, other, weights="linear") > 0.9
    assert set(FRESH.absent) == set(AGAIN.absent)


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


@pytest.mark.parametrize("tags", [FIRST, FRESH], ids=["first", "fresh"])
def test_one_order_for_every_tag_is_no_answer(tags: Tags) -> None:
    """The set can be failed: the courses most often right, shown to everybody, reach next to nothing."""
    worth = Counter[str]()
    for grades in tags.grades.values():
        worth.update(grades)
    popular = [course for course, _ in worth.most_common()]
    assert mean([ndcg(popular, tags.grades[tag], k=K) for tag in tags.present]) < 0.15
    assert all(wrong_topics(popular, tags.topics[tag], COURSE_TOPICS, k=len(popular)) for tag in tags.present)


@dataclass(frozen=True)
class Measured:
    """What the recommender shows for a set of tags; it sees neither the topics nor the grades."""

    tags: Tags
    shown: dict[str, list[str]]

    @classmethod
    def of(cls, tags: Tags, *, embedding: bool) -> Measured:
        from perfml.advice.courses import CourseRecommender

        fitted = CourseRecommender(embedding=embedding).fit(courses=courses.drop(columns="topics"))
        results = fitted.for_tags(tags.frame["tag"].tolist(), k=K)
        ranked = {tag: rows.sort_values("rank")["course_id"].tolist() for tag, rows in results.groupby("query")}
        named = zip(tags.frame["tag_id"], tags.frame["tag"], strict=True)
        return cls(tags, {tag_id: ranked.get(tag, []) for tag_id, tag in named})

    @property
    def ndcg(self) -> float:
        return mean([ndcg(self.shown[tag], self.tags.grades[tag], k=K) for tag in self.tags.present])

    @property
    def off_topic(self) -> list[str]:
        """Tags with a course of a wrong topic among the first three."""
        wrong = {t: wrong_topics(shown, self.tags.topics[t], COURSE_TOPICS, k=TOP) for t, shown in self.shown.items()}
        return [tag for tag, courses in wrong.items() if courses]

    @property
    def answered(self) -> list[str]:
        """Tags without an answer that got one."""
        return [tag for tag in self.tags.absent if self.shown[tag]]


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, bool], Measured]:
    return {
        (name, embedding): Measured.of(tags, embedding=embedding)
        for name, tags in SETS.items()
        for embedding in (False, True)
    }


@pytest.mark.parametrize(
    ("name", "embedding", "least_ndcg", "most_off_topic", "most_answered"),
    [
        ("first", False, 0.55, 50, 3),
        ("first", True, 0.72, 32, 3),
        ("fresh", False, 0.37, 37, 7),
        ("fresh", True, 0.56, 25, 7),
        ("fresh, graded again", True, 0.56, 25, 7),
    ],
)
def test_it_is_no_worse_than_it_was(
    measured: dict[tuple[str, bool], Measured],
    name: str,
    embedding: bool,
    least_ndcg: float,
    most_off_topic: int,
    most_answered: int,
) -> None:
    """A little below what was measured: nDCG@5 .585, .758, .402, .598 and .601; off topic 47, 29, 34, 22 and 22 of 87 and 84
    tags; 3 of 10 and 7 of 12 absent tags answered in all."""
    figures = measured[name, embedding]
    assert figures.ndcg >= least_ndcg
    assert len(figures.off_topic) <= most_off_topic and len(figures.answered) <= most_answered


NOT_YET = (
    "fresh tags, with the embedding: nDCG@5 .60 [.50, .69], a wrong topic for 22 of 84 tags, 5 of 12 absent left empty"
)


@pytest.mark.xfail(reason=NOT_YET)
def test_the_right_courses_come_first(measured: dict[tuple[str, bool], Measured]) -> None:
    assert measured["fresh", True].ndcg >= 0.85


@pytest.mark.xfail(reason=NOT_YET)
def test_no_course_of_a_wrong_topic_is_among_the_first_three(measured: dict[tuple[str, bool], Measured]) -> None:
    assert measured["fresh", True].off_topic == []


@pytest.mark.xfail(reason=NOT_YET)
def test_a_subject_that_no_course_teaches_gets_no_course(measured: dict[tuple[str, bool], Measured]) -> None:
    figures = measured["fresh", True]
    assert len(figures.answered) <= 0.1 * len(figures.tags.absent), figures.answered

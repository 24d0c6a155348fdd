"""The labelled gap tags and courses (labelled/README.md says how): they are sound, and the recommender answers them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.advice.courses.ranking import mean, ndcg, wrong_topics

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
Ranked = dict[str, list[str]]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(LABELLED / f"{name}.csv", keep_default_na=False)


courses, tags, relevant = read("courses"), read("tags"), read("relevant")
COURSE_TOPICS = {c: t.split(";") for c, t in zip(courses["course_id"], courses["topics"], strict=True)}
TAG_TOPICS = {tag: t.split(";") for tag, t in zip(tags["tag_id"], tags["topics"], strict=True)}
GRADES: dict[str, dict[str, int]] = {tag: {} for tag in tags["tag_id"]}
for tag_id, course_id, grade in relevant.itertuples(index=False):
    GRADES[tag_id][course_id] = int(grade)
PRESENT = [tag for tag, grades in GRADES.items() if grades]
ABSENT = [tag for tag, grades in GRADES.items() if not grades]


def test_the_set_is_as_large_and_as_mixed_as_it_says() -> None:
    assert len(courses) >= 120 and len(PRESENT) >= 60 and len(ABSENT) >= 8
    assert set(courses["language"]) == set(tags["language"]) == {"zh", "en"}
    assert 0.4 <= (courses["language"] == "zh").mean() <= 0.6
    assert 0.3 <= (courses["skills"] == "").mean() <= 0.4


def test_ids_and_tags_are_unique_and_everything_refers_to_what_exists() -> None:
    assert courses["course_id"].is_unique and tags["tag_id"].is_unique and tags["tag"].is_unique
    assert not relevant.duplicated(["tag_id", "course_id"]).any()
    assert set(relevant["course_id"]) <= set(COURSE_TOPICS) and set(relevant["tag_id"]) <= set(TAG_TOPICS)
    assert set(relevant["grade"]) == {1, 2}
    assert {p for each in courses["prerequisites"] for p in each.split(";") if p} <= set(COURSE_TOPICS)
    assert set().union(*COURSE_TOPICS.values(), *TAG_TOPICS.values()) == TOPICS
    assert courses["level"].between(1, 5).all() and (courses["hours"] > 0).all()


def test_the_rule_holds_where_it_can_be_checked() -> None:
    """A tag with an answer has one that teaches just this; a graded course is of its topic; so are the ways there."""
    before = {c: p.split(";") for c, p in zip(courses["course_id"], courses["prerequisites"], strict=True) if p}
    for tag in PRESENT:
        grades = GRADES[tag]
        assert len(grades) >= 2 and 2 in grades.values(), tag
        assert wrong_topics(list(grades), TAG_TOPICS[tag], COURSE_TOPICS, k=len(grades)) == []
        for course, given in grades.items():
            assert given < 2 or set(before.get(course, [])) <= set(grades), f"{tag}: what {course} needs has no grade"


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


def test_one_order_for_every_tag_is_no_answer() -> None:
    """The set can be failed: the courses most often right, shown to everybody, reach next to nothing."""
    popular = relevant.groupby("course_id")["grade"].sum().sort_values(ascending=False, kind="stable").index.tolist()
    assert mean([ndcg(popular, GRADES[tag], k=K) for tag in PRESENT]) < 0.15
    assert all(wrong_topics(popular, TAG_TOPICS[tag], COURSE_TOPICS, k=len(popular)) for tag in PRESENT)


@pytest.fixture(scope="module")
def ranked() -> Ranked:
    """What the recommender shows for each tag, best first; it sees neither the topics nor the grades."""
    from perfml.advice.courses import CourseRecommender

    fitted = CourseRecommender(embedding=False).fit(courses=courses.drop(columns="topics"))
    found = fitted.for_tags(tags["tag"].tolist(), k=K)
    shown = {tag: rows.sort_values("rank")["course_id"].tolist() for tag, rows in found.groupby("query")}
    assert set(shown) <= set(tags["tag"])
    return {tag_id: shown.get(tag, []) for tag_id, tag in zip(tags["tag_id"], tags["tag"], strict=True)}


NOT_YET = "measured without the embedding: nDCG@5 .54, a wrong topic for 43 of 87 tags, 7 of 10 absent tags left empty"


@pytest.mark.xfail(reason=NOT_YET)
def test_the_right_courses_come_first(ranked: Ranked) -> None:
    scores = {tag: ndcg(ranked[tag], GRADES[tag], k=K) for tag in PRESENT}
    worst = sorted(scores, key=lambda tag: scores[tag])[:10]
    assert mean(scores.values()) >= 0.85, [(tag, round(scores[tag], 2)) for tag in worst]


@pytest.mark.xfail(reason=NOT_YET)
def test_no_course_of_a_wrong_topic_is_among_the_first_three(ranked: Ranked) -> None:
    wrong = {tag: wrong_topics(ranked[tag], TAG_TOPICS[tag], COURSE_TOPICS, k=TOP) for tag in ranked}
    assert {tag: found for tag, found in wrong.items() if found} == {}


@pytest.mark.xfail(reason=NOT_YET)
def test_a_subject_that_no_course_teaches_gets_no_course(ranked: Ranked) -> None:
    answered = [tag for tag in ABSENT if ranked[tag]]
    assert len(answered) <= 0.1 * len(ABSENT), answered

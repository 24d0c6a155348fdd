"""Words of tags in courses: Chinese without a segmenter, what counts as a match, and when nothing is an answer."""

from __future__ import annotations

import pandas as pd
import pytest

from perfml.advice.courses.recommenders.feedback import SkillFeedback
from perfml.advice.courses.recommenders.text import TextRecommender, query_tokens, tokens

COURSES = pd.DataFrame(
    [
        ("zh1", "高效沟通七步法", "开会、汇报与日常交流", "沟通"),
        ("zh2", "葡萄酒品鉴", "认识产区与品种", "品酒"),
        ("en1", "Negotiating contracts", "Prepare, open and close", "negotiation;sales"),
        ("en2", "Under water photography", "Cameras for divers", "photography"),
        ("en3", "Statistics for beginners", "Means and medians", "statistics;regression;r programming"),
        ("en4", "Lines through points", "Least squares", "regression;r programming"),
        ("en5", "Driving change", "A driving force", "change management"),
    ],
    columns=["course_id", "title", "summary", "skills"],
)


@pytest.fixture(scope="module")
def text() -> TextRecommender:
    return TextRecommender().fit(COURSES)


def ranked(text: TextRecommender, tag: str) -> list[str]:
    return text.for_tags([tag])["course_id"].tolist()


def test_pairs_of_characters_and_stemmed_words() -> None:
    assert tokens("C++与Negotiations") == ("c++", "与", *tokens("negotiation"))
    assert tokens("沟通 技巧") == ("沟通", "技巧")  # no pair reaches across the gap
    assert tokens("") == () == tokens("，!")


@pytest.mark.parametrize(
    ("tag", "bare"),
    [
        ("沟通能力有待进一步提升", "沟通"),
        ("谈判技巧不足", "谈判技巧"),
        ("needs to improve negotiation", "negotiation"),
        ("Lack of planning", "planning"),
        ("客户接待待改进", "客户接待"),
    ],
)
def test_words_that_only_state_a_gap_are_not_searched_for(tag: str, bare: str) -> None:
    assert query_tokens(tag) == tokens(bare)


def test_a_tag_of_nothing_but_such_words_keeps_them() -> None:
    assert query_tokens("能力提升") == tokens("能力提升")


def test_words_are_found_in_both_languages_and_other_forms(text: TextRecommender) -> None:
    assert ranked(text, "沟通待加强") == ["zh1"]
    assert ranked(text, "葡萄酒") == ["zh2"]
    assert ranked(text, "contract negotiation")[0] == "en1"


def test_a_subject_that_is_half_covered_is_not_answered(text: TextRecommender) -> None:
    assert ranked(text, "underwater welding") == []
    assert ranked(text, "welding statistics software") == []
    assert ranked(text, "量子计算") == []


def test_an_empty_field_is_allowed() -> None:
    bare = TextRecommender().fit(COURSES[["course_id", "title"]])
    assert ranked(bare, "沟通") == ["zh1"]
    assert ranked(TextRecommender().fit(COURSES.assign(title="", summary="", skills="")), "沟通") == []


def test_the_evidence_names_word_and_field(text: TextRecommender) -> None:
    why = text.for_tags(["negotiating contracts"])["why"].iloc[0]
    assert why == "title has negotiating, contracts; skills have negotiating"


def test_feedback_finds_what_shares_skills_with_the_first_results(text: TextRecommender) -> None:
    feedback = SkillFeedback(text.catalogue)
    first = text.tag_scores("statistics")
    assert first[5] == 0
    again = feedback.scores(first)
    assert again[4] == 1 and 0 < again[5] < 1 and again[[0, 1, 2, 3, 6]].max() == 0
    assert set(feedback.shared(first, 5)) == {"regression", "r programming"}


def test_feedback_on_nothing_is_nothing(text: TextRecommender) -> None:
    assert not SkillFeedback(text.catalogue).scores(text.tag_scores("astronomy")).any()
    bare = TextRecommender().fit(COURSES.drop(columns="skills"))
    assert not SkillFeedback(bare.catalogue).scores(bare.tag_scores("statistics")).any()

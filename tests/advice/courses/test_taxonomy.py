"""Skills are matched by the longest phrase, in both scripts, at the borders of words; relations go one step."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.advice.courses.taxonomy import IN_PASSING, Phrases, Taxonomy, stem, units
from perfml.project.course_policy import SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.spec import parse
from perfml.project.starter import STARTER

SHIPPED = Taxonomy.of(ProjectFolder(STARTER).policy_of(SkillsSpec)[1])


def taxonomy(**skills: dict[str, object]) -> Taxonomy:
    raw = {"zh": "", "en": "", "skills": {name: {"zh": "", "en": name, **fields} for name, fields in skills.items()}}
    return Taxonomy.of(parse(SkillsSpec, raw, file="models/skills.toml"))


@pytest.mark.parametrize(
    ("tag", "skill"),
    [
        ("跨部门协作待加强", "collaboration"),
        ("目标拆解不够清晰", "planning"),
        ("时间管理待改善", "time_management"),
        ("数据分析能力不足", "data_analysis"),
        ("谈判技巧需要提升", "negotiation"),
        ("需要加强带教新人", "coaching"),
        ("风险意识不足", "risk_management"),
        ("presentation skills", "presentation"),
        ("Time management needs improvement", "time_management"),
        ("needs to delegate more", "delegation"),
        ("time_management", "time_management"),
        ("高效沟通七步法", "communication"),
        ("影响力工作坊", "influence"),
    ],
)
def test_a_tag_or_a_title_is_mainly_about_its_skill(tag: str, skill: str) -> None:
    assert next(iter(SHIPPED.skills_in(tag))) == skill


@pytest.mark.parametrize("text", ["葡萄酒品鉴", "Wine tasting for beginners", "叉车操作证", "", "!!!", "　", "🙂"])
def test_what_names_no_skill_has_none(text: str) -> None:
    assert SHIPPED.skills_in(text) == {}


def test_the_longest_phrase_wins_and_the_rest_is_still_read() -> None:
    own = taxonomy(a={"aliases": ["管理"]}, b={"aliases": ["项目管理"]}, c={"aliases": ["目管"]})
    assert own.skills_in("项目管理") == {"b": 1.0}
    assert set(own.skills_in("项目管理与管理")) == {"a", "b"}


def test_latin_words_end_where_they_end() -> None:
    own = taxonomy(art={}, sql={}, plan={})
    assert own.skills_in("start the party, sqlite, explanation") == {}
    assert set(own.skills_in("ART, SQL基础 and planning")) == {"art", "sql", "plan"}


def test_no_phrase_reaches_across_a_stop() -> None:
    own = taxonomy(nets={"aliases": ["deep learning", "深度学习"]})
    assert own.skills_in("Go deep. Learning is fun. 深度，学习") == {}
    assert own.skills_in("deep-learning") == own.skills_in("深度学习") == {"nets": 1.0}


def test_hints_count_half_and_names_go_before_them() -> None:
    own = taxonomy(a={"hints": ["plan"]}, plan={})
    assert own.skills_in("plan") == {"plan": 1.0}
    assert taxonomy(a={"hints": ["plan"]}).skills_in("plans") == {"a": 0.5}


def test_phrases_in_which_the_word_means_something_else() -> None:
    assert "conflict" in SHIPPED.skills_in("handling conflict in teams")
    assert "conflict" not in SHIPPED.skills_in("resolving a merge conflict")


def test_the_words_of_need_do_not_matter() -> None:
    plain = SHIPPED.skills_in("谈判")
    for tag in ("谈判待加强", "谈判不足", "谈判能力需要提升", "谈判"):
        assert SHIPPED.skills_in(tag) == plain
    assert SHIPPED.skills_in("negotiation needs improvement") == SHIPPED.skills_in("Negotiating")


def test_relations_go_one_step_and_may_go_round() -> None:
    own = taxonomy(a={"helped_by": {"b": 0.5}}, b={"helped_by": {"c": 0.5, "a": 0.4}}, c={})
    assert own.helped_by("a") == {"a": 1.0, "b": 0.5}
    assert own.helped_by("b") == {"b": 1.0, "c": 0.5, "a": 0.4}
    assert own.helped_by("nowhere") == {"nowhere": 1.0}
    assert SHIPPED.helped_by("collaboration")["communication"] > SHIPPED.helped_by("collaboration")["influence"] > 0


def test_a_course_teaches_what_its_title_and_skills_say_and_half_of_what_its_summary_mentions() -> None:
    own = taxonomy(a={}, b={}, c={})
    assert own.taught_by("A course", "with some b and a", ["c"]) == {"a": 1.0, "c": 1.0, "b": IN_PASSING}


def test_names() -> None:
    assert (SHIPPED.name("planning", "zh"), SHIPPED.name("planning", "en")) == (
        "目标与计划管理",
        "goal setting and planning",
    )
    assert SHIPPED.name("nowhere", "zh") == "nowhere"


def test_different_words_stay_different() -> None:
    for word, other in [
        ("product", "production"),
        ("lead", "leadership"),
        ("present", "presentation"),
        ("meet", "media"),
    ]:
        assert stem(word) != stem(other)


@pytest.mark.slow
@given(st.text(max_size=60))
def test_any_text_can_be_read_and_strengths_are_in_range(text: str) -> None:
    strengths = SHIPPED.skills_in(text)
    assert all(0 < strength <= 1 for strength in strengths.values())
    assert list(strengths.values()) == sorted(strengths.values(), reverse=True)
    assert len(units(text)) == len(units(text, stemmed=False))


@given(st.lists(st.text("ab ", min_size=1, max_size=4), max_size=6), st.text("ab ", max_size=12))
def test_found_phrases_do_not_overlap(phrases: list[str], text: str) -> None:
    matches = Phrases({phrase: (phrase, 1.0) for phrase in phrases}).find(text)
    assert all(match.end <= other.start for match, other in pairwise(matches))

"""The shipped policy and skills are sound; what is not known is refused with its file and key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perfml.advice.courses.taxonomy import units
from perfml.errors import DefinitionError
from perfml.project.course_policy import CoursePolicy, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Spec, parse
from perfml.project.starter import STARTER

TEXTS = {"zh": "", "en": ""}
SKILLS = ProjectFolder(STARTER).policy_of(SkillsSpec)[1]


def refused(kind: type[Spec], raw: Mapping[str, Any], file: str) -> str:
    with pytest.raises(DefinitionError) as error:
        parse(kind, {**TEXTS, **raw}, file=file)
    return str(error.value)


def test_an_unknown_key_is_refused_at_every_level() -> None:
    assert "course_match.toml: 'language' is not a key" in refused(
        CoursePolicy, {"language": "zh"}, "models/course_match.toml"
    )
    problem = refused(CoursePolicy, {"closure": {"weight": 1}}, "models/course_match.toml")
    assert problem.startswith("models/course_match.toml [closure]: 'weight' is not a key; use one of: fewest_people")
    problem = refused(SkillsSpec, {"skills": {"a": {**TEXTS, "helpedby": {}}}}, "models/skills.toml")
    assert problem.startswith("models/skills.toml [skills.a]: 'helpedby' is not a key")
    assert "[cues]" in refused(SkillsSpec, {"skills": {}, "cues": {"moods": []}}, "models/skills.toml")


def test_a_relation_to_no_skill_is_refused_with_file_and_key() -> None:
    problem = refused(SkillsSpec, {"skills": {"a": {**TEXTS, "helped_by": {"b": 0.5}}}}, "models/skills.toml")
    assert problem.startswith("models/skills.toml") and "skills.a.helped_by names 'b', which is no skill" in problem
    problem = refused(SkillsSpec, {"skills": {"a": {**TEXTS, "helped_by": {"a": 0.5}}}}, "models/skills.toml")
    assert "names itself" in problem


def test_of_two_policies_of_a_kind_one_must_be_named(tmp_path: Path) -> None:
    (tmp_path / "perfml.toml").write_text('name = "x"\n', encoding="utf-8")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "leaders.toml").write_text(
        'kind = "course_match"\nzh = "干部"\nen = "leaders"\n', encoding="utf-8"
    )
    folder = ProjectFolder(tmp_path)
    with pytest.raises(DefinitionError, match=r"models/leaders\.md: is missing; write the card"):
        folder.policy_of(CoursePolicy, "leaders")
    (tmp_path / "models" / "leaders.md").write_text("# Leaders", encoding="utf-8")
    assert folder.policy_of(CoursePolicy, "leaders")[1].en == "leaders"
    with pytest.raises(
        DefinitionError, match="no policy of kind 'course_match' is called 'leeders'; did you mean 'leaders'"
    ):
        folder.policy_of(CoursePolicy, "leeders")
    with pytest.raises(
        DefinitionError, match="2 policies are of kind 'course_match'; use one of: course_match, leaders"
    ):
        folder.policy_of(CoursePolicy)


@pytest.mark.parametrize("strength", [0, -0.1, 1.1])
def test_a_strength_is_above_zero_and_at_most_one(strength: float) -> None:
    skills = {"a": {**TEXTS, "helped_by": {"b": strength}}, "b": TEXTS}
    assert "[skills.a.helped_by.b]" in refused(SkillsSpec, {"skills": skills}, "models/skills.toml")


@pytest.mark.parametrize(
    "wrong",
    [
        {"languages": []},
        {"languages": ["Chinese"]},
        {"hours_per_quarter": 0},
        {"most_courses": 0},
        {"minimum_score": 1.5},
        {"course_level_by_position_level": {"1": 9}},
        {"closure": {"fewest_people": 1}},
    ],
)
def test_a_limit_that_limits_nothing_is_refused(wrong: dict[str, Any]) -> None:
    assert f"models/p.toml [{next(iter(wrong))}" in refused(CoursePolicy, wrong, "models/p.toml")


def test_levels_in_between_take_the_next_lower_one_and_places_may_read_other_languages() -> None:
    raw = {
        **TEXTS,
        "course_level_by_position_level": {"2": 1, "4": 2},
        "languages": ["zh"],
        "languages_by_location": {"Berlin": ["en", "de"]},
    }
    policy = parse(CoursePolicy, raw, file="p")
    assert [policy.course_level(level) for level in (None, 1, 2, 3, 4, 9)] == [None, None, 1, 1, 2, 2]
    assert policy.languages_at("Berlin") == ("en", "de")
    assert policy.languages_at(None) == policy.languages_at("上海") == ("zh",)


def test_a_project_adds_a_skill_or_an_alias_without_writing_the_rest(tmp_path: Any) -> None:
    (tmp_path / "perfml.toml").write_text('name = "x"\n', encoding="utf-8")
    (tmp_path / "models").mkdir()
    own = '[skills.beekeeping]\nzh = "养蜂"\nen = "beekeeping"\nhelped_by = { planning = 0.2 }\n'
    (tmp_path / "models" / "skills.toml").write_text(own, encoding="utf-8")
    skills = ProjectFolder(tmp_path).policy_of(SkillsSpec)[1].skills
    assert set(skills) == {*SKILLS.skills, "beekeeping"}


def test_the_shipped_skills_are_as_many_as_said_and_no_phrase_means_two() -> None:
    assert 60 <= len(SKILLS.skills) <= 90
    meanings: dict[tuple[str, ...], set[str]] = {}
    for name, skill in SKILLS.skills.items():
        assert skill.zh and skill.en
        for phrase in (name.replace("_", " "), skill.zh, skill.en, *skill.aliases, *skill.hints):
            assert units(phrase), f"{phrase!r} of {name} has no words"
            meanings.setdefault(tuple(units(phrase)), set()).add(name)
    assert {phrase: names for phrase, names in meanings.items() if len(names) > 1} == {}


def test_every_skill_is_called_something_in_each_script() -> None:
    for name, skill in SKILLS.skills.items():
        names = (skill.zh, skill.en, *skill.aliases)
        assert any("\u4e00" <= sign <= "\u9fff" for word in names for sign in word), name
        assert any(sign.isascii() and sign.isalpha() for word in names for sign in word), name


def test_what_is_nobodys_to_guess_is_never_proposed() -> None:
    assert not SKILLS.skills["wellbeing"].proposed

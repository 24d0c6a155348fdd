"""Skills recognised by likeness to examples, in words that no phrase of the taxonomy has, and in the other language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.courses.recommenders import embedding
from perfml.advice.courses.recommenders.embedding import E5, USE, encoders, stored_vectors
from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.advice.courses.recommenders.fusion import CourseRecommender, shipped_taxonomy
from perfml.advice.courses.recommenders.likeness import AGREEMENT_FLOOR, Likeness
from perfml.arrays import Floats
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

EXAMPLES = ProjectFolder(STARTER).policy_of(SkillExamplesSpec)[1]
needs_an_encoder = pytest.mark.skipif(not encoders(), reason="no encoder of perfml[embeddings] runs here")


@pytest.fixture(scope="module")
def wording() -> Likeness:
    """By words alone."""
    return Likeness(shipped_taxonomy(), EXAMPLES)


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    """By words and what meaning is read with here."""
    return Likeness(shipped_taxonomy(), EXAMPLES, encoders=encoders())


def course(title: str) -> Catalogue:
    return Catalogue.of(pd.DataFrame({"course_id": ["c"], "title": [title]}))


def names_of(likeness: Likeness, shares: Floats, *, most: int) -> set[str]:
    return {likeness.skills[skill] for skill in np.argsort(-shares[:-1])[:most]}


@pytest.mark.slow
@needs_an_encoder
@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("会上总是一言堂，别人插不上话", "meetings"),
        ("keeps every task for herself and the team waits", "delegation"),
        ("上线一周崩了三次，每次都找不到原因", "debugging"),
        ("the month was closed nine days late", "accounting"),
    ],
)
def test_a_skill_is_recognised_without_its_words(likeness: Likeness, text: str, skill: str) -> None:
    assert shipped_taxonomy().skills_in(text).get(skill) is None, (
        "a phrase recognises it; this says nothing about likeness"
    )
    assert skill in names_of(likeness, likeness.of_tag(text), most=3)


def test_the_words_of_the_examples_recognise_a_skill_with_nothing_installed(wording: Likeness) -> None:
    """No phrase of the taxonomy is in the tag, and it is none of the examples."""
    tag = "waits for others to come to her with news"
    assert shipped_taxonomy().skills_in(tag) == {}
    assert "communication" in names_of(wording, wording.of_tag(tag), most=2)


def test_a_word_that_no_example_has_is_about_no_skill(wording: Likeness) -> None:
    """Of *xylograph making* only the second word is known, and it may not decide."""
    assert wording.of_tag("xylograph making")[-1] > 0.5 > wording.of_tag("decision making")[-1]


@pytest.mark.slow
@needs_an_encoder
def test_what_is_like_no_skill_says_so(likeness: Likeness) -> None:
    licence, slow = likeness.of_tag("叉车证过期了"), likeness.of_tag("SQL 查询写得慢")
    assert [*likeness.skills, ""][licence.argmax()] == "" and likeness.skills[slow.argmax()] == "sql"
    for shares in (licence, slow):
        assert shares.sum() == pytest.approx(1) and (shares >= 0).all()


def test_agreement_is_on_a_skill_or_on_one_that_helps_it(likeness: Likeness) -> None:
    index = {name: number for number, name in enumerate(likeness.skills)}
    unit = np.eye(len(index) + 1)
    tag, courses = unit[index["collaboration"]], unit[[index["collaboration"], index["influence"], index["sql"], -1]]
    same, helping = likeness.agreement(tag, courses)
    strength = shipped_taxonomy().helped_by("collaboration")["influence"]
    np.testing.assert_allclose(np.exp(same), np.array([1, 0, 0, 0]) + AGREEMENT_FLOOR)
    np.testing.assert_allclose(np.exp(helping), np.array([1, strength, 0, 0]) + AGREEMENT_FLOOR)


@pytest.mark.slow
def test_why_names_a_skill_only_where_tag_and_course_are_both_about_it(likeness: Likeness) -> None:
    wine, slow = likeness.of_tag("wine"), likeness.of_tag("SQL 查询写得慢")
    (queries,) = likeness.of_courses(course("SQL 取数实战。连接、分组、窗口函数，自己从数据仓库里拿到想要的数。"))
    assert likeness.shared(slow, queries) == "sql"
    assert likeness.shared(wine, queries) == "" == likeness.shared(slow, wine)
    titles = ["Wine tasting", "Queries that answer questions"]
    fitted = CourseRecommender().fit(pd.DataFrame({"course_id": ["w", "q"], "title": titles}))
    (why,) = fitted.for_tags(["wine"])["why"]
    assert "wine" in why and "said of" not in why


@pytest.mark.slow
@pytest.mark.skipif(E5 not in encoders(), reason="the second encoder of perfml[embeddings] does not run here")
def test_languages_are_no_further_apart_than_meanings() -> None:
    """A translation is closer than another subject in the same language, once each language's mean vector is taken off."""
    space = Likeness(shipped_taxonomy(), EXAMPLES, encoders=(E5,)).space
    assert space is not None
    tag, courses = space.tag("谈判时让步太快"), space.courses(("Negotiation Lab", "葡萄酒品鉴入门"))
    assert courses[0] @ tag > courses[1] @ tag + 0.1


def test_an_encoder_needs_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda name: object())
    monkeypatch.setattr(embedding, "_instructions", lambda: frozenset({"avx2", "fma"}))
    assert encoders() == (USE, E5)
    monkeypatch.setattr(embedding, "_instructions", frozenset)
    assert encoders() == (USE,)
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    assert encoders() == ()


def test_there_are_examples_of_every_skill_and_of_no_other() -> None:
    skills = ProjectFolder(STARTER).policy_of(SkillsSpec)[1].skills
    assert set(EXAMPLES.examples) == set(skills)
    lines = [
        line for each in (*EXAMPLES.examples.values(), EXAMPLES.unrelated) for line in (*each.lacking, *each.teaching)
    ]
    assert len(lines) == len(set(lines)), "an example of two skills identifies neither"
    for each in EXAMPLES.examples.values():
        chinese = [any("\u4e00" <= letter <= "\u9fff" for letter in line) for line in each.lacking]
        assert 0.3 < np.mean(chinese) < 0.7


@needs_an_encoder
def test_vectors_are_stored_between_runs_and_computed_again_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    texts = ("沟通", "planning")
    first = stored_vectors(USE, texts, "tag")
    (stored,) = (tmp_path / "perfml" / "vectors").iterdir()
    with monkeypatch.context() as asked:
        asked.setattr(embedding, "vectors", lambda *asked: pytest.fail("computed again"))
        assert np.array_equal(stored_vectors(USE, texts, "tag"), first)
    for damaged in (b"damaged", b"", b"PK\x03\x04"):
        stored.write_bytes(damaged)
        assert np.array_equal(stored_vectors(USE, texts, "tag"), first)
    assert np.array_equal(np.load(stored), first)

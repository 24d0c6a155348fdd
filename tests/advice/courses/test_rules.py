"""What the rules say is true: a gap without a course is told why, and nothing is offered that a limit forbids."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.advice.courses.match import LANGUAGES, match
from perfml.advice.courses.rules import LEFT_OUT, SUITABLE, Course, Person, offer, why_nothing
from perfml.errors import DataError
from tests.advice.courses.test_match import DAY, POLICY, TAXONOMY, company, course, person, rows
from tests.tables import opened, write_tables

HEAD = "course_id | title | skills | level | hours | language | prerequisites\n"
NOTED = "employee_id | tag | noted_on\n"


def only_noted(folder: Path, tags: str, courses: str, **tables: str) -> list[dict[str, Any]]:
    policy = POLICY.model_copy(update={"use_proposed": False})
    return rows(company(folder, tags=NOTED + tags, courses=HEAD + courses, **tables), policy)


@pytest.mark.slow
def test_a_course_that_serves_two_gaps_is_offered_once_and_both_gaps_say_so(tmp_path: Path) -> None:
    tags = "ana | 沟通不足 | 2026-07-10\nana | 跨部门协作待加强 | 2026-07-10"
    first, second = only_noted(tmp_path, tags, "talk | 高效沟通七步法 | communication | 2 | 6 | zh |")
    assert (first["status"], second["status"]) == ("suggested", "none")
    assert "目录中没有" not in second["why_not_zh"] and "helps with this one too" in second["why_not_en"]


@pytest.mark.slow
def test_a_gap_that_has_to_wait_is_not_told_that_there_is_no_course(tmp_path: Path) -> None:
    gaps = {"谈判": "negotiation", "时间管理": "time_management", "演讲": "presentation", "商务写作": "writing"}
    tags = "\n".join(f"ana | {title}不足 | 2026-07-1{n}" for n, title in enumerate(gaps))
    courses = "\n".join(f"c{n} | {title} | {skill} | 2 | 2 | zh |" for n, (title, skill) in enumerate(gaps.items()))
    outcome = only_noted(tmp_path, tags, courses)
    assert Counter(row["status"] for row in outcome) == {"suggested": POLICY.most_courses, "none": 1}
    (waits,) = (row for row in outcome if row["status"] == "none")
    assert waits["tag"] == "谈判不足"  # the oldest
    assert (
        "no more are suggested at a time" in waits["why_not_en"] and "已达到一次推荐的数量上限" in waits["why_not_zh"]
    )


@pytest.mark.slow
def test_hours_that_the_catalogue_does_not_give_are_missing_and_not_zero(tmp_path: Path) -> None:
    courses = "a | 谈判 | negotiation | 2 | | zh |\nb | 演讲 | presentation | 2 | 9 | zh |\nc | 商务写作 | writing | 2 | 9 | zh |"
    tags = "ana | 谈判不足 | 2026-07-12\nana | 演讲不足 | 2026-07-11\nana | 写作不足 | 2026-07-10"
    outcome = {row["tag"]: row for row in only_noted(tmp_path, tags, courses)}
    assert (outcome["谈判不足"]["status"], outcome["谈判不足"]["hours"]) == ("suggested", None)
    assert outcome["演讲不足"]["status"] == "none"  # 9 hours, the median, are taken for the first, of 16
    assert "take more hours than there are" in outcome["演讲不足"]["why_not_en"]


def test_a_prerequisite_is_no_way_round_the_limits() -> None:
    who = person(level=2)
    far = course("b", level=4)
    outcome = offer(who, [[("a", 0.9)]], courses={"a": course("a", prerequisites=("b",)), "b": far}, policy=POLICY)
    assert (outcome.steps, outcome.left_out[0]) == ((), {"prerequisite": 1})
    near = {"a": course("a", prerequisites=("b",)), "b": course("b", level=3)}
    assert [step.course_id for step in offer(who, [[("a", 0.9)]], courses=near, policy=POLICY).steps] == ["b", "a"]
    low = {"a": course("a", level=4, prerequisites=("b",)), "b": course("b", level=1)}  # it may be as low as it likes
    assert [step.course_id for step in offer(person(level=4), [[("a", 0.9)]], courses=low, policy=POLICY).steps] == [
        "b",
        "a",
    ]


def test_a_prerequisite_under_way_is_said_to_be() -> None:
    catalogue = {"a": course("a", prerequisites=("b",)), "b": course("b")}
    outcome = offer(person(running=frozenset("b")), [[("a", 0.9)]], courses=catalogue, policy=POLICY)
    assert (outcome.steps, outcome.left_out[0]) == ((), {"under_way": 1})


def test_a_path_longer_than_may_be_suggested_is_no_promise_to_wait() -> None:
    chain = {str(n): course(str(n), prerequisites=(str(n + 1),) if n < 4 else ()) for n in range(5)}
    outcome = offer(person(hours=99.0), [[("0", 0.9)]], courses=chain, policy=POLICY)
    assert (outcome.steps, outcome.left_out[0]) == ((), {"long": 1})
    assert "more courses first" in why_nothing(outcome.left_out[0], "en")


@pytest.mark.slow
def test_languages_are_compared_without_their_country(tmp_path: Path) -> None:
    tags = "ana | 谈判不足 | 2026-07-10"
    (row,) = only_noted(tmp_path / "a", tags, "a | 谈判 | negotiation | 2 | 2 | zh-CN |")
    assert (row["status"], row["language"]) == ("suggested", "zh")
    (row,) = only_noted(tmp_path / "b", tags, "a | 谈判 | negotiation | 2 | 2 | fr-CA |")
    assert row["status"] == "none" and "语言不符" in row["why_not_zh"]


def test_without_anything_that_names_a_gap_it_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    log = "employee_id | happened_at | kind\nana | 2026-08-01 | login"
    people = "employee_id | hired_on\nana | 2020-01-01"
    data = opened(write_tables(tmp_path, employees=people, events=log, courses=HEAD + "a | 谈判 | | | | |"))
    with pytest.raises(DataError, match="the tables 'gap_tags' and 'reviews' are missing; add one of the two"):
        match(data, POLICY, taxonomy=TAXONOMY, as_of=DAY)


def test_every_reason_has_a_sentence_of_its_own() -> None:
    reasons = {*LEFT_OUT, *SUITABLE}
    for language in LANGUAGES:
        sentences = {why_nothing(Counter({why: 1}), language) for why in reasons}
        assert len(sentences) == len(reasons) and why_nothing(Counter(), language) not in sentences


NAMES = "abcdefgh"


@st.composite
def offers(draw: st.DrawFn) -> tuple[Person, list[list[tuple[str, float]]], dict[str, Course]]:
    """Someone with gaps, and a catalogue in which prerequisites only point to later letters: no circles."""
    some = st.frozensets(st.sampled_from(NAMES), max_size=3)
    catalogue = {
        name: course(
            name,
            level=draw(st.sampled_from([None, 1, 2, 3, 4, 5])),
            language=draw(st.sampled_from([None, "zh", "en"])),
            hours=draw(st.sampled_from([1.0, 4.0, 9.0])),
            seats_left=draw(st.sampled_from([0.0, 3.0])),
            prerequisites=tuple(sorted(other for other in draw(some) if other > name)),
        )
        for name in NAMES
    }
    gaps = draw(st.lists(st.lists(st.sampled_from(NAMES), unique=True, max_size=6), min_size=1, max_size=4))
    who = person(
        level=draw(st.sampled_from([None, 2, 3])),
        completed=draw(some),
        running=draw(some),
        hours=draw(st.sampled_from([3.0, 10.0, 30.0])),
    )
    return who, [[(name, 0.9 - n / 10) for n, name in enumerate(gap)] for gap in gaps], catalogue


@pytest.mark.slow
@given(offers())
def test_no_offer_breaks_a_rule_and_no_gap_is_passed_over(
    case: tuple[Person, list[list[tuple[str, float]]], dict[str, Course]],
) -> None:
    who, gaps, catalogue = case
    outcome = offer(who, gaps, courses=catalogue, policy=POLICY)
    names = [step.course_id for step in outcome.steps]
    assert len(set(names)) == len(names) <= POLICY.most_courses
    assert sum(catalogue[name].hours for name in names) <= who.hours
    for position, step in enumerate(outcome.steps):
        chosen = catalogue[step.course_id]
        assert step.course_id not in who.completed | who.running and chosen.seats_left > 0
        assert chosen.language in (None, *who.languages)
        assert who.level is None or chosen.level is None or chosen.level <= who.level + POLICY.steps_above
        assert set(chosen.prerequisites) <= who.completed | set(names[:position])  # first things first
    assert {step.gap for step in outcome.steps} | set(outcome.left_out) == set(range(len(gaps)))
    for gap, why in outcome.left_out.items():
        assert sum(why.values()) == len(gaps[gap])  # every candidate is accounted for

"""From a gap to courses: the words of the case, every rule with its own words, closure, and nothing from the future."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perfml.advice.courses.closure import closures, compare_shares
from perfml.advice.courses.match import SCHEMA, match
from perfml.advice.courses.rules import Course, Person, check_prerequisites, offer, why_nothing
from perfml.advice.courses.tags import looks, open_tags
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.errors import DataError, DefinitionError
from perfml.evidence.sources import Data
from perfml.messages import render
from perfml.project.course_policy import CoursePolicy, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ForWhom
from perfml.project.starter import STARTER
from tests.tables import opened, write_tables
from tests.trust.holds.holding import broken

DAY = dt.date(2026, 9, 1)
SHIPPED = ProjectFolder(STARTER)
POLICY = SHIPPED.policy_of(CoursePolicy)[1]
TAXONOMY = Taxonomy.of(SHIPPED.policy_of(SkillsSpec)[1])
COURSES = """
course_id | title          | summary                          | skills        | level | hours | language | prerequisites | seats
talk      | 高效沟通七步法 | 把话说清楚，对齐各部门的期望。   | communication | 2     | 6     | zh       |               | 20
influence | 影响力工作坊   | 不靠职权推动他人。               | influence     | 2     | 8     | zh       |               | 20
wine      | 葡萄酒品鉴     | 认识产区，学会品酒与部门聚餐配酒。 | wine        | 2     | 3     | zh       |               | 20
"""
CASE = """
employee_id | tag              | noted_on   | review_id | quote
ana         | 跨部门协作待加强 | 2026-07-10 | r1        | 接口人经常不清楚进度。
"""


def company(folder: Path, *, tags: str = CASE, courses: str | None = COURSES, **tables: str) -> Data:
    given = {
        "employees": "employee_id | hired_on\nana | 2020-01-01\nben | 2020-01-01\ncam | 2020-01-01",
        "events": "employee_id | happened_at | kind\nana | 2026-08-01 | login",
        "reviews": (
            "review_id | employee_id | period_end | reviewed_on | rating | comment\n"
            "r1 | ana | 2026-06-30 | 2026-07-10 | 3 | 工作扎实。跨部门协作有待加强。"
        ),
        "positions": "employee_id | effective_on | level\nana | 2020-01-01 | 3\nben | 2020-01-01 | 3",
        **({} if courses is None else {"courses": courses}),
        **({} if not tags else {"gap_tags": tags}),
        **tables,
    }
    return opened(write_tables(folder, **given))


def rows(data: Data, policy: CoursePolicy = POLICY, **options: Any) -> list[dict[str, Any]]:
    matched = match(data, policy, taxonomy=TAXONOMY, as_of=DAY, **options)
    assert matched.schema == SCHEMA
    return matched.to_pylist()


@pytest.mark.slow
def test_the_case_gets_both_courses_in_order_and_never_the_wine(tmp_path: Path) -> None:
    matched = rows(company(tmp_path))
    assert [(row["rank"], row["title"]) for row in matched] == [(1, "高效沟通七步法"), (2, "影响力工作坊")]
    assert all(row["status"] == "suggested" and row["tag_source"] == "noted" for row in matched)
    why = {line["what"]: line for line in matched[0]["why"]}
    assert why["quote"]["zh"] == "评价原文：“接口人经常不清楚进度。”"
    assert why["skill"]["zh"] == "讲授“沟通”，有助于“跨部门协作”" and "helps collaboration" in why["skill"]["en"]
    assert "排在最前" in why["order"]["zh"] and why["order"]["en"].startswith("first, because")
    assert matched[0]["en"] == "For “跨部门协作待加强”, take “高效沟通七步法”"


@pytest.mark.slow
def test_a_comment_proposes_a_gap_and_a_person_has_to_confirm_it(tmp_path: Path) -> None:
    matched = rows(company(tmp_path, tags=""))
    assert matched[0]["tag_source"] == "proposed" and matched[0]["quote"] == "跨部门协作有待加强。"
    assert "须由人确认" in matched[0]["why"][0]["zh"] and "confirmed by a person" in matched[0]["why"][0]["en"]
    assert rows(company(tmp_path / "no", tags=""), POLICY.model_copy(update={"use_proposed": False})) == []


@pytest.mark.slow
def test_nothing_suitable_is_an_answer(tmp_path: Path) -> None:
    tags = "employee_id | tag | noted_on\nana | 叉车操作证过期 | 2026-07-10"
    (row,) = [row for row in rows(company(tmp_path, tags=tags)) if row["tag_source"] == "noted"]
    assert (row["status"], row["course_id"], row["why"]) == ("none", None, [])
    assert "没有与此相关的课程" in row["why_not_zh"] and "nothing suitable" in row["why_not_en"]


@pytest.mark.slow
def test_what_was_refused_or_held_is_not_suggested(tmp_path: Path) -> None:
    data = company(tmp_path)
    first = rows(data)[0]["suggestion_id"]
    assert [row["title"] for row in rows(data, refused=frozenset({first}))] == ["影响力工作坊"]
    (row,) = rows(data, held={"ana": broken("ana", table="reviews", rule="off_the_scale")})
    assert row["status"] == "held" and "off_the_scale" in row["why_not_zh"] and row["tag"] is None
    assert rows(data, employees=["ben"]) == []


@pytest.mark.slow
def test_a_policy_holds_for_its_people_and_its_part_of_the_catalogue(tmp_path: Path) -> None:
    tags = CASE.rstrip() + "\nben         | 跨部门协作待加强 | 2026-07-10 |           |\n"
    positions = (
        "employee_id | effective_on | level | role_family\nana | 2020-01-01 | 3 | sales\nben | 2020-01-01 | 3 | dev"
    )
    data = company(tmp_path, tags=tags, positions=positions)
    sales = POLICY.model_copy(update={"population": ForWhom(where="role_family = 'sales'")})
    matched = rows(data, sales)
    assert [(row["employee_id"], row["status"]) for row in matched] == [
        ("ana", "suggested"),
        ("ana", "suggested"),
        ("ben", "outside"),
    ]
    assert "role_family = 'sales'" in matched[-1]["why_not_en"] and "只适用于" in matched[-1]["why_not_zh"]
    part = sales.model_copy(update={"courses_where": "list_contains(skills, 'influence')"})
    assert [row["title"] for row in rows(data, part)] == ["影响力工作坊", None]
    for where, problem in (("topic = 'x'", "does not run"), ("course_id = 'x'", "is true of no course")):
        with pytest.raises(DefinitionError, match=problem):
            rows(data, POLICY.model_copy(update={"courses_where": where}))


@pytest.mark.slow
def test_what_is_known_later_changes_nothing(tmp_path: Path) -> None:
    before = rows(company(tmp_path / "a"))
    later = CASE + "ana | 谈判技巧需要提升 | 2026-09-01 | | "
    taken = "employee_id | course_id | enrolled_on | completed_on\nana | talk | 2026-08-25 | 2026-09-05"
    taken += "\nana | influence | 2026-09-02 | "
    matched = rows(company(tmp_path / "b", tags=later))
    assert matched == before
    running = rows(company(tmp_path / "c", enrolments=taken))
    assert [row["title"] for row in running] == [
        "影响力工作坊"
    ]  # enrolled before the day; completed, or enrolled, after it


def test_no_catalogue_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'courses' is missing; export the catalogue"):
        rows(company(tmp_path, courses=None))


# ---- the rules, each by itself ---------------------------------------------------------------------------------------


def course(name: str, **fields: Any) -> Course:
    base: dict[str, Any] = {"language": "zh", "level": 2, "hours": 4.0, "prerequisites": (), "seats_left": 5.0}
    return Course(course_id=name, title=name, **(base | fields))


def person(**fields: Any) -> Person:
    base: dict[str, Any] = {
        "languages": ("zh",),
        "level": 2,
        "completed": frozenset(),
        "running": frozenset(),
        "hours": 16.0,
    }
    return Person(employee_id="ana", **(base | fields))


def offered(
    *courses: Course, who: Person | None = None, policy: CoursePolicy = POLICY, gaps: Any = None
) -> tuple[list[str], Counter[str]]:
    catalogue = {each.course_id: each for each in courses}
    asked = gaps or [[(each.course_id, 0.9 - n / 100) for n, each in enumerate(courses)]]
    outcome = offer(who or person(), asked, courses=catalogue, policy=policy)
    return [step.course_id for step in outcome.steps], sum(outcome.left_out.values(), Counter())


@pytest.mark.parametrize(
    ("barred", "who", "why"),
    [
        ({"language": "fr"}, {}, "language"),
        ({"level": 4}, {}, "above"),
        ({"level": 1}, {"level": 3}, "below"),
        ({}, {"completed": frozenset({"x"})}, "taken"),
        ({}, {"running": frozenset({"x"})}, "taken"),
        ({"seats_left": 0.0}, {}, "seats"),
        ({"hours": 17.0}, {}, "hours"),
        ({"prerequisites": ("absent",)}, {}, "prerequisite"),
    ],
)
def test_each_rule_says_why(barred: dict[str, Any], who: dict[str, Any], why: str) -> None:
    steps, left_out = offered(course("x", **barred), who=person(**who))
    assert steps == [] and left_out == {why: 1}
    assert why_nothing(left_out, "zh").startswith("没有合适")
    assert why_nothing(left_out, "en").startswith("nothing suitable: 1")


@pytest.mark.parametrize("fits", [{"level": 3}, {"level": None}, {"language": None}, {"seats_left": float("inf")}])
def test_what_is_within_the_rules_is_offered(fits: dict[str, Any]) -> None:
    assert offered(course("x", **fits))[0] == ["x"]


def test_prerequisites_come_first_as_a_path() -> None:
    three = course("c", prerequisites=("b",)), course("b", prerequisites=("a",)), course("a", level=1)
    catalogue = {each.course_id: each for each in three}
    outcome = offer(
        person(level=3), [[("c", 0.9)]], courses=catalogue, policy=POLICY.model_copy(update={"most_courses": 3})
    )
    assert [(step.course_id, step.for_course) for step in outcome.steps] == [("a", "c"), ("b", "c"), ("c", None)]
    done = offer(person(completed=frozenset({"b"})), [[("c", 0.9)]], courses=catalogue, policy=POLICY)
    assert [step.course_id for step in done.steps] == ["c"]
    with pytest.raises(DataError, match="go round in a circle: a → b → a"):
        check_prerequisites({"a": course("a", prerequisites=("b",)), "b": course("b", prerequisites=("a",))})


def test_time_and_number_are_shared_out_over_the_gaps() -> None:
    courses = [course(name) for name in "abcd"]
    gaps = [[("a", 0.9), ("b", 0.8)], [("c", 0.9), ("d", 0.8)]]
    two = POLICY.model_copy(update={"most_courses": 2})
    assert offered(*courses, gaps=gaps, policy=two)[0] == ["a", "c"]
    assert offered(*courses, gaps=gaps)[0] == ["a", "c", "b"]
    assert offered(*courses, gaps=gaps, who=person(hours=9.0))[0] == ["a", "c"]


def test_a_low_score_is_no_answer() -> None:
    strict = POLICY.model_copy(update={"minimum_score": 0.5})
    assert offer(person(), [[("x", 0.4)]], courses={"x": course("x")}, policy=strict).left_out[0] == {"score": 1}


# ---- did the gap go? -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_closure_compares_who_completed_between_two_reviews_with_who_did_not(tmp_path: Path) -> None:
    people = [f"e{n:02}" for n in range(80)]
    reviews, tags, taken = [], [], []
    for n, each in enumerate(people):
        for k, day in enumerate(("2025-07-10", "2026-01-10")):
            reviews.append(
                (f"{each}{k}", each, day[:8] + "01", day, 3, "谈判技巧需要提升。" if k == 0 else "工作扎实。")
            )
        tags.append((each, "谈判技巧需要提升", "2025-07-10", f"{each}0"))
        took = n < 40
        if took:
            taken.append((each, "talk", "2025-08-01", "2025-10-01"))
        if (n % 40) < (10 if took else 30):  # named again: 10 of 40 who took it, 30 of 40 who did not
            tags.append((each, "谈判技巧需要提升", "2026-01-10", f"{each}1"))
    frames = {
        "reviews": pd.DataFrame(
            reviews, columns=["review_id", "employee_id", "period_end", "reviewed_on", "rating", "comment"]
        ),
        "gap_tags": pd.DataFrame(tags, columns=["employee_id", "tag", "noted_on", "review_id"]),
        "enrolments": pd.DataFrame(taken, columns=["employee_id", "course_id", "enrolled_on", "completed_on"]),
        "employees": pd.DataFrame({"employee_id": people, "hired_on": "2020-01-01"}),
        "courses": pd.DataFrame({"course_id": ["talk"], "title": ["谈判"]}),
    }
    data = opened(write_tables(tmp_path, **frames))
    (closure,) = closures(data, looks(data, TAXONOMY, DAY), DAY).values()
    assert (closure.took, closure.closed, closure.others, closure.others_closed) == (40, 30, 40, 10)
    assert closure.low > 0 and closure.believed(20) and not closure.believed(41)
    assert 0.3 < closure.difference < 0.5  # shrunk from one half
    assert "association" in render(closure.message(), "en") and "关联" in render(closure.message(), "zh")
    early = dt.date(2026, 1, 5)
    assert closures(data, looks(data, TAXONOMY, early), early) == {}
    still = open_tags(data, TAXONOMY, DAY, open_days=548)
    assert len(still) == 40 and set(still["skill"]) == {"negotiation"}


def test_a_difference_of_few_people_is_not_believed() -> None:
    assert not compare_shares(took=5, closed=5, others=5, others_closed=0, other_people=5).believed(20)
    often = {"took": 40, "closed": 40, "others": 90, "others_closed": 9}
    assert not compare_shares(**often, other_people=19).believed(20)  # ninety times, and yet few people
    assert compare_shares(**often, other_people=40).believed(20)
    level = compare_shares(took=30, closed=15, others=30, others_closed=15, other_people=30)
    assert level.low < 0 < level.high and level.difference == 0 and not level.believed(20)

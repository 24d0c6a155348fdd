"""Recurring gaps, and the one course of two that closes one of them, as the tables show them."""

from __future__ import annotations

import math

import pytest

from tests.demo.company import Company

pytestmark = pytest.mark.slow

NEXT = """
    select r.employee_id, r.review_id, r.reviewed_on, lead(review_id) over w as next_id, lead(reviewed_on) over w as next_on
    from reviews r window w as (partition by employee_id order by reviewed_on)"""


def cleared(company: Company, course: str) -> tuple[float, int, float, int]:
    """Share without the tag at the next review, and count: of people who completed `course` in between, and of the others."""
    tag = company.truth.closures["tag"][0]
    (others, others_n), (took, took_n) = company.rows(f"""
        select avg((next_tag is null)::int), count(*) from (
            select t.tag as next_tag,
                exists (from enrolments e where e.employee_id = n.employee_id and e.course_id = '{course}'
                        and e.completed_on >= n.reviewed_on and e.completed_on < n.next_on) as learnt
            from ({NEXT}) n join gap_tags g on g.review_id = n.review_id and g.tag = '{tag}'
            left join gap_tags t on t.review_id = n.next_id and t.tag = g.tag
            where next_id is not null)
        group by learnt order by learnt""")
    return float(str(took)), int(str(took_n)), float(str(others)), int(str(others_n))


def test_one_course_closes_the_gap_and_the_other_leaves_it(company: Company) -> None:
    truth = company.truth.closures
    assert truth["tag"].nunique() == truth["skill"].nunique() == 1 and sorted(truth["closes"]) == [False, True]
    for course, closes, probability in truth[["course_id", "closes", "probability"]].itertuples(index=False):
        took, took_n, others, others_n = cleared(company, course)
        error = math.sqrt(took * (1 - took) / took_n + others * (1 - others) / others_n)
        assert min(took_n, others_n) > 40
        if closes:
            assert took - others > 3 * error
            assert abs(took - probability) < 3 * math.sqrt(probability * (1 - probability) / took_n)
        else:
            assert abs(took - others) < 1.96 * error
    assert truth.set_index("closes")["probability"].to_dict() == {True: 0.75, False: 0.25}


@pytest.mark.parametrize(("which", "chance"), [("=", 0.75), ("<>", 0.5)])
def test_a_gap_stays_from_review_to_review_unless_something_closes_it(
    company: Company, which: str, chance: float
) -> None:
    ((again, count),) = company.rows(f"""
        select avg((t.tag is not null)::int), count(*) from ({NEXT}) n
        join gap_tags g on g.review_id = n.review_id and g.tag {which} '{company.truth.closures["tag"][0]}'
        left join gap_tags t on t.review_id = n.next_id and t.tag = g.tag
        where next_id is not null and not exists (
            from enrolments e where e.employee_id = n.employee_id and e.course_id = 'c041'
            and e.completed_on >= n.reviewed_on and e.completed_on < n.next_on)""")
    assert abs(float(str(again)) - chance) < 3 * math.sqrt(chance * (1 - chance) / int(str(count)))


def test_both_courses_teach_the_skill_and_are_liked_alike(company: Company) -> None:
    rows = company.rows("""
        select course_id, any_value(list_contains(skills, 'data_analysis')), avg(rating), count(*)
        from courses join enrolments using (course_id) where course_id in ('c041', 'c104') and completed_on is not null
        group by course_id order by course_id""")
    assert [(course, teaches) for course, teaches, _, _ in rows] == [("c041", True), ("c104", True)]
    assert abs(float(str(rows[0][2])) - float(str(rows[1][2]))) < 0.4


def test_the_catalogue_has_what_the_case_needs_and_one_course_of_another_subject(company: Company) -> None:
    skills_of = {str(title): skills for title, skills in company.rows("select title, skills from courses")}
    assert skills_of["高效沟通七步法"] == ["communication"] and skills_of["影响力工作坊"] == ["influence"]
    assert skills_of["葡萄酒品鉴"] == ["wine_tasting"]
    assert all(title == "葡萄酒品鉴" or "wine_tasting" not in skills for title, skills in skills_of.items())


def test_every_completed_course_is_in_the_log(company: Company) -> None:
    ended = "select employee_id, completed_on as day from enrolments where completed_on is not null"
    logged = "select employee_id, happened_at::date as day from events where kind = 'course_done'"
    assert company.none(f"({logged}) except all ({ended})")
    late = company.number(f"select count(*) from (({ended}) except all ({logged}))")
    assert late < 0.02 * company.number(f"select count(*) from ({ended})")


def test_nobody_enrols_twice_in_a_course(company: Company) -> None:
    assert company.none(
        "select employee_id, course_id from enrolments where completed_on is null group by all having count(*) > 1"
    )

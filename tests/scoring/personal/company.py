"""A company of a few people, whose rows are kept at one date."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from perfml import Project
from perfml.scoring.personal.files import write_records
from perfml.scoring.personal.rows import contents_of, rows_of_people
from tests.tables import write_tables

DAY = dt.date(2026, 10, 1)
EMPLOYEES = """
employee_id | hired_on   | name | gender
e1          | 2020-10-01 | 王伟 | female
e2          | 2021-01-01 | 李娜 | male
boss        | 2015-01-01 | 陈静 | female
judge       | 2015-01-01 | 周敏 | female
e9          | 2026-10-01 | 新人 | male
"""
POSITIONS = """
employee_id | effective_on | known_at   | manager_id | department
e1          | 2020-10-01   |            | boss       | sales
e1          | 2026-09-15   | 2026-10-01 | boss       | finance
e2          | 2021-01-01   |            | boss       | sales
judge       | 2015-01-01   |            |            | legal
"""
EVENTS = """
employee_id | happened_at         | kind              | counterpart_id | event_id | value
e2          | 2026-09-01 10:31:07 | feedback_given    | e1             | v1       |
e1          | 2026-09-01 10:31:07 | feedback_received | e2             | v2       |
boss        | 2026-09-20 08:00:00 | praise            | e1             |          |
e1          | 2026-09-25 09:00:00 | overtime          |                |          | 2.5
e1          | 2026-10-01 09:00:00 | overtime          |                | v6       | 9
"""
REVIEWS = """
review_id | employee_id | reviewer_id | period_end | reviewed_on | rating | comment                | known_at
r1        | e1          | boss        | 2025-12-31 | 2026-01-15  | 3      | 按期完成目标。         |
r2        | e1          | boss        | 2026-06-30 | 2026-07-15  | 4      | 主动承担，值得肯定。   |
r2        | e1          | boss        | 2026-06-30 | 2026-07-15  | 2      | 更正                   | 2026-10-01
r3        | e2          | boss        | 2026-06-30 | 2026-07-15  | 3      |                        |
"""
GOALS = """
goal_id | employee_id | metric  | core  | weight | target | unit | period_start | period_end | effective_on | known_at
g1      | e1          | revenue | true  | 100    | 100    | CNY  | 2026-07-01   | 2026-12-31 | 2026-07-01   |
g1      | e1          | revenue | true  | 100    | 150    | CNY  | 2026-07-01   | 2026-12-31 | 2026-09-10   |
g0      | e1          | revenue | true  | 100    | 90.10  | CNY  | 2026-01-01   | 2026-06-30 | 2026-01-01   |
"""
PROGRESS = """
goal_id | measured_at         | actual
g1      | 2026-09-28 18:00:00 | 40.5
g0      | 2026-06-30 18:00:00 | 95
"""
GAP_TAGS = """
employee_id | tag    | noted_on   | review_id | quote
e1          | 谈判   | 2026-07-15 | r2        | 报价让步过快。
"""
COURSES = """
course_id | title
c1        | 谈判入门
"""
ENROLMENTS = """
employee_id | course_id | enrolled_on | completed_on
e1          | c1        | 2026-08-01  | 2026-11-01
"""
ABSENCES = """
employee_id | first_day  | last_day
e1          | 2026-08-10 | 2026-08-14
"""


def company(folder: Path, *, e1: str = "e1") -> Path:
    """The tables, in which the person with rows in all of them is called ``e1``."""
    tables = {
        "employees": EMPLOYEES,
        "positions": POSITIONS,
        "events": EVENTS,
        "reviews": REVIEWS,
        "goals": GOALS,
        "progress": PROGRESS,
        "gap_tags": GAP_TAGS,
        "courses": COURSES,
        "enrolments": ENROLMENTS,
        "absences": ABSENCES,
    }
    return write_tables(folder, **{name: re.sub(r"\be1\b", e1, text) for name, text in tables.items()})


def keep(data: Path, home: Path, *, as_of: dt.date = DAY, without: tuple[str, ...] = ()) -> Path:
    """Keep the rows of everyone at ``as_of``."""
    project = Project(home=home)
    with project.open(data) as opened:
        contents = contents_of(opened, project.folder.definitions)
        return write_records(rows_of_people(opened, as_of, without=without), home, as_of=as_of, contents=contents)

"""A company of four people with a goal of every kind: what serves the company, and what does not, and why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.evidence.sources import Data
from tests.tables import opened, write_tables

DAY = dt.date(2026, 6, 1)
PEOPLE = """employee_id | hired_on
ana | 2020-01-01
ben | 2020-01-01
cas | 2020-01-01
dan | 2020-01-01
eve | 2020-01-01"""
POSITIONS = """employee_id | effective_on | manager_id | department
ana | 2020-01-01 |     | sales
ben | 2020-01-01 | ana | sales
cas | 2020-01-01 | ana | service
dan | 2020-01-01 | ben | sales
eve | 2020-01-01 | ana | service"""
EXITS = """employee_id | exited_on | kind
eve | 2026-05-01 | voluntary"""
OBJECTIVES = """objective_id | level | department | needs | metric | title | effective_on | parent_id
o1 | company |  | sales;service | revenue | grow | 2026-01-01 |
o2 | department | sales | | revenue | sell | 2026-01-01 | o1
o3 | department | service | | care | care | 2026-01-01 |"""
_YEAR = "2026-01-01 | 2026-12-31 | 2026-01-01"
_HEAD = "goal_id | employee_id | metric | core | weight | target | unit | period_start | period_end | effective_on"
GOALS = f"""{_HEAD} | parent_goal_id
a1 | ana | revenue | true | 100 | 10 | CNY | {_YEAR} | o2
b1 | ben | revenue | true | 50 | 10 | CNY | {_YEAR} | a1
b2 | ben | visits | true | 50 | 10 | visits | {_YEAR} |
d1 | dan | visits | true | 60 | 10 | visits | {_YEAR} | b2
d2 | dan | calls | true | 40 | 10 | calls | {_YEAR} | d3
d3 | dan | calls | true | 100 | 10 | calls | {_YEAR} | d2
c1 | cas | care | true | 40 | 10 | cases | {_YEAR} | o3
c2 | cas | care | true | 20 | 10 | cases | {_YEAR} | nothing
c3 | cas | care | true | 20 | 10 | cases | {_YEAR} | past
c4 | cas | care | true | 20 | 10 | cases | {_YEAR} | e1
e1 | eve | care | true | 100 | 10 | cases | {_YEAR} | o1
past | ben | care | true | 100 | 10 | cases | 2025-01-01 | 2025-12-31 | 2025-01-01 | o1"""
TRUE = {
    "a1": ("aligned", None),
    "b1": ("aligned", None),
    "b2": ("orphan", "nothing_named"),
    "d1": ("broken", "nothing_named"),
    "d2": ("circle", "circle"),
    "d3": ("circle", "circle"),
    "c1": ("broken", "nothing_named"),
    "c2": ("broken", "unknown"),
    "c3": ("broken", "not_in_force"),
    "c4": ("broken", "owner_left"),
}
"""Goal → status and cause; e1 is nobody's any more."""


def company(folder: Path, **tables: str) -> Data:
    """Its tables, with others in their place."""
    reviews = "review_id | employee_id | period_end | reviewed_on | rating"
    own = {"employees": PEOPLE, "positions": POSITIONS, "exits": EXITS, "objectives": OBJECTIVES, "goals": GOALS}
    return opened(write_tables(folder, **{**own, "reviews": reviews, **tables}))

"""A score that would stand on broken rows is held, and nobody else's."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.messages import render
from perfml.trust.holds.held import held_people
from tests.tables import opened, write_tables

EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"e{i} | 2020-01-01" for i in range(5))


def test_holds_those_whose_record_is_broken_before_the_date(tmp_path: Path) -> None:
    good = "\n".join(f"ok{i} | e1 | 2023-{1 + i % 12:02d}-01 | 2023-{1 + i % 12:02d}-15 | 3" for i in range(40))
    reviews = f"""
review_id | employee_id | period_end | reviewed_on | rating
r0 | e0 | 2023-06-30 | 2023-07-15 | 9
{good}
r1 | e1 | 2023-06-30 | 2023-07-15 | 9
r2 | e2 | 2024-06-30 | 2024-07-15 | 9
r3 | e3 | 2023-06-30 | someday | 3
"""
    data = opened(write_tables(tmp_path, employees=EMPLOYEES, reviews=reviews))
    (hold,) = held_people(data, dt.date(2024, 1, 1)).values()
    assert (hold.entity, hold.cause) == ("employee:e0", "quarantine")
    assert render(hold.message, "en") == "broken rows in reviews (the rating lies outside the declared scale)"
    assert render(hold.message, "zh") == "数据表 reviews 中有错误数据（评分超出量表）"
    assert set(held_people(data, dt.date(2024, 8, 1))) == {"e0", "e2"}
    assert held_people(data, dt.date(2023, 7, 15)) == {}

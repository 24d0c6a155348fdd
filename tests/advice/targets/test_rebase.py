"""Targets after a new version of their metric: exact, for those who are set under an earlier one, and only with enough days."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perfml import Project
from perfml.demo.incident import Incident, RegisteredElsewhere, write, write_project

pytestmark = pytest.mark.slow
INCIDENT = Incident(people=2, backfilled_at=None, days_after=0)


def proposals(incident: Incident, folder: Path, *, as_of: str, sign: bool = True) -> dict[str, dict[str, Any]]:
    """Employee -> proposal, after the first version was used and the second signed off."""
    home, data = folder / "home", write(incident, folder / "data")
    Project(write_project(incident, folder / "project", version=1), home=home).reconcile(data, as_of="2025-03-01")
    mine = Project(write_project(incident, folder / "project", version=2), home=home)
    if sign:
        mine.sign_off("sales", 2, by="Li Na", reason="settled net sales, by customer registration")
    return {row["employee_id"]: row for row in mine.rebase(data, as_of=as_of).to_pylist()}


def test_a_target_asks_for_as_much_as_before_to_the_cent(tmp_path: Path) -> None:
    third = (RegisteredElsewhere("South", "West", Decimal("33.3")),)
    rows = proposals(replace(INCIDENT, moves=third, target=Decimal("28500.01")), tmp_path, as_of="2025-03-10")
    assert {name: row["new_target"] for name, row in rows.items() if name.endswith("01")} == {
        "North-01": 28_500.01,
        "East-01": 28_500.01,
        "South-01": 19_009.51,  # 960.00 - 319.68 of 960.00
        "West-01": 37_990.51,
    }
    assert rows["South-01"]["zh"] and "19,009.51" in rows["South-01"]["en"]


def test_too_few_days_propose_nothing_and_say_why(tmp_path: Path) -> None:
    rows = proposals(replace(INCIDENT, days_before=2), tmp_path, as_of="2025-03-05")
    assert {row["status"] for row in rows.values()} == {"none"}
    assert {row["new_target"] for row in rows.values()} == {None}
    assert "with 4 closed days" in rows["South-01"]["why_not_en"] and "4 天" in rows["South-01"]["why_not_zh"]


def test_a_version_that_is_not_signed_off_proposes_nothing(tmp_path: Path) -> None:
    assert proposals(INCIDENT, tmp_path, as_of="2025-03-10", sign=False) == {}


def test_the_days_after_the_date_do_not_count(tmp_path: Path) -> None:
    """A proposal of a date is the same whether or not later days are on record."""
    short = proposals(INCIDENT, tmp_path / "a", as_of="2025-03-10")
    longer = proposals(replace(INCIDENT, days_after=4), tmp_path / "b", as_of="2025-03-10")
    assert short == longer

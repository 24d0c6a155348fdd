"""Verbs that show evidence, or name people, are looks at these people."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfml import Project
from perfml.trust.audit.history import history_of
from tests.tables import write_tables

PEOPLE = tuple(f"p{n}" for n in range(8))


def company(folder: Path) -> Path:
    """Everyone was reviewed by both reviewers."""
    employees = [f"{person} | 2020-01-01" for person in (*PEOPLE, "r1", "r2", "gone")]
    reviews = [
        f"{reviewer}{person} | {person} | {reviewer} | 2026-03-30 | 2026-04-{n + 1:02} | {3 + (n + late) % 2}"
        for late, reviewer in enumerate(("r1", "r2"))
        for n, person in enumerate(PEOPLE)
    ]
    return write_tables(
        folder,
        employees="\n".join(["employee_id | hired_on", *employees]),
        exits="employee_id | exited_on | kind\ngone | 2025-01-01 | voluntary",
        reviews="\n".join(["review_id | employee_id | reviewer_id | period_end | reviewed_on | rating", *reviews]),
    )


def looks(home: Path, person: str) -> list[str]:
    return [event.action for event in history_of(home, person)]


@pytest.mark.slow
def test_evidence_is_a_look_at_everyone_employed(tmp_path: Path) -> None:
    data, project = company(tmp_path / "data"), Project(home=tmp_path / "home")
    project.features(data, as_of="2026-06-01")
    assert looks(project.home, "p1") == ["see features"]
    project.write_features(data, tmp_path / "features.parquet", as_of=["2026-05-01", "2026-06-01"])
    assert looks(project.home, "p1") == ["see features"] * 2
    assert looks(project.home, "gone") == []


@pytest.mark.slow
def test_the_report_on_reviewers_is_a_look_at_those_it_names(tmp_path: Path) -> None:
    project = Project(home=tmp_path / "home")
    named = set(project.raters(company(tmp_path / "data"))["reviewer_id"])
    assert named == {"r1", "r2"}
    assert looks(project.home, "r1") == ["see raters"] and looks(project.home, "p1") == []

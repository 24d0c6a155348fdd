"""What is kept of goals: read back as it was, erased in time, and refused where it was altered."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import PerfmlError
from perfml.goals.files import PARTS, goals_file, kept_flags, kept_rows
from perfml.scoring.sealed_files import DamagedFile
from perfml.trust.notices.retention import retention
from tests.goals.kept import FLAGS, keep_two

DAY = dt.date(2026, 9, 3)


def test_the_newest_date_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    for day in (DAY - dt.timedelta(days=30), DAY):
        keep_two(tmp_path, as_of=day)
    day, path = goals_file(tmp_path, "paths")
    assert (day, kept_flags(path)) == (DAY, FLAGS)
    assert [row["status"] for row in kept_rows(tmp_path, "paths")[1].to_pylist()] == ["aligned", "orphan"]
    report = Project(home=tmp_path).kept_goals()
    assert report.to_json()["paths"] == {"aligned": 1, "orphan": 1}
    assert [person.aligned for person in report.people] == [1.0, 0.0]
    with pytest.raises(PerfmlError, match="2026-09-03"):
        goals_file(tmp_path, "sums", DAY.replace(year=2020))


def test_an_altered_file_is_refused_with_the_command_that_makes_it_again(tmp_path: Path) -> None:
    keep_two(tmp_path, as_of=DAY)
    path = goals_file(tmp_path, "sums")[1]
    path.write_bytes(path.read_bytes().replace(b"revenue", b"revenge", 1))
    with pytest.raises(DamagedFile, match="perfml goals --as-of 2026-09-03"):
        kept_rows(tmp_path, "sums")


def test_retention_erases_every_part(tmp_path: Path) -> None:
    keep_two(tmp_path, as_of=DAY)
    expired = retention(tmp_path, years=3, today=DAY.replace(year=2030), apply=True)
    assert len(expired.files) == len(PARTS) and not list((tmp_path / "goals").rglob("*.parquet"))

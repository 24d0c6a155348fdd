"""Milestones of a company drawn as text, from the tables to what is kept."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from perfml import Project
from perfml.demo.company import simulate
from perfml.demo.planted.milestones import plant_milestones
from perfml.goals.kept_reports import report_notices
from perfml.goals.milestones.rows import kept_milestones, milestones_file
from perfml.goals.milestones.trajectory import trajectories
from perfml.terminal.work.ahead import milestones_table
from tests.tables import write_tables

AS_OF = dt.date(2026, 5, 20)
EMPLOYEES = "employee_id | hired_on\nboss | 2020-01-01\nann | 2020-01-01\n李娜 | 2020-01-01"
POSITIONS = """employee_id | effective_on | manager_id | department
boss | 2020-01-01 | | sales
ann | 2020-01-01 | boss | sales
李娜 | 2020-01-01 | boss | 销售"""
GOALS = """goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on
g1 | ann | sites | true | 100 | 10 | 2026-04-01 | 2026-06-30 | 2026-04-01
g2 | 李娜 | sites | true | 100 | 10 | 2026-04-01 | 2026-06-30 | 2026-04-01
g0 | ann | sites | true | 100 | 10 | 2026-01-01 | 2026-03-31 | 2026-01-01"""
HEAD = "goal_id | name | due_on | marked_on | finished_on | depends_on | known_at"
MILESTONES = f"""{HEAD}
g1 | plan | 2026-04-20 | | | | 2026-04-01
g1 | plan | 2026-04-20 | 2026-05-10 | 2026-04-18 | | 2026-05-11
g1 | pilot | 2026-05-15 | 2026-05-19 | 2026-05-18 | plan | 2026-05-20
g2 | 方案 | 2026-05-10 | | | g1/plan | 2026-04-01
g2 | 上线 | 2026-06-20 | | | 方案;nothing | 2026-04-01
g0 | old | 2026-02-01 | 2026-02-01 | 2026-01-30 | | 2026-01-01"""
REVIEWS = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | ann | 2025-06-30 | 2025-07-15 | 3"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(
        tmp_path_factory.mktemp("milestones"),
        employees=EMPLOYEES,
        positions=POSITIONS,
        goals=GOALS,
        milestones=MILESTONES,
        reviews=REVIEWS,
    )


def test_goals_in_their_period_alone_and_nothing_that_was_known_later(tables: Path, tmp_path: Path) -> None:
    project = Project(home=tmp_path / "home")
    rows = {row.name: row for row in project.milestones(tables, as_of=AS_OF).rows}
    assert sorted(rows) == ["plan", "上线", "方案"], "pilot becomes known on the day, and g0 has ended"
    assert rows["plan"].status == "late_marking" and rows["plan"].department == "sales"
    assert rows["上线"].status == "running" and rows["上线"].problem == "unknown_dependency"
    earlier = project.milestones(tables, as_of="2026-05-11").rows
    assert {row.name: row.marked_on for row in earlier}["plan"] is None


def test_what_cannot_be_said_is_said_and_kept(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Project(home=tmp_path / "home").milestones(tables, as_of=AS_OF)
    codes = [notice.code for notice in report.notices]
    assert codes == ["milestones_few_finished", "milestones_unknown_dependencies"]
    assert all(row.expected_on is None for row in report.rows)
    file = milestones_file(tmp_path / "home")
    assert file is not None and kept_milestones(file[1]) == report.rows
    assert report_notices(file[1]) == report.notices
    for language, head in (("en", "milestone"), ("zh", "里程碑")):
        milestones_table(report, language)
        assert re.search(rf"{head} .*\n.*plan", capsys.readouterr().out), "the head is in the language of the sentences"


def test_a_company_without_milestones_is_told_so(tmp_path: Path) -> None:
    data = write_tables(tmp_path / "data", employees=EMPLOYEES, reviews=REVIEWS)
    report = Project(home=tmp_path / "home").milestones(data, as_of=AS_OF)
    assert [notice.values["table"] for notice in report.notices] == ["milestones"] and report.rows == []


def test_whoever_opted_out_is_not_in_it(tables: Path, tmp_path: Path) -> None:
    project = Project(home=tmp_path / "home")
    project.opt_out("ann", by="hr")
    report = project.milestones(tables, as_of=AS_OF)
    assert {row.employee_id for row in report.rows} == {"李娜"}


def test_the_course_of_a_goal_adds_up(tables: Path, tmp_path: Path) -> None:
    rows = Project(home=tmp_path / "home").milestones(tables, as_of="2026-05-25").rows
    ann, other = trajectories(rows)
    assert [(str(point.day), point.planned, point.finished) for point in ann.points] == [
        ("2026-04-18", 0.0, 0.5),
        ("2026-04-20", 0.5, 0.5),
        ("2026-05-15", 1.0, 0.5),
        ("2026-05-18", 1.0, 1.0),
    ]
    assert other.points[-1].planned == 1.0 and other.points[-1].finished == 0.0


@pytest.mark.slow
def test_planting_changes_no_other_table_and_is_forecast(tmp_path: Path) -> None:
    data, end = tmp_path / "data", dt.date(2026, 10, 1)
    simulate(data, employees=120, start=dt.date(2025, 1, 1), end=end, seed=4)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    truth = plant_milestones(data, seed=4, end=end)
    after = {path.name: path.read_bytes() for path in data.iterdir()}
    assert after.pop("milestones.parquet") and after == before
    report = Project(home=tmp_path / "home").milestones(data, as_of="2026-08-15")
    came = truth.milestones.set_index(["goal_id", "name"])
    epoch = dt.date(1970, 1, 1)
    hits = [
        row.low_on <= epoch + dt.timedelta(days=int(came.loc[(row.goal_id, row.name), "finished"])) <= row.high_on
        for row in report.rows
        if row.low_on is not None and row.high_on is not None
    ]
    assert len(hits) > 100 and 0.7 <= sum(hits) / len(hits) <= 0.9

"""Lines of a company drawn as text: distances, what is needed a week, and what is not said."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import DefinitionError
from perfml.goals.lines.report import LinesReport
from perfml.goals.lines.rows import LineRow, kept_lines, lines_file
from perfml.terminal.work.ahead import lines_table
from tests.tables import write_tables

AS_OF = dt.date(2026, 6, 3)
PEOPLE = [f"e{n:02d}" for n in range(12)]
PERIODS = [(2025, 1), (2025, 4), (2025, 7), (2025, 10), (2026, 1), (2026, 4)]
LINES = """
[lines.target_reached]
share = 0.5
on = 2026-06-10
[lines.first_ten_revenue]
first = 4
[lines.few]
zh = "少数"
en = "few"
rule = "rank"
metric = "visits"
first = 3
"""


def company(folder: Path) -> Path:
    """Twelve people with revenue goals over six quarters, and three with one for visits."""
    goals = [
        "goal_id | employee_id | metric | core | weight | target | unit | period_start | period_end | effective_on"
    ]
    progress = ["goal_id | measured_at | actual"]
    for quarter, (year, month) in enumerate(PERIODS):
        first = dt.date(year, month, 1)
        last = dt.date(year + (month > 9), (month + 2) % 12 + 1, 1) - dt.timedelta(days=1)
        for number, person in enumerate(PEOPLE):
            for metric in ("revenue", "visits")[: 1 + (number < 3)]:
                goal = f"{metric}-{quarter}-{person}"
                goals.append(f"{goal} | {person} | {metric} | true | 100 | 100 | CNY | {first} | {last} | {first}")
                pace = (70 + 5 * number) * (1 + 0.1 * ((number * 7 + quarter * 3) % 5 - 2))
                for share in (0.33, 0.66, 0.99):
                    day = first + dt.timedelta(days=int(share * 90))
                    progress.append(f"{goal} | {day} 12:00:00 | {pace * share:.1f}")
    return write_tables(
        folder,
        employees="employee_id | hired_on\n" + "\n".join(f"{person} | 2020-01-01" for person in PEOPLE),
        reviews="review_id | employee_id | period_end | reviewed_on | rating\nr1 | e01 | 2025-06-30 | 2025-07-15 | 3",
        goals="\n".join(goals),
        progress="\n".join(progress),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    (root / "models").mkdir()
    (root / "perfml.toml").write_text('name = "lines"\n')
    (root / "models" / "lines.toml").write_text(LINES)
    return Project(root, home=root / "home")


@pytest.fixture(scope="module")
def report(project: Project, tmp_path_factory: pytest.TempPathFactory) -> LinesReport:
    return project.lines(company(tmp_path_factory.mktemp("lines") / "data"), as_of=AS_OF)


@pytest.fixture(scope="module")
def rows(report: LinesReport) -> dict[tuple[str, str, str], LineRow]:
    assert report.notices == ()
    return {(row.line, row.employee_id, row.metric): row for row in report.rows}


def test_distance_and_what_is_needed_a_week(rows: dict[tuple[str, str, str], LineRow]) -> None:
    row = rows["target_reached", "e00", "revenue"]
    assert row.line_now == 50 and row.days_left == 8, "until the end of 10 June, today included"
    assert row.actual is not None and row.distance == pytest.approx(50 - row.actual)
    assert row.needed_a_week == pytest.approx((50 - row.actual) / (8 / 7))
    assert row.pace_a_week == pytest.approx(row.actual / (60 / 7))
    assert row.probability is not None and 0 < row.probability < 1


def test_who_has_reached_it_needs_nothing(rows: dict[tuple[str, str, str], LineRow]) -> None:
    row = rows["target_reached", "e11", "revenue"]
    assert row.crossed and row.distance == 0 and row.needed_a_week == 0
    assert row.probability is not None and row.probability >= 0.99


def test_the_line_of_a_rank_is_one_for_all_and_nobody_s_figure(rows: dict[tuple[str, str, str], LineRow]) -> None:
    own = [row for (line, _, _), row in rows.items() if line == "first_ten_revenue"]
    assert len(own) == len(PEOPLE) and {row.people for row in own} == {12}
    (line,) = {row.line_now for row in own}
    assert line not in {row.actual for row in own}
    chances = [row.probability for row in own if row.probability is not None]
    assert sum(chances) == pytest.approx(4, abs=0.5)
    assert sum(bool(row.crossed) for row in own) == 4


def test_of_three_people_nothing_is_said(rows: dict[tuple[str, str, str], LineRow]) -> None:
    own = [row for (line, _, _), row in rows.items() if line == "few"]
    assert len(own) == 3
    for row in own:
        assert row.problem == "few people"
        assert {row.line_now, row.line_expected, row.distance, row.probability, row.needed_a_week} == {None}


def test_the_heads_on_the_terminal_are_in_the_language_of_the_sentences(
    report: LinesReport, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, heads in (("en", "person +metric +by +now +to go"), ("zh", "员工 +指标 +截止 +当前 +还差")):
        lines_table(report, language)
        assert re.search(heads, capsys.readouterr().out)


def test_what_is_kept_is_what_was_shown(rows: dict[tuple[str, str, str], LineRow], project: Project) -> None:
    file = lines_file(project.home)
    assert file is not None and len(kept_lines(file[1])) == len(rows)
    project.opt_out("e03", by="hr")
    assert "e03" not in {row.employee_id for row in kept_lines(file[1])}


def test_a_day_that_has_passed_and_a_metric_of_nobody_are_said(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "perfml.toml").write_text('name = "lines"\n')
    (tmp_path / "models" / "lines.toml").write_text(
        '[lines.target_reached]\non = 2026-05-01\n[lines.first_ten_revenue]\nmetric = "none"\n'
    )
    report = Project(tmp_path, home=tmp_path / "home").lines(company(tmp_path / "data"), as_of=AS_OF)
    assert [notice.code for notice in report.notices] == ["lines_past", "lines_nobody"] and report.rows == []


def test_a_company_without_goals_is_told_so(tmp_path: Path) -> None:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2025-06-30 | 2025-07-15 | 3"
    data = write_tables(tmp_path / "data", employees="employee_id | hired_on\ne1 | 2020-01-01", reviews=reviews)
    report = Project(home=tmp_path / "home").lines(data, as_of=AS_OF)
    assert [notice.code for notice in report.notices] == ["lines_no_table"]


@pytest.mark.parametrize(
    "text", ["first = 2", 'rule = "attainment"', 'within = "planet"', "on = 2026-02-30", "share = 0"]
)
def test_a_line_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "perfml.toml").write_text('name = "lines"\n')
    (tmp_path / "models" / "lines.toml").write_text(f"[lines.first_ten_revenue]\n{text}\n")
    with pytest.raises(DefinitionError):
        Project(tmp_path, home=tmp_path / "home").lines(tmp_path, as_of=AS_OF)

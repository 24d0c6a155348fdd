"""What is owed to whom: each rule on a company drawn as text, and the units of the ledger."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import DefinitionError
from perfml.goals.process_debt.groups import by_group, whole
from perfml.goals.process_debt.ledger import ProcessDebtReport
from perfml.goals.process_debt.rows import DebtRow, debts_file, kept_debts
from perfml.project.goals.process_debt_spec import ProcessSpec
from perfml.project.spec import DisclosureRules, parse
from tests.tables import write_tables

AS_OF = dt.date(2026, 5, 20)
EMPLOYEES = """
employee_id | hired_on
boss        | 2020-01-01
ann         | 2020-01-01
bob         | 2020-01-01
new         | 2026-05-01
"""
POSITIONS = """
employee_id | effective_on | manager_id | department
boss        | 2020-01-01   |            | sales
ann         | 2020-01-01   | boss       | sales
bob         | 2020-01-01   | boss       | sales
new         | 2026-05-01   | boss       | sales
"""
EVENTS = """
employee_id | happened_at         | kind              | value | counterpart_id
ann         | 2026-01-05 09:00:00 | login             |       |
ann         | 2026-05-10 09:00:00 | feedback_received |       | boss
bob         | 2026-03-01 09:00:00 | feedback_received |       | boss
bob         | 2026-05-10 09:00:00 | feedback_received |       | ann
bob         | 2026-05-11 19:00:00 | overtime          | 30    |
bob         | 2026-05-12 19:00:00 | overtime          | 10.5  |
bob         | 2026-01-12 19:00:00 | overtime          | 90    |
ann         | 2026-05-12 19:00:00 | overtime          | 36    |
"""
GOALS = """
goal_id | employee_id | metric   | core  | weight | target | period_start | period_end | effective_on
g1      | ann         | payments | true  | 60     | 10     | 2026-04-01   | 2026-06-30 | 2026-04-01
g2      | ann         | visits   | false | 40     | 10     | 2026-04-01   | 2026-06-30 | 2026-04-01
g3      | bob         | payments | true  | 100    | 10     | 2026-04-01   | 2026-06-30 | 2026-04-01
g3      | bob         | payments | true  | 100    | 12     | 2026-04-01   | 2026-06-30 | 2026-05-01
g0      | ann         | payments | true  | 100    | 10     | 2026-01-01   | 2026-03-31 | 2026-01-01
"""
MENTIONS = """
goal_id | mentioned_on | by_id
g2      | 2026-04-10   | boss
g3      | 2026-04-10   | boss
"""
REVIEWS = """
review_id | employee_id | reviewer_id | period_end | reviewed_on | rating
r1        | ann         | boss        | 2025-06-30 | 2025-07-15  | 3
r2        | bob         | boss        | 2025-06-30 | 2025-07-15  | 3
r3        | ann         | boss        | 2025-12-31 | 2026-01-15  | 3
"""


def company(folder: Path, **other: str) -> Path:
    tables = {"employees": EMPLOYEES, "positions": POSITIONS, "events": EVENTS, "goals": GOALS, "reviews": REVIEWS}
    return write_tables(folder, **tables | {"goal_mentions": MENTIONS} | other)


def look(folder: Path, data: Path, as_of: dt.date = AS_OF) -> ProcessDebtReport:
    return Project(home=folder / "home").process_debt(data, as_of=as_of)


def owed(report: ProcessDebtReport, process: str) -> dict[str, DebtRow]:
    return {row.employee_id: row for row in report.rows if row.process == process and row.owed}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ProcessDebtReport:
    """What is owed in the company at :data:`AS_OF`."""
    folder = tmp_path_factory.mktemp("debts")
    return look(folder, company(folder / "data"))


def test_feedback_is_owed_by_the_manager_and_not_to_whoever_is_new(report: ProcessDebtReport) -> None:
    rows = owed(report, "feedback")
    assert list(rows) == ["bob"], "a colleague's feedback does not settle it"
    assert (rows["bob"].since, rows["bob"].days) == (dt.date(2026, 3, 29), 52)
    assert (rows["bob"].owner, rows["bob"].manager_id) == ("manager", "boss")


def test_a_core_goal_that_nobody_mentioned_is_owed_long_before_the_review(report: ProcessDebtReport) -> None:
    rows = owed(report, "goal_unmentioned")
    assert {who: row.goal_ids for who, row in rows.items()} == {"ann": ("g1",)}, (
        "neither what is mentioned nor over, nor minor"
    )
    assert rows["ann"].since == dt.date(2026, 4, 29)
    assert (dt.date(2026, 7, 15) - rows["ann"].since).days >= 60


@pytest.mark.slow
def test_without_mentions_only_whoever_was_told_nothing_has_unmentioned_goals(tmp_path: Path) -> None:
    data = company(tmp_path / "data")
    (data / "goal_mentions.csv").unlink()
    assert owed(look(tmp_path, data), "goal_unmentioned") == {}
    silent = "\n".join(line for line in EVENTS.splitlines() if "2026-05-10" not in line)
    data = company(tmp_path / "silent", events=silent)
    (data / "goal_mentions.csv").unlink()
    assert set(owed(look(tmp_path, data), "goal_unmentioned")) == {"ann", "bob"}


def test_overtime_counts_above_the_limit_within_its_window(report: ProcessDebtReport) -> None:
    rows = owed(report, "overtime")
    assert {who: row.hours for who, row in rows.items()} == {"bob": 4.5}, "36 hours are not above 36"


def test_a_review_is_late_where_others_have_theirs(report: ProcessDebtReport) -> None:
    rows = owed(report, "review")
    assert {who: row.since for who, row in rows.items()} == {"bob": dt.date(2026, 2, 14)}


@pytest.mark.slow
def test_what_becomes_known_later_is_not_known(tmp_path: Path) -> None:
    late = MENTIONS.replace("by_id", "by_id | known_at").replace(
        "2026-04-10   | boss", "2026-04-10 | boss | 2026-06-01 08:00:00"
    )
    rows = owed(look(tmp_path, company(tmp_path / "data", goal_mentions=late)), "goal_unmentioned")
    assert set(rows) == {"ann", "bob"}


@pytest.mark.slow
def test_it_is_kept_without_whoever_is_held(tmp_path: Path) -> None:
    project = Project(home=tmp_path / "home")
    data = company(tmp_path / "data")
    project.process_debt(data, as_of=AS_OF)
    stored = debts_file(project.home)
    assert stored is not None
    _, path = stored
    assert {row.employee_id for row in kept_debts(path)} == {"boss", "ann", "bob", "new"}
    project.opt_out("bob", by="bob")
    assert {row.employee_id for row in kept_debts(path)} == {"boss", "ann", "new"}
    assert "bob" not in {row.employee_id for row in project.process_debt(data, as_of=AS_OF).rows}


@pytest.mark.slow
def test_without_a_table_a_process_says_so_and_ends_nothing_else(tmp_path: Path) -> None:
    data = company(tmp_path / "data")
    (data / "goals.csv").unlink()
    report = look(tmp_path, data)
    assert [notice.code for notice in report.notices] == ["process_debt_no_table"]
    assert set(owed(report, "overtime")) == {"bob"}


def rows_of(owing: dict[str, int], people: int = 12) -> list[DebtRow]:
    """``people`` in each department, of whom so many are owed ten days each; each with a risk of .2, .1 of it carried."""
    return [
        DebtRow(
            **{name: None for name in ("as_of", "owner", "manager_id", "since", "hours")},
            employee_id=f"{department}{n}",
            process="feedback",
            rule="feedback",
            department=department,
            owed=n < count,
            days=10 if n < count else None,
            goal_ids=(),
            metrics=(),
            model="low_performance",
            probability=0.2,
            carried=0.1,
        )
        for department, count in owing.items()
        for n in range(people)
    ]


def test_units_add_up_and_small_ones_are_withheld() -> None:
    rows = rows_of({"a": 6, "b": 6, "c": 1})
    (total,) = whole(rows)
    assert (total.people, total.owed, total.days) == (36, 13, 130)
    assert total.risk_share == pytest.approx(13 * 0.1 / (36 * 0.2))
    groups = {each.group: each for each in by_group(rows, "department", DisclosureRules())}
    assert groups["c"].withheld is not None and groups["c"].owed is None and groups["c"].risk_share is None
    assert any(groups[name].withheld for name in "ab"), "or one is worked out by subtraction"
    assert all(each.withheld is None for each in by_group(rows_of({"a": 6, "b": 6}), "department", DisclosureRules()))


@pytest.mark.parametrize(
    "keys",
    [{"rule": "overtime", "kinds": ["overtime"]}, {"rule": "feedback"}, {"rule": "review_late", "limit_hours": 3}],
)
def test_a_rule_has_its_own_keys(keys: dict[str, object]) -> None:
    with pytest.raises(DefinitionError):
        parse(ProcessSpec, {"zh": "反馈", "en": "Feedback", "days": 28, **keys}, file="models/process_debt.toml")

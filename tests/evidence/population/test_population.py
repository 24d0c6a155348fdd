"""Definitions for a business line: sales beside development, each with its own model, evidence, courses and targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from perfml.api import Project
from perfml.errors import DefinitionError
from perfml.evidence.population.membership import condition
from perfml.learning.dataset.table import make_table
from perfml.messages import render
from tests.tables import write_tables

DAY = dt.date(2026, 3, 1)
FILES = {
    "perfml.toml": 'name = "lines"\n',
    "features/crm.toml": """
zh = "客户系统"
en = "CRM"
[population]
where = "role_family = 'sales'"
[[measures]]
column = "crm_{window}d"
measure = "count"
windows_days = [91]
zh = "次数"
en = "entries"
unit = "times"
owner = "employee"
""",
    "features/pay_review.sql": """/*
zh = "复核"
en = "Checks"
needs = ["people"]
population.where = "role_family = 'sales' and level >= 3"
[columns.checked_level]
zh = "级别"
en = "level"
unit = "level"
owner = "company"
*/
select employee_id, as_of, level as checked_level from people
""",
    "features/per_level.sql": """/*
zh = "每级"
en = "Per level"
needs = ["evidence"]
reads = ["crm_91d"]
[columns.crm_doubled]
zh = "两倍"
en = "doubled"
unit = "times"
owner = "employee"
*/
select employee_id, as_of, coalesce(crm_91d, -1) * 2 as crm_doubled from evidence
""",
    "models/sales_attrition.toml": """
zh = "销售离职"
en = "Leaving sales"
[label]
kind = "exit"
horizons_days = [91]
[population]
where = "role_family = 'sales'"
eligible = "tenure_days >= 28"
[evidence]
only = ["crm", "job"]
""",
    "models/sales_attrition.md": "# card\n",
}
TABLES = {
    "employees": "employee_id | hired_on\n" + "\n".join(f"{name} | 2020-01-01" for name in ("ana", "ben", "cam", "new"))
    + "\nfresh | 2026-02-20",
    "positions": """
        employee_id | effective_on | role_family | level | department | known_at
        ana         | 2020-01-01   | sales       | 3     | field      |
        ben         | 2020-01-01   | engineer    | 3     | lab        |
        cam         | 2020-01-01   | engineer    | 2     | lab        |
        cam         | 2026-02-01   | sales       | 2     | field      |
        new         | 2020-01-01   | engineer    | 4     | lab        |
        new         | 2026-02-01   | sales       | 4     | field      | 2026-04-01
        fresh       | 2026-02-20   | sales       | 1     | field      |
    """,
    "events": "employee_id | happened_at | kind\n"
    + "\n".join(f"{name} | 2026-02-10 | login" for name in ("ana", "ana", "ben", "cam", "new")),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Project, Path]]:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    yield Project(tmp_path / "project", home=tmp_path / "home"), write_tables(tmp_path / "data", **TABLES)


def values(frame: pd.DataFrame, column: str) -> dict[str, float]:
    """Employee -> value, of those who have one."""
    return {who: value for who, value in zip(frame["employee_id"], frame[column], strict=True) if not pd.isna(value)}


@pytest.mark.slow
def test_evidence_is_missing_for_people_outside_its_population(project: tuple[Project, Path]) -> None:
    opened, data = project
    frame = opened.features(data, as_of=DAY)
    assert values(frame, "crm_91d") == {"ana": 2, "cam": 1, "fresh": 0}, "as known at the date: new is no seller yet"
    assert values(frame, "checked_level") == {"ana": 3}
    assert values(frame, "crm_doubled") == {"ana": 4, "ben": -2, "cam": 2, "new": -2, "fresh": 0}, (
        "reads what is masked"
    )
    before = opened.features(data, as_of=dt.date(2026, 1, 15))
    assert values(before, "crm_91d") == {"ana": 0}
    both = opened.features(data, as_of=[dt.date(2026, 1, 15), DAY])
    assert values(both[both["as_of"] == pd.Timestamp(DAY)], "crm_91d") == values(frame, "crm_91d")


@pytest.mark.slow
def test_a_model_holds_for_its_population_alone(project: tuple[Project, Path]) -> None:
    opened, data = project
    spec = opened.folder.model("sales_attrition")
    with opened.open(data) as tables:
        table = make_table(tables, opened.folder.definitions, spec, name="sales_attrition", dates=[DAY])
    eligible = dict(zip(table.frame["employee_id"], table.eligible.tolist(), strict=True))
    assert eligible == {"ana": True, "ben": False, "cam": True, "new": False, "fresh": False}
    assert spec.population.rule == "role_family = 'sales' and tenure_days >= 28"


@pytest.mark.slow
def test_the_check_says_for_how_many_people_each_definition_holds(project: tuple[Project, Path]) -> None:
    opened, data = project
    lines = [render(task, "en") for task in opened.check(data).can if task.code == "population_of"]
    assert [line.split(" people")[0] for line in lines] == [
        "features/crm.toml holds for 2 of 4",
        "features/pay_review.sql holds for 1 of 4",
        "models/sales_attrition.toml holds for 2 of 4",
    ]
    model = opened.folder.root / "models" / "sales_attrition.toml"
    model.write_text(model.read_text().replace("'sales'", "'Sales'"))
    report = Project(opened.folder.root).check(data)
    assert any(
        "sales_attrition.toml holds for 0 of 4 people" in line
        for line in (render(task, "en") for task in report.cannot)
    )
    model.write_text(model.read_text().replace("role_family =", "role ="))
    report = Project(opened.folder.root).check(data)
    assert not report.ready and "'role' is no fact of a position" in report.problems[-1]


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("rolle = 'sales'", "'rolle' is no fact of a position"),
        ("role_family = (", "is not SQL"),
        ("gender = 'f'", "'gender'"),
    ],
)
def test_a_condition_that_is_not_on_a_position_is_refused(where: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem) as refused:
        condition(where, file="models/x.toml")
    assert refused.value.where == "models/x.toml [population] where" and refused.value.remedy


@pytest.mark.slow
def test_without_positions_nobody_belongs(project: tuple[Project, Path]) -> None:
    opened, data = project
    (data / "positions.csv").unlink()
    assert values(opened.features(data, as_of=DAY), "crm_91d") == {}

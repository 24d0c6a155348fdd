"""Every model in ``models/`` has a card, and a page here that draws input tables, who is scored, and the labels.

Pages are read like those of evidence (``tests/features/test_specifications.py``). An expected row has ``status``
(``eligible``, ``thin``, ``ineligible``) and ``label_<days>d`` for each horizon; an empty label has not matured. Labels are
read at :data:`tests.tables.TODAY`. Policies that people read suggestions of have a card too.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.learning.dataset.labels import labels
from perfml.learning.dataset.table import make_table
from perfml.project.course_policy import CoursePolicy
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.target_policy import TargetPolicy
from tests.features.test_specifications import Case, differs, read_page
from tests.tables import TODAY, opened, write_tables

PAGES = Path(__file__).parent
SHIPPED = ProjectFolder(STARTER)
HEADINGS = ("Purpose", "Never", "What is predicted", "Who is scored", "Input", "How far to trust it", "Limits")
"""What the card of a model must say, as the beginning of a paragraph or of a sentence in bold."""
EVENTS = "employee_id | kind | happened_at"
CASES = [case for path in sorted(PAGES.glob("*.md")) for case in read_page(path)[1]]


def check_page(path: Path, folder: ProjectFolder) -> None:
    """The title is the model's, and every horizon has a person with the outcome and one without."""
    assert path.is_file(), f"write tests/models/{path.name}: docs/how-to/new-model.md shows how"
    title, cases = read_page(path)
    spec = folder.model(path.stem)
    assert title == f"{spec.en} · {spec.zh}"
    rows = [row for case in cases for expected in case.expected for row in expected.rows]
    for days in spec.label.horizons_days:
        assert {"0", "1"} <= {row.get(f"label_{days}d") for row in rows}, f"{days} days: draw a 0 and a 1"


def check_case(case: Case, folder: ProjectFolder, tmp_path: Path) -> None:
    """Compare every status and label of the case with what training would see."""
    spec = folder.model(case.page)
    write_tables(tmp_path, **{name: pd.DataFrame(rows, dtype=str) for name, rows in case.tables.items()})
    if not {"events", "reviews"} & set(case.tables):
        write_tables(tmp_path, events=EVENTS)
    assert case.expected, "nothing is expected"
    with opened(tmp_path) as data:
        dates = sorted({dt.date.fromisoformat(date) for expected in case.expected for date in expected.as_ofs})
        table = make_table(data, folder.definitions, spec, name=case.page, dates=dates)
        frame = table.frame[["employee_id"]].assign(
            as_of=table.frame["as_of"].dt.strftime("%Y-%m-%d"),
            status=np.select([~table.eligible, table.thin], ["ineligible", "thin"], "eligible"),
            **{
                f"label_{days}d": labels(data, table.frame, spec.label, horizon_days=days, until=TODAY)
                for days in spec.label.horizons_days
            },
        )
    frame = frame.set_index(["employee_id", "as_of"])
    for expected in case.expected:
        for row in expected.rows:
            unknown = sorted(row.keys() - {*frame.index.names, *frame.columns})
            assert not unknown, f"{case.page}.md: no column is called {unknown[0]!r}; use {', '.join(frame.columns)}"
            lacking = sorted({"employee_id", "as_of", "status"} - row.keys())
            assert not lacking, f"{case.page}.md: the expected rows lack the column {lacking[0]!r}"
            key = (row["employee_id"], row["as_of"])
            assert key in frame.index, f"{case.page}.md: {key[0]} was not employed at {key[1]}"
            actual = frame.loc[key]
            assert row["status"] == actual["status"], row
            wrong = [name for name in row if name.startswith("label_") and differs(row[name], actual[name])]
            assert not wrong, f"{row}: {wrong} are {[actual[name] for name in wrong]}"


@pytest.mark.parametrize("name", SHIPPED.models)
def test_each_model_has_its_page(name: str) -> None:
    check_page(PAGES / f"{name}.md", SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}: {case.title}")
def test_case(case: Case, tmp_path: Path) -> None:
    check_case(case, SHIPPED, tmp_path)


@pytest.mark.parametrize("name", SHIPPED.models)
def test_each_model_has_a_card(name: str) -> None:
    card = SHIPPED.card(name)
    absent = [heading for heading in HEADINGS if not re.search(rf"\*\*{heading}\b", card)]
    assert not absent, f"models/{name}.md does not say in bold: {', '.join(absent)}"


@pytest.mark.parametrize("name", [n for n, p in SHIPPED.policies.items() if isinstance(p, CoursePolicy | TargetPolicy)])
def test_each_policy_has_a_card(name: str) -> None:
    assert SHIPPED.has_card(name), f"write models/{name}.md: for whom, what it does, what it never does, how good"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ("| ana | 2026-06-01 | eligible | 0 |", "no column is called 'label_90d'"),
        ("| ana | 2019-06-01 | eligible | |", "ana was not employed at 2019-06-01"),
    ],
)
def test_a_page_that_draws_what_is_not_there_says_so(row: str, refusal: str, tmp_path: Path) -> None:
    label = "label_90d" if "label" in refusal else "label_91d"
    page = tmp_path / "attrition.md"
    page.write_text(
        "## x\n`employees`\n| employee_id | hired_on |\n| --- | --- |\n| ana | 2020-01-01 |\n\n`exits`\n"
        "| employee_id | exited_on | kind |\n| --- | --- | --- |\n| ana | 2026-12-01 | voluntary |\n\nAs of 2026-06-01:\n"
        f"| employee_id | as_of | status | {label} |\n| --- | --- | --- | --- |\n{row}\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match=refusal):
        check_case(read_page(page)[1][0], SHIPPED, tmp_path)
    with pytest.raises(AssertionError, match=r"write tests/models/early\.md"):
        check_page(tmp_path / "early.md", SHIPPED)

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
            actual = frame.loc[(row["employee_id"], row["as_of"])]
            assert row["status"] == actual["status"], row
            wrong = [name for name in row if name.startswith("label_") and differs(row[name], actual[name])]
            assert not wrong, f"{row}: {wrong} are {[actual[name] for name in wrong]}"


@pytest.mark.parametrize("name", SHIPPED.models)
def test_each_model_has_its_page(name: str) -> None:
    assert (PAGES / f"{name}.md").is_file(), f"write tests/models/{name}.md: docs/how-to/new-model.md shows how"
    check_page(PAGES / f"{name}.md", SHIPPED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page}: {case.title}")
def test_case(case: Case, tmp_path: Path) -> None:
    check_case(case, SHIPPED, tmp_path)


@pytest.mark.parametrize("name", SHIPPED.models)
def test_each_model_has_a_card(name: str) -> None:
    card = SHIPPED.model_card(name)
    absent = [heading for heading in HEADINGS if not re.search(rf"\*\*{heading}\b", card)]
    assert not absent, f"models/{name}.md does not say in bold: {', '.join(absent)}"


@pytest.mark.parametrize("name", [n for n, p in SHIPPED.policies.items() if isinstance(p, CoursePolicy | TargetPolicy)])
def test_each_policy_has_a_card(name: str) -> None:
    assert SHIPPED.has_card(name), f"write models/{name}.md: for whom, what it does, what it never does, how good"

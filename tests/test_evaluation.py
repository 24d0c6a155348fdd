"""The documented figures on real data, and the two evaluation projects on other data of the same shape."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from perfml import Project

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
LONG = (
    "contributors",
    "other projects",
    "catalogue",
    "learners",
    "promotion",
    "strangers",
    "competing exits",
    "IBM attrition",
    "IBM attrition, 500 rows",
    "racing did not finish",
    "racing top three",
)
"""Sets of half a minute or more that others here resemble, left to ``python3 run.py evaluate``."""
ELSEWHERE = ("turnover", "mfg10year")
"""Sets whose goals ``test_hazard.py`` and ``test_drift.py`` try, with more that is asked of them."""
MODULES = (
    "run",
    "company",
    "projects",
    "tabular",
    "strangers",
    "turnover",
    "competing",
    "yearly",
    "stores",
    "catalogue",
    "learners",
    "judges",
    "racing",
    "goals",
)
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(
        not SHARED.is_dir(), reason="the evaluation data does not lie beside the checkout (../shared/data)"
    ),
]


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "evaluation"))
    for name in MODULES:  # a module of that name may have been imported from elsewhere, and is again afterwards
        monkeypatch.delitem(sys.modules, name, raising=False)
    import run

    yield run
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["contributors", "sales_force"])
def test_projects_say_only_how_they_differ(name: str) -> None:
    folder = Project(ROOT / "evaluation" / name).folder
    assert folder.definitions.windowed and folder.definitions.relational
    assert folder.model("attrition").label.kind == "exit"
    assert len([p for p in folder.root.rglob("*") if p.is_file()]) <= 5


def test_without_the_data_it_says_so(evaluation, monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "e.json")])
    assert evaluation.main() == 0
    assert "skipped" in capsys.readouterr().out
    assert not (tmp_path / "e.json").exists()


class TestOnRealData:
    pytestmark = needs_data

    def test_every_goal_is_reached(self, evaluation, monkeypatch, capsys, tmp_path: Path) -> None:
        asked = [name for name in evaluation.SETS if name not in LONG + ELSEWHERE]
        arguments = ["run.py", "--data", str(SHARED), "--out", str(tmp_path / "e.json")]
        monkeypatch.setattr(sys, "argv", [*arguments, *(word for name in asked for word in ("--only", name))])
        for name in evaluation.THREADS:
            monkeypatch.setenv(name, "1")  # as it sets them itself, and taken back afterwards
        assert evaluation.main() == 0, capsys.readouterr().out
        results = json.loads((tmp_path / "e.json").read_text())
        assert set(results) == set(asked) and set(asked) | {*LONG, *ELSEWHERE} == set(evaluation.SETS)
        for name in asked:
            goals = evaluation.SETS[name][1]
            assert goals and all(goal.reached(results[name][metric]) for metric, goal in goals.items())

    def test_the_projects_run_on_an_earlier_part_of_the_record(self, tmp_path: Path) -> None:
        project = Project(ROOT / "evaluation" / "sales_force", home=tmp_path)
        model = project.train("attrition", SHARED / "sales_force", until="2016-10-01")
        scores = project.score("attrition", SHARED / "sales_force", as_of=["2016-10-01"])
        assert model.record.until == dt.date(2016, 10, 1)
        assert set(scores.column("as_of").to_pylist()) == {dt.date(2016, 10, 1)}

"""The commands translate and no more: the same figures as JSON, amounts as text, exit codes that a scheduler reads."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from perfml import Project, cli
from perfml.demo.incident import Incident, write, write_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("commands")
    incident = Incident(people=1, backfilled_at=None)
    root = write_project(incident, folder / "project", version=2)
    Project(root, home=folder / "home").sign_off("sales", 2, by="Li Na", reason="settled net sales")
    return ["--project", str(root), "--home", str(folder / "home"), "--data", str(write(incident, folder / "data"))]


def run(*command: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(command))
    return result.exit_code, result.stdout


def test_reconcile(arguments: list[str]) -> None:
    code, text = run("reconcile", *arguments, "--as-of", "2025-04-01", "--json")
    answer = json.loads(text)
    assert code == 1
    march = {row["entity"]: row for row in answer["rows"] if row["month"] == "2025-03"}
    assert march["location:South"]["bridge"] == {
        "reference": "31000.00",
        "timing": "-2000.00",
        "missing": "-3000.00",
        "returns": "-1040.00",
        "attribution": "-4992.00",
        "unexplained": "0.00",
        "actuals": "19968.00",
    }
    assert march["location:West"]["matched"]["percent"] == "1.72"
    assert run("reconcile", *arguments, "--as-of", "2025-03-10")[0] == 0


def test_one_entity(arguments: list[str]) -> None:
    code, text = run("reconcile", *arguments, "--as-of", "2025-04-01", "--entity", "South-01", "--language", "zh")
    assert code == 1 and "归属方式" in text and "−4,992.00" in text
    assert run("reconcile", *arguments, "--entity", "Nobody")[0] == 1


def test_definitions(arguments: list[str]) -> None:
    code, text = run("definitions", *arguments, "--json")
    (metric,) = json.loads(text)["metrics"]
    assert code == 0 and metric["in_force"] and metric["signed_off"]["by"] == "Li Na"
    assert [clash["stops"] for clash in metric["clashes"]] == [False, False]


def test_rebase(arguments: list[str]) -> None:
    code, text = run("rebase", *arguments, "--as-of", "2025-03-10", "--json")
    rows = json.loads(text)
    assert code == 0 and {row["status"] for row in rows} == {"none"}
    assert "whose meaning was never recorded" in rows[0]["why_not_en"]  # version 1 was never used under this home

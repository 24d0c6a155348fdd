"""One person in one answer, for three readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from perfml import cli
from perfml.advice.person import PersonForHr, SharedPerson
from perfml.api import Project
from perfml.errors import PerfmlError
from perfml.project.voices import Reader
from perfml.scoring.people.files import keep_people
from tests.service.company import DAY

HIDDEN = {"probability", "rank", "band", "margin", "base_value", "contribution", "incidence", "name", "manager_name"}


def keys(value: Any) -> set[str]:
    """Every key at any depth."""
    if isinstance(value, dict):
        return set(value).union(*(keys(each) for each in value.values()))
    return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()


@pytest.mark.slow
def test_hr_reads_risk_reasons_owners_and_the_support_that_fits(client: TestClient, home: Path) -> None:
    facts = {"employee_id": "张伟", "name": "张伟明", "department": "sales", "manager_id": "E1", "manager_name": None}
    keep_people(
        pa.Table.from_pylist([{**facts, "role_family": "sales", "level": 3, "tenure_days": 400}]), home, as_of=DAY
    )
    offer = {"employee_id": "张伟", "kind": "conversation", "offered_on": "2026-08-20", "status": "offered"}
    client.post("/v1/interventions", json=offer, headers={"Idempotency-Key": "k"})
    body = client.get("/v1/employees/张伟").json()
    assert (body["voice"], body["name"], body["department"], body["level"]) == ("hr", "张伟明", "sales", 3)
    (risk,) = body["risks"]
    assert (risk["model"], risk["status"], risk["setting"], risk["title"]["zh"]) == (
        "attrition",
        "scored",
        True,
        "主动离职风险",
    )
    assert [(h["horizon_days"], h["proven"], h["rank"], h["band"]) for h in risk["horizons"]] == [
        (91, True, 1, "act"),
        (182, False, None, None),
    ]
    (reason,) = risk["reasons"]
    assert (
        reason["owner"] == "company"
        and reason["action"]["en"] in reason["text"]["en"]
        and "tenure" in reason["text"]["en"].lower()
    )
    assert [(c["title"], c["order"]) for c in body["courses"]] == [("高效沟通七步法", 1), (None, None)]
    assert body["courses"][1]["text"]["en"] == "nothing suitable"
    (target,) = body["targets"]
    assert (target["metric"], target["new_weight"], target["text"]["en"]) == ("new_accounts", 25.0, "Move it")
    assert body["offers"] == [
        {"kind": "conversation", "offered_on": "2026-08-20", "status": "offered", "done_on": None}
    ]


@pytest.mark.slow
def test_a_goal_beyond_the_policy_names_its_case_and_a_hold_its_cause(client: TestClient) -> None:
    (target,) = client.get("/v1/employees/E2").json()["targets"]
    assert (target["status"], target["escalation_id"], target["text"]["zh"]) == ("beyond", "x1", "超出政策范围")
    held = client.get("/v1/employees/H1").json()
    assert held["risks"][0]["status"] == "held" and held["risks"][0]["reasons"] == []
    assert held["risks"][0]["horizons"][0]["why_not"]["en"] == "reviews: rating outside scale" and held["targets"] == []


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["manager", "employee"])
def test_managers_and_employees_read_no_figure_of_the_risk_and_no_name(
    client: TestClient, voice: Reader, home: Path
) -> None:
    declared = SharedPerson.model_json_schema()
    fields = keys(declared["properties"]).union(*(keys(each["properties"]) for each in declared["$defs"].values()))
    assert not HIDDEN & fields and HIDDEN & keys(PersonForHr.model_json_schema())
    answer = client.get("/v1/employees/张伟", params={"voice": voice}).json()
    assert not HIDDEN & keys(answer) and answer["risks"][0]["reasons"] and answer["targets"] and answer["courses"]
    hr = client.get("/v1/employees/张伟").json()
    assert answer["risks"][0]["reasons"][0]["text"] != hr["risks"][0]["reasons"][0]["text"]
    assert Project(home=home).person("张伟", voice=voice).model_dump(mode="json") == answer


@pytest.mark.slow
def test_python_gives_the_same_answer_as_the_service(client: TestClient, home: Path) -> None:
    bundle = Project(home=home).person("E1", as_of=DAY.replace(month=8))
    assert isinstance(bundle, PersonForHr) and bundle.risks[0].as_of == DAY.replace(month=8)
    answer = client.get("/v1/employees/E1", params={"as_of": "2026-08-01"}).json()
    assert bundle.model_dump(mode="json") == answer


@pytest.mark.slow
def test_the_command_line_shows_the_same_person(home: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["person", "张伟", "--home", str(home), "--json"])
    assert json.loads(shown.output) == Project(home=home).person("张伟").model_dump(mode="json")
    lines = CliRunner().invoke(cli.app, ["person", "张伟", "--home", str(home)]).output
    assert "30%, rank 1, act" in lines and "建议调整" in lines and "高效沟通七步法" not in lines and "Take it" in lines
    manager = CliRunner().invoke(cli.app, ["person", "张伟", "--home", str(home), "--voice", "manager"]).output
    assert "30%" not in manager and "rank" not in manager and "Move it" in manager


def test_somebody_of_whom_nothing_is_kept_is_not_found(client: TestClient, home: Path) -> None:
    unknown = client.get("/v1/employees/nobody")
    early = client.get("/v1/employees/E1", params={"as_of": "2020-01-01"})
    assert unknown.status_code == early.status_code == 404 and unknown.json() == early.json()
    with pytest.raises(PerfmlError, match="'nobody': is nobody of whom anything is kept here"):
        Project(home=home).person("nobody")

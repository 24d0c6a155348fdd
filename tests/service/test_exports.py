"""Exports over HTTP: of whom one may see, written down, and the same as by the verb."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml import Project
from perfml.access.principals import Role
from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.suggestion_files import keep_suggestions
from perfml.outgoing.ledger import ExportLedger
from tests.service.accounts import token
from tests.service.company import COURSE, DAY, PROBLEM_KEYS

FILE = "/v1/exports/at_risk?format=csv"


def people(client: TestClient, headers: dict[str, str] | None = None, path: str = FILE) -> list[str]:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return [row["employee_id"] for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def test_hr_gets_the_people_of_the_whole_company(home: Path, guarded: TestClient) -> None:
    """Whoever works there: of those who are listed, E1, E2 and O'Neil have a position."""
    assert people(guarded, token(home, "hr", Role.HR)) == ["O'Neil"]
    (delivery,) = ExportLedger(home).deliveries()
    assert (delivery.recipient, delivery.by, delivery.people, delivery.state) == ("download", "hr", 1, "delivered")
    assert any(each.actor == "hr" and "export at_risk" in each.action for each in Project(home=home).audit("O'Neil"))


@pytest.mark.slow
def test_hr_of_a_unit_asks_for_that_unit(home: Path, guarded: TestClient) -> None:
    south = token(home, "hr south", Role.HR, units=frozenset({"department:South"}))
    assert guarded.get(FILE, headers=south).status_code == 404
    assert guarded.get(f"{FILE}&department=North", headers=south).status_code == 404
    assert guarded.get("/v1/exports?department=South", headers=south).status_code == 200
    assert people(guarded, south, f"{FILE}&department=South") == [], "nobody's department is known at that date"


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.DATA_SCIENTIST, Role.AUDITOR, Role.ADMINISTRATOR])
def test_nobody_else_gets_a_file(role: Role, home: Path, guarded: TestClient) -> None:
    headers = token(home, "somebody", role, employee="boss" if role is Role.EMPLOYEE else None)
    unknown = guarded.get("/v1/exports/none", headers=headers)
    for path in (FILE, "/v1/exports/decisions", "/v1/exports"):
        answer = guarded.get(path, headers=headers)
        assert answer.status_code == 404 and answer.json() == unknown.json()
    oversight = headers | {"X-Purpose": "oversight"}
    expected = 200 if role in (Role.AUDITOR, Role.ADMINISTRATOR) else 404
    assert guarded.get("/v1/exports/ledger", headers=oversight).status_code == expected
    assert ExportLedger(home).deliveries() == []


def test_pay_and_dismissal_get_no_file(home: Path, guarded: TestClient) -> None:
    hr = token(home, "hr", Role.HR)
    for purpose in ("pay", "dismissal", ""):
        assert guarded.get(FILE, headers={**hr, "X-Purpose": purpose}).status_code == 403
    assert ExportLedger(home).deliveries() == []


@pytest.mark.slow
def test_the_service_gives_what_the_verb_sends(client: TestClient, home: Path) -> None:
    for name, form in (("at_risk", "xlsx"), ("courses", "csv"), ("targets", "xlsx")):
        answer = client.get(f"/v1/exports/{name}")
        Project(home=home).export(name)
        (path,) = (home / "exports" / name).glob(f"*.{form}")
        assert answer.content == path.read_bytes()
        assert f".{form}" in answer.headers["content-disposition"]
    listed = client.get("/v1/exports").json()["exports"]
    assert [each["name"] for each in listed] == list(Project(home=home).exports().exports)
    ledger = client.get("/v1/exports/ledger").json()["deliveries"]
    assert [(each["export"], each["recipient"]) for each in ledger][:2] == [
        ("targets", "folder"),
        ("targets", "download"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_text_that_looks_like_an_answer_names_nobody(form: str, client: TestClient, home: Path) -> None:
    titles = ['"employee_id": "E2"', '"employee_id": "\\q"']
    rows = [{**COURSE, "suggestion_id": f"c{n}", "title": title} for n, title in enumerate(titles)]
    keep_suggestions(pa.Table.from_pylist(rows, schema=COURSES), home, policy="course_match", as_of=DAY)
    assert client.get(f"/v1/exports/courses?format={form}").status_code == 200
    assert not [each for each in Project(home=home).audit("E2") if "courses" in each.action]


@pytest.mark.slow
def test_refusals_have_the_one_shape(client: TestClient, home: Path) -> None:
    expected = {
        "/v1/exports/none": 404,
        "/v1/exports/at_risk?format=pdf": 422,
        "/v1/exports/at_risk?x=1": 422,
        "/v1/exports/at_risk?as_of=2020-01-01": 409,
        "/v1/exports/at_risk?as_of=yesterday": 422,
    }
    for path, status in expected.items():
        answer = client.get(path)
        assert answer.status_code == status and set(answer.json()) == PROBLEM_KEYS, path
    assert client.get(f"/v1/exports/at_risk?as_of={DAY}").status_code == 200
    Project(home=home).stop(by="Ana", reason="the ranks look wrong", today=DAY)
    assert client.get("/v1/exports/at_risk").status_code == 409

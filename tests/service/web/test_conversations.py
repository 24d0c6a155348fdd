"""HR's first page: what it says where little is there, and to HR of a part of the company."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.advice.decision_log import DecisionLog, Intervention
from perfml.project.folder import ProjectFolder
from perfml.project.spec import DisputeRules
from perfml.project.starter import STARTER
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from perfml.trust.disputes.dispute_log import DisputeLog
from tests.service.accounts import Clock, keep_lines, token
from tests.service.company import DAY, train
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow


def test_before_anything_is_scored_it_says_what_to_run(tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")
    for path in ("/", "/hr"):
        page = client.get(path)
        assert page.status_code == 200 and "perfml score attrition" in page.text
        assert '<li class="chip good">\n0 models' not in page.text
    assert client.get("/hr?model=attrition").status_code == 404


def test_a_damaged_model_is_told_and_the_list_of_another_stands(client: TestClient, home: Path) -> None:
    version = train(home, "low_performance", {91: True})
    (home / "models" / "low_performance" / version / "model.json").write_text("{}")
    text = plain(client.get("/hr").text)
    assert "1 model cannot be read" in text and "张伟" in text


def test_whoever_was_offered_help_is_told_in_chinese(client: TestClient, home: Path) -> None:
    offer = Intervention(employee_id="E2", kind="career", offered_on=DAY, status="offered")
    DecisionLog(home).log([offer], key="k")
    text = plain(client.get("/hr", headers={"accept-language": "zh"}).text)
    assert "E2" in text and "offered" not in text and "career" not in text


@pytest.mark.parametrize("unit", ["department:South", "location:Shenzhen"])
def test_a_part_of_the_company_counts_its_own(home: Path, unit: str) -> None:
    keep_lines(home)
    AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    headers = token(home, "a1", Role.HR, units=frozenset({unit}))
    everybody = token(home, "a2", Role.HR)
    day = dt.date(2026, 9, 1)
    DisputeLog(home, DisputeRules()).file(
        "other", table="reviews", key="r1", right={}, by="other", on=day, idempotency_key="d"
    )
    app = create_app(home)
    rules = app.state.admission.rules
    app.state.admission = Admission(home, ProjectFolder(STARTER), StoreVersions(home), rules=rules, now=Clock())
    client = TestClient(app, base_url="http://127.0.0.1:8321")
    page = client.get("/hr", headers=headers)
    text = plain(page.text)
    assert page.status_code == 200 and "no open dispute" in text and "nothing held" in text
    assert ('name="department"' in page.text) is unit.startswith("department")
    assert "1 open dispute" in plain(client.get("/hr", headers=everybody).text)
    assert client.get("/targets", headers=headers).status_code == 200

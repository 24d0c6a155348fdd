"""Fairness, drift, governance, the audit log, readiness and metrics over HTTP."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.scoring.drift.files import keep_drift
from perfml.service.app import create_app
from perfml.store.opening import FILE
from tests.service.accounts import ALL, token
from tests.service.company import DAY

SHIFT = {
    "name": "tenure_days",
    "psi": 0.3,
    "excess": 0.2,
    "effect": 0.5,
    "ks": 0.1,
    "missing": 0.0,
    "moved": True,
    "far": False,
}
HORIZON = {
    "horizon_days": 91,
    "outcomes_of": None,
    "verdict": "watch",
    "en": "some evidence has moved",
    "zh": "部分依据发生变化",
    "people": 400,
    "rows": 400,
    "score": SHIFT | {"name": "score", "moved": False},
    "columns": [SHIFT, SHIFT | {"name": "quiet", "moved": False}],
    "observed_over_expected": None,
}


@pytest.mark.slow
def test_drift_is_the_newest_check(home: Path, client: TestClient) -> None:
    missing = client.get("/v1/models/attrition/drift")
    assert (missing.status_code, missing.json()["remedy"]) == (404, "run `perfml drift attrition`")
    version = client.get("/v1/models/attrition").json()["version"]
    keep_drift(home, "attrition", [HORIZON], version=version, as_of=DAY)
    body = client.get("/v1/models/attrition/drift").json()
    assert (body["as_of"], body["in_use"], body["horizons"][0]["verdict"]) == (str(DAY), True, "watch")
    assert [each["name"] for each in body["horizons"][0]["columns"]] == ["tenure_days"]
    keep_drift(home, "attrition", [HORIZON | {"verdict": "retrain"}], version="earlier", as_of=DAY)
    again = client.get("/v1/models/attrition/drift").json()
    assert (again["in_use"], again["horizons"][0]["verdict"]) == (False, "retrain")
    (home / "drift" / "attrition.json").write_text("{")
    assert client.get("/v1/models/attrition/drift").status_code == 500
    assert client.get("/v1/models/attrition").status_code == 200


@pytest.mark.slow
def test_card_and_fairness_of_the_version_in_use(client: TestClient) -> None:
    assert client.get("/v1/models/attrition/card").json()["card"] == "# Card\n卡片\n"
    assert client.get("/v1/models/attrition/fairness").json()["model"] == "attrition"
    for part in ("card", "fairness", "drift"):
        assert client.get(f"/v1/models/none/{part}").status_code == 404


@pytest.mark.slow
def test_the_checklist_names_nobody_and_the_log_is_verified(home: Path, client: TestClient) -> None:
    client.get("/v1/employees/E1/risk")
    body = client.get("/v1/governance")
    assert {each["verdict"] for each in body.json()["checks"]} <= {"pass", "fail", "unknown"}
    assert "E1" not in body.text and "张伟" not in body.text
    verified = client.get("/v1/audit/verification").json()
    assert verified["whole"] is True and verified["rows"] > 0


@pytest.mark.slow
def test_ready_says_nothing_else_and_asks_for_no_account(home: Path, guarded: TestClient) -> None:
    assert guarded.get("/v1/ready").json() == {"ready": True}
    assert guarded.get("/v1/health").status_code == 401
    path = home / "scores" / "attrition" / f"{DAY}.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    refused = guarded.get("/v1/ready")
    assert refused.status_code == 503 and "attrition" not in refused.text


@pytest.mark.slow
def test_a_damaged_store_is_not_ready(home: Path, client: TestClient) -> None:
    client.get("/v1/employees/E1/risk")
    (home / FILE).write_bytes(b"no database")
    with TestClient(create_app(home), base_url="http://127.0.0.1", raise_server_exceptions=False) as fresh:
        assert fresh.get("/v1/ready").status_code == 503


@pytest.mark.slow
def test_an_empty_home_is_ready(tmp_path: Path) -> None:
    with TestClient(create_app(tmp_path), base_url="http://127.0.0.1") as client:
        assert client.get("/v1/ready").json() == {"ready": True}


@pytest.mark.slow
def test_metrics_count_by_template_and_name_nobody(home: Path, client: TestClient) -> None:
    for _ in range(3):
        client.get("/v1/employees/张伟/risk")
    client.get("/v1/employees/nobody/risk")
    client.get("/E1/nothing")
    client.request("BREW", "/v1/health")
    answer = client.get("/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    address = 'address="/v1/employees/{employee_id}/risk",method="GET"'
    assert f'perfml_requests_total{{{address},status="200"}} 3.0' in text
    assert f'perfml_requests_total{{{address},status="404"}} 1.0' in text
    assert f"perfml_request_seconds_count{{{address}}} 4.0" in text
    assert 'method="(other)"' in text and "BREW" not in text
    assert 'perfml_kept_answers{outcome="hit"}' in text and "perfml_audit_queue 0.0" in text
    assert 'perfml_scores_age_seconds{model="attrition"}' in text
    assert not [name for name in ("张伟", "E1", "nobody", "nothing") if name in text]


@pytest.mark.slow
def test_figures_of_the_service_are_for_those_who_run_it(home: Path, guarded: TestClient) -> None:
    accounts = {
        "admin": token(home, "admin") | {"X-Purpose": "operation"},
        "auditor": token(home, "auditor", Role.AUDITOR) | {"X-Purpose": "oversight"},
        "scientist": token(home, "ds", Role.DATA_SCIENTIST) | {"X-Purpose": "oversight"},
        "hr": token(home, "hr", Role.HR, units=ALL),
        "worker": token(home, "e2", Role.EMPLOYEE, employee="E2"),
    }
    allowed = {
        "/v1/metrics": {"admin"},
        "/v1/audit/verification": {"auditor"},
        "/v1/governance": {"auditor", "scientist", "hr"},
        "/v1/models/attrition/fairness": {"auditor", "scientist", "hr"},
        "/v1/models/attrition/card": {"auditor", "scientist", "hr"},
        "/v1/deliveries": {"admin", "auditor", "scientist", "hr"},
        "/v1/trends": {"hr"},
        "/v1/adoption": {"hr"},
    }
    for address, who in allowed.items():
        seen = {name for name, headers in accounts.items() if guarded.get(address, headers=headers).status_code == 200}
        assert seen == who, address


def test_the_day_of_a_check_is_the_one_it_was_made_for(tmp_path: Path) -> None:
    assert keep_drift(tmp_path, "m", [HORIZON], version="v", as_of=dt.date(2026, 1, 2)).name == "m.json"

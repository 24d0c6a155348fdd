"""Runs of training, and what of them is put in force, by their addresses: as the pages do it, by two accounts."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.promotion_log import promotions
from perfml.learning.registry.promotion_requests import requests_of
from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app
from perfml.trust.audit.history import newest_entries
from tests.records import figure
from tests.service.accounts import token
from tests.service.company import train
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import ORIGIN

pytestmark = pytest.mark.slow
RUNS, REQUESTS = "/v1/models/attrition/runs", "/v1/models/attrition/promotion-requests"
WHY = "the newer data were checked with the works council"
Headers = dict[str, str]


@pytest.fixture
def client(tmp_path: Path, versions: dict[str, str]) -> TestClient:
    return pages_of(tmp_path)


@pytest.fixture
def scientist(tmp_path: Path, client: TestClient) -> Headers:
    return token(tmp_path, "ada", Role.DATA_SCIENTIST)


@pytest.fixture
def hr(tmp_path: Path, client: TestClient) -> Headers:
    return token(tmp_path, "hr", Role.HR)


def under(key: str) -> Headers:
    return {"Idempotency-Key": key}


def test_runs_come_in_pages_the_newest_first(
    client: TestClient, scientist: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    first = client.get(RUNS, params={"limit": 2}, headers=scientist).json()
    rest = client.get(first["next"], headers=scientist).json()
    rows = first["runs"] + rest["runs"]
    assert (first["total"], rest["next"]) == (3, None)
    assert [row["version"] for row in rows] == [versions[name] for name in ("failing", "second", "first")]
    assert [row["state"] for row in rows] == ["in use", "earlier", "earlier"]
    assert rows[1]["trained_until"] == "2026-07-01" and rows[1]["kept_at"].endswith("Z")
    assert rows[1]["horizons"] == [
        {"horizon_days": days, "proven": good, "auc": figure(0.8).model_dump(), "gates_failed": bad}
        | {"gates_insufficient": 0}
        for days, good, bad in ((91, True, 0), (182, False, 1))
    ]
    train(tmp_path, "attrition", {91: True}, until="2026-08-02")
    assert client.get(first["next"], headers=scientist).status_code == 410, "trained again in the meantime"


def test_one_run_holds_what_its_page_shows(client: TestClient, scientist: Headers, versions: dict[str, str]) -> None:
    run = client.get(f"{RUNS}/{versions['second']}", headers=scientist).json()
    whole = client.get("/v1/models/attrition", headers=scientist).json()
    assert whole.keys() - run.keys() == {"card", "scored", "segments", "stage"}
    assert whole["horizons"][0].keys() <= run["horizons"][0].keys()
    assert run["horizons"][0]["training"]["positives"] == 120 and run["unproven"] is None
    assert run["horizons"][0]["lists"] == [
        {"share": 0.5, "listed": 40, "cases": 10, "precision": 0.25, "low": 0.1, "high": 0.4}
    ]
    assert (run["data_fingerprint"], run["left_out"][0]["en"]) == (
        "f" * 64,
        "goals: there is no table goals",
    )
    failing = client.get(f"{RUNS}/{versions['failing']}", headers=scientist).json()
    assert "no better than tenure_days" in failing["unproven"]["en"] and "不优于" in failing["unproven"]["zh"]


def test_a_damaged_run_says_so_and_the_others_are_listed(
    client: TestClient, scientist: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "models" / "attrition" / versions["second"] / "model.json"
    path.write_text(path.read_text() + " ")
    rows = client.get(RUNS, headers=scientist).json()["runs"]
    assert [row["problem"] is None for row in rows] == [True, False, True]
    assert rows[1]["problem"]["status"] == 503 and str(tmp_path) not in str(rows)
    answer = client.get(f"{RUNS}/{versions['second']}", headers=scientist)
    assert answer.status_code == 503 and answer.json()["zh"]


def test_one_asks_and_another_decides(
    client: TestClient, scientist: Headers, hr: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    body = {"version": versions["second"], "reason": WHY}
    assert client.post(REQUESTS, json=body, headers=scientist).status_code == 422, "without a key"
    asked, again = (client.post(REQUESTS, json=body, headers=scientist | under("k")) for _ in range(2))
    assert asked.status_code == 200 and asked.json() == again.json(), asked.text
    request = asked.json()
    assert (request["by"], request["state"], request["decision"]) == ("ada", "waiting", None)
    other = client.post(REQUESTS, json=body | {"reason": WHY + "!"}, headers=scientist | under("k"))
    assert (other.status_code, other.json()["type"]) == (409, "/docs#key-in-use")
    assert "ada asks to put version" in client.get("/models/attrition", headers=hr).text, "the page shows the same"
    assert client.get(REQUESTS, params={"state": "waiting"}, headers=hr).json()["requests"] == [request]
    asked_for = f"{REQUESTS}/{request['request_id']}"
    assert client.get(asked_for, headers=hr).json() == request

    yes = {"verdict": "approve", "reason": WHY}
    assert client.post(f"{asked_for}/decision", json=yes, headers=scientist).status_code == 404, "no policy permits it"
    assert client.post(f"{asked_for}/decision", json=yes | {"reason": "ok"}, headers=hr).status_code == 422
    assert client.post(f"{asked_for}/decision", json=yes | {"by": "somebody"}, headers=hr).status_code == 422
    done, sent_again = (client.post(f"{asked_for}/decision", json=yes, headers=hr | under("d")) for _ in range(2))
    assert done.status_code == 200 and done.json() == sent_again.json() == client.get(asked_for, headers=hr).json()
    decision = done.json()["decision"]
    assert (done.json()["state"], decision["approved"], decision["by"]) == ("approved", True, "hr")
    assert pointed(tmp_path, "attrition", CHAMPION) == versions["second"]
    assert client.get(RUNS, headers=scientist).json()["runs"][1]["state"] == "in force"
    in_force = client.get("/v1/models/attrition/promotions", headers=hr).json()["promotions"]
    assert [(each["version"], each["approver"], each["before"]) for each in in_force] == [
        (versions["second"], "hr", None)
    ]
    late = client.post(f"{asked_for}/decision", json=yes | {"verdict": "refuse"}, headers=hr)
    assert late.status_code == 422 and late.json()["detail"] == "no such request waits"
    assert client.get(REQUESTS, params={"state": "waiting"}, headers=hr).json()["total"] == 0


def test_the_address_enters_and_refuses_what_the_page_does(
    client: TestClient, scientist: Headers, hr: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    """What is asked for on the page is decided by the address and the other way round, with the same entries and refusals."""
    page = {"key": "k" * 12, "back": "/runs", "reason": WHY}
    by_page = f"/runs/attrition/{versions['first']}/promotion"
    client.post(by_page, data=page, headers=scientist | ORIGIN)
    (request,) = requests_of(tmp_path, "attrition")
    body = {"version": versions["second"], "reason": WHY}
    refused = client.post(REQUESTS, json=body, headers=scientist | under("a")).json()
    shown = client.post(
        f"/runs/attrition/{versions['second']}/promotion", data=page | {"key": "l" * 12}, headers=scientist | ORIGIN
    )
    assert shown.status_code == refused["status"] == 422 and refused["detail"] in shown.text
    no = {"verdict": "refuse", "reason": "the older data had a gap"}
    decided = client.post(f"{REQUESTS}/{request.request_id}/decision", json=no, headers=hr)
    assert decided.json()["state"] == "refused" and pointed(tmp_path, "attrition", CHAMPION) is None
    asked = client.post(REQUESTS, json=body, headers=scientist | under("b")).json()
    yes = page | {"key": "m" * 12, "verdict": "approve"}
    on_page = f"/models/attrition/promotions/{asked['request_id']}"
    assert client.post(on_page, data=yes, headers=hr | ORIGIN, follow_redirects=False).status_code == 303
    assert pointed(tmp_path, "attrition", CHAMPION) == versions["second"]
    assert [each["state"] for each in client.get(REQUESTS, headers=hr).json()["requests"]] == ["approved", "refused"]
    actions = [entry.event.action for entry in newest_entries(tmp_path, limit=20)]
    entered = [action for action in actions if "promotions/" in action]
    assert len(entered) == 4 and f"promote attrition/{versions['second']}" in actions
    unknown = client.post(f"{REQUESTS}/nothing/decision", json=no, headers=hr)
    unknown_page = client.post("/models/attrition/promotions/nothing", data=yes, headers=hr | ORIGIN)
    assert unknown.status_code == unknown_page.status_code == client.get(f"{REQUESTS}/x", headers=hr).status_code == 404
    assert unknown.json()["detail"] in unknown_page.text


def test_requests_come_in_pages_that_do_not_slip(
    client: TestClient, scientist: Headers, hr: Headers, versions: dict[str, str]
) -> None:
    def refuse_another(number: int) -> str:
        body = {"version": versions["first"], "reason": f"{WHY}, {number}"}
        name = client.post(REQUESTS, json=body, headers=scientist | under(f"k{number}")).json()["request_id"]
        no = {"verdict": "refuse", "reason": "the older data had a gap"}
        assert client.post(f"{REQUESTS}/{name}/decision", json=no, headers=hr).status_code == 200
        return str(name)

    names = [refuse_another(number) for number in range(3)]
    first = client.get(REQUESTS, params={"limit": 2, "state": "refused"}, headers=hr).json()
    refuse_another(3)
    rest = client.get(first["next"], headers=hr).json()
    assert [each["request_id"] for each in first["requests"] + rest["requests"]] == names[::-1]
    assert client.get(REQUESTS, params={"state": "other"}, headers=hr).status_code == 422


def test_no_gate_is_waived_and_nobody_decides_their_own(
    client: TestClient, versions: dict[str, str], tmp_path: Path
) -> None:
    both = token(tmp_path, "both", Role.DATA_SCIENTIST, Role.HR)
    failing = {"version": versions["failing"], "reason": WHY}
    refused = client.post(REQUESTS, json=failing, headers=both | under("a")).json()
    assert refused["status"] == 422 and "no better than tenure_days" in refused["en"] and "不优于" in refused["zh"]
    assert client.post(REQUESTS, json={"version": "x", "reason": WHY}, headers=both | under("b")).status_code == 404
    asked = client.post(REQUESTS, json={"version": versions["first"], "reason": WHY}, headers=both | under("c")).json()
    own = client.post(
        f"{REQUESTS}/{asked['request_id']}/decision", json={"verdict": "approve", "reason": WHY}, headers=both
    )
    assert own.status_code == 422 and "by the same account" in own.json()["detail"]
    assert pointed(tmp_path, "attrition", CHAMPION) is None


def test_who_may_read_ask_and_decide(
    client: TestClient, scientist: Headers, hr: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    auditor = token(tmp_path, "auditor", Role.AUDITOR)
    of_a_unit = token(tmp_path, "hr of South", Role.HR, units=frozenset({"department:South"}))
    body = {"version": versions["first"], "reason": WHY}
    for headers in (auditor, hr, of_a_unit):
        assert client.post(REQUESTS, json=body, headers=headers | under("k")).status_code == 404
    name = client.post(REQUESTS, json=body, headers=scientist | under("k")).json()["request_id"]
    yes = {"verdict": "approve", "reason": WHY}
    for headers in (auditor, of_a_unit, scientist):
        assert client.post(f"{REQUESTS}/{name}/decision", json=yes, headers=headers).status_code == 404
    runs = {who: client.get(RUNS, headers=each).status_code for who, each in (("auditor", auditor), ("hr", hr))}
    assert runs == {"auditor": 200, "hr": 404}
    employee = token(tmp_path, "e1", Role.EMPLOYEE, employee="E1")
    for address in (
        RUNS,
        f"{RUNS}/{versions['first']}",
        REQUESTS,
        f"{REQUESTS}/{name}",
        "/v1/models/attrition/promotions",
    ):
        assert client.get(address, headers=employee).status_code == 404
        assert client.get(address, headers=auditor).status_code == 200
        assert client.get(address.replace("attrition", "none"), headers=auditor).status_code == 404


def test_a_project_may_ask_for_one_account(versions: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "perfml.toml").write_text("[promotion]\ntwo_accounts = false\n", encoding="utf-8")
    client = pages_of(tmp_path, ProjectFolder(folder))
    headers = token(tmp_path, "ada", Role.DATA_SCIENTIST)
    body = {"version": versions["first"], "reason": WHY}
    done, again = (client.post(REQUESTS, json=body, headers=headers | under("k")) for _ in range(2))
    assert done.json() == again.json() and done.json()["state"] == "approved"
    assert done.json()["decision"]["by"] == done.json()["by"] == "ada"
    assert [each.version for each in promotions(tmp_path, "attrition")] == [versions["first"]], "once"
    assert client.get(REQUESTS, headers=headers).json()["requests"] == [done.json()]
    same = client.post(REQUESTS, json=body, headers=headers | under("l"))
    assert same.status_code == 422 and same.json()["detail"] == "is in force already"


def test_before_accounts_whoever_asks_and_decides_says_who_they_are(versions: dict[str, str], tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")
    body = {"version": versions["first"], "reason": WHY}
    assert client.post(REQUESTS, json=body, headers=under("k")).status_code == 422
    asked = client.post(REQUESTS, json=body | {"by": "ada"}, headers=under("k")).json()
    decision = {"verdict": "approve", "reason": WHY}
    address = f"{REQUESTS}/{asked['request_id']}/decision"
    assert client.post(address, json=decision | {"by": "ada"}).status_code == 422
    assert client.post(address, json=decision | {"by": "Li"}).json()["state"] == "approved"

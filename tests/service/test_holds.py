"""Holds, the stop button and disputes over HTTP: effective at the next request."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from httpx import Response
from starlette.testclient import TestClient

from perfml.messages import Message
from perfml.scoring.people.files import keep_people
from perfml.trust.holds.hold_log import HoldLog
from tests.service.company import DAY

LIST = "/v1/models/attrition/at-risk"
SIGNED = {"by": "Ana", "reason": "the ranks look wrong"}
PNG = b"\x89PNG\r\n\x1a\n and more"


def people(home: Path) -> None:
    who = {"name": None, "manager_name": None, "role_family": "sales", "level": 3, "tenure_days": 400}
    rows = [
        {"employee_id": "E1", **who, "department": "South", "manager_id": "M1"},
        {"employee_id": "E2", **who, "department": "North", "manager_id": "M1"},
        {"employee_id": "M1", **who, "department": "North", "manager_id": None},
        {"employee_id": "HR1", **who, "department": "HR", "manager_id": None},
    ]
    keep_people(pa.Table.from_pylist(rows), home, as_of=DAY)


def listed(client: TestClient) -> list[str]:
    return [person["employee_id"] for person in client.get(LIST).json()["people"]]


@pytest.mark.slow
def test_a_stop_is_effective_at_the_next_request(client: TestClient) -> None:
    assert len(listed(client)) == 13
    stopped = client.post("/v1/stop", json=SIGNED)
    assert stopped.status_code == 200 and stopped.json()["entity"] == "everything"
    assert listed(client) == []
    assert client.get("/v1/employees/E1/risk").json()["rows"][0]["status"] == "held"
    assert {row["status"] for row in client.get("/v1/targets").json()["targets"]} == {"held"}
    assert (
        client.get("/v1/priorities").json()["people"] == []
        and client.get("/v1/escalations").json()["escalations"] == []
    )
    (hold,) = client.get("/v1/holds").json()["holds"]
    assert "Ana" in hold["why"]["en"] and "全部暂停" in hold["why"]["zh"] and hold["set_on"]
    assert client.post("/v1/stop", json={"by": "Ana", "reason": "no"}).status_code == 422
    assert client.post("/v1/resume", json=SIGNED).status_code == 200 and len(listed(client)) == 13
    again = client.post("/v1/resume", json=SIGNED)
    assert again.status_code == 422 and "nothing is stopped" in again.json()["en"]


@pytest.mark.slow
def test_those_of_an_entity_leave_the_ranking_and_have_a_stale_score(client: TestClient, home: Path) -> None:
    people(home)
    hold = HoldLog(home).set(
        "department:South",
        cause="reconciliation",
        message=Message.of("as_worded", text="a gap"),
        on=DAY,
        since=DAY.replace(day=15, month=8),
    )
    assert "E1" not in listed(client) and "E2" in listed(client)
    (row, *_) = client.get("/v1/employees/E1/risk").json()["rows"]
    assert (row["status"], row["probability"], row["rank"]) == ("held", None, None)
    assert row["stale"] == {"as_of": "2026-08-01", "probability": 0.3} and str(DAY) in row["why_not"]["en"]
    assert "E1" in [each["employee_id"] for each in client.get("/v1/priorities").json()["held"]]
    early = client.post(f"/v1/holds/{hold.hold_id}/release", json=SIGNED)
    assert early.status_code == 422 and "needs 2 clean days" in early.json()["en"] and "none" in early.json()["en"]
    for n in (1, 2):
        HoldLog(home).seen(hold.hold_id, day=DAY + dt.timedelta(days=n), clean=True)
    assert client.post(f"/v1/holds/{hold.hold_id}/release", json=SIGNED).json()["lifted_by"] == "Ana"
    assert "E1" not in listed(client)  # until it is computed again
    assert "computed before a hold was lifted" in client.get("/v1/employees/E1/risk").json()["rows"][0]["why_not"]["en"]


def dispute(client: TestClient, *, proof: dict[str, str] | None = None, key: str = "k1", **other: object) -> Response:
    body = {"table": "reviews", "key": "r1", "right": {"rating": "4"}, "filed_by": "E1", "proof": proof, **other}
    return client.post("/v1/employees/E1/disputes", json=body, headers={"Idempotency-Key": key})


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.slow
def test_a_dispute_withholds_and_only_somebody_outside_the_line_ends_it(client: TestClient, home: Path) -> None:
    people(home)
    filed = dispute(client, proof={"name": "letter.png", "content_base64": encoded(PNG)})
    assert filed.status_code == 200 and filed.json()["state"] == "open"
    assert dispute(client).json() == filed.json()
    assert client.get("/v1/employees/E1/risk").json()["rows"][0]["status"] == "held" and "E2" in listed(client)
    number = filed.json()["dispute_id"]
    proof = client.get(f"/v1/disputes/{number}/proof")
    assert proof.content == PNG and proof.headers["content-type"] == "application/octet-stream"
    assert (
        proof.headers["content-disposition"].startswith("attachment")
        and proof.headers["x-content-type-options"] == "nosniff"
    )
    verdict = {"verdict": "upheld", "reason": "the letter shows it"}
    for by in ("E1", "M1", "E2", "Ana"):
        assert client.post(f"/v1/disputes/{number}/decision", json={**verdict, "by": by}).status_code == 422
    decided = client.post(f"/v1/disputes/{number}/decision", json={**verdict, "by": "HR1"})
    assert (decided.status_code, decided.json()["state"]) == (200, "upheld")
    assert client.get(f"/v1/disputes/{number}").json()["reason"] == "the letter shows it"
    assert [each["dispute_id"] for each in client.get("/v1/disputes?employee_id=E1").json()["disputes"]] == [number]
    review = client.post(f"/v1/disputes/{number}/reviews", json={**verdict, "by": "HR1"})
    assert review.status_code == 422 and "same person" in review.json()["en"]


@pytest.mark.slow
def test_a_damaged_file_is_no_fault_of_whoever_judges(client: TestClient, home: Path) -> None:
    people(home)
    number = dispute(client).json()["dispute_id"]
    for file in (home / "people").iterdir():
        file.write_bytes(b"PAR1")
    body = {"verdict": "upheld", "reason": "the letter shows it", "by": "HR1"}
    assert client.post(f"/v1/disputes/{number}/decision", json=body).status_code == 503


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("letter.png", b"<html></html>"),
        ("letter.txt", b"<svg onload=alert(1)>"),
        ("letter.txt", b"MZ\x00\x01"),
        ("letter.exe", b"text"),
        ("letter.pdf", PNG),
        ("letter.txt", b""),
    ],
)
def test_a_proof_is_what_its_name_says(client: TestClient, home: Path, name: str, content: bytes) -> None:
    refused = dispute(client, proof={"name": name, "content_base64": encoded(content)})
    assert refused.status_code == 422 and client.get("/v1/disputes").json()["disputes"] == []
    assert not (home / "proofs").exists()


@pytest.mark.slow
def test_what_cannot_be_disputed_is_refused(client: TestClient) -> None:
    for other in (
        {"table": "courses"},
        {"right": {"rating": "9"}},
        {"right": {"review_id": "r2"}},
        {"table": "progress"},
    ):
        assert dispute(client, **other).status_code == 422
    for text in ("%%", "附件"):
        assert dispute(client, proof={"name": "a.txt", "content_base64": text}).status_code == 422
    assert (
        client.post(
            "/v1/employees/nobody/disputes",
            json={"table": "reviews", "key": "r1", "filed_by": "x"},
            headers={"Idempotency-Key": "k"},
        ).status_code
        == 404
    )
    assert client.get("/v1/disputes/none").status_code == client.get("/v1/disputes/none/proof").status_code == 404

"""What the service shows of people is recorded before it is sent, or not sent."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from perfml.store.audit.secret import KEY_FILE
from perfml.trust.audit.history import AuditEvent, history_of
from perfml.trust.audit.seeing import people_in
from perfml.trust.audit.verifying import verify

ASKED = {"X-Actor": quote("李娜"), "X-Purpose": "weekly talk"}


def newest(home: Path, person: str) -> AuditEvent:
    return history_of(home, person)[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        "/v1/employees/E1",
        "/v1/employees/E1/risk",
        "/v1/employees/E1/risk?voice=employee",
        "/v1/models/attrition/at-risk?horizon_days=91",
        "/v1/priorities?model=attrition",
        "/v1/targets",
    ],
)
def test_a_read_is_recorded_with_who_whom_and_why(client: TestClient, home: Path, address: str) -> None:
    answer = client.get(address, headers=ASKED)
    assert answer.status_code == 200
    person = sorted(people_in(answer.content))[0]
    event = newest(home, person)
    assert (event.actor, event.purpose) == ("李娜", "weekly talk")
    assert event.action.startswith("see GET /v1/")
    assert verify(home).whole


def test_without_headers_it_is_the_user_of_the_service(client: TestClient, home: Path) -> None:
    assert client.get("/v1/employees/E1/risk").status_code == 200
    event = newest(home, "E1")
    assert event.actor
    assert event.purpose == "unstated"


@pytest.mark.slow
def test_one_row_a_request_and_none_where_nobody_is_shown(client: TestClient, home: Path) -> None:
    before = verify(home).rows
    assert client.get("/v1/health").status_code == 200
    assert client.get("/v1/employees/nobody/risk").status_code == 404
    assert verify(home).rows == before
    listed = client.get("/v1/models/attrition/at-risk?horizon_days=91").json()
    assert len(listed["people"]) > 5
    rows = verify(home).rows
    client.get("/v1/models/attrition/at-risk?horizon_days=91")
    assert verify(home).rows == rows + 1


@pytest.mark.slow
def test_a_read_that_cannot_be_recorded_is_refused(client: TestClient, home: Path) -> None:
    assert client.get("/v1/employees/E1/risk").status_code == 200
    (home / KEY_FILE).write_text("ab" * 32)
    refused = client.get("/v1/employees/E1/risk")
    assert refused.status_code == 500
    assert "probability" not in refused.text
    assert "audit verify" in refused.text
    assert client.get("/v1/models").status_code == 200  # names nobody


@pytest.mark.slow
def test_a_proof_is_a_look_at_whose_it_is(client: TestClient, home: Path) -> None:
    body = {"table": "reviews", "key": "r1", "right": {"rating": "4"}, "filed_by": "E1"}
    proof = {"name": "letter.txt", "content_base64": "cGFnZQ=="}
    filed = client.post("/v1/employees/E1/disputes", json={**body, "proof": proof}, headers={"Idempotency-Key": "k"})
    address = f"/v1/disputes/{filed.json()['dispute_id']}/proof"
    assert client.get(address, headers=ASKED).content == b"page"
    event = newest(home, "E1")
    assert (event.actor, event.action) == ("李娜", f"see proof {filed.json()['dispute_id']}")

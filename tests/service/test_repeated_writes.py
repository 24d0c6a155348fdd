"""A write that is sent again under its key is carried out once, and answered the same; another one under that key is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.evidence.population.facts import PEOPLE
from perfml.messages import Message
from perfml.scoring.people.files import keep_people
from perfml.service.app import create_app
from perfml.store.record_store import RecordStore
from perfml.store.tables import ENTRIES
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold_log import HoldLog
from tests.service.company import DAY

SIGNED = {"by": "anna", "reason": "The feed is broken since Monday."}
JUDGED = {"verdict": "upheld", "by": "judge", "reason": "The row is wrong, the mail shows it."}


def stored(home: Path) -> int:
    return sum(len(RecordStore(home).read(table)) for table in ENTRIES)


def keep_resolvers(home: Path) -> None:
    people = [{"employee_id": "E1", "manager_id": "boss"}] + [
        {"employee_id": name, "manager_id": None} for name in ("judge", "second", "boss")
    ]
    keep_people(pa.Table.from_pylist(people, schema=PEOPLE), home, as_of=DAY)


def dispute(client: TestClient) -> str:
    body = {"table": "reviews", "key": "r1", "right": {"rating": "3"}, "filed_by": "E1"}
    answer = client.post("/v1/employees/E1/disputes", json=body, headers={"Idempotency-Key": "filing"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["dispute_id"])


def writes(client: TestClient, home: Path) -> dict[str, dict[str, str]]:
    """Address → body of every write that takes a key, each possible now, in this order."""
    keep_resolvers(home)
    held = HoldLog(home).set(
        "employee:E2", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=DAY
    )
    name = dispute(client)
    return {
        "/v1/stop": SIGNED,
        "/v1/resume": SIGNED,
        f"/v1/holds/{held.hold_id}/release": SIGNED,
        f"/v1/disputes/{name}/decision": JUDGED,
        f"/v1/disputes/{name}/reviews": JUDGED | {"by": "second"},
        "/v1/suggestions/t1/decisions": {"verdict": "accept", "decided_by": "boss"},
        "/v1/interventions": {"employee_id": "E1", "kind": "talk", "offered_on": "2026-09-02", "status": "offered"},
    }


@pytest.mark.slow
def test_the_same_write_again_changes_nothing(home: Path, client: TestClient) -> None:
    for address, body in writes(client, home).items():
        headers = {"Idempotency-Key": f"k{address}"}
        first = client.post(address, json=body, headers=headers)
        assert first.status_code == 200, (address, first.text)
        before = stored(home)
        again = client.post(address, json=body, headers=headers)
        assert (again.status_code, again.json(), stored(home)) == (200, first.json(), before), address


@pytest.mark.slow
def test_another_write_under_the_same_key_is_refused(home: Path, client: TestClient) -> None:
    for address, body in writes(client, home).items():
        headers = {"Idempotency-Key": f"k{address}"}
        assert client.post(address, json=body, headers=headers).status_code == 200, address
        other = (
            body | {"reason": "Another sentence that says something else."} if "reason" in body else body | {"by": "x"}
        )
        if "decided_by" in body:
            other = body | {"decided_by": "somebody else"}
        if "kind" in body:
            other = body | {"kind": "course"}
        before = stored(home)
        refused = client.post(address, json=other, headers=headers)
        assert (refused.status_code, stored(home)) == (409, before), (address, refused.text)
        assert refused.json()["type"] == "/docs#key-in-use"


@pytest.mark.slow
def test_a_stop_that_comes_late_does_not_stop_again(home: Path, client: TestClient) -> None:
    headers = {"Idempotency-Key": "stop"}
    first = client.post("/v1/stop", json=SIGNED, headers=headers).json()
    assert client.post("/v1/resume", json=SIGNED).status_code == 200
    late = client.post("/v1/stop", json=SIGNED, headers=headers)
    assert late.json()["hold_id"] == first["hold_id"] and late.json()["lifted_by"] == "anna"
    assert HoldLog(home).active() == ()
    assert client.post("/v1/stop", json=SIGNED).json()["hold_id"] != first["hold_id"], "without the key it is a new one"


@pytest.mark.slow
def test_keys_hold_when_the_service_is_started_again(home: Path, client: TestClient) -> None:
    keep_resolvers(home)
    name = dispute(client)
    headers = {"Idempotency-Key": "decision"}
    address = f"/v1/disputes/{name}/decision"
    first = client.post(address, json=JUDGED, headers=headers)
    assert first.status_code == 200, first.text
    with TestClient(create_app(home), base_url="http://127.0.0.1") as later:
        assert later.post(address, json=JUDGED, headers=headers).json() == first.json()
    assert len(DisputeLog(home, later.app.state.store.dispute_rules).disputes()) == 1


@pytest.mark.slow
def test_a_filing_that_is_sent_again_is_answered_the_same_after_the_decision(home: Path, client: TestClient) -> None:
    keep_resolvers(home)
    name = dispute(client)
    assert client.post(f"/v1/disputes/{name}/decision", json=JUDGED).status_code == 200
    before = stored(home)
    assert (dispute(client), stored(home)) == (name, before)
    body = {"table": "reviews", "key": "r1", "right": {"rating": "4"}, "filed_by": "E1"}
    other = client.post("/v1/employees/E1/disputes", json=body, headers={"Idempotency-Key": "filing"})
    assert (other.status_code, stored(home)) == (409, before)

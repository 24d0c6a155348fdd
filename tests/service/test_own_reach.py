"""Counts cover whom the asker may see, as the rows do; and whoever signs is whoever is signed in."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.service.answers.decisions import AcceptBody
from perfml.service.answers.overview.team import TeamQuery, team_of
from perfml.service.problems import NotFound
from perfml.service.store import Store
from perfml.store.audit.acting import Actor, acting_as
from perfml.trust.notices.notice_log import NoticeLog
from tests.service.accounts import SOUTH, token
from tests.service.company import DAY
from tests.service.test_alerts import raise_alert

LIST, SOUTHERN = "/v1/models/attrition/at-risk", {"department": "South"}


@pytest.mark.slow
def test_counts_are_those_of_the_rows(home: Path, guarded: TestClient) -> None:
    everyone, south = token(home, "all", Role.HR), token(home, "south", Role.HR, units=SOUTH)
    for _ in ("cold", "warm"):
        for path, rows in ((LIST, "people"), ("/v1/targets", "targets")):
            answer = guarded.get(path, headers=everyone).json()
            assert answer["total"] == len(answer[rows]) > 0, path
        answer = guarded.get(LIST, headers=everyone).json()
        listed = [row["employee_id"] for row in answer["people"]]
        assert sorted(listed) == ["E1", "E2", "O'Neil"], "the others are in no reporting line"
        acting = sum(row["probability"] for row in answer["people"] if row["band"] == "act")
        assert answer["expected_cases"]["expected"] == pytest.approx(acting)
        assert answer["not_listed"] == {}, "people of whom no position is known"
        statuses = guarded.get("/v1/targets", headers=everyone).json()["statuses"]
        assert statuses == {"beyond": 1}
        cases = guarded.get("/v1/escalations", headers=everyone).json()["escalations"]
        assert [case["people"] for case in cases] == [1]
        answer = guarded.get(LIST, params=SOUTHERN, headers=south).json()
        assert (answer["total"], answer["people"]) == (0, []), "nobody was in the South on that date"
        assert answer["expected_cases"]["expected"] == 0
        held = guarded.get("/v1/priorities", params={"horizon_days": 91}, headers=everyone).json()["held"]
        assert held == []


@pytest.mark.slow
def test_what_everyone_may_know_is_not_kept_for_somebody_else(home: Path, guarded: TestClient) -> None:
    path = "/v1/targets"
    boss = token(home, "boss", Role.EMPLOYEE, employee="boss")
    everyone = token(home, "all", Role.HR)
    team = guarded.get(path, params={"manager_id": "boss"}, headers=boss).json()
    assert team["total"] == 0 and team["statuses"] == {"beyond": 1}
    other = token(home, "other", Role.EMPLOYEE, employee="other")
    assert guarded.get(path, params={"manager_id": "other"}, headers=other).json()["statuses"] == {}
    assert guarded.get(path, params={"manager_id": "other"}, headers=everyone).json()["statuses"] == {"beyond": 1}
    assert guarded.get(path, params={"manager_id": "other"}, headers=other).json()["statuses"] == {}


@pytest.mark.slow
def test_whoever_decides_is_whoever_is_signed_in(home: Path, guarded: TestClient) -> None:
    hr = {**token(home, "hr", Role.HR), "Idempotency-Key": "k1"}
    refused = guarded.post("/v1/suggestions/t3/decisions", json={"verdict": "accept", "decided_by": "boss"}, headers=hr)
    assert refused.status_code == 422
    problem = refused.json()
    assert (problem["where"], problem["remedy"]) == (
        "body decided_by",
        "leave it out: your own account is recorded",
    )
    for body in ({}, {"decided_by": "hr"}, {"decided_by": ""}):
        answer = guarded.post("/v1/suggestions/t3/decisions", json={"verdict": "accept", **body}, headers=hr)
        assert (answer.status_code, answer.json()["decided_by"]) == (200, "hr"), body
    offer = {"employee_id": "E2", "kind": "talk", "offered_on": "2026-09-01", "status": "offered"}
    stored = guarded.post("/v1/interventions", json=offer, headers={**hr, "Idempotency-Key": "k2"})
    assert stored.json()["entered_by"] == "hr"
    forged = {**offer, "entered_by": "boss"}
    assert guarded.post("/v1/interventions", json=forged, headers={**hr, "Idempotency-Key": "k3"}).status_code == 422
    stopped = guarded.post("/v1/stop", json={"reason": "It looks wrong."}, headers={**hr, "Idempotency-Key": "k4"})
    assert stopped.json()["set_by"] == "hr"


@pytest.mark.slow
def test_a_dispute_is_filed_and_judged_by_the_employee_behind_the_account(
    home: Path,
    guarded: TestClient,
) -> None:
    own = token(home, "e2", Role.EMPLOYEE, employee="E2")
    body = {"table": "reviews", "key": "review_id=R1", "right": {}}
    path = "/v1/employees/E2/disputes"
    forged = guarded.post(path, json={**body, "filed_by": "e2"}, headers={**own, "Idempotency-Key": "d1"})
    assert forged.status_code == 422 and forged.json()["where"] == "body filed_by"
    filed = guarded.post(path, json=body, headers={**own, "Idempotency-Key": "d2"})
    assert filed.status_code == 200, filed.text
    assert filed.json()["filed_by"] == "E2"
    partner = {**token(home, "partner", Role.HR), "Idempotency-Key": "d3"}
    judged = guarded.post(
        f"/v1/disputes/{filed.json()['dispute_id']}/decision",
        json={"verdict": "upheld", "reason": "It is so.", "by": "other"},
        headers=partner,
    )
    assert judged.status_code == 422, "an account without an employee lends itself nobody's name"


@pytest.mark.slow
def test_before_there_are_accounts_a_name_is_stated(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    missing = client.post("/v1/suggestions/t1/decisions", json={"verdict": "accept"}, headers=headers)
    assert (missing.status_code, missing.json()["where"]) == (422, "body decided_by")
    stated = client.post("/v1/suggestions/t1/decisions", json={"verdict": "accept", "decided_by": "x"}, headers=headers)
    assert stated.json()["decided_by"] == "x"


def test_pages_sign_by_the_same_rule() -> None:
    with acting_as(Actor(name="hr", admitted=True)):
        assert AcceptBody(verdict="accept").decided_by == "hr"


@pytest.mark.slow
def test_alerts_notices_and_teams_count_whom_the_asker_may_see(home: Path, guarded: TestClient) -> None:
    outside = ("H1", "T1", "N1")  # in no reporting line
    raise_alert(home, "E1", "E2", "O'Neil", *outside)
    for person in ("E1", "E2", "O'Neil", *outside):
        NoticeLog(home).outcome(person, what="Moved to another team.", by="hr", on=DAY)
    everyone = token(home, "all", Role.HR)
    for path, rows in (("/v1/alerts", "alerts"), ("/v1/notices", "people")):
        seen, address = [], f"{path}?limit=2"
        while address is not None:
            answer = guarded.get(address, headers=everyone).json()
            assert answer["total"] == 3, path
            assert len(answer[rows]) == min(2, 3 - len(seen)), "no page is short of the rows that are out of reach"
            seen += [row["employee_id"] for row in answer[rows]]
            address = answer["next"]
        assert sorted(seen) == ["E1", "E2", "O'Neil"]
    assert guarded.get("/v1/alerts", headers=everyone).json()["states"] == {"open": 3}
    team = team_of(Store(home), TeamQuery(manager_id="boss"), reach={"E2"})
    assert [each.employee_id for each in team.people] == ["E2"]
    with pytest.raises(NotFound):
        team_of(Store(home), TeamQuery(manager_id="boss"), reach=frozenset())

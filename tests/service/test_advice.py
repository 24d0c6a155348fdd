"""Targets, courses, priorities, and decisions, stored once under each key."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.advice.decision_log import DecisionLog, Intervention
from perfml.advice.work_list import work_list
from perfml.api import Project
from perfml.errors import PerfmlError
from perfml.learning.registry.promotion import promote
from perfml.project.model_spec import ListSpec
from perfml.service.app import create_app
from perfml.terminal.advice import priorities_table
from tests.service.company import DAY, keep, scored, train

KEY = {"Idempotency-Key": "7f1c"}
REFUSE = {"verdict": "refuse", "decided_by": "李娜", "reason": "市场下月恢复"}


@pytest.mark.slow
def test_targets_come_with_their_parts_rules_and_evidence(client: TestClient) -> None:
    body = client.get("/v1/targets").json()
    assert (body["as_of"], body["total"], body["statuses"]) == (str(DAY), 3, {"suggested": 1, "held": 1, "beyond": 1})
    first = body["targets"][0]
    assert (first["old_target"], first["new_target"], first["parts"]["market"]) == (12.0, 10.2, -0.35)
    assert first["rules"][0]["rule"] == "core" and first["evidence"][0]["value"] == -0.4
    held = client.get("/v1/targets?status=held").json()["targets"]
    assert [(row["employee_id"], row["why_not"]["en"], row["old_target"]) for row in held] == [("H1", "held", None)]
    assert client.get("/v1/targets?employee_id=nobody").json()["targets"] == []
    page = client.get("/v1/targets?limit=1").json()
    assert page["next"].startswith(f"/v1/targets?as_of={DAY}&limit=1&cursor=")
    assert client.get(page["next"]).json()["targets"][0]["goal_id"] == "g2"


@pytest.mark.slow
def test_a_shock_beyond_the_policy_is_one_case(client: TestClient) -> None:
    body = client.get("/v1/escalations").json()
    (case,) = body["escalations"]
    assert (body["as_of"], case["escalation_id"], case["metric"], case["scope"]) == (
        str(DAY),
        "x1",
        "new_accounts",
        "深圳",
    )
    assert (case["people"], case["target"], case["needed_target"], case["limit_target"]) == (1, 12.0, 6.6, 10.2)
    assert case["decided_by"] == {"zh": "目标负责人", "en": "whoever set these targets"} and case["goal_ids"] == ["g3"]
    row = client.get("/v1/targets?status=beyond").json()["targets"][0]
    assert (row["beyond"]["escalation_id"], row["why_not"]["en"]) == ("x1", "beyond the policy")
    assert client.get("/v1/escalations?as_of=2020-01-01").status_code == 404
    assert case["decisions"] == []
    accepted = {"verdict": "accept", "decided_by": "王总", "reason": "目标降至 7"}
    assert client.post("/v1/suggestions/x1/decisions", json=accepted, headers=KEY).status_code == 200
    (decided,) = client.get("/v1/escalations").json()["escalations"]
    assert [(each["decided_by"], each["verdict"]) for each in decided["decisions"]] == [("王总", "accept")]


@pytest.mark.slow
@pytest.mark.parametrize("query", ["as_of=2020-01-01", "policy=nothing", "policy=../models"])
def test_an_unknown_date_or_policy_is_not_found(client: TestClient, query: str) -> None:
    answer = client.get(f"/v1/targets?{query}")
    assert answer.status_code == 404 and "建议" in answer.json()["zh"]


@pytest.mark.slow
def test_a_person_without_courses_is_answered_like_an_unknown_one(client: TestClient) -> None:
    body = client.get("/v1/employees/张伟/courses").json()
    assert [(row["status"], row["title"]) for row in body["courses"]] == [
        ("suggested", "高效沟通七步法"),
        ("none", None),
    ]
    assert body["courses"][0]["why"][0]["what"] == "tag" and body["courses"][1]["why_not"]["zh"] == "没有合适的课程"
    absent = [client.get(f"/v1/employees/{who}/courses") for who in ("E1", "nobody")]
    assert [answer.status_code for answer in absent] == [404, 404] and absent[0].json() == absent[1].json()


@pytest.mark.slow
def test_priorities_are_as_long_as_there_is_capacity(client: TestClient) -> None:
    body = client.get("/v1/priorities?capacity=3").json()
    assert body["proven"] and body["horizon_days"] == 91 and "Risk only" in body["text"]["en"]
    # the only reason of everybody is owned by the company: the setting needs support
    assert body["people"] == [] and len(body["setting"]) == 3 and body["setting_more"] == 10
    assert body["cautions"] == []
    more = client.get("/v1/priorities?capacity=3&settings=12").json()
    assert len(more["setting"]) == 12 and more["setting_more"] == 1
    assert [row["employee_id"] for row in body["held"]] == ["H1"]
    assert body["backtested"]["precision"] == 0.25
    unproven = client.get("/v1/priorities?horizon_days=182").json()
    assert not unproven["proven"] and unproven["people"] == [] and unproven["text"]["zh"].startswith("不提供名单")
    assert client.get("/v1/priorities?model=nothing").status_code == 404
    assert client.get("/v1/priorities?horizon_days=7").status_code == 404


@pytest.mark.slow
def test_lists_say_which_gates_could_not_be_judged_until_somebody_promotes_the_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = train(tmp_path, "attrition", {91: True, 182: True}, insufficient=True)
    keep(tmp_path, "attrition", version, [scored("E1", 1), scored("E1", 1, days=182)])
    client = TestClient(create_app(tmp_path), base_url="http://localhost")
    for address in ("/v1/priorities?horizon_days=182", "/v1/models/attrition/at-risk?horizon_days=182"):
        (caution,) = client.get(address).json()["cautions"]
        assert "within 182 days" in caution["en"] and "1 of its 2 gates could not be judged" in caution["en"]
        assert "无法判断" in caution["zh"]
    listed = work_list(tmp_path, "attrition", ListSpec())
    priorities_table(listed, {})
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 of its 2 gates could not be judged" in printed and "无法判断" in printed
    promote(tmp_path, "attrition", approver="李娜", reason="Every gate was read with HR.")
    assert client.get("/v1/priorities").json()["cautions"] == []


def test_a_person_with_a_recent_offer_is_not_listed_again(tmp_path: Path) -> None:
    version = train(tmp_path, "attrition", {91: True})
    own = [
        {
            "evidence": "e",
            "contribution": 0.5,
            "owner": "employee",
            "steady": None,
            "zh": "证据",
            "en": "evidence",
            "values": [],
        }
    ]
    keep(tmp_path, "attrition", version, [scored(f"E{n}", n, reasons=own) for n in range(1, 6)])
    client = TestClient(create_app(tmp_path), base_url="http://localhost")
    entry = {"employee_id": "E1", "kind": "conversation", "offered_on": "2026-08-20", "status": "offered"}
    assert client.post("/v1/interventions", json=entry, headers=KEY).json()["entered_at"]
    body = client.get("/v1/priorities?capacity=2").json()
    assert [row["employee_id"] for row in body["people"]] == ["E2", "E3"]
    assert body["lasting"][0]["employee_id"] == "E1"


@pytest.mark.slow
def test_a_decision_is_stored_once_and_shown_with_its_suggestion(client: TestClient, home: Path) -> None:
    first = client.post("/v1/suggestions/t1/decisions", json=REFUSE, headers=KEY)
    again = client.post("/v1/suggestions/t1/decisions", json=REFUSE, headers=KEY)
    assert first.status_code == 200 and first.json() == again.json()
    assert DecisionLog(home).refused() == {"t1"}
    shown = client.get("/v1/targets").json()["targets"][0]["decisions"]
    assert [row["reason"] for row in shown] == ["市场下月恢复"]
    other = client.post("/v1/suggestions/t1/decisions", json={**REFUSE, "reason": "another reason"}, headers=KEY)
    assert other.status_code == 409 and other.json()["where"] == "Idempotency-Key"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "headers", "status", "where"),
    [
        ({}, {}, 422, "header Idempotency-Key"),
        ({"reason": ""}, KEY, 422, "body reason"),
        ({"reason": "no"}, KEY, 422, "body reason"),
        ({"verdict": "perhaps"}, KEY, 422, "body verdict"),
        ({"why": "x"}, KEY, 422, "body why"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(
    client: TestClient, change: dict[str, str], headers: dict[str, str], status: int, where: str
) -> None:
    answer = client.post("/v1/suggestions/t1/decisions", json={**REFUSE, **change}, headers=headers)
    assert (answer.status_code, answer.json()["where"]) == (status, where)


def test_an_unknown_suggestion_is_not_found(client: TestClient) -> None:
    assert client.post("/v1/suggestions/nothing/decisions", json=REFUSE, headers=KEY).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"status": "done"}, "body done_on"),
        ({"status": None}, "body status"),
        ({"hold_out": True}, "body status"),
        ({"status": "perhaps"}, "body status"),
        ({"kind": " "}, "body kind"),
        ({"offered_on": "20/08/2026"}, "body offered_on"),
        ({"employee": "E1"}, "body employee"),
    ],
)
def test_a_refusal_of_an_intervention_names_the_field(client: TestClient, wrong: dict[str, object], where: str) -> None:
    entry = {"employee_id": "E1", "kind": "conversation", "offered_on": "2026-08-20", "status": "offered", **wrong}
    answer = client.post("/v1/interventions", json=entry, headers=KEY)
    assert (answer.status_code, answer.json()["where"]) == (422, where)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "where"),
    [("{", "body"), ("[]", "body"), ("{}", "body verdict"), ('{"verdict": "accept"}', "body decided_by")],
)
def test_a_body_that_is_no_decision_is_refused_where_it_is_wrong(client: TestClient, content: str, where: str) -> None:
    headers = {**KEY, "Content-Type": "application/json"}
    answer = client.post("/v1/suggestions/t1/decisions", content=content, headers=headers)
    assert (answer.status_code, answer.json()["where"]) == (422, where)


def test_an_intervention_for_an_unknown_person_is_refused(client: TestClient, home: Path) -> None:
    entry = {"employee_id": "nobody", "kind": "conversation", "offered_on": "2026-08-20", "status": "offered"}
    answer = client.post("/v1/interventions", json=entry, headers=KEY)
    assert (answer.status_code, answer.json()["where"]) == (404, "body employee_id")
    assert DecisionLog(home).interventions() == []
    with pytest.raises(PerfmlError, match="'nobody': is nobody of whom anything is kept here"):
        Project(home=home).log([Intervention(**{**entry, "offered_on": DAY})])
    assert Project(home=home).log([Intervention(**{**entry, "employee_id": "H1", "offered_on": DAY})])


@pytest.mark.slow
def test_a_page_of_another_site_cannot_post(client: TestClient) -> None:
    """A browser sends this across sites without a preflight request: no custom header, and no JSON."""
    answer = client.post(
        "/v1/suggestions/t1/decisions",
        content='{"verdict":"accept","decided_by":"x"}',
        headers={"Content-Type": "text/plain"},
    )
    assert answer.status_code == 422

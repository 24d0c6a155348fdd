"""The goal tree, alignment and sums: what is answered, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.messages import Message
from perfml.trust.audit.history import history_of
from perfml.trust.holds.hold_log import HoldLog
from tests.goals.kept import keep_two
from tests.service.accounts import SOUTH, token
from tests.service.company import DAY

pytestmark = pytest.mark.slow
FIRST, OTHER = "E2", "O'Neil"
TREE, ALIGNMENT, SUMS, FLAGS = (f"/v1/goals/{part}" for part in ("tree", "alignment", "sums", "flags"))


@pytest.fixture
def goals(home: Path, client: TestClient) -> TestClient:
    """A service at this machine, with goals of two people."""
    keep_two(home, as_of=DAY, people=(FIRST, OTHER))
    return client


def test_paths_are_listed_by_status_and_said_in_words(goals: TestClient) -> None:
    answer = goals.get(TREE).json()
    assert answer["statuses"] == {"aligned": 1, "orphan": 1} and answer["total"] == 2
    (own,) = goals.get(TREE, params={"status": "aligned"}).json()["goals"]
    assert [step["id"] for step in own["path"]] == ["g9", "o1"] and own["path"][0]["owner"] == "boss"
    assert own["text"]["en"] == "revenue serves revenue (person), which serves grow (company)"
    (lost,) = goals.get(TREE, params={"employee_id": OTHER}).json()["goals"]
    assert (lost["status"], lost["cause"], lost["end_id"]) == ("orphan", "nothing_named", "g2")
    first = goals.get(TREE, params={"limit": 1}).json()
    assert goals.get(first["next"]).json()["goals"][0]["employee_id"] == OTHER


def test_shares_and_sums_of_groups_add_up_to_the_whole(goals: TestClient) -> None:
    aligned = goals.get(ALIGNMENT).json()
    assert aligned["whole"]["share"] == 0.5 and [each["name"] for each in aligned["groups"]] == ["sales"]
    by_person = goals.get(ALIGNMENT, params={"by": "employee_id"}).json()["groups"]
    assert {each["employee_id"]: each["share"] for each in by_person} == {FIRST: 1.0, OTHER: 0.0}
    sums = goals.get(SUMS, params={"by": "manager_id", "metric": "revenue"}).json()
    (whole,), (part,) = sums["whole"], sums["groups"]
    assert (whole["expected"], whole["low"], whole["high"]) == (60.0, 50.0, 70.0) and part["name"] == "boss"
    (unknown,) = goals.get(SUMS, params={"metric": "visits"}).json()["whole"]
    assert (unknown["expected"], unknown["problem"]) == (None, "unit_unknown")


def test_flags_name_departments_and_nobody(goals: TestClient) -> None:
    answer = goals.get(FLAGS).json()
    assert answer["basis"] == "objectives" and answer["coverage"][0]["departments"] == ["sales"]
    assert answer["silos"][0]["lacks"] == ["service"] and FIRST not in str(answer)


def test_nothing_kept_says_what_to_run(client: TestClient) -> None:
    for path in (TREE, ALIGNMENT, SUMS, FLAGS):
        refused = client.get(path)
        assert refused.status_code == 404 and "perfml goals" in refused.json()["remedy"], path


def test_whoever_is_held_is_in_no_answer(goals: TestClient, home: Path) -> None:
    gap = Message.of("as_worded", text="a gap")
    HoldLog(home).set(f"employee:{FIRST}", cause="reconciliation", message=gap, on=DAY, since=DAY)
    assert [each["employee_id"] for each in goals.get(TREE).json()["goals"]] == [OTHER]
    assert goals.get(ALIGNMENT).json()["whole"]["people"] == 1
    assert goals.get(SUMS, params={"metric": "revenue"}).json()["whole"] == []


def test_hr_sees_own_units_a_manager_the_own_line_and_a_person_the_own_path(home: Path, guarded: TestClient) -> None:
    keep_two(home, as_of=DAY, people=(FIRST, "E1"))  # E1 moved to the North, and to another line
    everyone, south = token(home, "all", Role.HR), token(home, "south", Role.HR, units=SOUTH)
    boss = token(home, "boss", Role.EMPLOYEE, employee="boss")
    me = token(home, "me", Role.EMPLOYEE, employee=FIRST)
    scientist = token(home, "ds", Role.DATA_SCIENTIST)

    def people(headers: dict[str, str], **query: str) -> list[str] | int:
        answer = guarded.get(TREE, params=query, headers=headers)
        return [each["employee_id"] for each in answer.json()["goals"]] if answer.status_code == 200 else 404

    assert sorted(people(everyone)) == ["E1", FIRST]
    assert people(south, department="South") == [], "they were in another department when it was kept"
    assert people(south) == 404
    assert people(boss, manager_id="boss") == [FIRST] and people(boss) == 404
    assert people(me, employee_id=FIRST) == [FIRST]
    assert people(me) == people(me, employee_id="E1") == people(scientist) == 404
    (own,) = guarded.get(TREE, params={"employee_id": FIRST}, headers=me).json()["goals"]
    assert [step["owner"] for step in own["path"]] == [None, None], "whose the goal above is"
    team = guarded.get(SUMS, params={"manager_id": "boss"}, headers=boss).json()["whole"]
    assert [(each["metric"], each["people"], each["low"]) for each in team] == [("revenue", 1, 50.0)]
    assert guarded.get(ALIGNMENT, params={"manager_id": "boss"}, headers=boss).json()["whole"]["people"] == 1
    for headers in (boss, me, south, scientist):
        assert guarded.get(FLAGS, headers=headers).status_code == 404
    assert guarded.get(FLAGS, headers=everyone).status_code == 200
    assert history_of(home, FIRST)[-1].action.startswith("see GET /v1/goals/")

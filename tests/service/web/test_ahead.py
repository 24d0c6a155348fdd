"""The pages and addresses of milestones and lines: what they show, to whom, and nothing of anybody else."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.goals.lines.report import LinesReport
from perfml.goals.lines.rows import SCHEMA as LINES
from perfml.goals.lines.rows import keep_lines
from perfml.goals.milestones.report import MilestonesReport
from perfml.goals.milestones.rows import SCHEMA as MILESTONES
from perfml.goals.milestones.rows import keep_milestones
from tests.service.accounts import keep_who_is_who, token
from tests.service.company import DAY
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow
HOSTILE = "<script>alert(1)</script>"
POSITIONS = (("boss", None, "board"), ("e1", "boss", "sales"), ("other", None, "legal"))
SECRET = "secret plan"


def milestone(person: str, name: str, **values: object) -> dict[str, object]:
    days = {"due_on": DAY, "first_due_on": DAY, "period_end": DAY + dt.timedelta(days=40)}
    own = {"goal_id": f"g-{person}", "as_of": DAY, "employee_id": person, "metric": "sites", "name": name, "pushes": 0}
    return dict.fromkeys(MILESTONES.names) | own | days | {"status": "running"} | values


def keep_ahead(home: Path) -> None:
    """Keep a milestone of e1 that waits for one of other, and a line of e1 and of other."""
    later = {f"{name}_on": DAY + dt.timedelta(days=n) for name, n in (("low", 3), ("expected", 9), ("high", 20))}
    waits = {"waits_for": SECRET, "waits_for_goal": "g-other", "waits_for_employee": "other", "inherited_days": 12}
    rows = [
        milestone("e1", HOSTILE, status="late_work", manager_id="boss", **later, **waits),
        milestone("e1", "done", status="on_time", manager_id="boss", finished_on=DAY - dt.timedelta(days=2)),
        milestone("other", SECRET, status="late_work", **later),
    ]
    table = pa.Table.from_pylist(rows, schema=MILESTONES)
    keep_milestones(MilestonesReport(as_of=DAY, table=table), home, record={"holds": 0})
    line = {"as_of": DAY, "line": "first", "line_en": "The first ten", "line_zh": "前十名", "rule": "rank"}
    figures = {"metric": "revenue", "unit": "CNY", "people": 30, "on": DAY + dt.timedelta(days=30), "days_left": 31}
    amounts = {"actual": 410.0, "line_now": 500.0, "distance": 90.0, "crossed": False, "line_expected": 800.0}
    chance = {"expected": 700.0, "probability": 0.35, "needed_a_week": 88.0, "pace_a_week": 60.0}
    own = [
        dict.fromkeys(LINES.names) | line | figures | amounts | chance | {"employee_id": "e1", "manager_id": "boss"},
        dict.fromkeys(LINES.names) | line | figures | amounts | chance | {"employee_id": "other", "actual": 777.0},
    ]
    keep_lines(LinesReport(as_of=DAY, table=pa.Table.from_pylist(own, schema=LINES)), home, record={"holds": 0})


@pytest.fixture(scope="module")
def ahead_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ahead") / "home"
    keep_who_is_who(home, POSITIONS, name=HOSTILE)
    keep_ahead(home)
    return home


@pytest.fixture(scope="module")
def client(ahead_home: Path) -> TestClient:
    return pages_of(ahead_home)


@pytest.fixture(scope="module")
def visitors(client: TestClient, ahead_home: Path) -> dict[str, dict[str, str]]:
    people = {name: token(ahead_home, f"a {name}", Role.EMPLOYEE, employee=name) for name, *_ in POSITIONS}
    return people | {"hr": token(ahead_home, "hr", Role.HR), "auditor": token(ahead_home, "auditor", Role.AUDITOR)}


ALLOWED = {
    "/ahead": {"hr", "boss"},
    "/me/ahead": {"boss", "e1", "other"},
    **{f"/v1/goals/{part}": {"hr"} for part in ("milestones", "lines")},
    **{f"/v1/goals/{part}?manager_id=boss": {"hr", "boss"} for part in ("milestones", "lines")},
    **{f"/v1/goals/{part}?employee_id=e1": {"hr", "boss", "e1"} for part in ("milestones", "lines")},
}


@pytest.mark.parametrize("address", ALLOWED)
def test_who_gets_what(client: TestClient, visitors: dict[str, dict[str, str]], address: str) -> None:
    for name, headers in visitors.items():
        answer = client.get(address, headers=headers)
        assert (answer.status_code == 200) == (name in ALLOWED[address]), (name, answer.status_code)


@pytest.mark.parametrize(("language", "part"), [("en", "90 CNY to go"), ("zh-CN", "还差 90 CNY")])
def test_people_read_how_far_it_is_for_themselves(
    client: TestClient, visitors: dict[str, dict[str, str]], language: str, part: str
) -> None:
    page = client.get("/me/ahead", headers=visitors["e1"] | {"Accept-Language": language})
    assert part in plain(page.text) and "35" in page.text
    assert "777" not in page.text and SECRET not in page.text and HOSTILE not in page.text


def test_what_is_waited_for_is_named_to_those_who_may_see_whose_it_is(
    client: TestClient, visitors: dict[str, dict[str, str]]
) -> None:
    address = "/v1/goals/milestones"
    (late, _) = client.get(f"{address}?employee_id=e1", headers=visitors["e1"]).json()["milestones"]
    assert late["waits_for"] is None and late["waits_for_goal"] is None and late["inherited_days"] == 12
    assert "somebody else" in late["waiting"]["en"]
    whole = client.get(address, headers=visitors["hr"]).json()
    assert SECRET in {each["waits_for"] for each in whole["milestones"]}
    assert whole["statuses"] == {"late_work": 2, "on_time": 1} and whole["trajectories"] == []


def test_pages_of_milestones_list_each_of_them_once(client: TestClient, visitors: dict[str, dict[str, str]]) -> None:
    whole = client.get("/v1/goals/milestones", headers=visitors["hr"]).json()["milestones"]
    address, listed = "/v1/goals/milestones?limit=1", []
    while address is not None:
        page = client.get(address, headers=visitors["hr"]).json()
        (each,) = page["milestones"]
        listed.append(each)
        address = page["next"]
    assert listed == whole and [each["status"] for each in whole] == ["late_work", "late_work", "on_time"]


def test_a_manager_reads_what_is_late_in_the_own_line(client: TestClient, visitors: dict[str, dict[str, str]]) -> None:
    page = client.get("/ahead", headers=visitors["boss"])
    assert "the work is probably not finished" in plain(page.text)
    assert SECRET not in page.text and HOSTILE not in page.text and "35%" not in page.text


def test_what_is_open_comes_first_and_what_is_finished_waits_for_nothing(ahead_home: Path, tmp_path: Path) -> None:
    home, day = tmp_path / "home", DAY - dt.timedelta(days=3)
    for part in ("lines", "people"):
        shutil.copytree(ahead_home / part, home / part)
    waits = {"waits_for": "plan", "waits_for_goal": "g", "waits_for_employee": "e1", "inherited_days": 6}
    rows = [
        milestone("e1", "long done", status="late_work", due_on=day - dt.timedelta(days=9), finished_on=day, **waits),
        milestone("e1", "still open", status="late_work", due_on=day),
        milestone("e1", "done in time", status="on_time", finished_on=day, **waits),
        milestone("e1", "to come", **waits),
    ]
    keep_milestones(
        MilestonesReport(as_of=DAY, table=pa.Table.from_pylist(rows, schema=MILESTONES)), home, record={"holds": 0}
    )
    page = plain(pages_of(home).get("/ahead", headers=token(home, "hr", Role.HR)).text)
    assert page.index("still open") < page.index("long done") < page.index("to come") and "done in time" not in page
    assert "began 6 days later because it waited" in page and "begins 6 days later because it waits" in page


def test_an_empty_home_says_what_to_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = pages_of(home)
    page = client.get("/ahead", headers=token(home, "hr", Role.HR))
    assert page.status_code == 200 and "perfml goals milestones" in page.text
    answer = client.get("/v1/goals/lines", headers=token(home, "hr2", Role.HR))
    assert answer.status_code == 404 and "perfml goals lines" in answer.text

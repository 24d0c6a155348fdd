"""The pages of managers and of everybody: what they show, to whom, and what their forms write."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.advice.decision_log import DecisionLog
from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from perfml.evidence.population.facts import PEOPLE, PERIODS
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.periods import keep_periods
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from perfml.trust.audit.history import history_of
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.notices.notice_log import NoticeLog
from tests.goals.kept import keep_two
from tests.scoring.personal.company import DAY, company, keep
from tests.service.accounts import FIRST, NOW, token
from tests.service.company import TARGET, scored, train, without
from tests.service.company import keep as keep_rows

pytestmark = pytest.mark.slow
HOSTILE = "<script>alert(1)</script>"
POSITIONS = (
    ("boss", FIRST, None, None, "board", None),
    ("e1", FIRST, None, "boss", "sales", None),
    ("e2", FIRST, None, "boss", "sales", None),
    ("judge", FIRST, None, None, "legal", None),
)
NAMES = {"boss": "陈静", "e1": HOSTILE, "e2": "李娜", "judge": "周敏"}
KEY = {"key": "k" * 12}


def plain(html: str) -> str:
    """The texts of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


@pytest.fixture(scope="module")
def people_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, positions and names of four people; scores and a suggestion for two of them. What a test enters, later ones see."""
    folder = tmp_path_factory.mktemp("people")
    home = folder / "home"
    keep(company(folder / "data"), home)
    columns = dict(zip(PERIODS.names, zip(*POSITIONS, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), home, as_of=DAY)
    departments = {person: department for person, _, _, _, department, _ in POSITIONS}
    managers = {person: manager for person, _, _, manager, _, _ in POSITIONS}
    rows = [
        {"employee_id": person, "name": name, "department": departments[person], "manager_id": managers[person]}
        for person, name in NAMES.items()
    ]
    keep_people(pa.Table.from_pylist(rows, schema=PEOPLE), home, as_of=DAY)
    version = train(home, "attrition", {91: True})
    keep_rows(
        home,
        "attrition",
        version,
        [scored("e1", 1, band="act"), without("e2", "held", why_not="reviews: broken")],
        as_of=DAY,
    )
    goals = [
        {
            **TARGET,
            "suggestion_id": f"t{at}",
            "employee_id": person,
            "goal_id": goal,
            "as_of": DAY,
            "metric": metric,
            "old_target": 100.0,
            "new_target": 80.0,
            "expected": expected,
            "low": expected - 10,
            "high": expected + 10,
        }
        for at, (person, goal, metric, expected) in enumerate(
            (("e1", "g1", "revenue", 60.0), ("e2", "g2", "visits", 90.0))
        )
    ]
    keep_suggestions(pa.Table.from_pylist(goals, schema=TARGETS), home, policy="target_adjustment", as_of=DAY)
    keep_two(home, as_of=DAY)
    AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    return home


@pytest.fixture
def people(people_home: Path) -> TestClient:
    app = create_app(people_home)
    rules = app.state.admission.rules
    app.state.admission = Admission(
        people_home, ProjectFolder(STARTER), StoreVersions(people_home), rules=rules, now=lambda: NOW
    )
    return TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def askers(people_home: Path) -> dict[str, dict[str, str]]:
    accounts = {name: token(people_home, f"a {name}", Role.EMPLOYEE, employee=name) for name in NAMES}
    return accounts | {
        "hr": token(people_home, "hr", Role.HR),
        "scientist": token(people_home, "ds", Role.DATA_SCIENTIST),
        "auditor": token(people_home, "auditor", Role.AUDITOR),
    }


ALLOWED = {
    "/team": {"boss"},
    "/team/e1": {"boss", "hr", "e1"},
    "/team/e1/card": {"boss", "hr", "e1"},
    "/team/nobody": set(),
    "/targets": {"boss", "hr"},
    "/targets?employee_id=e1": {"boss", "hr", "e1"},
    "/targets?manager_id=boss": {"boss", "hr"},
    "/me": {"boss", "e1", "e2", "judge"},
    "/me/disputes": {"boss", "e1", "e2", "judge"},
}


@pytest.mark.parametrize("address", ALLOWED)
def test_who_gets_which_page(people: TestClient, askers: dict[str, dict[str, str]], address: str) -> None:
    for name, headers in askers.items():
        page = people.get(address, headers=headers)
        assert page.status_code == (200 if name in ALLOWED[address] else 404), name
        assert page.headers["content-type"].startswith("text/html")


def test_a_team_is_facts_and_no_figure_of_a_risk(
    people: TestClient, askers: dict[str, dict[str, str]], people_home: Path
) -> None:
    page = people.get("/team", headers=askers["boss"])
    text = plain(page.text)
    for part in ("李娜", "Worth attention", "broken", "target", "Prepare one-to-one"):
        assert part in text, part
    for figure in ("0.3", "30%", "30 %", "no. 1", "act ", "Risk of leaving"):
        assert figure not in text, figure
    assert HOSTILE not in page.text and "&lt;script&gt;" in page.text
    assert history_of(people_home, "e1")[-1].action == "see GET /team"


def test_a_one_to_one_quotes_its_rows(people: TestClient, askers: dict[str, dict[str, str]]) -> None:
    text = plain(people.get("/team/e1", headers=askers["boss"]).text)
    for part in ("1. Review of goals", "100 → 150", "not discussed", "r2", "主动承担", "报价让步过快", "What I did"):
        assert part in text, part
    assert "2026-10-01" not in text, "what became known on the day is not known yet"


def test_contributions_add_up_and_the_chart_says_what_the_table_says(
    people: TestClient, askers: dict[str, dict[str, str]]
) -> None:
    whole = plain(people.get("/targets?manager_id=boss&metric=revenue", headers=askers["boss"]).text)
    assert "60%" in whole and "100%" in whole and "50–70" in whole
    assert "the unit is not on record" in people.get("/targets?manager_id=boss", headers=askers["boss"]).text
    figure = re.search(
        r"<figure>.*?</figure>", people.get("/targets?employee_id=e1", headers=askers["boss"]).text, re.S
    )
    assert figure is not None
    picture, table = figure[0].split("</svg>")
    cells = [plain(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", table)]
    assert "60 (50–70)" in cells and all(cell in plain(picture) for cell in cells[1:])


def test_what_a_goal_serves_and_how_much_of_the_work_serves_the_company(
    people: TestClient, askers: dict[str, dict[str, str]]
) -> None:
    own = plain(people.get("/targets?employee_id=e1", headers=askers["e1"]).text)
    assert "revenue serves revenue (person), which serves grow (company)" in own
    broken = plain(people.get("/targets?employee_id=e2", headers=askers["boss"]).text)
    assert "visits serves no company goal: visits names nothing above it" in broken
    team = plain(people.get("/targets", headers=askers["boss"]).text)
    assert "How much of the work serves a company goal" in team and "The company's goals" not in team
    company = plain(people.get("/targets", headers=askers["hr"]).text)
    assert "grow needs sales, service; service has no goal that serves it, sales has" in company
    together = re.search(r"together 50% 50% 0% 0%", company)
    assert together is not None, company


def test_a_decision_and_a_conversation_are_stored_once(
    people: TestClient, askers: dict[str, dict[str, str]], people_home: Path
) -> None:
    refusal = {"verdict": "refuse", "reason": "agreed otherwise with her", "back": "/team/e1", **KEY}
    talk = {
        "kind": "workload",
        "held_on": "2026-09-09",
        "status": "done",
        "outcome": "fewer visits",
        "back": "/team/e1",
        **KEY,
    }
    for address, form, done in (("/suggestions/t0", refusal, "decided"), ("/team/e1/conversations", talk, "talked")):
        for _ in range(2):
            answer = people.post(address, data=form, headers=askers["boss"], follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/team/e1?done={done}")
        assert people.post(address, data=form, headers=askers["e2"]).status_code == 404
    assert [each.decided_by for each in DecisionLog(people_home).decisions()["t0"]] == ["a boss"]
    assert [each.kind for each in DecisionLog(people_home).interventions()] == ["workload"]


def test_what_is_held_about_me(people: TestClient, askers: dict[str, dict[str, str]]) -> None:
    page = people.get("/me", headers=askers["e1"])
    text = plain(page.text)
    for part in ("reviews", "gap tags", "报价让步过快", "Opt out", "dispute this", "absences"):
        assert part in text, part
    assert "e2" not in text and "李娜" not in text, "who gave feedback"
    assert "30%" not in text
    chinese = people.get("/me", headers={**askers["e1"], "accept-language": "zh"}).text
    assert 'lang="zh-Hans"' in chinese and "我的记录" in chinese


def test_a_row_is_disputed_with_a_proof(
    people: TestClient, askers: dict[str, dict[str, str]], people_home: Path
) -> None:
    new = people.get("/me/disputes/new", params={"table": "reviews", "key": "r1"}, headers=askers["e1"])
    assert new.status_code == 200 and "按期完成目标" in new.text
    assert (
        people.get("/me/disputes/new", params={"table": "reviews", "key": "r3"}, headers=askers["e1"]).status_code
        == 404
    )
    form = {"table": "reviews", "row_key": "r1", "column": ["rating"], "value": ["4"], "back": "/me/disputes", **KEY}
    html = {"proof": ("proof.pdf", b"<html>", "application/pdf")}
    assert people.post("/me/disputes", data=form, files=html, headers=askers["e1"]).status_code == 422
    pdf = {"proof": ("proof.pdf", b"%PDF-1.7 x", "application/pdf")}
    assert people.post("/me/disputes", data=form, files=pdf, headers=askers["e2"]).status_code == 404, "not their row"
    answer = people.post("/me/disputes", data=form, files=pdf, headers=askers["e1"], follow_redirects=False)
    assert answer.headers["location"] == "/me/disputes?done=disputed"
    (dispute,) = DisputeLog(people_home, ProjectFolder(STARTER).spec.disputes).disputes("e1")
    assert (dict(dispute.right), dispute.filed_by, dispute.proof is not None) == ({"rating": "4"}, "e1", True)
    assert "open" in plain(people.get("/me/disputes", headers=askers["e1"]).text)
    assert people.get(f"/me/disputes/{dispute.dispute_id}", headers=askers["e1"]).status_code == 200
    assert people.get(f"/me/disputes/{dispute.dispute_id}", headers=askers["e2"]).status_code == 404


def test_opting_out_and_back(people: TestClient, askers: dict[str, dict[str, str]], people_home: Path) -> None:
    for wish, done in (("out", "opted_out"), ("in", "opted_in")):
        answer = people.post(
            "/me/opt-out", data={"wish": wish, "back": "/me", **KEY}, headers=askers["e2"], follow_redirects=False
        )
        assert answer.headers["location"] == f"/me?done={done}"
        assert ("e2" in NoticeLog(people_home).opted_out()) is (wish == "out")
        assert people.get("/me", headers=askers["e2"]).status_code == 200
        assert people.get("/team", headers=askers["boss"]).status_code == 200


def test_an_empty_home_says_what_to_run(tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321", raise_server_exceptions=False)
    assert "perfml goals" in client.get("/targets").text
    for address in ("/team", "/me", "/me/card", "/team/e1/card"):
        assert client.get(address).status_code == 404, address
    assert client.get("/team/e1").status_code == 200

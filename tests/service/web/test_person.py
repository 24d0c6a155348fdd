"""HR's page about one person: what it shows, to whom, and what its forms write."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.advice.decision_log import DecisionLog
from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from perfml.trust.audit.history import history_of
from tests.service.accounts import Clock, keep_lines, token
from tests.service.company import DAY, TARGET

pytestmark = pytest.mark.slow
ORIGIN = {"origin": "http://127.0.0.1:8321", "sec-fetch-site": "same-origin"}
PERSON = "/hr/people/" + quote("张伟", safe="")


def plain(html: str) -> str:
    """The texts of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


def test_risk_reasons_and_what_could_help(client: TestClient) -> None:
    page = client.get(PERSON)
    text = plain(page.text)
    assert page.status_code == 200
    parts = (
        "30%",
        "no. 1",
        "not proven",
        "Tenure",
        "高效沟通七步法",
        "Move it",
        "target 12 → 10.2 · weight 40 % → 25 %",
    )
    for part in (*parts, "No course fits"):
        assert part in text, part
    assert history_of(client.app.state.store.home, "张伟")[-1].action == "see GET /hr/people/{employee_id}"


def test_the_chart_says_what_its_table_says(client: TestClient) -> None:
    figure = re.search(r"<figure>.*?</figure>", client.get(PERSON).text, re.S)
    assert figure is not None
    picture, table = figure[0].split("</svg>")
    cells = [plain(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", table)][2:]
    assert cells and all(cell in plain(picture) for cell in cells)


@pytest.mark.parametrize("person", ["H1", "T1", "N1"])
def test_without_a_score_it_says_why(client: TestClient, person: str) -> None:
    page = client.get(f"/hr/people/{person}")
    assert page.status_code == 200 and '<div class="big">' not in page.text
    assert "note care" in page.text


@pytest.mark.parametrize("person", ["a/b", "a//b/risk", "O'Neil", "50%", "a?b#c", "../../etc/passwd"])
def test_any_id_has_its_page(client: TestClient, person: str) -> None:
    page = client.get("/hr/people/" + quote(person, safe=""))
    assert page.status_code == 200 and person in plain(page.text)


def test_of_a_target_that_stays_only_the_weight_is_told(client: TestClient, home: Path) -> None:
    weight = {**TARGET, "lever": "weight", "new_target": TARGET["old_target"]}
    keep_suggestions(pa.Table.from_pylist([weight], schema=TARGETS), home, policy="target_adjustment", as_of=DAY)
    text = plain(client.get(PERSON).text)
    assert "weight 40 % → 25 %" in text and "12 → 12" not in text and "from 12 to 12" not in text


def test_nobody_is_a_page_that_says_so(client: TestClient) -> None:
    assert client.get("/hr/people/nobody").status_code == 404


def test_a_refusal_needs_a_reason_and_counts_once(client: TestClient, home: Path) -> None:
    form = {"verdict": "refuse", "reason": "ok", "key": "k" * 12, "back": PERSON}
    short = client.post("/suggestions/c1", data=form, headers=ORIGIN)
    assert short.status_code == 422 and PERSON in short.text
    assert client.post("/suggestions/c1", data={**form, "reason": ""}, headers=ORIGIN).status_code == 422
    form["reason"] = "she took this course last year"
    for _ in range(2):
        done = client.post("/suggestions/c1", data=form, headers=ORIGIN, follow_redirects=False)
        assert (done.status_code, done.headers["location"]) == (303, f"{PERSON}?done=decided")
    assert len(DecisionLog(home).decisions()["c1"]) == 1
    page = plain(client.get(f"{PERSON}?done=decided").text)
    assert "Your decision is stored" in page and "she took this course last year" in page
    assert client.get(f"{PERSON}?done=anything").status_code == 422


def test_an_offer_is_logged(client: TestClient, home: Path) -> None:
    form = {"employee_id": "张伟", "kind": "mentoring", "offered_on": "2026-09-02", "status": "offered", "done_on": ""}
    sent = client.post("/offers", data={**form, "key": "k" * 12, "back": PERSON}, headers=ORIGIN)
    assert sent.status_code == 200 and "mentoring" in sent.text
    assert [each.kind for each in DecisionLog(home).interventions()] == ["mentoring"]
    wrong = client.post("/offers", data={**form, "status": "done", "key": "j" * 12, "back": PERSON}, headers=ORIGIN)
    assert wrong.status_code == 422


def test_another_site_writes_nothing(client: TestClient, home: Path) -> None:
    form = {"verdict": "accept", "key": "k" * 12, "back": PERSON}
    assert client.post("/suggestions/c1", data=form, headers={"origin": "http://evil.example"}).status_code == 403
    assert DecisionLog(home).decisions() == {}


def test_hr_of_a_unit_opens_the_list_without_a_choice(home: Path) -> None:
    keep_lines(home)
    AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    headers = token(home, "a1", Role.HR, units=frozenset({"department:South"}))
    app = create_app(home)
    rules = app.state.admission.rules
    app.state.admission = Admission(home, ProjectFolder(STARTER), StoreVersions(home), rules=rules, now=Clock())
    client = TestClient(app, base_url="http://127.0.0.1:8321")
    for path, status in (("/hr", 200), ("/hr?department=", 200), ("/hr?department=North", 404), ("/hr/work", 200)):
        page = client.get(path, headers=headers)
        assert page.status_code == status, path
        assert "张伟" not in plain(page.text)
    assert client.get("/hr/people/other", headers=headers).status_code == 404
    assert client.get("/hr/people/O'Neil", headers=headers).status_code == 200

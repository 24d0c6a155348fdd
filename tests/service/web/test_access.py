"""The administrator's pages: who has which role, tokens that are shown once, and nobody's figures."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.actions import Action
from perfml.access.credentials import CredentialKind, CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.service.access.sessions import COOKIE, PURPOSE_COOKIE
from perfml.service.app import create_app
from perfml.trust.audit.history import newest_entries
from tests.service.accounts import NOW, keep_lines, token
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import ORIGIN, plain

pytestmark = pytest.mark.slow
WRITE = {"key": "k" * 12, "back": "/access"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    keep_lines(tmp_path)
    return pages_of(tmp_path)


@pytest.fixture
def admin(client: TestClient) -> dict[str, str]:
    return as_admin(client)


def as_admin(client: TestClient) -> dict[str, str]:
    return token(client.app.state.store.home, "admin", Role.ADMINISTRATOR)


def home_of(client: TestClient) -> Path:
    return client.app.state.store.home


def test_roles_stand_with_their_units_days_and_who_granted_them(client: TestClient, admin: dict[str, str]) -> None:
    log, day = AccountLog(home_of(client)), NOW.date()
    before, later = day - dt.timedelta(days=30), day + dt.timedelta(days=30)
    south = frozenset({"department:South"})
    log.grant("<i>anna", RoleGrant(role=Role.HR, units=south, begins=before, ends=later), by="ops")
    log.grant("boss", RoleGrant(role=Role.EMPLOYEE, begins=later), by="ops", employee_id="boss")
    log.grant("gone", RoleGrant(role=Role.AUDITOR, begins=before, ends=day), by="ops")
    page = client.get("/access", headers=admin)
    text = plain(page.text)
    assert page.status_code == 200 and "&lt;i&gt;anna" in page.text and "<i>anna" not in page.text
    for part in ("department South", "since 11 Aug 2026", "until before 10 Oct 2026", "granted by ops", "to come"):
        assert part in text, part
    assert "no role now" in text and "Earlier roles" in text and "employee boss" in text
    assert newest_entries(home_of(client), limit=1)[0].employee_ids == ("boss",), "whom it shows is recorded"
    chinese = client.get("/access", headers=admin | {"Accept-Language": "zh"}).text
    assert "部门：South" in chinese and "数据科学家" in chinese


def test_a_role_is_granted_once_and_ended(client: TestClient, admin: dict[str, str]) -> None:
    form = {**WRITE, "account": " anna ", "role": "hr", "unit": "department:South", "begins": "", "ends": ""}
    for _ in range(2):
        done = client.post("/access/grants", data=form, headers=admin | ORIGIN, follow_redirects=False)
        assert (done.status_code, done.headers["location"]) == (303, "/access?done=granted")
    ((grant, by),) = AccountLog(home_of(client)).account("anna").grants
    assert (grant.role, grant.units, grant.begins, by) == (Role.HR, {"department:South"}, NOW.date(), "admin")
    event = newest_entries(home_of(client), limit=1)[0].event
    assert event.action.startswith("add grants/")
    assert "granted" in client.get("/access?done=granted", headers=admin).text

    secret = token(home_of(client), "anna", Role.AUDITOR)
    assert client.get("/audit", headers=secret).status_code == 200
    ended = {**WRITE, "account": "anna", "role": ""}
    assert client.post("/access/revocations", data=ended, headers=admin | ORIGIN).status_code == 200
    assert client.get("/audit", headers=secret, follow_redirects=False).headers["location"].startswith("/login")
    again = client.post("/access/revocations", data={**ended, "role": "hr"}, headers=admin | ORIGIN)
    assert again.status_code == 422 and "does not have the role" in again.text


GIVES_NOTHING = (
    ({"unit": ""}, "HR has no unit", "没有写明范围"),
    ({"role": "employee"}, "which employee it is", "哪位员工"),
    ({"begins": "2026-09-10", "ends": "2026-09-10"}, "before it begins", "早于开始日期"),
    ({"account": "  "}, "missing or cannot be used", "缺失或无法使用"),
    ({"role": "queen"}, "missing or cannot be used", "缺失或无法使用"),
    ({"begins": "yesterday"}, "missing or cannot be used", "缺失或无法使用"),
)


def test_what_gives_nothing_is_refused_in_words(client: TestClient, admin: dict[str, str]) -> None:
    for change, problem, chinese in GIVES_NOTHING:
        form = {**WRITE, "account": "anna", "role": "hr", "unit": "everything", **change}
        refused = client.post("/access/grants", data=form, headers=admin | ORIGIN)
        assert refused.status_code == 422 and problem in plain(refused.text) and 'href="/access"' in refused.text
        headers = admin | ORIGIN | {"Accept-Language": "zh"}
        assert chinese in client.post("/access/grants", data=form, headers=headers).text
    assert AccountLog(home_of(client)).account("anna").grants == ()


def test_the_last_administrator_stays(client: TestClient, admin: dict[str, str]) -> None:
    for role in ("administrator", ""):
        form = {**WRITE, "account": "admin", "role": role}
        refused = client.post("/access/revocations", data=form, headers=admin | ORIGIN)
        assert refused.status_code == 422 and "last administrator" in refused.text
    AccountLog(home_of(client)).grant("second", RoleGrant(role=Role.ADMINISTRATOR), by="admin")
    form = {**WRITE, "account": "admin", "role": "administrator"}
    assert client.post("/access/revocations", data=form, headers=admin | ORIGIN, follow_redirects=False).is_redirect
    assert AccountLog(home_of(client)).administrators(NOW.date()) == {"second"}


def test_a_token_is_shown_once_and_does_what_was_ticked(client: TestClient, admin: dict[str, str]) -> None:
    form = {**WRITE, "label": "<b>monitor", "days": "90", "action": ["read_metrics", "read_health"]}
    created = client.post("/access/tokens", data=form, headers=admin | ORIGIN)
    secret = re.search(r"perfml_[\w-]{43}", created.text)
    assert created.status_code == 200 and secret and "<b>monitor" not in created.text
    assert "Figures for monitoring" in created.text and created.headers["cache-control"] == "no-store"
    own = {"Authorization": f"Bearer {secret[0]}", "X-Purpose": "operation"}
    assert client.get("/v1/metrics", headers=own).status_code == 200
    assert client.get("/access", headers=own).status_code == 404, "no more than was ticked"
    again = client.post("/access/tokens", data=form, headers=admin | ORIGIN)
    assert again.status_code == 409 and "shown once" in again.text and "perfml_" not in again.text

    page = client.get("/access/tokens", headers=admin).text
    assert secret[0] not in page and "&lt;b&gt;monitor" in page and "10 Sept 2026" in page
    known = {each.label: each for each in CredentialLog(home_of(client)).credentials()}["<b>monitor"]
    assert known.used_at == NOW and known.actions == {Action.READ_METRICS, Action.READ_HEALTH}
    assert not any(secret[0] in str(each) for each in newest_entries(home_of(client), limit=50))
    ended = client.post(f"/access/tokens/{known.id}/end", data=WRITE, headers=admin | ORIGIN)
    assert ended.status_code == 200 and client.get("/v1/metrics", headers=own).status_code == 401
    assert "ended by hand" in client.get("/access/tokens", headers=admin).text
    twice = client.post(f"/access/tokens/{known.id}/end", data=WRITE, headers=admin | ORIGIN)
    assert twice.status_code == 422


def test_no_token_allows_more_than_the_administrator_may(client: TestClient, admin: dict[str, str]) -> None:
    before = len(CredentialLog(home_of(client)).credentials())
    page = client.get("/access/tokens", headers=admin).text
    assert 'value="read_metrics"' in page
    for action in ("read_risk", "approve_promotion", "list_at_risk", "read_pseudonymous_scores", None):
        form = {**WRITE, "label": "x", "days": "30"} | ({} if action is None else {"action": action})
        assert client.post("/access/tokens", data=form, headers=admin | ORIGIN).status_code == 422, action
        assert f'value="{action}"' not in page
    assert len(CredentialLog(home_of(client)).credentials()) == before


def test_sessions_are_seen_and_ended_and_links_are_no_tokens(client: TestClient, admin: dict[str, str]) -> None:
    AccountLog(home_of(client)).grant("anna", RoleGrant(role=Role.AUDITOR), by="admin")
    session = CredentialLog(home_of(client)).session("anna", now=NOW)
    cookie = {"Cookie": f"{COOKIE}={session.secret}; {PURPOSE_COOKIE}=oversight"}
    assert client.get("/audit", headers=cookie).status_code == 200
    assert "anna" in client.get("/access/tokens", headers=admin).text
    wrong = client.post(f"/access/tokens/{session.credential.id}/end", data=WRITE, headers=admin | ORIGIN)
    assert wrong.status_code == 422, "a session is no token"
    path = f"/access/sessions/{session.credential.id}/end"
    assert client.post(path, data=WRITE, headers=admin | ORIGIN).status_code == 200
    assert not client.get("/audit", headers=cookie, follow_redirects=False).is_success
    kinds = {each.kind for each in CredentialLog(home_of(client)).credentials()}
    assert kinds == {CredentialKind.TOKEN, CredentialKind.SESSION}


def test_nobody_else_opens_them_and_the_administrator_opens_nothing_of_people(
    client: TestClient, admin: dict[str, str]
) -> None:
    others = {
        "hr": token(home_of(client), "hr", Role.HR),
        "scientist": token(home_of(client), "ds", Role.DATA_SCIENTIST),
        "auditor": token(home_of(client), "auditor", Role.AUDITOR),
        "employee": token(home_of(client), "boss", Role.EMPLOYEE, employee="boss"),
    }
    grant = {**WRITE, "account": "boss", "role": "administrator"}
    for name, headers in others.items():
        for path in ("/access", "/access/tokens"):
            assert client.get(path, headers=headers).status_code == 404, (name, path)
        assert client.post("/access/grants", data=grant, headers=headers | ORIGIN).status_code == 404, name
    for path in ("/hr", "/hr/work", "/hr/trends", "/team", "/targets", "/runs", "/models", "/audit", "/hr/people/E1"):
        assert client.get(path, headers=admin).status_code == 404, path
    assert client.get("/", headers=admin, follow_redirects=False).headers["location"] == "/access"


def test_a_session_without_its_token_of_the_page_writes_nothing(client: TestClient) -> None:
    session = CredentialLog(home_of(client)).session("admin", now=NOW)
    cookie = {"Cookie": f"{COOKIE}={session.secret}; {PURPOSE_COOKIE}=operation"}
    form = {**WRITE, "account": "eve", "role": "administrator"}
    assert client.post("/access/grants", data=form, headers=cookie | ORIGIN).status_code == 403
    page = client.get("/access", headers=cookie).text
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert csrf is not None
    sent = client.post("/access/grants", data={**form, "csrf": csrf[1]}, headers=cookie | ORIGIN)
    assert sent.history and AccountLog(home_of(client)).account("eve").grants


def test_before_the_first_administrator_nothing_is_changed_on_a_page(tmp_path: Path) -> None:
    """The set-up link names the first, also where the service answers this machine without asking who it is."""
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")
    for path in ("/access", "/access/tokens"):
        page = client.get(path)
        assert page.status_code == 200 and "Nobody is administrator yet" in page.text
        assert 'action="/access' not in page.text
    form = {**WRITE, "account": "eve", "role": "administrator"}
    assert client.post("/access/grants", data=form, headers=ORIGIN).status_code == 404
    fields = {**WRITE, "label": "x", "days": "30", "action": "read_health"}
    assert client.post("/access/tokens", data=fields, headers=ORIGIN).status_code == 404
    assert AccountLog(tmp_path).accounts() == []

"""Whom the service lets in once somebody is administrator, by address, token, session, purpose and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.actions import Action
from perfml.access.credentials import CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.access.relations import PersonSubject
from perfml.errors import PerfmlError
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ServiceSettings
from perfml.project.starter import STARTER
from perfml.service.access.admission import PRINCIPAL, TODAY, Admission
from perfml.service.access.caller_limits import MOST_CALLERS, CallerLimits, client_of
from perfml.service.access.forgery import FIELD, HEADER, csrf_token
from perfml.service.access.page_headers import PAGE_POLICY
from perfml.service.access.rules import PUBLIC, RULES, RouteRule, all_rules
from perfml.service.access.sessions import COOKIE
from perfml.service.app import create_app, serve
from perfml.service.problems import Problem
from perfml.service.serving.auditing import AuditedRoute
from perfml.service.web.page_route import PageRoute
from perfml.store.audit.chain import rows
from perfml.store.record_store import RecordStore
from perfml.store.standing import StoreVersions
from tests.service.accounts import ALL, NOW, SOUTH, Clock, token
from tests.service.company import PROBLEM_KEYS

FIGURES = "/v1/employees/{}/risk"
SENTENCES = "/v1/employees/{}/risk?voice={}"


def addresses(app) -> Iterator[tuple[str, object]]:
    """Every method and template that the application answers, with its route."""
    for route in app.routes:
        for method in route.methods or ():
            yield f"{method} {getattr(route, 'path_format', route.path)}", route


def test_every_address_has_a_declared_policy(home: Path) -> None:
    app = create_app(home)
    rules, routes = app.state.admission.rules, dict(addresses(app))
    assert len(routes) > len(PUBLIC), "so that the test can fail"
    undeclared = [address for address in routes if address not in rules and address not in PUBLIC]
    assert undeclared == []
    assert set(rules) <= set(routes), "no rule of an address that is gone"
    for address in rules:
        assert isinstance(routes[address], AuditedRoute | PageRoute), f"{address} is not admitted"
    assert all(isinstance(route, APIRoute) for address, route in routes.items() if address not in PUBLIC)


@pytest.mark.slow
def test_without_an_administrator_everything_is_as_before(client: TestClient) -> None:
    assert client.get(FIGURES.format("E1")).status_code == 200


@pytest.mark.slow
def test_nobody_is_let_in_without_a_valid_secret(guarded: TestClient) -> None:
    wrong = [{}, {"Authorization": "Bearer perfml_guess"}, {"Authorization": "Basic x"}, {"Cookie": f"{COOKIE}=guess"}]
    for headers in wrong:
        answer = guarded.get(FIGURES.format("E1"), headers={**headers, "X-Purpose": "support", "X-Actor": "admin"})
        assert answer.status_code == 401, headers
        assert set(answer.json()) == PROBLEM_KEYS
    for path in ("/docs", "/v1/openapi.json"):
        assert guarded.get(path).status_code == 200


@pytest.mark.slow
def test_the_purpose_is_stated_and_is_not_pay(home: Path, guarded: TestClient) -> None:
    hr = token(home, "hr", Role.HR)
    answers = {
        purpose: guarded.get(FIGURES.format("E1"), headers={**hr, "X-Purpose": purpose}).status_code
        for purpose in ("support", "pay", "dismissal", "", "curiosity", "oversight")
    }
    assert answers == {"support": 200, "pay": 403, "dismissal": 403, "": 403, "curiosity": 403, "oversight": 403}


@pytest.mark.slow
def test_figures_are_for_hr_and_sentences_for_the_line_and_oneself(home: Path, guarded: TestClient) -> None:
    askers = {
        "hr of all": token(home, "hr", Role.HR),
        "manager": token(home, "boss", Role.EMPLOYEE, employee="boss"),
        "oneself": token(home, "e2", Role.EMPLOYEE, employee="E2"),
        "colleague": token(home, "oneil", Role.EMPLOYEE, employee="O'Neil"),
        "data scientist": token(home, "ds", Role.DATA_SCIENTIST),
        "auditor": token(home, "auditor", Role.AUDITOR),
        "administrator": token(home, "admin"),
    }
    expected = {  # figures, manager's sentences, employee's sentences
        "hr of all": [200, 200, 200],
        "manager": [404, 200, 200],
        "oneself": [404, 404, 200],
        "colleague": [404, 404, 404],
        "data scientist": [404, 404, 404],
        "auditor": [404, 404, 404],
        "administrator": [404, 404, 404],
    }
    paths = (FIGURES.format("E2"), SENTENCES.format("E2", "manager"), SENTENCES.format("E2", "employee"))
    for _ in ("cold", "warm"):
        for name, headers in askers.items():
            assert [guarded.get(path, headers=headers).status_code for path in paths] == expected[name], name


@pytest.mark.slow
def test_a_transfer_changes_who_is_answered_on_its_day(home: Path, guarded: TestClient, clock: Clock) -> None:
    before, after = (
        token(home, "boss", Role.EMPLOYEE, employee="boss"),
        token(home, "other", Role.EMPLOYEE, employee="other"),
    )
    path, seen = SENTENCES.format("E1", "manager"), []
    for days in (0, -1, 0):
        clock.now = NOW + dt.timedelta(days=days)
        seen.append([guarded.get(path, headers=headers).status_code for headers in (before, after)])
    assert seen == [[404, 200], [200, 404], [404, 200]], "also with answers that are kept"


@pytest.mark.slow
def test_unknown_and_forbidden_have_the_same_answer(home: Path, guarded: TestClient) -> None:
    hr = token(home, "hr", Role.HR, units=SOUTH)
    assert guarded.get(FIGURES.format("E2"), headers=hr).status_code == 200
    answers = {guarded.get(FIGURES.format(person), headers=hr).content for person in ("E1", "boss", "nobody", "%20")}
    assert len(answers) == 1
    for kind in ("suggestions/{}/decisions", "disputes/{}/decision"):
        bodies = {"verdict": "accept", "decided_by": "x"}
        headers = {**hr, "Idempotency-Key": "k"}
        assert guarded.post(f"/v1/{kind.format('none')}", json=bodies, headers=headers).status_code == 404
    body = {"employee_id": "E1", "kind": "talk"}
    posted = guarded.post("/v1/interventions", json=body, headers={**hr, "Idempotency-Key": "k"})
    assert posted.status_code == 404


@pytest.mark.slow
def test_lists_leave_out_who_is_not_in_reach_and_record_who_is_shown(home: Path, guarded: TestClient) -> None:
    everyone = token(home, "all", Role.HR)
    south = token(home, "south", Role.HR, units=SOUTH)
    path = "/v1/models/attrition/at-risk"
    assert guarded.get(path, headers=south).status_code == 404, "a list of everyone"
    listed = [row["employee_id"] for row in guarded.get(path, headers=everyone).json()["people"]]
    assert {"E1", "E2", "O'Neil"} <= set(listed)
    assert not {"a/b", "张伟"} & set(listed), "of whom no position is known"
    assert guarded.get(path, headers=token(home, "boss", Role.EMPLOYEE, employee="boss")).status_code == 404
    with RecordStore(home).transaction() as connection:
        recorded = [row for row in rows(connection) if row.action.startswith("see")]
    assert len(recorded[-1].pseudonyms) == len(listed)


@pytest.mark.slow
def test_a_session_reads_anywhere_and_writes_from_pages_of_this_service_alone(home: Path, guarded: TestClient) -> None:
    AccountLog(home).grant("hr", RoleGrant(role=Role.HR, units=ALL), by="admin")
    session = CredentialLog(home).session("hr", now=NOW)
    headers = {"Cookie": f"{COOKIE}={session.secret}", "X-Purpose": "support"}
    assert guarded.get(FIGURES.format("E1"), headers=headers).status_code == 200
    body = {"signed_by": "x", "reason": "y"}
    for origin in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert guarded.post("/v1/resume", json=body, headers={**headers, **origin}).status_code == 403, origin
    own, known = {"Origin": "http://127.0.0.1:8321"}, {HEADER: csrf_of(session.secret)}
    unknown = {HEADER: csrf_of("perfml_of_another")}
    for wrong in (own, {**own, **unknown}, known, {**own, **known, "Sec-Fetch-Site": "same-site"}):
        assert guarded.post("/v1/resume", json=body, headers={**headers, **wrong}).status_code == 403, wrong
    assert guarded.post("/v1/resume", json=body, headers={**headers, **own, **known}).status_code != 403


def csrf_of(secret: str) -> str:
    scope = {"type": "http", "headers": [(b"cookie", f"{COOKIE}={secret}".encode())]}
    return csrf_token(Request(scope))


def probe(app: FastAPI) -> None:
    """Pages as they are to come: one that shows a person, a form that writes about one, one for whoever is signed in."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/people/{employee_id}")
    async def show(request: Request, employee_id: str) -> HTMLResponse:
        principal = request.scope[PRINCIPAL]
        risk = app.state.admission.may(request, Action.READ_RISK, PersonSubject(employee_id=employee_id))
        seen = principal and (principal.id, principal.employee_id, sorted(principal.roles(request.scope[TODAY])), risk)
        return HTMLResponse(f"{seen} {csrf_token(request)}")

    @router.post("/probe/offers")
    async def offer(request: Request, employee_id: Annotated[str, Form()]) -> HTMLResponse:
        return HTMLResponse(f"offered {employee_id}")

    @router.get("/start")
    async def start() -> HTMLResponse:
        return HTMLResponse("start")

    app.include_router(router)
    more = {
        "GET /people/{employee_id}": RouteRule(action=Action.READ_REASONS, about_whom="person"),
        "POST /probe/offers": RouteRule(action=Action.LOG_INTERVENTION, about_whom="body"),
        "GET /start": RouteRule(action=None),
    }
    app.state.admission.rules = all_rules(RULES, more)
    with pytest.raises(ValueError, match="is declared twice"):
        all_rules(more, more)


@pytest.mark.slow
def test_pages_are_admitted_like_addresses_and_lead_to_the_way_in(home: Path, guarded: TestClient) -> None:
    probe(guarded.app)
    grant = RoleGrant(role=Role.EMPLOYEE)
    AccountLog(home).grant("boss", grant, by="admin", employee_id="boss")
    session = CredentialLog(home).session("boss", now=NOW)
    for path, then in (("/people/E2?tab=1", "/people/E2%3Ftab%3D1"), ("/start", "/start")):
        answer = guarded.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={then}")

    cookie = {"Cookie": f"{COOKIE}={session.secret}", "X-Purpose": "support"}
    page = guarded.get("/people/E2", headers=cookie)
    assert page.text.startswith("('boss', 'boss', [<Role.EMPLOYEE: 'employee'>, <Role.MANAGER: 'manager'>], False)")
    assert page.text.endswith(csrf_of(session.secret))
    assert guarded.get("/start", headers=cookie).text == "start"
    assert guarded.get("/people/other", headers=cookie).status_code == 404

    own = {**cookie, "Origin": "http://127.0.0.1:8321"}
    form = {"employee_id": "E2", FIELD: csrf_of(session.secret)}
    assert guarded.post("/probe/offers", data=form, headers=own).text == "offered E2"
    assert guarded.post("/probe/offers", files={"f": b"x"}, data=form, headers=own).text == "offered E2"
    assert guarded.post("/probe/offers", data={**form, "employee_id": "other"}, headers=own).status_code == 404
    for wrong in ({}, {FIELD: ""}, {FIELD: "é"}, {FIELD: csrf_of("perfml_of_another")}):
        sent = {"employee_id": "E2", **wrong}
        assert guarded.post("/probe/offers", data=sent, headers=own).status_code == 403, wrong
    assert guarded.post("/probe/offers", data=form, headers=cookie).status_code == 403
    assert guarded.post("/logout", headers=own).status_code == 403


@pytest.mark.slow
def test_before_the_first_administrator_a_page_of_another_site_writes_nothing_either(client: TestClient) -> None:
    body = {"signed_by": "x", "reason": "y"}
    for other in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/v1/stop", json=body, headers=other).status_code == 403, other
    assert client.post("/v1/stop", json=body).status_code == 422, "which is what it is without one"


@pytest.mark.slow
def test_every_page_has_its_headers(home: Path, guarded: TestClient) -> None:
    probe(guarded.app)
    AccountLog(home).grant("boss", RoleGrant(role=Role.EMPLOYEE), by="admin", employee_id="boss")
    cookie = {"Cookie": f"{COOKIE}={CredentialLog(home).session('boss', now=NOW).secret}"}
    for path in ("/", "/docs", "/login", "/setup", "/start"):
        headers = guarded.get(path, headers=cookie).headers
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers, "this machine has no certificate"
    assert guarded.get("/start", headers=cookie).headers["content-security-policy"] == PAGE_POLICY
    assert "content-security-policy" not in guarded.get("/v1/openapi.json").headers
    app = create_app(home, hosts=["hr.example"])
    with TestClient(app, base_url="https://hr.example", client=("10.0.0.7", 5)) as browser:
        assert browser.get("/login").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.slow
def test_the_setup_link_signs_the_first_administrator_in(home: Path) -> None:
    app = create_app(home)
    app.state.admission = Admission(home, ProjectFolder(STARTER), StoreVersions(home), now=Clock(), required=True)
    with TestClient(app, base_url="http://127.0.0.1:8321") as browser:
        assert browser.get("/v1/health").status_code == 401
        link = CredentialLog(home).setup_link(by="ops", now=NOW)
        page = browser.get("/setup", params={"code": '"><script>x</script>'})
        assert "<script>x" not in page.text and page.headers["content-security-policy"] == PAGE_POLICY
        form = {"code": link.secret, "account": "anna", "purpose": "operation"}
        own = {"Origin": "http://127.0.0.1:8321"}
        assert browser.post("/setup", data=form).status_code == 403, "from another site"
        wrong = browser.post("/setup", data={**form, "code": "x"}, headers=own, follow_redirects=False)
        assert wrong.status_code == 404
        answer = browser.post("/setup", data=form, headers=own, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookies = answer.headers.get_list("set-cookie")
        assert all({"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(each.split("; ")) for each in cookies)
        sent = "; ".join(each.split(";")[0] for each in cookies)
        assert browser.get("/v1/health", headers={"Cookie": sent}).status_code == 200
        assert browser.get(FIGURES.format("E1"), headers={"Cookie": sent}).status_code == 403, (
            "the purpose is operation"
        )
        assert browser.post("/setup", data=form, headers=own, follow_redirects=False).status_code == 404, "once"
        known = {FIELD: csrf_of(sent.split(";")[0].partition("=")[2])}
        ended = browser.post("/logout", data=known, headers={"Cookie": sent, **own}, follow_redirects=False)
        assert ended.status_code == 303
        assert browser.get("/v1/health", headers={"Cookie": sent}).status_code == 401


@pytest.mark.slow
def test_the_local_login_is_off_unless_asked_for(home: Path, guarded: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:8321"}
    form = {"account": "admin", "purpose": "operation"}
    assert 'action="/login' not in guarded.get("/login").text
    assert guarded.post("/login/local", data=form, headers=own).status_code == 404
    app = create_app(home, local_login=True)
    with TestClient(app, base_url="http://127.0.0.1:8321") as browser:
        assert "admin" in browser.get("/login").text
        answer = browser.post("/login/local", data=form, headers=own, follow_redirects=False)
        assert answer.status_code == 303
        assert browser.post("/login/local", data={"account": "nobody"}, headers=own).status_code == 404


def test_other_machines_are_answered_only_under_listed_names_with_an_administrator(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[dict[str, object]] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **options: heard.append(options))
    with pytest.raises(PerfmlError, match="nobody is administrator"):
        serve(home, host="0.0.0.0", hosts=["hr.example"])
    AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    for host in ("0.0.0.0", "127.0.0.1"):
        with pytest.raises(PerfmlError, match="as whomever they choose"):
            serve(home, host=host, hosts=["hr.example"], local_login=True)
    with pytest.raises(PerfmlError, match="would show people's scores to other machines"):
        serve(home, host="0.0.0.0", local_login=True)
    assert heard == []
    serve(home, host="0.0.0.0", hosts=["hr.example"])
    assert heard[0]["host"] == "0.0.0.0"
    app = create_app(home, hosts=["HR.example"])
    with TestClient(app, base_url="http://hr.example", client=("10.0.0.7", 5)) as browser:
        assert browser.get("/v1/health").status_code == 401
        assert browser.get("/v1/health", headers={"Host": "other.example"}).status_code == 403
        assert browser.get("/v1/health", headers={"Host": "127.0.0.1"}).status_code == 403


@pytest.mark.slow
def test_whoever_guesses_waits_and_whoever_knows_does_not(home: Path, guarded: TestClient) -> None:
    hr = token(home, "hr", Role.HR)
    guesses = [guarded.get("/v1/health", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(25)]
    assert guesses[0] == 401 and guesses[-1] == 429
    assert guarded.get("/v1/health", headers=hr).status_code == 200


@pytest.mark.slow
def test_an_account_asks_and_writes_so_often_a_minute_and_another_goes_on(home: Path, guarded: TestClient) -> None:
    hr, other = token(home, "hr", Role.HR), token(home, "other", Role.HR)
    time = [0.0]
    settings = ServiceSettings(reads_a_minute=3, writes_a_minute=2)
    guarded.app.state.admission.limits = CallerLimits(settings, clock=lambda: time[0])
    assert [guarded.get("/v1/health", headers=hr).status_code for _ in range(4)] == [200, 200, 200, 429]
    time[0] = 20.5
    answer = guarded.get("/v1/health", headers=hr)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "40")
    assert set(answer.json()) == set(Problem.model_fields)
    assert guarded.get("/v1/health", headers=other).status_code == 200
    body = {"by": "x", "reason": "It is over."}
    assert [guarded.post("/v1/resume", json=body, headers=hr).status_code for _ in range(3)] == [422, 422, 429]
    assert guarded.get("/v1/health").status_code == 401
    time[0] = 60.0
    assert guarded.get("/v1/health", headers=hr).status_code == 200


def test_counts_of_callers_stay_small() -> None:
    limits = CallerLimits(ServiceSettings())
    for number in range(MOST_CALLERS + 50):
        scope = {"type": "http", "method": "GET", "headers": [], "client": (str(number), 1)}
        limits.count(Request(scope), client_of(Request(scope)))
    assert len(limits._counts) == MOST_CALLERS

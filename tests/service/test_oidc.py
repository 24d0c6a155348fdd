"""Signing in with a provider: who is let in, and what is refused of a provider, a browser or somebody between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.credentials import CredentialKind, CredentialLog
from perfml.access.oidc.attempt import SignInAttempt, attempt_of
from perfml.access.oidc.provider import client_secret
from perfml.access.principals import Role, RoleGrant
from perfml.errors import DefinitionError, PerfmlError
from perfml.project.folder import ProjectFolder
from perfml.service.access.sessions import ATTEMPT_COOKIE, COOKIE
from perfml.service.app import create_app
from tests.service.oidc_provider import CLIENT, SECRET, Claims, Provider, running

OWN = {"Origin": "http://127.0.0.1:8321"}
NOW = dt.datetime(2026, 9, 10, 9)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as each:
        yield each


def project(folder: Path, issuer: str, claim: str = "sub") -> ProjectFolder:
    folder.mkdir(exist_ok=True)
    lines = ["[service.oidc]", f'issuer = "{issuer}"', f'client_id = "{CLIENT}"', f'claim = "{claim}"']
    (folder / "perfml.toml").write_text("\n".join(lines))
    return ProjectFolder(folder)


class Browser:
    """Keeps cookies as a browser does that reaches the service by HTTPS."""

    def __init__(self, home: Path, folder: ProjectFolder) -> None:
        self.app = create_app(home, folder)
        self.client = TestClient(self.app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, **more):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **OWN}
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **more)
        for line in answer.headers.get_list("set-cookie"):
            cookie = SimpleCookie(line)
            for name, morsel in cookie.items():
                assert morsel["secure"] and morsel["httponly"] and morsel["path"] == "/", line
                assert morsel["samesite"] == "lax" and not morsel["domain"], line
                self.cookies[name] = morsel.coded_value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer

    def begin(self, then: str = "/") -> str:
        """The address at the provider."""
        answer = self.send("POST", "/login/oidc", data={"purpose": "development", "next": then})
        assert answer.status_code == 200, answer.text
        return answer.headers["refresh"].removeprefix("0; url=")

    def sign_in(self, then: str = "/"):
        return self.send("GET", back_from(self.begin(then)))


def back_from(address: str) -> str:
    """What the provider sends the browser back to."""
    parts = urlsplit(requests.get(address, allow_redirects=False, timeout=5).headers["Location"])
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def browser(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setenv("PERFML_OIDC_SECRET", SECRET)
    home = tmp_path / "home"
    AccountLog(home).grant("anna", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    return Browser(home, project(tmp_path / "project", provider.issuer))


def sessions(browser: Browser) -> int:
    log = CredentialLog(browser.app.state.store.home)
    return sum(each.kind is CredentialKind.SESSION for each in log.credentials())


@pytest.mark.slow
def test_a_person_signs_in_goes_on_and_out(browser: Browser, provider: Provider) -> None:
    assert "Sign in with your company" in browser.send("GET", "/login").text
    answer = browser.sign_in("/team?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/team?tab=1")
    assert ATTEMPT_COOKIE not in browser.cookies
    (asked,) = provider.asked
    assert (asked["scope"], asked["response_type"], asked["code_challenge_method"]) == ("openid", "code", "S256")
    assert SECRET not in str(asked)
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert browser.send("GET", "/v1/health").status_code == 200
    log = CredentialLog(browser.app.state.store.home)
    assert browser.cookies[COOKIE] not in str([each.to_json() for each in log.credentials()])
    browser.app.state.admission.log_out(browser.cookies[COOKIE])
    assert browser.send("GET", "/v1/health").status_code == 401


def expired(claims: Claims) -> Claims:
    return {**claims, "iat": 1_000_000, "exp": 1_000_300}


SPOILT = {
    "nonce of another": lambda claims: {**claims, "nonce": "x"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "for another": lambda claims: {**claims, "aud": "payroll"},
    "for several without saying which": lambda claims: {**claims, "aud": [CLIENT, "payroll"], "azp": "payroll"},
    "of another issuer": lambda claims: {**claims, "iss": "https://other.example"},
    "over": expired,
    "without an end": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "not yet valid": lambda claims: {**claims, "nbf": claims["iat"] + 3_600},
    "nobody": lambda claims: {**claims, "sub": ""},
    "a number": lambda claims: {**claims, "sub": 7},
    "another token's hash": lambda claims: {**claims, "at_hash": "x"},
}


@pytest.mark.slow
def test_a_token_that_is_not_for_this_attempt_opens_nothing(browser: Browser, provider: Provider) -> None:
    for name, change in SPOILT.items():
        provider.change = change
        answer = browser.sign_in()
        assert answer.status_code == 400, name
        assert COOKIE not in browser.cookies, name
        assert "payroll" not in answer.text and "other.example" not in answer.text
    assert sessions(browser) == 0
    provider.change = dict
    assert browser.sign_in().status_code == 303, "so that the test can fail"


@pytest.mark.slow
def test_only_the_providers_own_keys_sign(browser: Browser, provider: Provider) -> None:
    forged = {
        "unsigned": provider.unsigned,
        "with the public key as a secret": provider.with_shared_secret,
        "with another key": lambda claims: provider.sign(claims, key=provider.other),
        "with another algorithm": lambda claims: provider.sign(claims, alg="RS512"),
        "no token": lambda claims: "x.y",
        "no text": lambda claims: 7,
    }
    for name, signed in forged.items():
        provider.signed = signed
        assert browser.sign_in().status_code == 400, name
    assert sessions(browser) == 0
    provider.signed = lambda claims: provider.sign(claims, alg="PS256")
    assert browser.sign_in().status_code == 303, "so that the test can fail"


@pytest.mark.slow
def test_an_attempt_belongs_to_its_browser_and_makes_one_session(browser: Browser, provider: Provider) -> None:
    back, held = back_from(browser.begin()), browser.cookies[ATTEMPT_COOKIE]
    browser.cookies.clear()
    assert browser.send("GET", back).status_code == 400, "in the browser of another"
    browser.begin()
    assert browser.send("GET", back).status_code == 400, "of an earlier attempt"
    browser.cookies[ATTEMPT_COOKIE] = held
    assert browser.send("GET", back + "x").status_code == 400, "another state"
    assert browser.send("GET", back + "&iss=https%3A%2F%2Fother.example").status_code == 400, "of another provider"
    assert browser.send("GET", back).status_code == 303
    browser.cookies[ATTEMPT_COOKIE] = held
    assert browser.send("GET", back).status_code == 400, "the code again"
    query = dict(parse_qsl(urlsplit(back).query))
    again = dict(parse_qsl(urlsplit(provider.approve(provider.asked[0])).query))
    assert again["state"] == query["state"]
    assert browser.send("GET", f"/login/oidc/back?code={again['code']}&state={again['state']}").status_code == 404, (
        "a second code for the same attempt"
    )
    assert sessions(browser) == 1


@pytest.mark.slow
def test_a_session_that_was_there_before_is_not_the_one_that_begins(browser: Browser) -> None:
    home, now = browser.app.state.store.home, browser.app.state.admission.now()
    AccountLog(home).grant("mallory", RoleGrant(role=Role.EMPLOYEE), by="anna", employee_id="E1")
    planted = CredentialLog(home).session("mallory", now=now).secret
    browser.cookies[COOKIE] = planted
    assert browser.sign_in().status_code == 303
    assert browser.cookies[COOKIE] != planted
    assert CredentialLog(home).find(planted, CredentialKind.SESSION, now=now) is None, "and it is over"


@pytest.mark.slow
@pytest.mark.parametrize(
    "then",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "/logout"],
)
def test_signing_in_leads_nowhere_else(browser: Browser, then: str) -> None:
    page = browser.send("GET", f"/login?next={quote(then)}")
    assert "evil" not in page.text and "alert" not in page.text
    assert browser.sign_in(then).headers["location"] == "/"


@pytest.mark.slow
def test_who_was_granted_nothing_is_not_let_in_whatever_groups_a_token_names(
    browser: Browser, provider: Provider
) -> None:
    provider.claims = {"sub": "stranger", "groups": ["administrator"], "roles": ["hr"]}
    answer = browser.sign_in()
    assert answer.status_code == 404 and COOKIE not in browser.cookies
    log = AccountLog(browser.app.state.store.home)
    log.grant("late", RoleGrant(role=Role.AUDITOR, ends=dt.date(2020, 1, 1)), by="anna")
    provider.claims = {"sub": "late"}
    assert browser.sign_in().status_code == 404


@pytest.mark.slow
def test_an_address_counts_where_it_is_verified(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFML_OIDC_SECRET", SECRET)
    home = tmp_path / "home"
    AccountLog(home).grant("anna@corp.example", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    browser = Browser(home, project(tmp_path / "project", provider.issuer, claim="email"))
    for verified, status in ((None, 400), (False, 400), ("true", 400), (True, 303)):
        provider.claims = {"sub": "7", "email": "anna@corp.example", "email_verified": verified}
        assert browser.sign_in().status_code == status, verified
    assert provider.asked[0]["scope"] == "openid email"


@pytest.mark.slow
def test_a_provider_that_cannot_be_used_is_said_so(browser: Browser, provider: Provider) -> None:
    wrong = [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": "http://other.example/authorize"},
        {"token_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 7},
    ]
    for document in wrong:
        provider.document = document
        answer = browser.send("POST", "/login/oidc", data={})
        assert answer.status_code == 503 and "other.example" not in answer.text, document
    provider.document = {}
    provider.claims = {"sub": "anna"}
    assert browser.sign_in().status_code == 303
    provider.key = provider.other
    assert browser.sign_in().status_code == 400, "keys were read less than a minute ago"


@pytest.mark.slow
def test_whoever_tries_often_waits(browser: Browser) -> None:
    wrong = [browser.send("GET", "/login/oidc/back?code=x&state=y").status_code for _ in range(22)]
    assert wrong[0] == 400 and wrong[-1] == 429
    tries = [browser.send("POST", "/login/oidc", data={}) for _ in range(62)]
    assert tries[0].status_code == 200 and tries[-1].status_code == 429
    assert 0 < int(tries[-1].headers["retry-after"]) <= 60


def test_an_attempt_ends(tmp_path: Path) -> None:
    attempt = SignInAttempt(begun=int(NOW.replace(tzinfo=dt.UTC).timestamp()))
    lasts = {
        minutes: attempt_of(attempt.secret, attempt.state, NOW + dt.timedelta(minutes=minutes))
        for minutes in (-1, 9, 11)
    }
    assert lasts == {-1: None, 9: attempt, 11: None}
    for state in ("", "x", "1.x", "٣.x", attempt.state + "\ud800", "9" * 50):
        assert attempt_of(attempt.secret, state, NOW) is None
    assert attempt.secret not in repr(attempt)


def test_settings_name_a_provider_that_nobody_can_stand_before(tmp_path: Path) -> None:
    for issuer in (
        "http://sso.example",
        "https://a@sso.example",
        "ftp://sso.example",
        "sso",
        "http://localhost.evil.example",
    ):
        with pytest.raises(DefinitionError, match="https://"):
            project(tmp_path, issuer)
    project(tmp_path, "https://sso.example")
    (tmp_path / "secret").write_text("s\n")
    assert client_secret({"PERFML_OIDC_SECRET_FILE": str(tmp_path / "secret")}) == "s"
    assert client_secret({"PERFML_OIDC_SECRET": "t"}) == "t"
    assert client_secret({}) is None
    with pytest.raises(PerfmlError, match="cannot be read"):
        client_secret({"PERFML_OIDC_SECRET_FILE": str(tmp_path / "none")})

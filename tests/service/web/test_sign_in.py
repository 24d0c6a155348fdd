"""The ways in: what the pages offer, and what they say of a link, a session or an account that opens nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.credentials import LINK_LASTS, CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.access.setting_up import make_setup_link, newest_link, use_setup_link
from perfml.service.access.sessions import COOKIE
from perfml.service.app import create_app
from perfml.service.web.pages.entry.sign_in import LINKS, PROBLEMS
from tests.service.accounts import NOW
from tests.service.web.admitted import pages_of
from tests.service.web.conftest import serve_home
from tests.service.web.test_browser import SCREENS, look
from tests.service.web.test_person import ORIGIN, plain

pytestmark = pytest.mark.slow
CHINESE = {"Accept-Language": "zh"}


def test_a_link_says_what_it_is_good_for(tmp_path: Path) -> None:
    client = pages_of(tmp_path, administrator=False)
    old = make_setup_link(tmp_path, by="ops", now=NOW - LINK_LASTS)
    page = client.get("/setup", params={"code": old.secret})
    assert (
        page.status_code == 200
        and "This link has expired" in page.text
        and old.secret not in page.text.split("<main")[1]
    )
    replaced = make_setup_link(tmp_path, by="ops", now=NOW)
    newest = make_setup_link(tmp_path, by="ops", now=NOW)
    assert "replaced by a newer one" in client.get("/setup", params={"code": replaced.secret}).text
    assert "被新的链接取代" in client.get("/setup", params={"code": replaced.secret}, headers=CHINESE).text
    assert "not a set-up link of this service" in client.get("/setup", params={"code": newest.secret[:-1]}).text
    sound = client.get("/setup", params={"code": newest.secret}).text
    assert f'value="{newest.secret}"' in sound and "note care" not in sound
    assert "note care" not in client.get("/setup").text, "without a code nothing is wrong yet"

    form = {"code": old.secret, "account": "anna"}
    refused = client.post("/setup", data=form, headers=ORIGIN)
    assert refused.status_code == 404 and "This link has expired" in refused.text
    assert client.post("/setup", data={"code": newest.secret}, headers=ORIGIN).status_code == 422
    assert use_setup_link(tmp_path, newest.secret, account="anna", now=NOW) is not None
    link = newest_link(tmp_path)
    assert link is not None and link.spent
    for code in (newest.secret, old.secret, "x"):
        text = client.get("/setup", params={"code": code}).text
        assert "perfml is set up" in text and "<input id" not in text, "whatever the link was"


def test_the_first_administrator_goes_on_to_the_accounts(tmp_path: Path) -> None:
    client = pages_of(tmp_path, administrator=False)
    link = make_setup_link(tmp_path, by="ops", now=NOW)
    form = {"code": link.secret, "account": "anna"}
    entered = client.post("/setup", data=form, headers=ORIGIN, follow_redirects=False)
    cookie = "; ".join(each.split(";")[0] for each in entered.headers.get_list("set-cookie"))
    first = client.get("/", headers={"Cookie": cookie}, follow_redirects=False)
    assert first.headers["location"] == "/access"
    assert "set-up link used" in plain(client.get("/access", headers={"Cookie": cookie}).text)


def test_somebody_who_is_not_signed_in_is_led_back_where_they_were(tmp_path: Path) -> None:
    client = pages_of(tmp_path)
    fresh = client.get("/access?done=granted")
    assert fresh.url.path == "/login" and "session is over" not in fresh.text
    over = CredentialLog(tmp_path).session("admin", now=NOW - dt.timedelta(hours=13))
    cookie = {"Cookie": f"{COOKIE}={over.secret}"}
    led = client.get("/access", headers=cookie, follow_redirects=False)
    page = client.get(led.headers["location"], headers=cookie)
    assert page.status_code == 200 and "The session is over" in page.text
    assert 'value="/login?next=/access"' in page.text, "the choice of a language stays on this page"
    back = client.post("/language", data={"language": "zh", "back": "/login?next=/access"}, follow_redirects=False)
    assert back.headers["location"] == "/login?next=/access"
    for other in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = client.post("/language", data={"language": "zh", "back": other}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_what_goes_wrong_is_shown_on_the_page_in_both_languages(tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path, local_login=True), base_url="http://127.0.0.1:8321")
    AccountLog(tmp_path).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    form = {"account": "nobody", "next": "/access"}
    unknown = client.post("/login/local", data=form, headers=ORIGIN)
    assert unknown.status_code == 404 and "no role here" in unknown.text and 'name="account"' in unknown.text
    assert "没有角色" in client.post("/login/local", data=form, headers=ORIGIN | CHINESE).text
    other = client.post("/login/local", data=form, headers={"Origin": "http://evil.example"})
    assert other.status_code == 403 and "came from another site" in other.text
    assert client.post("/login/local", headers=ORIGIN).status_code == 422
    assert {type(text) for text in (*PROBLEMS.values(), *LINKS.values())} == {str}


def test_what_for_is_asked_in_words_and_pay_is_not_among_them(tmp_path: Path) -> None:
    client = TestClient(create_app(tmp_path, local_login=True), base_url="http://127.0.0.1:8321")
    AccountLog(tmp_path).grant("<b>admin</b>", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    page = client.get("/login")
    assert "Support people early" in page.text and "&lt;b&gt;admin" in page.text
    assert 'value="pay"' not in page.text and 'value="dismissal"' not in page.text
    assert "尽早支持员工" in client.get("/login", headers=CHINESE).text
    nobody = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321").get("/login")
    assert "Nobody can sign in on this page yet" in nobody.text and "--local-login" in nobody.text


@pytest.mark.parametrize(("language", "screen"), [("en", "desk"), ("zh", "telephone")])
def test_the_pages_read_well_in_a_browser(browser: Browser, tmp_path: Path, language: str, screen: str) -> None:
    wide = SCREENS[screen]
    locale, scheme = ("zh-CN" if language == "zh" else "en-GB"), ("dark" if wide < 600 else "light")
    context = browser.new_context(
        viewport={"width": wide, "height": 900}, locale=locale, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, barriers = context.new_page(), []
    with serve_home(tmp_path, local_login=True) as address:
        for number, path in enumerate(("/setup?code=x", "/setup", "/login")):
            page.goto(address + path)
            barriers += look(page, f"entry_{number}_{language}_{screen}")
            assert page.locator("html").get_attribute("lang") == ("zh-Hans" if language == "zh" else "en")
        link = make_setup_link(tmp_path, by="ops", now=dt.datetime.now(dt.UTC).replace(tzinfo=None))
        page.goto(f"{address}/setup?code={link.secret}")
        page.locator("form[action='/language'] button").click()
        assert page.locator("#code").input_value() == link.secret, "kept while the language is chosen"
        page.fill("#account", "anna")
        page.locator("form[action='/setup'] button").click()
        page.wait_for_url(f"{address}/access")
        page.goto(f"{address}/access/tokens")
        page.goto(f"{address}/login")
        barriers += look(page, f"entry_3_{language}_{screen}")
    context.close()
    assert not barriers, "\n".join(barriers)

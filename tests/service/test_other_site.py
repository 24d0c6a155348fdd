"""A page of another site, in a real browser, reads nothing and writes nothing with the session of somebody who is signed in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app
from perfml.trust.holds.hold_log import HoldLog
from tests.service.oidc_provider import CLIENT, SECRET, running

pytestmark = pytest.mark.slow
ATTACK = """
<form id="form" method="post" action="{target}/v1/stop" enctype="text/plain">
<input name='{{"reason": "It looks wrong.", "by": "' value='x"}}'></form>
<form id="logout" method="post" action="{target}/logout"></form>
<iframe id="frame" src="{target}/"></iframe>
"""
FETCHES = """async (target) => {
  const body = JSON.stringify({reason: "It looks wrong."}), out = [];
  const sent = [
    {method: "POST", credentials: "include", mode: "no-cors", body},
    {method: "POST", credentials: "include", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body},
    {method: "POST", credentials: "include", headers: {"Content-Type": "application/json", "Idempotency-Key": "a"}, body},
    {method: "POST", credentials: "include", headers: {"X-CSRF": "guess"}, body},
  ];
  for (const options of sent) {
    out.push(await fetch(target + "/v1/stop", options).then(answer => answer.type + answer.status, () => "refused"));
  }
  out.push(await fetch(target + "/v1/health", {credentials: "include"}).then(answer => answer.text(), () => "unread"));
  return out;
}"""


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)


@contextmanager
def other_site(target: str, host: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ATTACK.format(target=target).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def sign_in(page: Page, target: str) -> None:
    page.goto(f"{target}/login?next=/docs")
    page.get_by_role("button", name="Sign in with your company").click()
    page.wait_for_url(f"{target}/docs")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another site", "another port: cookies are sent"])
def test_a_page_of_another_origin_neither_reads_nor_writes(
    home: Path, tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The session is made by the way that people go: to the provider and back, over pages without script."""
    monkeypatch.setenv("PERFML_OIDC_SECRET", SECRET)
    log = AccountLog(home)
    for role, units in ((Role.ADMINISTRATOR, frozenset()), (Role.HR, frozenset({"everything"}))):
        log.grant("anna", RoleGrant(role=role, units=units), by="setup")
    with running() as provider:
        settings = tmp_path / "project" / "perfml.toml"
        settings.parent.mkdir()
        settings.write_text(f'[service.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n')
        with listening(create_app(home, ProjectFolder(settings.parent))) as target, other_site(target, host) as site:
            context = browser.new_context()
            page = context.new_page()
            sign_in(page, target)
            cookies = {cookie["name"]: cookie for cookie in context.cookies(target)}
            assert {cookie["httpOnly"] and cookie["secure"] for cookie in cookies.values()} == {True}
            assert page.evaluate("document.cookie") == ""
            assert page.goto(f"{target}/v1/health").status == 200, "so that the test can fail"

            page.goto(f"{target}/")
            assert "csrf" in page.content()
            attack = context.new_page()
            attack.goto(site)
            assert len(attack.frames) == 2
            *written, read = attack.evaluate(FETCHES, target)
            assert set(written) <= {"refused", "opaque0"} and read == "unread"
            assert "csrf" not in attack.frames[1].content(), "a frame shows none of it"
            for form in ("form", "logout"):
                attack.goto(site, wait_until="load")
                with attack.expect_navigation():
                    attack.evaluate(f"document.getElementById('{form}').submit()")
            assert HoldLog(home).active() == HoldLog(home).state().holds
            assert not [hold for hold in HoldLog(home).active() if hold.entity == "everything"], "nothing is stopped"
            assert page.goto(f"{target}/v1/health").status == 200, "and nobody was signed out"

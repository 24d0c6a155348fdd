"""A home with a proven and an unproven horizon, and a client on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, sync_playwright
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from tests.service.accounts import Clock, keep_lines
from tests.service.company import DAY, advise, keep, scored, train, without

ODD_IDS = [
    "张伟",
    "a/b",
    "a//b/risk",
    "O'Neil",
    '"; drop table x --',
    "50%",
    "a?b#c",
    "a b",
    " ",
    "../../etc/passwd",
    "%2F",
]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's browser; Playwright's own is not needed."""
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        pytest.skip("no browser is installed (Debian: chromium, fonts-noto-cjk): the pages were not looked at")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def one_loop() -> Iterator[None]:
    """One thread and event loop for all clients, instead of one for each request."""
    with start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "portal", portal)
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Model ``attrition``: proven for 91 days and not for 182; its people have ids that break careless code.

    Those ranked 2, 4 and 13 belong to its segment.
    """
    version = train(tmp_path, "attrition", {91: True, 182: False})
    people = [*ODD_IDS, "E1", "E2"]
    bands = ["act"] * 2 + ["watch"] * 2 + ["none"] * len(people)
    top = {"a/b", "O'Neil", "E2"}
    rows = [
        scored(person, rank, band=bands[rank - 1], segments=["top"] if person in top else [])
        for rank, person in enumerate(people, 1)
    ]
    rows += [
        without("H1", "held", why_not="reviews: rating outside scale"),
        without("T1", "thin"),
        without("N1", "ineligible"),
    ]
    rows += [scored(person, None, days=182, band=None) for person in people]
    keep(tmp_path, "attrition", version, rows)
    keep(tmp_path, "attrition", version, [scored("E1", 1, band="act")], as_of=DAY.replace(month=8))
    advise(tmp_path)
    return tmp_path


@pytest.fixture
def client(home: Path) -> TestClient:
    """A client on this machine."""
    return TestClient(create_app(home), base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


@pytest.fixture
def clock() -> Clock:
    """What time it is."""
    return Clock()


@pytest.fixture
def guarded(home: Path, clock: Clock) -> TestClient:
    """A client of a service with an administrator, at the time of ``clock``."""
    keep_lines(home)
    log = AccountLog(home)
    log.grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    app = create_app(home)
    app.state.admission = Admission(home, ProjectFolder(STARTER), StoreVersions(home), now=clock)
    return TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


@pytest.fixture
def versions(tmp_path: Path) -> dict[str, str]:
    """Three versions of one model, the newest last; the last fails a gate at its only horizon."""
    names = {
        "first": train(tmp_path, "attrition", {91: True}, until="2026-06-01"),
        "second": train(tmp_path, "attrition", {91: True, 182: False}, until="2026-07-01"),
        "failing": train(tmp_path, "attrition", {91: False}, until="2026-08-01"),
    }
    keep(tmp_path, "attrition", names["first"], [scored("E1", 1)])
    return names

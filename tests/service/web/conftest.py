"""A demonstration home with everything that pages show, its service on a port of its own, and a browser."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from perfml.demo.tour.personas import grant_personas
from perfml.demo.tour.work import (
    WITHOUT_SCORES,
    Stop,
    look_at_goals,
    look_at_risks,
    plant_work,
)
from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app
from tests.simulated import END, Simulated

TARGETS_DAY = "2026-09-03"


@dataclass(frozen=True)
class ServedCompany:
    """Where pages are served, and the account of each persona."""

    address: str
    home: Path
    accounts: dict[str, str]
    stops: tuple[Stop, ...]
    """What the demo's tour says of its pages."""


@pytest.fixture(scope="session")
def served_company(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCompany]:
    """The simulated company, advised, with accounts, behind a real server with the login for development."""
    folder = tmp_path_factory.mktemp("pages")
    company_of_500.copy_home(folder / "home")
    data = folder / "data"
    shutil.copytree(company_of_500.data, data)
    plant_work(data, seed=7, end=END)
    project = Simulated(data, company_of_500.project, folder / "home", company_of_500.truth, company_of_500.rows).open()
    with project.open(data) as opened:
        project.targets(opened, as_of=TARGETS_DAY)
        project.courses(opened, as_of=END)
        stops = look_at_goals(project, opened, goals=project.goals(opened, as_of=TARGETS_DAY))
        for look in (*WITHOUT_SCORES, look_at_risks):
            stops += look(project, opened, END)
    accounts = {name.partition(" E")[0]: name for name in grant_personas(project, END - dt.timedelta(days=365))}
    with serve_home(project.home, project.folder, local_login=True) as address:
        yield ServedCompany(address, project.home, accounts, tuple(stops))


@contextmanager
def serve_home(home: Path, folder: ProjectFolder | None = None, *, local_login: bool = False) -> Iterator[str]:
    """Serve ``home`` on a free port of this machine; the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(home, folder, local_login=local_login)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in, with the page they look at and what the browser complained of."""

    page: Page
    complaints: list[str]

    def open(self, path: str) -> Page:
        answer = self.page.goto(path)
        assert answer is not None and answer.status == 200, (path, answer and answer.status)
        return self.page


def sign_in(browser: Browser, served: ServedCompany, persona: str, *, language: str, width: int) -> Iterator[Visitor]:
    """Sign in as a persona, in a language, on a screen of ``width`` pixels."""
    context: BrowserContext = browser.new_context(
        base_url=served.address,
        viewport={"width": width, "height": 900},
        locale="zh-CN" if language == "zh" else "en-GB",
        color_scheme="dark" if width < 600 else "light",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/login")
    page.select_option("select[name=account]", served.accounts[persona])
    page.locator("form[action='/login/local'] button").first.click()
    yield Visitor(page, complaints)
    context.close()

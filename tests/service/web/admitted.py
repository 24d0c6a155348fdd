"""Pages of a small home behind admission, at the time of a clock that stands still."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from tests.service.accounts import Clock


def pages_of(home: Path, folder: ProjectFolder | None = None, *, administrator: bool = True) -> TestClient:
    """A client that asks as whom its headers say; with ``administrator`` there is one, named admin."""
    if administrator:
        AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    app = create_app(home, folder)
    app.state.admission = Admission(
        home,
        folder or ProjectFolder(STARTER),
        StoreVersions(home),
        rules=app.state.admission.rules,
        now=Clock(),
        required=True,
    )
    return TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)

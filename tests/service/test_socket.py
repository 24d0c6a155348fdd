"""Over a real socket, where nothing tidies an address before the service sees it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn

from perfml.service.app import create_app
from tests.service.company import PROBLEM_KEYS
from tests.service.conftest import ODD_IDS


@pytest.fixture
def port(home: Path) -> Iterator[int]:
    """The port of a running server."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(home), log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body: dict[str, object] = json.loads(answer.read())
    connection.close()
    return answer.status, body


@pytest.mark.slow
def test_odd_ids_and_addresses_that_lead_out(port: int) -> None:
    for person in ODD_IDS:
        status, body = get(port, f"/v1/employees/{quote(person, safe='')}/risk")
        assert (status, body.get("employee_id")) == (200, person)
    for name in (
        "..",
        ".",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "..%2fscores%2fattrition",
        "%2fetc",
        "attrition%2f.",
        "attrition%00",
        "%ff",
    ):
        for rest in ("", "/at-risk"):
            status, body = get(port, f"/v1/models/{name}{rest}")
            assert status == 404 and set(body) == PROBLEM_KEYS, name


@pytest.mark.slow
def test_names_of_others_and_clients_of_a_proxy_are_refused(port: int) -> None:
    assert get(port, "/v1/models/attrition/at-risk", Host="evil.example")[0] == 400
    assert get(port, "/v1/models/attrition/at-risk", **{"X-Forwarded-For": "10.0.0.7"})[0] == 403
    assert get(port, "/v1/models/attrition/at-risk")[0] == 200

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

from perfml.service.app import create_app, serve
from perfml.service.serving import connections
from perfml.service.serving.connections import MOST_CONNECTIONS, MOST_HEADER, TimedConnection
from perfml.service.serving.errors import body_limit
from tests.service.company import PROBLEM_KEYS
from tests.service.conftest import ODD_IDS


@pytest.fixture
def port(home: Path) -> Iterator[int]:
    """The port of a running server."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(home),
            log_level="error",
            access_log=False,
            http=TimedConnection,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=MOST_HEADER,
        )
        server = uvicorn.Server(config)
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


def test_the_server_has_the_limits_that_are_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, object] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **options: heard.update(options))
    serve(tmp_path)
    assert heard["http"] is TimedConnection
    assert (heard["limit_concurrency"], heard["h11_max_incomplete_event_size"]) == (MOST_CONNECTIONS, MOST_HEADER)


def memory_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def answer_to(port: int, head: bytes, chunk: bytes, times: int) -> bytes:
    """Send a head and then ``chunk`` again and again until it is refused; return the first bytes of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sent:
        sent.sendall(head)
        for _ in range(times):
            try:
                sent.sendall(chunk)
            except OSError:
                break
        return sent.recv(4096)


@pytest.mark.slow
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_a_thousand_megabytes_is_refused_in_bounded_memory(port: int, declared: bool) -> None:
    block = b"x" * 1_000_000
    length = b"Content-Length: 1000000000" if declared else b"Transfer-Encoding: chunked"
    head = b"POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + length + b"\r\n\r\n"
    chunk = block if declared else b"%x\r\n%s\r\n" % (len(block), block)
    before = memory_mb()
    answer = answer_to(port, head, chunk, 1000)
    assert b" 413 " in answer.split(b"\r\n")[0] and b"application/problem+json" in answer
    assert memory_mb() - before < 100
    assert get(port, "/v1/ready")[0] == 200


@pytest.mark.slow
def test_two_hundred_half_open_requests_keep_nobody_waiting(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 1.0)
    halves = (b"", b"GET /v1/health HT", b"GET /v1/health HTTP/1.1\r\nHost: localh")
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(200)]
    for number, each in enumerate(waiting):
        each.sendall(halves[number % 3])
    assert get(port, "/v1/health")[0] == 200
    for each in waiting:
        assert each.recv(1) == b"", "closed by the service"
        each.close()
    assert get(port, "/v1/health")[0] == 200


@pytest.mark.slow
def test_a_body_that_does_not_come_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_SECONDS", 1.0)
    head = b"POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    assert b" 408 " in answer_to(port, head, b"{", 1).split(b"\r\n")[0]


@pytest.mark.slow
def test_a_header_that_never_ends_is_refused(port: int) -> None:
    answer = answer_to(port, b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: ", b"x" * 10_000, 50)
    assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0]
    assert get(port, "/v1/ready")[0] == 200

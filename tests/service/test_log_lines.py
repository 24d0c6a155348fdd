"""Lines of the log carry no personal data, whatever fails."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.errors import PerfmlError
from perfml.service.app import create_app
from perfml.service.serving.log_lines import LineFormatter, LogForm, set_up_logging

CANARY = "CANARY-张伟-7731"


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Every record of the process, written as the service writes it."""
    stream, handler = io.StringIO(), logging.StreamHandler()
    handler.setStream(stream)
    handler.setFormatter(LineFormatter(getattr(request, "param", "json")))
    root, level = logging.getLogger(), logging.getLogger("perfml").level
    root.addHandler(handler)
    logging.getLogger("perfml").setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    logging.getLogger("perfml").setLevel(level)


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_no_line_names_anybody(log: io.StringIO, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(create_app(home), base_url="http://127.0.0.1:8321", raise_server_exceptions=False)
    headers = {"X-Request-ID": "CANARY-id", "X-Actor": "CANARY-actor", "Idempotency-Key": "CANARY-key"}
    client.get(f"/v1/employees/{CANARY}/risk?voice={CANARY}", headers=headers)
    client.get(f"/{CANARY}", headers=headers)
    client.request("CANARY", "/v1/health")
    client.post("/v1/interventions", json={"employee_id": CANARY, "outcome": CANARY}, headers=headers)
    client.post("/v1/interventions", content=f'{{"{CANARY}', headers=headers)
    client.get("/v1/health", headers={"host": "CANARY.example.com"})

    def fails(*_: object) -> None:
        raise RuntimeError(CANARY) from PerfmlError(CANARY, where=CANARY)

    monkeypatch.setattr("perfml.service.routes.models.health", fails)
    assert client.get("/v1/health").status_code == 500
    logging.getLogger("other").warning("of %s", CANARY)
    lines = log.getvalue()
    assert "CANARY" not in lines and "张伟" not in lines and "7731" not in lines
    assert "RuntimeError" in lines and "/v1/employees/{employee_id}/risk" in lines


def test_an_error_in_wording_an_error_names_nobody_either(
    log: io.StringIO, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("perfml.service.serving.errors.error_handlers._invalid_request", fails)
    answer = client.get(f"/v1/employees/{CANARY}/risk?horizon_days=x")
    assert answer.status_code == 500 and answer.json()["title"] == "Failure"
    assert "RuntimeError" in log.getvalue() and CANARY not in log.getvalue()


def test_an_answer_carries_the_id_of_its_line(log: io.StringIO, client: TestClient) -> None:
    ids = [client.get("/v1/health").headers["x-request-id"] for _ in range(2)]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["request_id"] for line in lines if line["logger"] == "perfml.requests"] == ids and ids[0] != ids[1]
    assert {"at", "level", "message", "method", "route", "status", "milliseconds"} <= lines[-1].keys()
    assert (lines[-1]["method"], lines[-1]["route"], lines[-1]["status"]) == ("GET", "/v1/health", 200)


@pytest.mark.parametrize("form", ["json", "text"])
def test_one_record_is_one_line(form: LogForm) -> None:
    for text, values in (("a\nb %s", ("c\nd",)), ("%s", ("",)), ("", ())):
        record = logging.LogRecord("perfml.x", logging.INFO, __file__, 1, text, values, None)
        assert len(LineFormatter(form).format(record).splitlines()) == 1


def test_the_server_and_perfml_share_one_handler() -> None:
    root, server = logging.getLogger(), logging.getLogger("uvicorn.error")
    before, level = list(root.handlers), root.level
    server.setLevel(logging.NOTSET)  # a server of another test has its own
    try:
        set_up_logging("json")
        (handler,) = root.handlers
        assert isinstance(handler.formatter, LineFormatter) and server.isEnabledFor(20)
    finally:
        root.handlers[:] = before
        root.setLevel(level)

"""Names, ids and reasons stand in the answers that are for them, and in no log line, metric or error."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from perfml.errors import PerfmlError
from perfml.evidence.population.facts import PEOPLE
from perfml.scoring.people.files import keep_people
from perfml.service.access.rules import RULES
from perfml.service.app import create_app
from perfml.service.serving.log_lines import LineFormatter
from tests.service.company import DAY, PROBLEM_KEYS, keep, scored, train

ID, NAME, REASON, SECRET = "CANARY-ID-7731", "CANARY-NAME-金丝雀", "CANARY-REASON", "CANARY-SQL"
CANARIES = (ID, NAME, REASON, SECRET, "金丝雀")
FILLED = {"employee_id": ID, "model": "attrition", "suggestion_id": ID, "hold_id": ID, "dispute_id": ID}
BODY = {
    "by": NAME,
    "reason": f"{REASON} is a sentence.",
    "employee_id": ID,
    "decided_by": NAME,
    "verdict": "upheld",
    "note": REASON,
}


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    version = train(tmp_path, "attrition", {91: True})
    keep(tmp_path, "attrition", version, [scored(ID, 1, band="act"), scored("E2", 2)])
    people = [
        {"employee_id": ID, "name": NAME, "department": "D"},
        {"employee_id": "E2", "name": "x", "department": "D"},
    ]
    keep_people(pa.Table.from_pylist(people, schema=PEOPLE), tmp_path, as_of=DAY)
    return tmp_path


class Failing:
    """In place of the store: whatever is asked of it raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> None:
        raise self._error


def addresses() -> list[tuple[str, str]]:
    """Every method and address of the rules, its parameters filled in."""
    filled = []
    for rule in RULES:
        method, _, template = rule.partition(" ")
        for name, value in FILLED.items():
            template = template.replace(f"{{{name}}}", value)
        filled.append((method, template.replace("{alert_id}", ID).replace("{source}", ID).replace("{name}", ID)))
    return filled


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Whatever a log would hold, with perfml's own lines and with those of the standard library."""
    lines = [LineFormatter("text").format(record) for record in caplog.records]
    return "\n".join([*lines, *map(logging.Formatter().format, caplog.records)])


def ask(client: TestClient, method: str, address: str):
    headers = {"Idempotency-Key": f"{ID}-{method}"}
    return client.request(method, address, headers=headers, **({} if method == "GET" else {"json": BODY}))


@pytest.mark.slow
def test_no_log_line_and_no_metric_names_anybody(seeded: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # the client of this test
    with TestClient(create_app(seeded), base_url="http://127.0.0.1:8321", raise_server_exceptions=False) as client:
        shown = 0
        for method, address in addresses():
            answer = ask(client, method, address)
            assert answer.status_code < 500, (address, answer.text)
            shown += ID in answer.text or NAME in answer.text
            client.get(f"{address}/{ID}?{NAME}={REASON}")
        assert shown > 3, "so that the test can fail"
        metrics = client.get("/v1/metrics").text
    for text in (logged(caplog), metrics):
        assert not [canary for canary in CANARIES if canary in text]
    assert "/v1/employees/{employee_id}/risk" in metrics


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"{ID} {NAME} {REASON}"),
        OperationalError(f"INSERT {SECRET}", {"subject": ID, "entry": NAME}, Exception(REASON)),
        PerfmlError(f"{NAME} said {REASON}", where=ID, remedy=SECRET),
        UnicodeEncodeError("utf-8", f"{ID}\ud800", 0, 1, REASON),
        KeyError(NAME),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_anywhere_says_where_and_not_about_whom(
    seeded: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    app = create_app(seeded)
    app.state.store = Failing(error)
    with TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False) as client:
        failures = 0
        for method, address in addresses():
            answer = ask(client, method, address)
            if answer.status_code != 500:
                continue
            failures += 1
            assert set(answer.json()) == PROBLEM_KEYS and answer.json()["instance"].startswith("urn:uuid:")
            assert answer.headers["content-type"] == "application/problem+json"
            assert not [canary for canary in CANARIES if canary in answer.text], address
            assert answer.json()["instance"] in logged(caplog)
    assert failures > 15
    assert not [canary for canary in CANARIES if canary in logged(caplog)]
    assert f"{type(error).__name__} at " in logged(caplog) and "tests/service/test_silent_failures.py:" in logged(
        caplog
    )

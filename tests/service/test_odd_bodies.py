"""Bodies, keys and addresses that break careless code are refused in the one shape, and damage ends nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from starlette.testclient import TestClient

from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from tests.service.company import DAY, PROBLEM_KEYS

PARAMETERS = (
    *("as_of", "limit", "cursor", "horizon_days", "band", "department", "employee_id", "voice", "reader"),
    *("manager_id", "model", "policy", "state"),
)
LISTS = ("models/attrition/at-risk", "targets", "employees/E1/risk", "alerts", "notices", "priorities", "trends")
JSON = {"Content-Type": "application/json", "Idempotency-Key": "k"}
WRITES = (
    *("/v1/stop", "/v1/resume", "/v1/interventions", "/v1/holds/x/release", "/v1/suggestions/t1/decisions"),
    *("/v1/employees/E1/disputes", "/v1/disputes/x/decision", "/v1/alerts/x/acknowledgement"),
    "/v1/deliveries/x/acknowledgement",
)
SURROGATE = b'{"by": "\\ud800", "reason": "\\udfff is no text"}'
BODIES = {
    "deep": b"[" * 100_000,
    "deep object": b'{"by":' * 50_000 + b"1" + b"}" * 50_000,
    "surrogate": SURROGATE,
    "surrogate key": b'{"\\ud83d": 1, "by": "x"}',
    "no UTF-8": b'{"by": "\xff\xfe"}',
    "NaN": b'{"by": NaN}',
    "huge number": b'{"by": ' + b"9" * 5_000 + b"}",
    "not an object": b"[1]",
    "empty": b"",
    "null": b"null",
    "NUL": b'{"by": "\\u0000", "reason": "A sentence with \\u0000 in it."}',
}


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_body_makes_a_write_fail_inside(client: TestClient, body: bytes) -> None:
    for address in WRITES:
        answer = client.post(address, content=body, headers=JSON)
        assert 400 <= answer.status_code < 500, (address, answer.text)
        assert set(answer.json()) == PROBLEM_KEYS and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["\ud800", "a\udcffb", "\x00", "\u202e", "𠮷" * 300, "%00", "..", "/" * 50])
def test_no_address_fails_inside(client: TestClient, text: str) -> None:
    written = quote(text.encode("utf-8", "surrogatepass"), safe="")
    templates = (
        *("employees/{}/risk", "employees/{}", "models/{}/at-risk", "disputes/{}"),
        *("targets?employee_id={}", "alerts?rule={}"),
    )
    for template in templates:
        answer = client.get(f"/v1/{template.format(written)}")
        assert answer.status_code < 500, (template, answer.text)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    body=some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    ),
    address=some.sampled_from(WRITES),
)
def test_no_json_makes_a_write_fail_inside(client: TestClient, body: object, address: str) -> None:
    answer = client.post(address, content=json.dumps(body).encode("utf-8", "surrogatepass"), headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    name=some.sampled_from(PARAMETERS),
    value=some.text(max_size=30),
    address=some.sampled_from(LISTS),
)
def test_no_query_fails_inside(client: TestClient, name: str, value: str, address: str) -> None:
    answer = client.get(f"/v1/{address}?{name}={quote(value.encode('utf-8', 'surrogatepass'), safe='')}")
    assert answer.status_code < 500, answer.text


@pytest.mark.slow
def test_an_empty_list_of_suggestions_is_an_answer_that_says_why(home: Path, client: TestClient) -> None:
    chosen = client.get("/v1/targets?employee_id=nobody").json()
    assert (chosen["targets"], chosen["why_empty"]["en"]) == (
        [],
        "none of the goals of that date is one of those asked for",
    )
    assert client.get("/v1/targets").json()["why_empty"] is None
    keep_suggestions(TARGETS.empty_table(), home, policy="target_adjustment", as_of=DAY)
    for address in ("targets", "escalations"):
        answer = client.get(f"/v1/{address}")
        assert (answer.status_code, answer.json()["why_empty"]["en"]) == (200, "no goal was in force at that date")
    assert client.get("/v1/employees/张伟").json()["targets"] == []


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 damaged PAR1"])
def test_a_damaged_file_of_suggestions_ends_nothing_else(home: Path, client: TestClient, content: bytes) -> None:
    (home / "suggestions" / "course_match" / f"{DAY}.parquet").write_bytes(content)
    assert client.get("/v1/employees/张伟/courses").status_code == 503
    person = client.get("/v1/employees/张伟").json()
    assert person["courses"] == [] and person["targets"] and len(person["missing"]) == 1
    assert person["missing"][0]["en"].startswith("course_match: ")
    sound = (
        "targets",
        "escalations",
        "priorities",
        "models/attrition/at-risk",
        "employees/张伟/risk",
        "adoption",
        "ready",
    )
    for address in sound:
        assert client.get(f"/v1/{address}").status_code == 200, address
    decision = {"verdict": "accept", "decided_by": "boss"}
    assert (
        client.post("/v1/suggestions/t1/decisions", json=decision, headers={"Idempotency-Key": "k"}).status_code == 200
    )
    assert (
        client.post("/v1/suggestions/none/decisions", json=decision, headers={"Idempotency-Key": "l"}).status_code
        == 503
    )


def test_the_schemas_have_rows(home: Path) -> None:
    """So that an empty file is empty in the schema of the engine."""
    assert isinstance(COURSES, pa.Schema) and len(TARGETS) > 10

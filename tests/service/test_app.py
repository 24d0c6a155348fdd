"""The service as a whole: whom it answers, what it imports, and whether it does what its OpenAPI document says."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from perfml.errors import PerfmlError
from perfml.learning.registry.artifacts import current_version
from perfml.learning.registry.promotion_requests import ask
from perfml.service.access.rules import RULES
from perfml.service.app import create_app, serve
from tests.goals.kept import keep_two
from tests.goals.kept_findings import keep_contacts, keep_metrics, keep_owed
from tests.outgoing.kept import keep_openings
from tests.scoring.personal.company import company
from tests.scoring.personal.company import keep as keep_rows
from tests.service.company import DAY, PROBLEM_KEYS
from tests.service.web.test_ahead import keep_ahead
from tests.service.web.test_policies import keep_flexible

POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
HEAVY = {"lightgbm", "sklearn", "shap", "pandas", "mlflow", "scipy", "numba", "duckdb"}
"""Packages that a process which only serves rows does not need."""
EVERY_ROUTE = """
import json, sys
from starlette.testclient import TestClient
from perfml.service.app import create_app
client = TestClient(create_app(sys.argv[1]), base_url="http://localhost")
routes = ["health", "models", "models/attrition", "models/attrition/at-risk?band=act", "openapi.json"]
routes += ["models/attrition/at-risk?segment=top", "employees/E1/risk", "targets", "priorities?capacity=3"]
routes += ["escalations", "employees/E1", "alerts", "notices", "adoption", "ready", "metrics", "audit/verification"]
routes += ["models/attrition/card", "models/attrition/fairness"]
routes += ["employees/%E5%BC%A0%E4%BC%9F/courses", "employees/no/risk"]
codes = [client.get("/v1/" + route).status_code for route in routes]
version = client.get("/v1/models/attrition").json()["version"]
codes += [client.get(page).status_code for page in ("/login", "/access/tokens", "/runs", f"/runs/attrition/{version}")]
codes += [client.get("/v1/models/attrition/" + part).status_code for part in ("runs", f"runs/{version}", "promotions")]
asked = {"key": "k" * 12, "reason": "because it was looked at by two people"}
codes.append(client.post(f"/runs/attrition/{version}/promotion", data=asked, follow_redirects=False).status_code)
requests = "/v1/models/attrition/promotion-requests"
(waiting,) = client.get(requests, params={"state": "waiting"}).json()["requests"]
judged = {"verdict": "approve", "by": "Li", "reason": asked["reason"]}
codes.append(client.post(f"{requests}/{waiting['request_id']}/decision", json=judged).status_code)
decision = {"verdict": "accept", "decided_by": "Li"}
codes.append(client.post("/v1/suggestions/t1/decisions", json=decision, headers={"Idempotency-Key": "k"}).status_code)
print(json.dumps([codes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.mark.slow
def test_the_process_imports_nothing_heavy(home: Path) -> None:
    run = subprocess.run([sys.executable, "-c", EVERY_ROUTE, str(home)], capture_output=True, text=True, check=True)
    codes, modules = json.loads(run.stdout)
    assert codes == [200] * 20 + [404] + [200] * 7 + [303, 200, 200]
    assert not HEAVY & set(modules)


@pytest.mark.slow
def test_it_starts_without_docstrings() -> None:
    subprocess.run([sys.executable, "-OO", "-c", "import perfml.service.app"], check=True)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "192.168.1.4", "example.com", "localhost.example.com", "127.0.0.1.nip.io", "2130706433"],
)
def test_other_machines_are_not_listened_to(tmp_path: Path, host: str) -> None:
    with pytest.raises(PerfmlError, match="would show people's scores to other machines") as refused:
        serve(tmp_path, host=host)
    assert "127.0.0.1" in refused.value.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_listened_to(tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, object] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **options: heard.update(options))
    serve(tmp_path, host=host, port=9000)
    assert (heard["host"], heard["port"], heard["access_log"]) == (host, 9000, False)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8321", "127.0.0.1", "127.0.0.1:8321", "[::1]", "[::1]:8321"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8321",
        "",
        "[::1].evil",
        "10.0.0.1",
        "localhost@evil",
    ],
)
def test_other_names_are_not(client: TestClient, host: str) -> None:
    answer = client.get("/v1/models/attrition/at-risk", headers={"host": host})
    assert answer.status_code == 400 and answer.json()["where"] == "Host"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "status"), [("10.1.2.3", 403), ("2001:db8::1", 403), ("127.0.0.1", 200), ("::1", 200)]
)
def test_requests_from_other_machines_are_refused_however_it_was_started(home: Path, address: str, status: int) -> None:
    asked = TestClient(create_app(home), base_url="http://localhost", client=(address, 5000))
    assert asked.get("/v1/health").status_code == status


@pytest.mark.parametrize(
    "address", ["health", "models/attrition/at-risk", "models/none", "nothing", "models/attrition/at-risk?limit=0"]
)
def test_no_answer_is_cached_or_read_as_another_content_type(client: TestClient, address: str) -> None:
    headers = client.get(f"/v1/{address}").headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/nothing", 404), ("POST", "/docs", 405), ("POST", "/v1/models", 405), ("GET", "/v1/models/", 404)],
)
def test_an_unknown_address_is_answered_as_a_problem(
    client: TestClient, method: str, address: str, status: int
) -> None:
    answer = client.request(method, address)
    assert answer.status_code == status
    assert set(answer.json()) == PROBLEM_KEYS


@pytest.mark.slow
def test_the_docs_name_every_address_and_load_nothing(client: TestClient) -> None:
    page = client.get("/docs")
    document = client.get("/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        assert path in page.text
        assert all(operation["summary"].split("'")[0] in page.text for operation in methods.values())
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text


@pytest.mark.slow
def test_the_docs_hold_parameters_bodies_answers_and_refusals(client: TestClient) -> None:
    page = client.get("/docs").text
    for text in ("manager_id", "offered_on", "escalation_id", "percent-encoded", "failed a gate"):
        assert text in page, text


@pytest.mark.slow
def test_summaries_are_written_by_a_person(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    summaries = [operation["summary"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(summaries)) == len(summaries)
    assert not [summary for summary in summaries if summary.split()[0] in ("Get", "Post") or len(summary) > 60]


@pytest.mark.slow
def test_requests_are_logged_without_personal_data(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="perfml.requests"):
        client.get("/v1/employees/张伟/risk?voice=hr")
        client.get("/v1/targets?employee_id=E1")
        client.get("/E1/nothing")
        client.get("/v1/health", headers={"host": "evil.example"})
    lines = [record.getMessage() for record in caplog.records if record.name == "perfml.requests"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "GET /v1/employees/{employee_id}/risk 200",
        "GET /v1/targets 200",
        "GET (other) 404",
        "GET (other) 400",
    ]


def test_a_failure_reveals_nothing_internal(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(store: object) -> None:
        raise RuntimeError("secret path")

    monkeypatch.setattr("perfml.service.routes.models.health", broken)
    answer = client.get("/v1/health")
    assert answer.status_code == 500 and answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == PROBLEM_KEYS and "secret" not in answer.text


NOT_DESCRIBED = {"GET /v1/disputes/{dispute_id}/proof"}
"""A file, whose content nothing describes."""


@pytest.mark.slow
def test_operations_have_stable_names_and_subjects(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    assert {"get_person_risk", "get_at_risk", "post_stop", "get_alerts"} <= set(names), "the names of the functions"
    assert {tag for each in operations for tag in each["tags"]} == {each["name"] for each in document["tags"]}


@pytest.mark.slow
def test_every_error_in_the_openapi_document_is_a_problem(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert described == {address for address in RULES if address not in NOT_DESCRIBED} | {"GET /v1/ready"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for status, answer in operation["responses"].items():
            problem = answer["content"].get("application/problem+json")
            assert (problem is None) == (status == "200")
            if problem is not None:
                assert len(answer["content"]) == 1
                assert problem["schema"]["$ref"].endswith("/Problem")
                assert {each["value"]["status"] for each in problem["examples"].values()} == {int(status)}


EXISTING = {"model": "attrition", "employee_id": "张伟", "suggestion_id": "t1", "evidence": "job"}
"""Names and ids that exist, so that not every request ends with 404."""


RARELY_RIGHT = {
    "/v1/interventions",
    "/v1/employees/{employee_id}/disputes",
    "/v1/disputes/{dispute_id}",
    "/v1/disputes/{dispute_id}/decision",
    "/v1/disputes/{dispute_id}/reviews",
    "/v1/holds/{hold_id}/release",
    "/v1/alerts/{alert_id}/acknowledgement",
    "/v1/deliveries/{source}/acknowledgement",
    "/v1/exports/{name}",
    "/v1/models/{model}/drift",
    "/v1/models/{model}/promotion-requests/{request_id}/decision",
    "/v1/team",
    "/v1/stop",
    "/v1/resume",
    "/v1/raters",
    "/v1/employees/{employee_id}/what-if",
}
"""Operations for which few draws make sense: a proof is a file, a reason a sentence, and nobody draws the id of a dispute."""


EXAMPLES = {POSITIVE: 25, NEGATIVE: 15}
"""Requests drawn for each operation; drawing one costs three times what sending it does."""


@pytest.mark.parametrize("mode", EXAMPLES, ids=["right", "wrong"])
@pytest.mark.slow
def test_the_service_does_what_its_document_says(
    home: Path, tmp_path_factory: pytest.TempPathFactory, mode: GenerationMode
) -> None:
    keep_rows(company(tmp_path_factory.mktemp("data"), e1=EXISTING["employee_id"]), home, as_of=DAY)
    keep_two(home, as_of=DAY, people=(EXISTING["employee_id"], "E2"))
    keep_metrics(home, as_of=DAY)
    keep_owed(home, as_of=DAY, people=(EXISTING["employee_id"], "E2"))
    keep_contacts(home, as_of=DAY)
    keep_ahead(home)
    keep_openings(home, as_of=DAY, people=(EXISTING["employee_id"], "E2"))
    keep_flexible(home)
    existing = EXISTING | _asked_for(home)
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", create_app(home), headers={"Host": "localhost"})
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    operations.sort(key=lambda each: each.method.upper() != "GET")  # a reason that is drawn may stop everything
    codes: dict[str, set[int]] = {}
    for operation in operations:
        codes.setdefault(operation.path, set()).update(_explore(operation, mode, existing))
    assert len(codes) == len(schema.raw_schema["paths"])
    if mode is POSITIVE:
        without = {path for path, seen in codes.items() if 200 not in seen}
        assert without <= RARELY_RIGHT


def _asked_for(home: Path) -> dict[str, str]:
    """A run, and a request to put it in force."""
    version = current_version(home, EXISTING["model"])
    asked = ask(home, EXISTING["model"], version, by="ada", reason="it was looked at", now=dt.datetime(2026, 9, 1))
    return {"version": version, "request_id": asked.request_id}


def _explore(operation: Operation, mode: GenerationMode, names: Mapping[str, str]) -> set[int]:
    """Send what the document allows (or forbids), compare every answer with it, and return the statuses seen.

    What it allows is sent as drawn and, where that makes a difference, once more about what exists.
    """
    codes: set[int] = set()

    def send(case: schemathesis.Case[Operation]) -> None:
        response = case.call(base_url="http://localhost")
        codes.add(response.status_code)
        assert response.status_code in (200, 400, 404, 405, 409, 422)
        # A conversation done before it was offered and a reason that is no sentence are refused: no JSON schema says so.
        # Nor does one say which cursors a list has given out, and U+0000 is refused everywhere.
        given_texts = [str(value) for part in (case.path_parameters, case.query) for value in (part or {}).values()]
        opaque = operation.method.upper() == "POST" or "cursor" in (case.query or {}) or "\0" in "".join(given_texts)
        free = [positive_data_acceptance] if opaque else []
        case.validate_response(response, excluded_checks=free)

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def explore(case: schemathesis.Case[Operation]) -> None:
        send(case)
        drawn = (case.path_parameters or {}, case.query or {})
        existing = tuple({name: names.get(name, value) for name, value in part.items()} for part in drawn)
        if mode is POSITIVE and existing != drawn:
            case.path_parameters, case.query = existing
            send(case)

    with contextlib.suppress(Unsatisfiable):  # nothing can be wrong in a request that has no parameters
        explore()
    return codes

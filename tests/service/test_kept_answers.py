"""Answers that are kept are those that a service without memory would give, after every change; and every read is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml import home_reads
from perfml.advice.decision_log import Decision, DecisionLog
from perfml.evidence.population.facts import PEOPLE
from perfml.messages import Message
from perfml.scoring.people.files import keep_people
from perfml.service.answers.people import PersonQuery, person_risk, person_risk_json
from perfml.service.app import create_app
from perfml.service.routes import people
from perfml.service.store import Store
from perfml.service.warming import Warming
from perfml.store.audit.chain import rows
from perfml.store.record_store import RecordStore
from perfml.trust.audit.verifying import verify
from perfml.trust.holds.hold_log import HoldLog
from tests.service.company import DAY, TARGET, keep, scored, train

ADDRESSES = (
    "/v1/employees/E1/risk",
    "/v1/employees/E1/risk?voice=manager",
    "/v1/employees/nobody/risk",
    "/v1/models/attrition/at-risk",
    "/v1/models/attrition/at-risk?limit=3",
    "/v1/models/attrition/at-risk?limit=3&band=none",
    "/v1/models/attrition",
    "/v1/models",
    "/v1/targets",
    "/v1/escalations",
    "/v1/holds",
    "/v1/health",
)


@pytest.fixture
def warm(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A service that keeps answers although its files are new."""
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 0.0)
    with TestClient(create_app(home), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def answers(client: TestClient) -> list[tuple[int, object]]:
    return [(response.status_code, _without_age(response.json())) for response in map(client.get, ADDRESSES)]


def _without_age(answer: object) -> object:
    """Without what the clock changes in between."""
    if isinstance(answer, dict):
        return {name: _without_age(value) for name, value in answer.items() if name != "age_hours"}
    return [_without_age(each) for each in answer] if isinstance(answer, list) else answer


def fresh(home: Path) -> list[tuple[int, object]]:
    """What a service answers that has answered nothing before."""
    with TestClient(create_app(home), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        return answers(client)


def test_an_answer_is_computed_once(warm: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    warm.get("/v1/employees/E2/risk")  # the first read makes the store
    asked: list[str] = []
    own = people.person_risk_json
    monkeypatch.setattr(people, "person_risk_json", lambda *given: asked.append(given[1]) or own(*given))
    first, second = (warm.get("/v1/employees/E1/risk?voice=manager") for _ in range(2))
    assert asked == ["E1"]
    assert first.headers.pop("x-request-id") != second.headers.pop("x-request-id")
    assert first.json() == second.json() and first.headers == second.headers
    warm.get("/v1/employees/E1/risk?horizon_days=91")
    assert asked == ["E1", "E1"]


def hold(home: Path) -> None:
    gap = Message.of("as_worded", text="a gap")
    HoldLog(home).set("employee:E1", cause="reconciliation", message=gap, on=DAY, since=DAY)


def score_again(home: Path) -> None:
    version = train(home, "attrition", {91: True, 182: False}, until="2026-08-01")
    keep(home, "attrition", version, [scored("E1", 1, probability=0.9), scored("E2", 2)])


def train_another(home: Path) -> None:
    train(home, "attrition", {91: False, 182: True}, until="2026-08-15")


def damage_scores(home: Path) -> None:
    path = home / "scores" / "attrition" / f"{DAY}.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_the_model(home: Path) -> None:
    for path in (home / "models" / "attrition").glob("*/model.json"):
        path.write_text(path.read_text(encoding="utf-8").replace("Risk", "risk", 1), encoding="utf-8")


def decide_on_a_target(home: Path) -> None:
    decision = Decision(suggestion_id=str(TARGET["suggestion_id"]), verdict="accept", decided_by="Ana")
    DecisionLog(home).decide(decision, key="k1")


def remove_scores(home: Path) -> None:
    (home / "scores" / "attrition" / f"{DAY}.parquet").unlink()


def rename_somebody(home: Path) -> None:
    facts = {"employee_id": ["E1"], "name": ["Anna"]}
    columns = [pa.array(facts.get(field.name, [None]), field.type) for field in PEOPLE]
    keep_people(pa.Table.from_arrays(columns, schema=PEOPLE), home, as_of=DAY)


def stop(home: Path) -> None:
    HoldLog(home).stop(by="Ana", reason="the ranks look wrong", on=DAY)


CHANGES = (
    *(hold, decide_on_a_target, score_again, train_another, rename_somebody),
    *(damage_scores, damage_the_model, remove_scores, stop),
)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_shows_at_the_next_request(home: Path, warm: TestClient, change: Callable[[Path], None]) -> None:
    before = answers(warm)
    assert before == answers(warm) == fresh(home)
    change(home)
    after = answers(warm)
    assert after == fresh(home)
    assert after != before, "the change would show"


@pytest.mark.slow
def test_every_read_is_recorded_and_the_chain_holds(home: Path, warm: TestClient) -> None:
    """Kept answers too, of many requests at once."""
    with ThreadPoolExecutor(8) as pool:
        statuses = [each.status_code for each in pool.map(lambda _: warm.get(ADDRESSES[0]), range(40))]
    assert statuses == [200] * 40
    with RecordStore(home).transaction() as connection:
        looks = [row for row in rows(connection) if row.action == "see GET /v1/employees/{employee_id}/risk"]
    assert len(looks) == 40 and all(len(row.pseudonyms) == 1 for row in looks)
    assert verify(home).whole


def test_nothing_is_shown_that_cannot_be_recorded(home: Path, warm: TestClient) -> None:
    assert warm.get(ADDRESSES[0]).status_code == 200
    key = home / "audit.key"
    key.write_text("0" * 64)
    refused = warm.get(ADDRESSES[0])
    assert refused.status_code == 500 and "E1" not in json.dumps(refused.json())


def test_texts_written_before_anybody_asks_are_those_that_an_answer_has(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 0.0)
    store, query = Store(home), PersonQuery()
    Warming(store).write(pause=0)
    _, file = store.scores("attrition")
    assert len(file.people) > 1, "so that the test can fail"
    for person in file.people:
        answer = person_risk(store, person, query)
        assert person_risk_json(store, person, query).body == answer.model_dump_json().encode()
        written = file.text(person, lambda: pytest.fail("written before"))
        assert written is not None and written.body in answer.model_dump_json().encode()


def test_texts_are_written_again_until_they_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warming = Warming(Store(home))
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 3600.0)
    assert not warming.write(pause=0)
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 0.0)
    assert warming.write(pause=0) and not warming.write(pause=0)


def test_whoever_is_withheld_has_no_text_of_before(home: Path) -> None:
    store = Store(home)
    Warming(store).write(pause=0)
    before = person_risk_json(store, "E1", PersonQuery()).body
    hold(home)
    assert b'"held"' in person_risk_json(store, "E1", PersonQuery()).body and b'"held"' not in before

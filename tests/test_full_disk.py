"""On a disk that is really full what cannot be written is refused in one sentence, and everything can still be read."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from benchmarks._ingest_faults import ROWS, take
from perfml.advice.decision_log import Decision, DecisionLog
from perfml.cli import LATER
from perfml.errors import DiskFull
from perfml.messages import Message
from perfml.scoring.people.files import keep_people
from perfml.service.app import create_app
from perfml.store.record_store import RecordStore
from perfml.store.tables import ENTRIES
from perfml.trust.audit.checkpoints import write_checkpoint
from perfml.trust.audit.history import history_of
from perfml.trust.audit.verifying import verify
from perfml.trust.holds.hold_log import HoldLog
from tests.full_disk import fill, make_space, small_disk
from tests.service.company import DAY, advise, keep, scored, train

pytestmark = pytest.mark.slow
MODEL = "attrition"
READS = (
    f"/v1/models/{MODEL}/at-risk",
    "/v1/priorities",
    "/v1/employees/E1",
    "/v1/employees/E1/risk",
    "/v1/targets",
    "/v1/holds",
    "/v1/health",
)
PROOF = {"name": "letter.txt", "content_base64": base64.b64encode(b"page\n" * 4000).decode()}
DISPUTE = {"table": "reviews", "key": "r1", "right": {"rating": "4"}, "filed_by": "E1"}
POSTS = {
    "/v1/suggestions/t1/decisions": {"verdict": "accept", "decided_by": "Ana"},
    "/v1/interventions": {"employee_id": "E1", "kind": "talk", "offered_on": "2026-09-02", "status": "offered"},
    "/v1/employees/E1/disputes": DISPUTE,
    "/v1/employees/E2/disputes": {**DISPUTE, "filed_by": "E2", "proof": PROOF},
    "/v1/stop": {"by": "Ana", "reason": "the ranks look wrong"},
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB with a home on it."""
    with small_disk(tmp_path / "disk", megabytes=4) as folder:
        home = folder / "home"
        version = train(home, MODEL, {91: True}, segments={})
        keep(home, MODEL, version, [scored(f"E{n}", n, band="act") for n in range(1, 40)])
        advise(home)
        keep_people(people(), home, as_of=DAY)
        take(home, ROWS[:4])
        yield folder


def people() -> pa.Table:
    names = dict.fromkeys(("name", "manager_id", "manager_name", "location"))
    facts = {**names, "department": "South", "role_family": "sales", "level": 3, "tenure_days": 400}
    return pa.Table.from_pylist([{"employee_id": f"E{n}", **facts} for n in range(1, 40)])


def writers(home: Path) -> dict[str, Callable[[], object]]:
    """What is written -> how."""
    (version,) = (path.name for path in (home / "models" / MODEL).iterdir() if path.is_dir())
    rows = [scored(f"E{n}", n, band="act") for n in range(1, 40)]
    text = Message.of("as_worded", text="a gap")
    return {
        "scores": lambda: keep(home, MODEL, version, rows, as_of=DAY + dt.timedelta(days=30)),
        "model": lambda: train(home, "other", {91: True}, segments={}),
        "packet": lambda: take(home, ROWS[4:]),
        "hold": lambda: HoldLog(home).set("employee:E9", cause="reconciliation", message=text, on=DAY),
        "decision": lambda: DecisionLog(home).decide(
            Decision(suggestion_id="t1", verdict="refuse", decided_by="Ana", reason="it would be too easy"), key="k"
        ),
        "checkpoint": lambda: write_checkpoint(home, now=dt.datetime(2026, 9, 2, tzinfo=dt.UTC)),
    }


def contents(home: Path) -> dict[str, bytes]:
    """Every file but the database, whose own files come and go."""
    files = (path for path in home.rglob("*") if path.is_file() and not path.name.startswith("store.sqlite"))
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in files if path.parent.name != "audit"}


def entries(home: Path) -> dict[str, list[str]]:
    return {table.name: [entry.key for entry in RecordStore(home).read(table)] for table in ENTRIES}


def looks(home: Path, person: str) -> list[str]:
    return [event.action for event in history_of(home, person) if event.action.startswith("see GET")]


def client_of(home: Path) -> TestClient:
    return TestClient(create_app(home), base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


def test_what_cannot_be_written_is_refused_and_nothing_is_half_there(disk: Path) -> None:
    home = disk / "home"
    before, stored = contents(home), entries(home)
    fill(disk)
    for name, write in writers(home).items():
        with pytest.raises(DiskFull) as refused:
            write()
        assert refused.value.where.startswith(str(home)) and "make room on the disk" in refused.value.remedy, name
        assert contents(home) == before, name
        assert entries(home) == stored, name
    command = [sys.executable, "-m", "perfml.cli", "stop", "--by", "Ana", "--reason", "the ranks look wrong"]
    ended = subprocess.run([*command, "--home", str(home)], capture_output=True, text=True, check=False)
    assert ended.returncode == LATER and "no space left" in ended.stderr and "Traceback" not in ended.stderr
    make_space(disk)
    for write in writers(home).values():
        write()
    assert verify(home).whole
    assert {name: len(keys) - len(stored[name]) for name, keys in entries(home).items() if keys != stored[name]} == {
        "decisions": 1,
        "deliveries": 1,
        "holds": 1,
    }


def test_the_service_answers_and_stores_nothing(disk: Path) -> None:
    home = disk / "home"
    client = client_of(home)
    answers = {address: client.get(address) for address in READS}
    assert {answer.status_code for answer in answers.values()} == {200}
    before, stored = contents(home), entries(home)
    fill(disk)
    for asked in (client, client_of(home)):  # another one has read nothing before
        for address in READS:
            assert asked.get(address).json() == answers[address].json(), address
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: len(HoldLog(home).active()), range(100))) == {0}, "readers wait for each other"
    for address, body in POSTS.items():
        refused = client.post(address, json=body, headers={"Idempotency-Key": address})
        assert refused.status_code == 507, (address, refused.text)
        assert "make room on the disk" in refused.json()["en"] and "磁盘已满" in refused.json()["zh"]
        assert str(disk) not in refused.text
    assert contents(home) == before
    assert entries(home) == stored
    naming = len(looks(home, "E1"))
    assert naming == 4, "the looks of before, at the addresses that name E1"
    make_space(disk)
    for address, body in POSTS.items():
        assert client.post(address, json=body, headers={"Idempotency-Key": address}).status_code == 200, address
    assert client.get("/v1/employees/E1/risk").json()["rows"][0]["status"] == "held"
    assert verify(home).whole
    assert len(looks(home, "E1")) == 3 * naming + 1, "those of the full disk are recorded late"

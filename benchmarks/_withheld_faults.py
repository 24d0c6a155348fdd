"""How long a warm service still says a disputed fact: disputes are filed by itself and by another process in turn."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa
from starlette.testclient import TestClient

from perfml.project.spec import DisputeRules
from perfml.scoring.people.files import keep_people
from perfml.service.app import create_app
from perfml.trust.disputes.dispute_log import DisputeLog
from tests.service.company import DAY, keep, scored, train

PEOPLE = 500
LIST, PERSON = "/v1/models/attrition/at-risk?limit=500", "/v1/employees/{}/risk"


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of one dispute."""

    filing: float
    """Until it was acknowledged."""
    clock: float
    """From then until the list and the person were answered without the score."""
    cpu: float
    """The same in processor time of the service."""


def measure(home: Path, *, times: int) -> tuple[list[Latency], list[str]]:
    """File ``times`` disputes, each against a service that has just answered; return their latencies, and what was still said."""
    _company(home)
    client = TestClient(create_app(home), base_url="http://127.0.0.1:8321")
    parent, child = get_context("spawn").Pipe()
    other = get_context("spawn").Process(target=_file, args=(home, child), daemon=True)
    other.start()
    parent.send("E0")  # it is up before anything is measured
    parent.recv()
    latencies, wrong = [], []
    time.sleep(1.1)  # a file just written is verified at every reading
    for number in range(1, times + 1):
        person = f"E{number}"
        if not all(_says(client, person)):
            wrong.append(f"{person} is not in the warm answers")
        began = time.perf_counter()
        if number % 2:
            parent.send(person)
            parent.recv()
        else:
            body = {"table": "reviews", "key": person, "right": {"rating": "4"}, "filed_by": person}
            client.post(f"/v1/employees/{person}/disputes", json=body, headers={"Idempotency-Key": person})
        filed, cpu = time.perf_counter(), time.process_time()
        still = _says(client, person)
        latencies.append(
            Latency(filing=filed - began, clock=time.perf_counter() - filed, cpu=time.process_time() - cpu)
        )
        if any(still):
            wrong.append(f"{person} is still said by the list or the person: {still}")
    parent.send(None)
    other.join()
    return latencies, wrong


def _says(client: TestClient, person: str) -> tuple[bool, bool]:
    """Whether the list, and the answer about ``person``, say their score."""
    listed = {each["employee_id"] for each in client.get(LIST).json()["people"]}
    row = client.get(PERSON.format(person)).json()["rows"][0]
    return person in listed, row["probability"] is not None


def _file(home: Path, pipe: Connection) -> None:
    """Another process: file a dispute for everyone who is named."""
    log = DisputeLog(home, DisputeRules())
    while (person := pipe.recv()) is not None:
        log.file(
            person, table="reviews", key=person, right={}, by=person, on=dt.date(2026, 9, 2), idempotency_key=person
        )
        pipe.send("filed")


def _company(home: Path) -> None:
    version = train(home, "attrition", {91: True}, segments={})
    names = [f"E{n}" for n in range(PEOPLE)]
    keep(home, "attrition", version, [scored(name, rank, band="act") for rank, name in enumerate(names, 1)])
    facts = {**dict.fromkeys(("name", "manager_id", "manager_name", "location")), "department": "South"}
    rows = [{"employee_id": name, **facts, "role_family": "sales", "level": 3, "tenure_days": 400} for name in names]
    keep_people(pa.Table.from_pylist(rows), home, as_of=DAY)

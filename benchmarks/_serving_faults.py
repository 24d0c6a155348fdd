"""Killing the server of the service while it is written to: whatever it acknowledged is in the store, once."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from perfml.service.serving.health_check import is_answering
from perfml.store.record_store import RecordStore
from perfml.store.tables import INTERVENTIONS
from perfml.trust.audit.verifying import verify
from tests.service.company import keep, scored, train

PEOPLE = [f"E{n}" for n in range(20)]
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90


@dataclass
class ServingOutcome:
    """What came of the kills."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Idempotency key → person, of writes that were answered with success."""
    repeated: int = 0
    """Attempts that got no answer, and were sent again under the same key."""
    slowest: float = 0.0
    """Seconds until a server that was started again answers."""
    wrong: list[str] = field(default_factory=list)


def kill_servers(home: Path, *, times: int, seed: int, writers: int = 8) -> ServingOutcome:
    """Start the server, let ``writers`` write, kill it at a random moment, and start it again, ``times`` times."""
    version = train(home, "attrition", {91: True})
    keep(home, "attrition", version, [scored(person, rank, band="act") for rank, person in enumerate(PEOPLE, 1)])
    outcome, chance, ended = ServingOutcome(), random.Random(seed), threading.Event()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    threads = [threading.Thread(target=_write, args=[port, n, outcome, ended]) for n in range(writers)]
    server = _started(home, port, outcome)
    for thread in threads:
        thread.start()
    try:
        for _ in range(times):
            time.sleep(chance.uniform(0.2, 1.5))
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = _started(home, port, outcome)
        time.sleep(1)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    outcome.wrong += _faults(home, outcome.acknowledged)
    return outcome


def _started(home: Path, port: int, outcome: ServingOutcome) -> subprocess.Popen[bytes]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "perfml.cli", "serve", "--home", str(home), "--port", str(port)]
    with (home.parent / "log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log, stderr=log)
    while not is_answering(port):
        if server.poll() is not None or time.perf_counter() - began > START_SECONDS:
            server.kill()
            raise RuntimeError((home.parent / "log").read_text(encoding="utf-8")[-2000:])
        time.sleep(0.05)
    outcome.slowest = max(outcome.slowest, time.perf_counter() - began)
    return server


def _write(port: int, writer: int, outcome: ServingOutcome, ended: threading.Event) -> None:
    """Send interventions, each under its own key until it is answered."""
    number = 0
    while not ended.is_set():
        key, person = f"w{writer}-{number}", PEOPLE[number % len(PEOPLE)]
        body = {"employee_id": person, "kind": key, "offered_on": "2026-10-01", "status": "offered"}
        status = _posted(port, key, json.dumps(body).encode())
        if status is None:
            outcome.repeated += 1
            time.sleep(0.05)
            continue
        if 200 <= status < 300:
            outcome.acknowledged[key] = person
        else:
            outcome.wrong.append(f"{key} is answered {status}")
        number += 1


def _posted(port: int, key: str, body: bytes) -> int | None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/interventions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _faults(home: Path, acknowledged: dict[str, str]) -> list[str]:
    """What was acknowledged and is lost, and what is stored twice or for somebody else."""
    entries = RecordStore(home).read(INTERVENTIONS)
    stored = {str(each.entry["kind"]): each.subject for each in entries}
    wrong = [f"{key} is lost" for key in acknowledged if key not in stored]
    wrong += [f"{key} is of {stored[key]}" for key in acknowledged.keys() & stored if stored[key] != acknowledged[key]]
    counts = Counter(str(each.entry["kind"]) for each in entries)
    wrong += [f"{kind} is stored {count} times" for kind, count in counts.items() if count > 1]
    return wrong + [f"audit log: {finding}" for finding in verify(home).findings]

"""Writers of decisions, holds and packets while their PostgreSQL is restarted, and what is wrong with what is stored then."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks._ingest_faults import event, take
from perfml.advice.decision_log import Decision, DecisionLog
from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.store.record_store import RecordStore
from perfml.store.tables import DECISIONS, DELIVERIES, HOLDS
from perfml.trust.audit.verifying import verify
from perfml.trust.deliveries.packet_files import content_hash_of
from perfml.trust.holds.hold_log import HoldLog
from tests.postgresql import restart

DAY = dt.date(2026, 9, 1)
PAUSE_SECONDS = 0.05
"""Before an entry that was refused is sent again."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of the writers."""

    acknowledged: int
    refused: int
    """Attempts that ended in an error that says what to do; each was repeated under the same key."""
    slowest: float
    """Seconds from the first attempt to store an entry until it was acknowledged."""
    wrong: list[str]


def decide(home: Path, number: int) -> None:
    DecisionLog(home).decide(Decision(suggestion_id=f"s{number}", verdict="accept", decided_by="Ana"), key=f"k{number}")


def hold(home: Path, number: int) -> None:
    text = Message.of("as_worded", text="a gap")
    HoldLog(home).set(f"employee:e{number}", cause="reconciliation", message=text, on=DAY)


def send(home: Path, number: int) -> None:
    take(home, [event(number)])


VERBS: dict[str, Callable[[Path, int], None]] = {"decision": decide, "hold": hold, "packet": send}


class _Writer:
    """Enters one thing after another, each again and again until it is acknowledged."""

    def __init__(self, home: Path, what: str, first: int) -> None:
        self.home, self.what, self.first = home, what, first
        self.acknowledged: list[int] = []
        self.refused, self.slowest = 0, 0.0

    def run(self, ended: threading.Event) -> None:
        while not ended.is_set():
            number = self.first + len(self.acknowledged)
            began = time.perf_counter()
            while not self._entered(number):
                time.sleep(PAUSE_SECONDS)
            self.slowest = max(self.slowest, time.perf_counter() - began)
            self.acknowledged.append(number)

    def _entered(self, number: int) -> bool:
        try:
            VERBS[self.what](self.home, number)
        except PerfmlError:
            self.refused += 1
            return False
        return True


def write_while_restarting(
    home: Path, server: str, *, restarts: int, writers: int = 2, seconds: float = 0.5
) -> Outcome:
    """Let ``writers`` of each kind write to the store of ``home``, whose URL names a database of ``server``, and restart it every
    few ``seconds``. An error that is none of perfml's is raised."""
    decide(home, 0)  # the store is made
    ended = threading.Event()
    crew = [_Writer(home, what, (1 + n) * 1_000_000) for what in VERBS for n in range(writers)]
    with ThreadPoolExecutor(len(crew)) as pool:
        running = [pool.submit(writer.run, ended) for writer in crew]
        try:
            for _ in range(restarts):
                time.sleep(seconds)
                restart(server)
            time.sleep(seconds)
        finally:
            ended.set()
        for each in running:
            each.result()
    return Outcome(
        acknowledged=sum(len(writer.acknowledged) for writer in crew),
        refused=sum(writer.refused for writer in crew),
        slowest=max(writer.slowest for writer in crew),
        wrong=faults(
            home, {what: [n for writer in crew if writer.what == what for n in writer.acknowledged] for what in VERBS}
        ),
    )


def faults(home: Path, acknowledged: dict[str, list[int]]) -> list[str]:
    """What was acknowledged and is not stored once, what is stored and was not acknowledged, and what the audit log misses."""
    store = RecordStore(home)
    stored = {
        "decision": Counter(entry.subject for entry in store.read(DECISIONS) if entry.key != "k0"),
        "hold": Counter(entry.subject for entry in store.read(HOLDS)),
        "packet": Counter(str(entry.entry["packet"]) for entry in store.read(DELIVERIES)),
    }
    named = {
        "decision": lambda number: f"s{number}",
        "hold": lambda number: f"employee:e{number}",
        "packet": lambda number: content_hash_of([event(number)], "events"),
    }
    wrong = [str(finding) for finding in verify(home).findings]
    for what, numbers in acknowledged.items():
        wanted = Counter(named[what](number) for number in numbers)
        wrong += [f"lost: {what} {name}" for name in wanted - stored[what]]
        wrong += [f"too many: {what} {name}" for name in stored[what] - wanted]
    return wrong

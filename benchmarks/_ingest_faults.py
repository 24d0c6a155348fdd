"""Packets that come twice, shuffled, cut differently and interrupted: what the faults and their short tests share."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from perfml.evidence.fingerprint import fingerprint
from perfml.evidence.sources import open_data
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.table_spec import TableSpec
from perfml.trust.deliveries.inbox import inbox, receipts, receive
from perfml.trust.deliveries.packet_files import Row, content_hash_of

NOW, TODAY = dt.datetime(2025, 3, 20), dt.date(2025, 6, 1)
LONGEST_RUN_SECONDS = 0.6
"""A receiver is killed at a random moment within so many seconds."""


@cache
def tables() -> dict[str, TableSpec]:
    """The input contract that perfml ships."""
    return dict(ProjectFolder(STARTER).definitions.tables)


def event(number: int, *, value: str = "1", known: str = "2025-03-15 00:00:00") -> Row:
    """A row of the log."""
    return {
        "event_id": f"w{number}",
        "employee_id": f"e{number % 2 + 1}",
        "happened_at": f"2025-03-{10 + number % 5} 10:00:00",
        "kind": "order",
        "value": value,
        "known_at": known,
    }


ROWS = [event(n) for n in range(12)]
RETRACTED = [event(n, value="0", known="2025-03-18 00:00:00") for n in (3, 7)]
"""A retraction has the key of its row, and a later ``known_at``."""


def permutation(seed: int) -> list[list[Row]]:
    """The rows and their retractions as packets: cut anywhere, shuffled, some of them twice, in any order."""
    chance = random.Random(seed)
    rows = [*ROWS, *RETRACTED, *chance.sample(ROWS, 5)]
    chance.shuffle(rows)
    cuts = sorted(chance.sample(range(1, len(rows)), 3))
    packets = [rows[low:high] for low, high in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    again = [chance.sample(packet, len(packet)) for packet in chance.sample(packets, 2)]
    return chance.sample([*packets, *again], len(packets) + 2)


def company(folder: Path) -> Path:
    """A company that has lost its log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "employees.csv").write_text("employee_id,hired_on\ne1,2020-01-01\ne2,2020-01-01\n", encoding="utf-8")
    (folder / "events.csv").write_text(
        "event_id,employee_id,happened_at,kind\nv0,e1,2025-03-01,order\n", encoding="utf-8"
    )
    return folder


def take(home: Path, rows: Sequence[Row]) -> None:
    """Receive a packet."""
    receive(home, "crm", rows, table="events", spec=tables()["events"], at=NOW)


def state_hash(home: Path, data: Path) -> str:
    """The fingerprint of all usable rows: those of the tables, and those of the packets."""
    with open_data(data, tables(), inbox=inbox(home), today=TODAY) as opened:
        return fingerprint(opened, until=TODAY)


def permute(folder: Path, *, times: int) -> list[str]:
    """Receive ``times`` permutations, each in a home of its own; return those that end in another state."""
    data = company(folder / "data")
    take(folder / "plain", [*ROWS, *RETRACTED])
    wanted, wrong = state_hash(folder / "plain", data), []
    for seed in range(times):
        for packet in permutation(seed):
            take(folder / str(seed), packet)
        if state_hash(folder / str(seed), data) != wanted:
            wrong.append(f"permutation {seed} ends in another state")
    return wrong


def kill_receivers(folder: Path, *, times: int, seed: int) -> tuple[int, float, list[str]]:
    """Kill a receiver ``times`` times at a random moment, each time going on where the one before ended.

    Return the number of packets acknowledged, the longest time in seconds to read the inbox after a kill, and what was lost,
    half or altered.
    """
    home, data, chance = folder / "home", company(folder / "data"), random.Random(seed)
    take(home, _packet(0))  # the store is made: to make it takes longer than a receiver lives
    acknowledged, wrong, slowest = {0}, [], 0.0
    for kill in range(times):
        first = max(acknowledged, default=-1) + 1 - (kill % 5 == 4)  # now and then a packet comes again
        acknowledged |= _killed(_receive_from(home, max(0, first)), chance)
        began = time.perf_counter()
        stored = {receipt.packet: receipt.rows for receipt in receipts(home)}
        inbox(home)
        slowest = max(slowest, time.perf_counter() - began)
        lost = [n for n in acknowledged if content_hash_of(_packet(n), "events") not in stored]
        wrong += [f"kill {kill}: packet {n} was acknowledged and is lost" for n in lost]
    plain = folder / "plain"
    for number in range(max(acknowledged, default=0) + 2):
        take(home, _packet(number))
        take(plain, _packet(number))
    if state_hash(home, data) != state_hash(plain, data):
        wrong.append("the state differs from that of receivers that nobody killed")
    return len(acknowledged), slowest, wrong


def _packet(number: int) -> list[Row]:
    return [event(number * 100 + n) for n in range(20)]


def _receive_from(home: Path, number: int) -> Callable[[int], None]:
    def run(pipe: int) -> None:
        for each in range(number, number + 10_000):
            take(home, _packet(each))
            os.write(pipe, f"{each}\n".encode())

    return run


def _killed(receiver: Callable[[int], None], chance: random.Random) -> set[int]:
    """Fork a receiver, kill it, and return the packets that it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            receiver(writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(chance.uniform(0, LONGEST_RUN_SECONDS))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().split(b"\n")
    return {int(line) for line in lines if line}

"""A writer of holds and disputes is killed at a random moment; what it had acknowledged must be there, and whole."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import time
from pathlib import Path

from perfml.messages import Message
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.covering import Unit
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import posts
from tests.trust.disputes.case import RULES

DAY = dt.date(2026, 9, 1)
WHY = "somebody has looked into it"
LINES = [{"boss": Unit(), "hr": Unit()}]


def write(home: Path, run: int, acknowledged: int) -> None:
    """Enter holds and disputes without end; each is written to the pipe ``acknowledged`` after its verb has returned."""
    log, disputes = HoldLog(home), DisputeLog(home, RULES)
    number = 0
    while True:
        name = f"{run}-{number}"
        hold = log.set(
            f"department:{name}", cause="stop", message=Message.of("as_worded", text="a gap"), on=DAY, by="Ana"
        )
        os.write(acknowledged, f"hold {hold.hold_id}\n".encode())
        dispute = disputes.file(
            f"e{name}", table="reviews", key=name, right={}, by=f"e{name}", on=DAY, idempotency_key=name
        )
        os.write(acknowledged, f"dispute {dispute.dispute_id}\n".encode())
        disputes.decide(dispute.dispute_id, "rejected", by="hr", reason=WHY, on=DAY, lines=LINES)
        os.write(acknowledged, f"decision {dispute.dispute_id}\n".encode())
        log.release(hold.hold_id, by="Ana", reason=WHY, on=DAY)
        os.write(acknowledged, f"release {hold.hold_id}\n".encode())
        number += 1


def kill_one(home: Path, run: int, chance: random.Random) -> tuple[list[str], float]:
    """Let a process write and kill it; return what it had acknowledged, and the seconds until the store answers again."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            write(home, run, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(chance.uniform(0.02, 0.4))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        acknowledged = pipe.read().splitlines()
    began = time.perf_counter()
    HoldLog(home).active()
    return acknowledged, time.perf_counter() - began


def faults(home: Path, acknowledged: list[str]) -> list[str]:
    """What was acknowledged and is lost, and what is half there."""
    holds = {hold.hold_id: hold for hold in HoldLog(home).state().holds}
    disputes = {dispute.dispute_id: dispute for dispute in DisputeLog(home, RULES).disputes()}
    subjects = {post.subject for post in posts(home)}
    wrong = []
    for line in acknowledged:
        what, name = line.split()
        there_now = {
            "hold": name in holds,
            "release": name in holds and not holds[name].active,
            "dispute": name in disputes,
            "decision": name in disputes and disputes[name].state == "rejected",
        }
        wrong += [] if there_now[what] else [f"lost: {line}"]
    for dispute in disputes.values():
        hold = holds.get(dispute.hold_id)
        if hold is None or hold.active != (dispute.state == "open") or f"dispute {dispute.dispute_id}" not in subjects:
            wrong.append(f"half: dispute {dispute.dispute_id}")
    of_disputes = {dispute.hold_id for dispute in disputes.values()}
    wrong += [
        f"half: {hold_id}" for hold_id, hold in holds.items() if hold.cause == "dispute" and hold_id not in of_disputes
    ]
    return wrong

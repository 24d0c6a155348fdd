"""Looks of alerts at random days, in random order, repeated: one state, nothing told twice within a cooldown."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import defaultdict
from pathlib import Path

from perfml.store.record_store import RecordStore
from perfml.store.tables import ALERTS
from perfml.trust.alerts.folding import fold
from perfml.trust.outbox import posts
from tests.trust.alerts.test_folding import COOLDOWN, PEOPLE, Days, run

STATES = ("true", "false", "unknown")


def shuffle(folder: Path, *, times: int, seed: int) -> tuple[int, list[str]]:
    """Enter ``times`` random sequences of looks in order and shuffled; the number of looks, and what went wrong."""
    chance, wrong, looks = random.Random(seed), [], 0
    for number in range(times):
        days: Days = {
            week: {who: chance.choice(STATES) for who in PEOPLE}
            for week in chance.sample(range(40), chance.randint(2, 10))
        }
        order = [*days, *chance.choices(list(days), k=3)]
        chance.shuffle(order)
        looks += len(order)
        homes = folder / "ordered", folder / "shuffled"
        if run(days, sorted(days), homes[0]) != run(days, order, homes[1]):
            wrong.append(f"alerts, sequence {number}: another order is another state")
        entries = RecordStore(homes[1]).read(ALERTS)
        if fold(chance.sample(entries, len(entries))) != fold(entries):
            wrong.append(f"alerts, sequence {number}: another order of arrival is another state")
        for home in homes:
            wrong += [f"alerts, sequence {number}: {who} is told again after {gap} days" for who, gap in _again(home)]
            shutil.rmtree(home)
    return looks, wrong


def _again(home: Path) -> list[tuple[str, int]]:
    """Who is told again within the cooldown, after how many days."""
    sent: dict[tuple[str, ...], list[dt.date]] = defaultdict(list)
    for post in posts(home):
        _, event, _, who, day, reader = post.key.split("/")
        sent[event, who, reader].append(dt.date.fromisoformat(day))
    pairs = [(key[1], (b - a).days) for key, d in sent.items() for a, b in zip(sorted(d), sorted(d)[1:], strict=False)]
    return [(who, gap) for who, gap in pairs if gap <= COOLDOWN]

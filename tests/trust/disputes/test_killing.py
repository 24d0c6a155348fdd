"""Nothing that was acknowledged is lost, and nothing is half there, when a writer of holds and disputes is killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from perfml.store.record_store import RecordStore
from perfml.store.tables import DISPUTES
from tests.trust.disputes.killing import faults, kill_one


@pytest.mark.slow
def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    """A short form of ``python3 run.py benchmark faults writes``."""
    chance, acknowledged = random.Random(7), []
    for run in range(6):
        acknowledged += kill_one(tmp_path, run, chance)[0]
    assert acknowledged and faults(tmp_path, acknowledged) == []
    assert faults(tmp_path, ["hold no-such-hold"]) == ["lost: hold no-such-hold"]
    assert RecordStore(tmp_path).read(DISPUTES)

"""Damaged files are never answered from, and a killed publisher leaves the old or the new: the short form of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks._file_faults import flip_bits, kill_publishers
from perfml.learning.registry.promotion import promote
from tests.service.company import advise, keep, scored, train, without

PERSON = "张伟"


@pytest.mark.slow
def test_no_damage_changes_an_answer(tmp_path: Path) -> None:
    home = tmp_path / "home"
    version = train(home, "attrition", {91: True}, segments={})
    keep(home, "attrition", version, [scored(PERSON, 1, band="act"), scored("e2", 2), without("e3", "thin")])
    advise(home)
    promote(home, "attrition", approver="Li Na", reason="Better than the baseline.")
    refused, wrong = flip_bits(home, times=12, seed=3, person=PERSON, out=tmp_path)
    assert wrong == []
    assert refused > 8, "a damage that nobody notices proves nothing"


@pytest.mark.slow
def test_a_killed_publisher_leaves_nothing_half(tmp_path: Path) -> None:
    begun, wrong = kill_publishers(tmp_path, times=8, seed=3)
    assert wrong == []
    assert begun > 1

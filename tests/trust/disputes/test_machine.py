"""In any order of disputes, decisions, holds, stops and new scores nothing is said that may not be, and nobody else is held."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.trust.disputes.machine import Disputes


@pytest.mark.slow
def test_no_disputed_fact_leaks() -> None:
    """A short form of ``python3 run.py benchmark faults disputes``."""
    Disputes.compared.clear()
    run_state_machine_as_test(Disputes, settings=settings(max_examples=6, stateful_step_count=8, deadline=None))
    read = Disputes.compared
    assert all(read[state] for state in ("undisputed", "open", "held", "not held", "quoted")), read

"""A PostgreSQL that is restarted under load loses nothing that was acknowledged, and nothing is stored twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfml.store.opening import URL_VARIABLE
from tests.postgresql import new_database, postgresql_server
from tests.store.restarting import decide, faults, write_while_restarting


@pytest.mark.slow
def test_a_restarted_server_loses_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short form of ``python3 run.py benchmark faults restart``."""
    home = tmp_path / "home"
    with postgresql_server() as server:
        monkeypatch.setenv(URL_VARIABLE, new_database(server))
        outcome = write_while_restarting(home, server, restarts=2)
        assert outcome.wrong == []
        assert outcome.refused, "the writers did not notice the restarts"
        decide(home, 7)
        known = {"decision": [7, 8]}
        assert "lost: decision s8" in faults(home, known) and "lost: decision s7" not in faults(home, known)

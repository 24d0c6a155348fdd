"""Property tests draw the same examples at every run; the simulated company is made and learnt from once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.simulated import Simulated, simulated

settings.register_profile(
    "perfml",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("perfml")


@pytest.fixture(autouse=True)
def no_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test logs to a server that the machine, or another test, has named."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def company_of_500(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A simulated company of 500 people with both models trained and scored at its last day."""
    folder: Path = tmp_path_factory.mktemp("simulated")
    return simulated(folder)

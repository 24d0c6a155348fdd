"""Property tests draw the same examples at every run; the simulated company is made and trained on once a run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.simulated import Simulated, simulated

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")  # tests run beside each other already

settings.register_profile(
    "perfml",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("perfml")


LONGEST = (
    "test_readme.py",
    "test_notebooks.py",
    "test_thin_companies.py",
    "test_browser.py",
    "test_exports.py",
    "test_no_future.py",
    "test_app.py",
    "test_cli.py",
    "test_evaluation.py",
    "test_recipes.py",
    "test_site.py",
    "test_canaries.py",
    "test_drift.py",
    "test_bad_input.py",
    "test_route_matrix.py",
    "test_simulated_company.py",
    "test_classifier.py",
    "test_audit.py",
    "test_damaged_files.py",
)
"""The longest files, begun first: at the end, one of them would keep one worker busy and leave the others idle. Of the first two
one makes the trained company, for which the other would only wait if it needed it too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever needs the trained company as slow; begin with the longest files."""
    for item in items:
        if "company_of_500" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def no_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test logs to a server that the machine, or another test, has named."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def company_of_500(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A simulated company of 500 people with both models trained and scored at its last day.

    The first worker to ask makes it, behind a file lock, and the others read what it has made.
    """
    base = tmp_path_factory.getbasetemp()
    folder: Path = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "company_of_500"
    record = folder / "simulated.pickle"
    with FileLock(f"{folder}.lock"):
        if not record.is_file():
            folder.mkdir(exist_ok=True)
            record.write_bytes(pickle.dumps(simulated(folder)))
    company: Simulated = pickle.loads(record.read_bytes())
    return company

"""MLflow's pages: the command that opens them, or what to install and where the runs lie."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from perfml.errors import ModelError
from perfml.learning.registry import mlflow_pages
from perfml.learning.registry.mlflow_pages import pages_command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a tracking store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").touch()
    return tmp_path


def installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def version(package: str) -> str:
        if package not in packages:
            raise PackageNotFoundError(package)
        return "3.17.2"

    monkeypatch.setattr(mlflow_pages, "version", version)


def test_the_whole_of_mlflow_serves_the_store_on_this_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "mlflow", "mlflow-skinny")
    command = pages_command(home, port=5001)
    assert command[1:4] == ["-m", "mlflow", "server"]
    assert command[4:] == [
        *("--backend-store-uri", f"sqlite:///{home.resolve() / 'mlflow' / 'mlflow.db'}"),
        *("--host", "127.0.0.1", "--port", "5001"),
    ]


def test_without_it_the_error_says_what_to_install_and_where_the_runs_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, "mlflow-skinny")
    with pytest.raises(ModelError, match=r"runs are in sqlite:///.*mlflow\.db; run `pip install 'mlflow==3\.17\.2'`"):
        pages_command(home, port=5000)


def test_a_server_has_pages_of_its_own(tmp_path: Path) -> None:
    assert pages_command(tmp_path, uri="https://mlflow.example", port=5000) == "https://mlflow.example"


def test_without_a_run_there_is_nothing_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ModelError, match="no run has been logged; `perfml train MODEL` logs one"):
        pages_command(tmp_path, port=5000)

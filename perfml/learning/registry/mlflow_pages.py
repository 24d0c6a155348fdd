"""MLflow's own pages on the logged runs. They come with the whole of MLflow; perfml itself needs only ``mlflow-skinny``."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perfml.errors import ModelError
from perfml.learning.registry.mlflow_tracking import SERVED, tracking_uri


def pages_command(home: Path, *, uri: str | None = None, port: int) -> list[str] | str:
    """Return the command that serves the pages of the tracking store on this machine, or the address of a server that has them.

    Raises :class:`ModelError` where nothing has been logged, and where only ``mlflow-skinny`` is installed.
    """
    store = tracking_uri(home, uri)
    if store.startswith(SERVED):
        return store
    file = Path(store.removeprefix("sqlite:///"))
    if store.startswith("sqlite:///") and not file.is_file():
        raise ModelError("no run has been logged", where=str(file), remedy="`perfml train MODEL` logs one")
    try:
        version("mlflow")
    except PackageNotFoundError:
        same = f"mlflow=={version('mlflow-skinny')}"  # another version may not read the store
        raise ModelError(
            f"MLflow's pages are not installed; the runs are in {store}",
            where="perfml mlflow",
            remedy=f"run `pip install '{same}'` and this command again",
        ) from None
    return [
        *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]

"""Every notebook runs from top to bottom, and is kept without its outputs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulated import quick_project

if TYPE_CHECKING:
    from jupyter_client import KernelManager

ROOT = Path(__file__).parent.parent
FEWER = 120
"""People of the company that a notebook simulates in its test, where it simulates more."""
MORE = {"02_retrain_and_promote": 200, "04_is_it_fair": 300, "07_courses": 200}
"""As many as a notebook needs to have something to show: folds with cases, groups that fairness can be judged of, courses that
enough people took."""
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One kernel for all notebooks: to start it and to import perfml takes as long as some of them. Each begins with no names."""
    from jupyter_client import KernelManager  # here, since this loads for seconds and only these tests need it

    folder = tmp_path_factory.mktemp("notebooks")
    quick_project(folder)  # the project of a notebook that has none of its own
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    manager = KernelManager()
    manager.start_kernel(cwd=str(folder), env=os.environ | {"PYTHONPATH": path})
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_runs(path: Path, kernel: KernelManager) -> None:
    """A cell that raises ends the test with its traceback."""
    import nbformat  # here, for the same reason
    from nbclient import NotebookClient

    people = MORE.get(path.stem, FEWER)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"employees=\d+", f"employees={people}", cell.source)
        cell.source = cell.source.replace("seeds = [11]", "seeds = [11]\nmax_rounds = 40")
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    client = NotebookClient(notebook, km=kernel, timeout=600)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/svg+xml" in output.get("data", {}) for output in outputs)

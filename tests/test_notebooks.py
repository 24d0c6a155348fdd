"""Every notebook runs from top to bottom, and is kept without its outputs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.simulated import quick_project

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


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that raises ends the test with its traceback."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    import nbformat  # here, since these two load for seconds and only this test needs them
    from nbclient import NotebookClient

    quick_project(tmp_path)  # the project of a notebook that has none of its own
    people = MORE.get(path.stem, FEWER)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"employees=\d+", f"employees={people}", cell.source)
        cell.source = cell.source.replace("seeds = [11]", "seeds = [11]\nmax_rounds = 40")
    done = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/svg+xml" in output.get("data", {}) for output in outputs)

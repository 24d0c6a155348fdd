"""The benchmark compares like with like: the pandas version gives perfml's numbers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from benchmarks._company_log import Size, company
from benchmarks._pandas_version import features
from perfml.evidence.features import build
from perfml.evidence.sources import open_data
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

pytestmark = pytest.mark.slow


def test_the_pandas_version_gives_perfml_s_numbers(tmp_path: Path) -> None:
    folder = company(Size(employees=120, events=30_000), tmp_path)
    definitions = ProjectFolder(STARTER).definitions
    as_ofs = [dt.date(2023, 2, 1), dt.date(2024, 3, 1), dt.date(2025, 1, 1)]
    data = open_data(folder, definitions.tables, today=dt.date(2025, 6, 1))
    ours = build(data, definitions, as_ofs).frame.sort_values(["as_of", "employee_id"], ignore_index=True)
    theirs = features(folder, definitions, as_ofs).sort_values(["as_of", "employee_id"], ignore_index=True)
    assert len(theirs.columns) > 150
    assert list(theirs["employee_id"]) == list(ours["employee_id"])
    for name in theirs.columns[2:]:
        given = theirs[name].to_numpy(dtype=float)
        assert given == pytest.approx(ours[name].to_numpy(), rel=1e-9, abs=1e-9, nan_ok=True), name
        assert not np.isnan(given).all(), name

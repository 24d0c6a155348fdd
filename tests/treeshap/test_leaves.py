"""The margin without LightGBM is LightGBM's, on every kind of split and every awkward value."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from perfml.treeshap.leaves import FlatForest
from perfml.treeshap.parsing import read_forest
from tests.treeshap.test_treeshap import CASES, awkward, table, written

ONE_OUTPUT = sorted(CASES.keys() - {"several outputs", "a rare class", "random forest"})


@pytest.mark.slow
@pytest.mark.parametrize("case", ONE_OUTPUT)
def test_equal_to_lightgbm(case: str) -> None:
    X, y = table()
    booster = CASES[case](X, y)
    rows = awkward(X)[:, : booster.num_feature()]
    forest = FlatForest.of(read_forest(booster.model_to_string(num_iteration=-1)))
    np.testing.assert_allclose(forest.margin(rows), booster.predict(rows, raw_score=True), rtol=0, atol=1e-12)


def test_a_model_without_trees() -> None:
    assert FlatForest.of(read_forest(written([], 3))).margin(np.ones((5, 3))).tolist() == [0.0] * 5


def test_it_loads_neither_numba_nor_lightgbm() -> None:
    code = "import sys, perfml.treeshap.leaves; print({'numba', 'lightgbm', 'scipy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"

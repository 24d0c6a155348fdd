"""Quick contributions are checked against LightGBM's on a sample of every call, and give way to them with a warning."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from perfml.learning.estimators.blend import fit
from perfml.learning.estimators.hazard import HazardModel
from perfml.progress import Progress
from perfml.project.model_spec import LearnerSpec
from perfml.treeshap import contributions as module
from perfml.treeshap.contributions import FEW, SAMPLE, ContributionsDiffer, Floats, contributions, warm_up
from perfml.treeshap.explainer import TreeShap


def trained(seed: int = 0, rows: int = 400, **settings: Any) -> tuple[lgb.Booster, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    x[rng.random(x.shape) < 0.1] = np.nan
    y = np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 1] * x[:, 2]) + rng.normal(size=rows) > 0
    given = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "num_threads": 1, "min_child_samples": 5}
    return lgb.train(given | settings, lgb.Dataset(x, y.astype(float)), 20), x


class Counting:
    """Counts the rows whose contributions a booster is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = 0
        own: Callable[..., Any] = lgb.Booster.predict

        def predict(booster: lgb.Booster, data: Floats, **asked: Any) -> Any:
            self.rows += len(data) if asked.get("pred_contrib") else 0
            return own(booster, data, **asked)

        monkeypatch.setattr(lgb.Booster, "predict", predict)


@pytest.mark.slow
def test_they_are_lightgbms_though_it_computes_a_sample_only(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, x = trained()
    expected = booster.predict(x, pred_contrib=True)
    counting = Counting(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ContributionsDiffer)
        values = contributions(booster, x)
    assert counting.rows == SAMPLE < len(x)
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


def test_a_few_rows_are_lightgbms_own(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, x = trained()
    monkeypatch.setattr(module, "_explainer", lambda booster: pytest.fail("loaded compiled code for a few rows"))
    assert np.array_equal(contributions(booster, x[: FEW - 1]), booster.predict(x[: FEW - 1], pred_contrib=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda values: values + np.r_[1e-3, np.zeros(values.shape[1] - 1)], "misses its margin by 1.0e-03"),
        (lambda values: values + np.r_[1e-3, -1e-3, np.zeros(values.shape[1] - 2)], "differs by 1.0e-03"),
    ],
)
def test_any_difference_is_loud_and_lightgbms_count(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Floats], Floats], message: str
) -> None:
    booster, x = trained(seed=1)
    own = TreeShap.contributions
    monkeypatch.setattr(TreeShap, "contributions", lambda self, X, *, num_threads=1: wrong(own(self, X)))
    with pytest.warns(ContributionsDiffer, match=message):
        values = contributions(booster, x)
    expected = booster.predict(x, pred_contrib=True)
    assert np.array_equal(values, expected)
    monkeypatch.undo()
    counting = Counting(monkeypatch)
    assert np.array_equal(contributions(booster, x), expected)
    assert counting.rows == len(x), "a booster that differed once is LightGBM's from then on"


@pytest.mark.slow
def test_where_lightgbm_misses_the_margin_itself_it_is_no_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, x = trained(seed=2)
    own = module._lightgbm
    monkeypatch.setattr(module, "_lightgbm", lambda b, rows: own(b, rows) * (1 + 1e-4))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ContributionsDiffer)
        values = contributions(booster, x)
    np.testing.assert_allclose(values, booster.predict(x, pred_contrib=True), rtol=1e-9, atol=1e-12)


def test_a_model_that_it_cannot_read_is_lightgbms_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, x = trained(seed=3)
    text = booster.model_to_string()
    monkeypatch.setattr(booster, "model_to_string", lambda: text.replace("split_feature=", "split_by=", 1))
    with pytest.warns(ContributionsDiffer, match="split_feature"):
        assert np.array_equal(contributions(booster, x), booster.predict(x, pred_contrib=True))


@pytest.mark.slow
@pytest.mark.parametrize("loaded", [None, type("explainer", (), {})], ids=["ImportError", "no such name"])
def test_another_numba_leaves_lightgbms(monkeypatch: pytest.MonkeyPatch, loaded: object) -> None:
    booster, x = trained(seed=5)
    monkeypatch.setitem(sys.modules, "perfml.treeshap.explainer", loaded)
    with pytest.warns(ContributionsDiffer, match="numba .* does not fit"):
        assert np.array_equal(contributions(booster, x), booster.predict(x, pred_contrib=True))
    with pytest.warns(ContributionsDiffer):
        assert warm_up() == 0.0


@pytest.mark.slow
def test_the_package_needs_little_of_perfml() -> None:
    needed = set()
    for path in Path(module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("perfml"):
                needed.add(".".join(str(node.module).split(".")[:2]))
    assert needed == {"perfml.arrays", "perfml.errors", "perfml.progress", "perfml.treeshap"}


@pytest.mark.slow
def test_blend_and_hazard_add_up_to_their_margins_with_them() -> None:
    booster, x = trained(seed=4, rows=600)
    y = (booster.predict(x) > np.random.default_rng(0).random(600)).astype(float)
    half = np.arange(300)
    risk = fit(x, y, folds=[(half, half + 300), (half + 300, half)], settings=LearnerSpec(blend="learnt"))
    assert len(risk.boosters) and risk.splines is not None
    np.testing.assert_allclose(risk.contributions(x).sum(axis=1), risk.margin(x), atol=1e-9)
    hazard = HazardModel(seeds=(1,)).fit_events(x, 1 + np.random.default_rng(1).random(600) * 300, y > 0)
    assert hazard.boosters_
    np.testing.assert_allclose(hazard.contributions(x).sum(axis=1), hazard.predict(x), atol=1e-9)


def test_a_warm_up_reports_its_progress() -> None:
    steps: list[tuple[str, int, int]] = []

    class Recorded(Progress):
        def __call__(self, task: str, done: int, total: int) -> None:
            steps.append((task, done, total))

    assert warm_up(Recorded()) >= 0
    assert steps[0][1] == 0 and steps[-1] == ("compiling contributions", 2, 2)

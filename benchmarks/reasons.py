"""The cost of contributions over that of a prediction: ``python3 run.py benchmark reasons [--avx2] [--quick]``.

Two LightGBM models on 150 columns, a tenth of the values missing: 300 trees of 31 leaves with six categorical columns, and 500
trees of 63 leaves. Every figure is a ratio of CPU times of one thread (user and system) within one run, the contestants
measured in turn: the median of the repeats, and its range. Only *two threads* is by the clock.

- *pred_contrib / perfml*: LightGBM's own contributions over perfml's, on the same rows;
- *perfml / prediction*: contributions over LightGBM's plain prediction;
- *one row*: one row at a time, a different one each time;
- *two threads*: as many rows as a scoring run explains at once, over one thread;
- *group of N*: contributions of the same rows against a reference group of N rows (``perfml.treeshap.background``);
- *interactions*: of all pairs of columns (``perfml.treeshap.interactions``);
- *compiling*: a process of its own with an empty cache, everything for both precisions; *again*: the same from disk.

shap's TreeExplainer hands LightGBM models to ``pred_contrib``; its own C code is measured on the numeric model. fasttreeshap,
woodelf (which refuses categories) and xgboost (a model of its own, of the same size on the same table) are measured where they
are installed, once; without them their rows say *not installed*. Put them into a folder that ``PYTHONPATH`` names.
``--groups`` measures reference groups and interactions alone.
``--avx2`` compiles as on a processor without AVX-512. Prints a table with the goals; exit code 1 if one is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import lightgbm as lgb  # noqa: E402
import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks._reference_groups import note_groups, note_interactions, note_peers  # noqa: E402
from perfml import terminal  # noqa: E402
from perfml.scoring.batches.scored_people import CHUNK  # noqa: E402
from perfml.treeshap.explainer import TreeShap  # noqa: E402
from perfml.treeshap.width import vector_bits  # noqa: E402

HOME = ROOT / "build" / "benchmark"
AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+avx,+avx2,+fma,+bmi,+bmi2,+popcnt,+f16c,+lzcnt,+cx16,+fxsr",
}
COLUMNS = 150
MODELS = {"300 × 31": (300, 31, 6), "500 × 63": (500, 63, 0)}
"""Trees, leaves, categorical columns."""
WIDE = {"pred_contrib / float64": ("≥", 90.0), "pred_contrib / float32": ("≥", 150.0)}
NARROW = {"pred_contrib / float64": ("≥", 50.0), "pred_contrib / float32": ("≥", 100.0)}
STRETCH = {"pred_contrib / float64": 170.0, "pred_contrib / float32": 330.0}
GOALS = {
    "float64 / prediction": ("≤", 1.2),
    "float32 / prediction": ("≤", 0.6),
    "one row, pred_contrib / float64": ("≥", 20.0),
    "two threads, by the clock": ("≥", 1.8),
    "difference float64": ("≤", 1e-9),
    "group of 1,000, off the margin": ("≤", 1e-9),
    "difference float32": ("≤", 1e-4),
    "compiling, seconds": ("≤", 15.0),
}
OPTIONAL = ("fasttreeshap", "xgboost")
"""Libraries that are measured where they are installed."""
COMPILE = """import sys, time; began = time.process_time()
from perfml.treeshap.explainer import TreeShap
text = open(sys.argv[1]).read()
for dtype in ("float64", "float32"):
    TreeShap(text, dtype).warm_up()
print(time.process_time() - began)"""
Figures = dict[str, list[float]]
Run = Callable[[], Any]


def company(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five correlated columns a theme; a tenth of the values is missing; six columns are categories."""
    rng = np.random.default_rng(seed)
    themes = rng.normal(size=(rows, COLUMNS // 5))
    values = np.repeat(themes, 5, axis=1) * 0.8 + rng.normal(size=(rows, COLUMNS)) * 0.6
    margin = (
        -2.2 + themes[:, :8] @ rng.normal(0, 0.35, 8) + 0.5 * themes[:, 0] * themes[:, 1] + 0.4 * (themes[:, 2] > 1)
    )
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, :5], values[:, 5] = rng.integers(0, 8, (rows, 5)), rng.integers(0, 60, rows)
    margin += 0.5 * (values[:, 5] % 7 < 2) + 0.3 * (values[:, 0] > 4)
    return values, (rng.random(rows) < 1 / (1 + np.exp(-margin))).astype(int)


def model(name: str, values: np.ndarray, label: np.ndarray, *, fresh: bool) -> Path:
    """The text of a model, trained once."""
    trees, leaves, categories = MODELS[name]
    path = HOME / f"reasons_{trees}x{leaves}.txt"
    if fresh or not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        parameters = {
            "objective": "binary", "learning_rate": 0.05, "num_leaves": leaves, "min_child_samples": 30,
            "feature_fraction": 0.5, "seed": 1, "verbosity": -1, "num_threads": 1,
        }  # fmt: skip
        data = lgb.Dataset(values, label, categorical_feature=list(range(categories)))
        lgb.train(parameters, data, trees).save_model(path)
    return path


def seconds(run: Run, times: int, clock: Callable[[], float] = time.process_time) -> float:
    """Mean seconds of one call over ``times`` calls."""
    began = clock()
    for _ in range(times):
        run()
    return (clock() - began) / times


def others(
    name: str, booster: lgb.Booster, rows: np.ndarray, *, values: np.ndarray, label: np.ndarray
) -> dict[str, Run]:
    """Contributions by other libraries, on the numeric model."""
    if MODELS[name][2]:
        return {}
    import shap

    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "other"  # else it is pred_contrib again
    runs: dict[str, Run] = {"shap's own": lambda: explainer.shap_values(rows, check_additivity=False)}
    if importlib.util.find_spec("fasttreeshap"):
        import fasttreeshap

        fast = fasttreeshap.TreeExplainer(booster, algorithm="v2", n_jobs=1)
        runs["fasttreeshap"] = lambda: fast.shap_values(rows, check_additivity=False)
    if importlib.util.find_spec("xgboost"):
        import xgboost

        trees, leaves, _ = MODELS[name]
        parameters = {"objective": "binary:logistic", "eta": 0.05, "max_depth": 0, "max_leaves": leaves, "nthread": 1}
        parameters |= {
            "grow_policy": "lossguide",
            "tree_method": "hist",
            "colsample_bytree": 0.5,
            "min_child_weight": 3,
        }
        grown = xgboost.train(parameters, xgboost.DMatrix(values, label, nthread=1), trees)
        asked = xgboost.DMatrix(rows, nthread=1)
        runs["xgboost's own"] = lambda: grown.predict(asked, pred_contribs=True)
    return runs


def measure(name: str, *, rows: int, repeats: int, fresh: bool) -> Figures:
    """All figures of one model."""
    figures: Figures = {}
    values, label = company(20_000)
    path = model(name, values, label, fresh=fresh)
    booster, text, asked = lgb.Booster(model_file=str(path)), path.read_text(encoding="utf-8"), values[:rows]

    def note(figure: str, value: float) -> None:
        figures.setdefault(figure, []).append(value)

    double, single = TreeShap(text), TreeShap(text, "float32")
    for shap in (double, single):
        shap.warm_up()
    theirs = booster.predict(asked, pred_contrib=True, num_threads=1)
    size = np.abs(theirs).max()
    beside = others(name, booster, asked, values=values, label=label)
    each = iter(range(10**9))

    def row() -> np.ndarray:
        return asked[[next(each) % rows]]

    def contributions_of_one(shap: TreeShap) -> np.ndarray:
        return shap.contributions(row())

    many = values[:CHUNK]
    for repeat in range(repeats):
        contrib = seconds(lambda: booster.predict(asked, pred_contrib=True, num_threads=1), 1)
        plain = seconds(lambda: booster.predict(asked, num_threads=1), 10)
        ours = {
            "float64": seconds(lambda: double.contributions(asked), 10),
            "float32": seconds(lambda: single.contributions(asked), 10),
        }
        note("pred_contrib / prediction", contrib / plain)
        for dtype, spent in ours.items():
            note(f"pred_contrib / {dtype}", contrib / spent)
            note(f"{dtype} / prediction", spent / plain)
            note(f"microseconds a row, {dtype}", 1e6 * spent / rows)
        for _ in range(3):
            contrib_row = seconds(lambda: booster.predict(row(), pred_contrib=True, num_threads=1), 8)
            for dtype, shap in (("float64", double), ("float32", single)):
                spent = seconds(partial(contributions_of_one, shap), 100)
                note(f"one row, pred_contrib / {dtype}", contrib_row / spent)
                note(f"one row, microseconds, {dtype}", 1e6 * spent)
            alone, shared = (
                seconds(partial(double.contributions, many, num_threads=n), 1, time.perf_counter) for n in (1, 2)
            )
            note("two threads, by the clock", alone / shared)
        if not repeat:
            for who, run in beside.items():
                note(f"{who} / float64", seconds(run, 1) / ours["float64"])
            for library in () if MODELS[name][2] else OPTIONAL:
                if importlib.util.find_spec(library) is None:
                    figures[f"{library} / float64"] = []
    measure_groups(name, figures, booster=booster, values=values, label=label, rows=rows, repeats=repeats)
    for dtype, shap in (("float64", double), ("float32", single)):
        note(f"difference {dtype}", float(np.abs(shap.contributions(asked) - theirs).max() / size))
        note(f"megabytes of tables, {dtype}", shap.nbytes / 1e6)
        tracemalloc.start()
        result = shap.contributions(many)
        note(f"megabytes to work in, {dtype}", (tracemalloc.get_traced_memory()[1] - result.nbytes) / 1e6)
        tracemalloc.stop()
    with tempfile.TemporaryDirectory() as cache:
        for figure in ("compiling, seconds", "again from disk, seconds"):
            command = [sys.executable, "-c", COMPILE, str(path)]
            environment = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            note(figure, float(done.stdout))
    return figures


def measure_groups(
    name: str,
    figures: Figures,
    *,
    booster: lgb.Booster,
    values: np.ndarray,
    label: np.ndarray,
    rows: int,
    repeats: int,
) -> None:
    """Add the figures of reference groups and interactions."""

    def note(figure: str, value: float) -> None:
        figures.setdefault(figure, []).append(value)

    def absent(figure: str) -> None:
        figures[figure] = []

    note_groups(booster, values, note, rows=rows, repeats=repeats)
    note_interactions(booster, values, note, repeats=repeats)
    if not MODELS[name][2]:
        note_peers(booster, values, label, note, absent=absent)


def groups_alone(name: str, *, rows: int, repeats: int, fresh: bool) -> Figures:
    """The figures of :func:`measure_groups`."""
    figures: Figures = {}
    values, label = company(20_000)
    booster = lgb.Booster(model_file=str(model(name, values, label, fresh=fresh)))
    measure_groups(name, figures, booster=booster, values=values, label=label, rows=rows, repeats=repeats)
    return figures


def show(results: dict[str, Figures], bits: int) -> int:
    """Print the figures; return how many goals are missed."""
    goals = GOALS | (WIDE if bits == 512 else NARROW)
    table = Table(title=f"contributions of {COLUMNS} columns, vectors of {bits} bits", title_justify="left")
    for heading in ("model", "figure", "value", "from … to", "goal"):
        right = heading in ("value", "from … to")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading == "figure")
    missed = 0
    for name, figures in results.items():
        for figure, values in figures.items():
            if not values:
                table.add_row(name, figure, "not installed", "", "")
                continue
            value, shown = statistics.median(values), ""
            if figure in goals:
                sign, goal = goals[figure]
                reached = value <= goal if sign == "≤" else value >= goal
                missed += not reached
                stretch = f", stretch {STRETCH[figure]:g}" if bits == 512 and figure in STRETCH else ""
                shown = f"[{'green' if reached else 'red'}]{sign} {goal:g}[/]{stretch}"
            table.add_row(name, figure, _short(value), _span(values), shown)
        table.add_section()
    terminal.out.print(table)
    return missed


def _short(value: float) -> str:
    return f"{value:.1e}" if value < 1e-3 else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _span(values: Sequence[float]) -> str:
    return f"{_short(min(values))} … {_short(max(values))}" if len(values) > 1 else ""


def main() -> int:
    """Exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--avx2", action="store_true", help="compile as for a processor without AVX-512")
    parser.add_argument("--quick", action="store_true", help="the smaller model, twice")
    parser.add_argument("--groups", action="store_true", help="reference groups and interactions alone")
    parser.add_argument("--fresh", action="store_true", help="train the models again")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmark_reasons.json")
    chosen = parser.parse_args()
    if chosen.avx2 and "NUMBA_CPU_FEATURES" not in os.environ:  # numba reads it when it is imported
        return subprocess.call([sys.executable, *sys.argv], env=os.environ | AVX2)
    names = list(MODELS)[:1] if chosen.quick else list(MODELS)
    repeats = 2 if chosen.quick else chosen.repeats
    figures_of = groups_alone if chosen.groups else measure
    results = {name: figures_of(name, rows=chosen.rows, repeats=repeats, fresh=chosen.fresh) for name in names}
    missed = show(results, vector_bits())
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps({"vector_bits": vector_bits(), **results}, indent=1) + "\n", encoding="utf-8")
    terminal.out.print(f"written to {chosen.out}")
    return 1 if missed and not chosen.quick else 0


if __name__ == "__main__":
    sys.exit(main())

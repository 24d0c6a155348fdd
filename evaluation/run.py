"""Reproduce the figures on real data, and on a few simulated tables: ``python3 run.py evaluate``.

Whole companies (:mod:`company`), projects tested by what other projects taught (:mod:`projects`), a public leaderboard
(:mod:`racing`), tables without dates (:mod:`tabular`, :mod:`strangers`), time to leaving (:mod:`turnover`) and by cause
(:mod:`competing`), yearly snapshots (:mod:`yearly`), targets (:mod:`stores`), courses for tags (:mod:`catalogue`) and for
learners (:mod:`learners`), severity of raters (:mod:`judges`). Prints a table a set, with 95 % intervals over people or folds,
and writes ``build/evaluation.json``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import catalogue
import company
import competing
import judges
import learners
import projects
import racing
import stores
import strangers
import tabular
import turnover
import yearly
from goals import Figures, Goal, missed, table_of

from perfml import terminal
from perfml.errors import PerfmlError
from perfml.files import write_text
from perfml.progress import SILENT, Progress

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
Run = Callable[[Path, Path, Progress], Figures]
"""(folder of the sets, folder to work in, progress) -> figures"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""Sets that run side by side keep to one thread each: more would only wait for each other."""
DRIFT_ALARM = 2013
"""The snapshot before the lay-offs of mfg10year."""


def _company(data: Path, home: Path, progress: Progress, *, task: company.Task) -> Figures:
    return company.evaluate(task, data, home, progress=progress)


def _tabular(data: Path, home: Path, progress: Progress, *, run: Callable[[Path, Progress], Figures]) -> Figures:
    return run(data, progress)


def _turnover(data: Path, home: Path, progress: Progress) -> Figures:
    progress("turnover, with scikit-survival's models", 0, 1)
    results = turnover.evaluate(data)
    ours = dict(results[turnover.HAZARD])
    for name, figures in results.items():
        if name != turnover.HAZARD:
            ours |= {f"{m} of {name}": figures[m] for m in ("concordance", "integrated_brier")}
    return ours


def _yearly(data: Path, home: Path, progress: Progress) -> Figures:
    progress("yearly snapshots", 0, 1)
    results = yearly.evaluate(data)
    figures = {"mean_auc": results["auc"]}
    figures |= {f"auc_{year}": tested["auc"] for year, tested in results["snapshots"].items()}
    return figures | {"first_retrain": {"value": results["first_retrain"]}}


SETS: dict[str, tuple[Run, Mapping[str, Goal]]] = {
    **{task.set_name: (partial(_company, task=task), task.goals) for task in company.TASKS},
    "other projects": (projects.evaluate, projects.GOALS),
    **{task.set_name: (partial(racing.evaluate, name), task.goals) for name, task in racing.TASKS.items()},
    "IBM attrition": (partial(_tabular, run=tabular.evaluate_ibm), tabular.IBM_GOALS),
    "IBM attrition, 500 rows": (partial(_tabular, run=tabular.evaluate_small), tabular.SMALL_GOALS),
    "promotion": (partial(_tabular, run=tabular.evaluate_promotion), tabular.PROMOTION_GOALS),
    "strangers": (partial(_tabular, run=strangers.evaluate), strangers.GOALS),
    "turnover": (_turnover, {metric: Goal(low=low, high=high) for metric, (low, high) in turnover.GOALS.items()}),
    "competing exits": (partial(_tabular, run=competing.evaluate), competing.GOALS),
    "mfg10year": (
        _yearly,
        {"mean_auc": Goal(low=0.80, stretch=".83"), "first_retrain": Goal(low=DRIFT_ALARM, high=DRIFT_ALARM)},
    ),
    "stores": (partial(_tabular, run=stores.evaluate), stores.GOALS),
    "catalogue": (partial(_tabular, run=catalogue.evaluate), catalogue.GOALS),
    "learners": (partial(_tabular, run=learners.evaluate), learners.GOALS),
    "judges": (partial(_tabular, run=judges.evaluate), judges.GOALS),
}


def evaluate(name: str, data: Path, home: Path) -> Figures:
    """The figures of one set. Runs in a process of its own, so that an error of perfml comes back as its message."""
    try:
        return SETS[name][0](data, home / name.replace(" ", "_"), SILENT)
    except PerfmlError as error:
        raise RuntimeError(f"{name}: {error}") from None


def main() -> int:
    """Exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the evaluation sets")
    parser.add_argument("--out", type=Path, default=HERE.parent / "build" / "evaluation.json")
    parser.add_argument("--only", action="append", help=f"one of the sets; may be repeated: {', '.join(SETS)}")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="sets at a time")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        terminal.out.print(f"[yellow]skipped: the evaluation data is not there ({chosen.data})[/]")
        return 0
    unknown = sorted(set(chosen.only or ()) - set(SETS))
    if unknown:
        parser.error(f"no set is called {unknown[0]!r}; use one of: {', '.join(SETS)}")
    results: dict[str, Figures] = {}
    not_reached: list[str] = []
    wanted = [name for name in SETS if not chosen.only or name in chosen.only]
    for name in THREADS if chosen.jobs > 1 else ():
        os.environ.setdefault(name, "1")
    spawn = multiprocessing.get_context("spawn")  # a forked child would inherit the locks of OpenMP's threads
    with (
        tempfile.TemporaryDirectory() as home,
        terminal.progress() as progress,
        ProcessPoolExecutor(chosen.jobs, mp_context=spawn) as pool,
    ):
        work = {name: pool.submit(evaluate, name, chosen.data, Path(home)) for name in wanted}
        for number, (name, task) in enumerate(work.items()):
            progress(f"evaluating, {name} next", number, len(work))
            results[name] = task.result()
            goals = SETS[name][1]
            terminal.out.print(table_of(name, results[name], goals))
            not_reached += [f"{name}: {metric}" for metric in missed(results[name], goals)]
    write_text(chosen.out, json.dumps(results, indent=1) + "\n")
    terminal.out.print(f"written to {chosen.out}")
    for line in not_reached:
        terminal.out.print(f"[red]not reached[/]  {line}", highlight=False)
    return 1 if not_reached else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"evaluate: {error}")

"""A simulated company, learnt from once for all tests that need a trained model. Read it; change nothing in it."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfml import Project
from perfml.demo.company import Truth, simulate

END = dt.date(2026, 10, 1)
MODELS = ("attrition", "low_performance")
PROJECT = """
name = "simulated"
"""
ONE_HORIZON = """
[label]
horizons_days = [182]
"""
QUICK = f"""{ONE_HORIZON}[learner]
seeds = [11]
[backtest]
folds = 2
[gates]
refits = 2
"""
QUARTERLY = f"""{QUICK}
[population]
every = "quarter"
"""
FEW = "seeds = [11]\nmax_rounds = 8\nearly_stopping_rounds = 5"
MONTHLY_FEW_ROUNDS, FEW_ROUNDS = (text.replace("seeds = [11]", FEW) for text in (QUICK, QUARTERLY))
"""For tests of commands, which need a model and not a good one."""


@dataclass(frozen=True)
class Simulated:
    """Where it lies, what is true of it, and what was made of it."""

    data: Path
    project: Path
    home: Path
    truth: Truth
    rows: Mapping[str, list[dict[str, Any]]]
    """Score rows at :data:`END` by model."""

    def open(self) -> Project:
        return Project(self.project, home=self.home)

    def copy_home(self, target: Path) -> Path:
        """Copy the home to ``target``, and return it. The database is copied by SQLite: a process that closes the file of a
        database that it has open elsewhere gives up its locks, and another that writes meanwhile is read half."""
        shutil.copytree(self.home, target, ignore=shutil.ignore_patterns("store.sqlite*"))
        with (
            closing(sqlite3.connect(self.home / "store.sqlite")) as own,
            closing(sqlite3.connect(target / "store.sqlite")) as copy,
        ):
            own.backup(copy)
        (target / "store.sqlite").chmod(0o600)
        return target


def quick_project(folder: Path) -> Path:
    """Write a project into ``folder`` whose models are trained with few rounds; return it."""
    (folder / "models").mkdir(parents=True)
    (folder / "perfml.toml").write_text(PROJECT)
    for model in MODELS:
        (folder / "models" / f"{model}.toml").write_text(FEW_ROUNDS)
    return folder


def simulated(folder: Path) -> Simulated:
    """Simulate, train with one seed and one horizon on the state at each quarter, score."""
    data, project, home = folder / "data", folder / "project", folder / "home"
    truth = simulate(data, employees=500, start=dt.date(2023, 10, 1), end=END, seed=7)
    (project / "models").mkdir(parents=True)
    (project / "perfml.toml").write_text(PROJECT)
    rows = {}
    for model in MODELS:
        (project / "models" / f"{model}.toml").write_text(QUARTERLY)
        opened = Project(project, home=home)
        opened.train(model, data, until=END)
        rows[model] = opened.score(model, data, as_of=[END]).to_pylist()
    return Simulated(data, project, home, truth, rows)

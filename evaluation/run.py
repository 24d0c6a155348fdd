"""Reproduce the figures on real data: ``python3 run.py evaluate``.

Each set is trained with what was known by a date and scored later through the same verbs that a company uses. Outcomes are
read from the raw tables here, apart from perfml's own labels. Prints a table and writes ``build/evaluation.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.table import Table

from perfml import Project, terminal
from perfml.errors import PerfmlError
from perfml.files import write_text
from perfml.learning.calendar import as_of_dates
from perfml.learning.evaluation import estimate, metrics_at

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One model on one set, and the figures it has to reach."""

    set_name: str
    project: str
    model: str
    until: dt.date
    as_ofs: tuple[dt.date, ...]
    outcome: Callable[[Path, pd.DataFrame], Floats]
    goals: dict[str, float]


def left_within(days: int) -> Callable[[Path, pd.DataFrame], Floats]:
    """1 where the exit falls on one of the ``days`` days from the as-of date on."""

    def outcome(folder: Path, rows: pd.DataFrame) -> Floats:
        exits = pd.read_parquet(folder / "exits.parquet", columns=["employee_id", "exited_on"]).drop_duplicates(
            "employee_id"
        )
        ahead = (rows.merge(exits, how="left", on="employee_id")["exited_on"] - rows["as_of"].to_numpy()).dt.days
        return ((ahead >= 0) & (ahead < days)).to_numpy(dtype=np.float64)

    return outcome


def rated_lowest_within(days: int) -> Callable[[Path, pd.DataFrame], Floats]:
    """1 where the next review within ``days`` days gives 1; missing where there is none."""

    def outcome(folder: Path, rows: pd.DataFrame) -> Floats:
        reviews = pd.read_parquet(folder / "reviews.parquet", columns=["employee_id", "reviewed_on", "rating"])
        pairs = rows.reset_index(names="row").merge(reviews, on="employee_id")
        ahead = (pairs["reviewed_on"] - pairs["as_of"]).dt.days
        following = pairs[(ahead >= 0) & (ahead < days)].sort_values("reviewed_on").groupby("row")["rating"].first()
        return (following == 1).astype(float).reindex(range(len(rows))).to_numpy(dtype=np.float64)

    return outcome


QUARTERS = tuple(as_of_dates(dt.date(2020, 1, 1), dt.date(2023, 10, 1), "quarter"))
WINTER = (dt.date(2016, 11, 1), dt.date(2016, 12, 1))
TASKS = (
    Task(
        "contributors", "contributors", "attrition", dt.date(2019, 4, 1), QUARTERS, left_within(182),
        {"auc": 0.82, "average_precision": 0.36, "lift_at_10_percent": 3.3},
    ),
    Task("sales_force attrition", "sales_force", "attrition", WINTER[0], WINTER, left_within(91), {"auc": 0.73}),
    Task(
        "sales_force low_performance", "sales_force", "low_performance", WINTER[0], WINTER, rated_lowest_within(92), {"auc": 0.93}
    ),
)  # fmt: skip


def evaluate(task: Task, root: Path, home: Path) -> dict[str, dict[str, float | None]]:
    """Train, score, and compare with what came of it: metric -> value and interval."""
    folder = root / task.project
    with terminal.progress() as tell:
        project = Project(HERE / task.project, home=home, progress=tell)
        project.train(task.model, folder, until=task.until)
        scores = project.score(task.model, folder, as_of=list(task.as_ofs))
    rows = scores.select(["employee_id", "as_of", "status", "probability"]).to_pandas()
    rows = rows[rows["status"] == "scored"].reset_index(drop=True)
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    label = task.outcome(folder, rows[["employee_id", "as_of"]])
    known = ~np.isnan(label)
    found = estimate(
        metrics_at(rows["as_of"].to_numpy()[known], lambda n: round(n * 0.1)),
        label[known],
        rows["probability"].to_numpy()[known],
        rows["employee_id"].to_numpy(dtype=object)[known],
    )
    return {name: figure.to_json() for name, figure in found.items() if name != "lift_at_capacity"}


def main() -> int:
    """Exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the evaluation sets")
    parser.add_argument("--out", type=Path, default=HERE.parent / "build" / "evaluation.json")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        terminal.out.print(f"[yellow]skipped: the evaluation data is not there ({chosen.data})[/]")
        return 0
    results: dict[str, dict[str, dict[str, float | None]]] = {}
    missed = 0
    table = Table(title="evaluation on real data, 95 % intervals over people", title_justify="left")
    for heading in ("set", "metric", "value", "interval", "goal"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory() as home:
        for task in TASKS:
            results[task.set_name] = evaluate(task, chosen.data, Path(home) / task.project)
            for name, figure in results[task.set_name].items():
                goal, value = task.goals.get(name), figure["value"] or 0.0
                missed += goal is not None and value < goal
                reached = "" if goal is None else f"[{'green' if value >= goal else 'red'}]≥ {goal}[/]"
                interval = f"{figure['low']:.3f} … {figure['high']:.3f}" if figure["low"] is not None else ""
                table.add_row(task.set_name, name.replace("_", " "), f"{value:.4f}", interval, reached)
    terminal.out.print(table)
    write_text(chosen.out, json.dumps(results, indent=1) + "\n")
    terminal.out.print(f"written to {chosen.out}")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PerfmlError as error:
        sys.exit(f"evaluate: {error}")

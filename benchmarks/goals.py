"""What the goal tree finds, and whether sums are right: ``python3 run.py benchmark goals [--seeds N] [--employees N]``.

Simulated companies with breaks and a silo planted in the goal tree, and the same without: precision and recall of goals that
reach no company goal, by status, and of silo flags. Then sums of forecasts at past dates against what came of them: whether
levels add up, and how often the 80 % interval covers, beside the interval that takes errors for independent. Last, CPU seconds
and memory for many goals in a tree of twelve levels, forecasts and sums counted. Exit code 1: a goal of the issue is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks._goal_tree import LEVELS, write_company  # noqa: E402
from benchmarks._memory import peak_mb  # noqa: E402
from perfml import terminal  # noqa: E402
from perfml.api import Project  # noqa: E402
from perfml.demo.company import simulate  # noqa: E402
from perfml.goals.report import GoalsReport, report_goals  # noqa: E402
from perfml.goals.sums.levels import KEY  # noqa: E402
from perfml.goals.tree.coverage import silos as silos_of  # noqa: E402
from perfml.goals.tree.paths import trace  # noqa: E402
from perfml.goals.tree.reading import read_tree  # noqa: E402
from perfml.goals.tree.rows import path_rows  # noqa: E402
from perfml.project.starter import STARTER  # noqa: E402
from perfml.project.target_policy import TargetPolicy  # noqa: E402

TREE_DAY = dt.date(2026, 3, 10)
SUM_DAYS = (dt.date(2025, 8, 5), dt.date(2025, 11, 20), dt.date(2026, 2, 10))
"""Early, late and in the middle of a quarter."""
SUM_END = dt.date(2026, 4, 20)
BIG_DAY = dt.date(2026, 8, 5)
FOUND, COVERED, EXACT = 0.95, (0.75, 0.85), 1e-6
MOST_CPU_S, MOST_MB = 60.0, 2048.0


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seeds", 10), ("employees", 300), ("goals", 180_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fine = print_cost(*many_goals(Path(folder), asked.goals), goals=asked.goals)
        fine &= print_tree(*tree_hits(Path(folder), seeds=asked.seeds, employees=asked.employees))
        fine &= print_sums(*past_sums(Path(folder), seeds=asked.seeds, employees=asked.employees))
    return int(not fine)


def report(data: Path, day: dt.date) -> GoalsReport:
    """The goals of a date."""
    project = Project(STARTER, home=data.parent / "home")
    _, policy = project.folder.policy_of(TargetPolicy, None)
    with project.open(data) as opened:
        return report_goals(opened, policy, day)


def many_goals(folder: Path, goals: int) -> tuple[float, float, int]:
    """(CPU seconds, MB at the peak, levels of the tree) for ``goals`` in force, with two quarters before them."""
    data = write_company(folder / "many", goals=goals, seed=1)
    began = time.process_time()
    made = report(data, BIG_DAY)
    return time.process_time() - began, peak_mb(), 1 + max(made.paths.column("steps").to_pylist())


def tree_hits(folder: Path, *, seeds: int, employees: int) -> tuple[dict[bool, Counter[str]], dict[bool, Counter[str]]]:
    """Whether breaks and a silo are planted → counts of statuses that are right, planted and named; and of silo flags."""
    statuses, silos = {True: Counter[str](), False: Counter[str]()}, {True: Counter[str](), False: Counter[str]()}
    for planted in (True, False):
        for seed in range(seeds):
            data = folder / f"tree_{planted}_{seed}"
            truth = simulate(
                data,
                employees=employees,
                start=dt.date(2024, 7, 1),
                end=TREE_DAY,
                seed=seed,
                broken_goals=planted,
            )
            with Project(STARTER, home=folder / "home").open(data) as opened:
                tree = read_tree(opened, TREE_DAY)
                rows, flags = path_rows(tree, trace(tree)), silos_of(opened, tree)
            said = dict(zip(*(rows.column(name).to_pylist() for name in ("goal_id", "status")), strict=True))
            true = dict(zip(truth.goal_breaks["goal_id"], truth.goal_breaks["status"], strict=True))
            for goal, status in said.items():
                statuses[planted][f"{true.get(goal, 'aligned')} as {status}"] += 1
            flagged = {(flag.goal_id, unit) for flag in flags for unit in flag.lacks}
            meant = set(truth.silos.itertuples(index=False, name=None))
            silos[planted] += Counter(right=len(flagged & meant), planted=len(meant), flagged=len(flagged))
    return statuses, silos


def past_sums(folder: Path, *, seeds: int, employees: int) -> tuple[pd.DataFrame, float]:
    """Sums at past dates with what came of them, and the largest relative difference between a level and the one below."""
    frames, worst = [], 0.0
    for seed in range(seeds):
        data = folder / f"sums_{seed}"
        simulate(data, employees=employees, start=dt.date(2023, 10, 1), end=SUM_END, seed=100 + seed)
        finals = _finals(data)
        for day in SUM_DAYS:
            made = report(data, day)
            rows = made.sums.to_pandas()
            worst = max(worst, _difference(rows))
            frames += list(_judged(rows, finals, day))
    return pd.concat(frames, ignore_index=True), worst


def _finals(data: Path) -> pd.DataFrame:
    """Person, metric and period → the sum of the last measurements; missing where a goal was not measured at its end."""
    goals = pd.read_parquet(data / "goals.parquet").drop_duplicates("goal_id", keep="last")
    progress = pd.read_parquet(data / "progress.parquet").sort_values(["goal_id", "measured_at"])
    last = progress.drop_duplicates("goal_id", keep="last").set_index("goal_id")
    rows = goals.join(last, on="goal_id", rsuffix="_of_progress")
    late = pd.to_datetime(rows["measured_at"]) >= pd.to_datetime(rows["period_end"]) - pd.Timedelta(days=8)
    rows["final"] = rows["actual"].where(late)
    by = ["employee_id", *KEY]
    return rows.groupby(by)["final"].agg(lambda final: final.sum(skipna=False)).rename("final").reset_index()


def _difference(rows: pd.DataFrame) -> float:
    """The largest relative difference of a sum to the rows of persons below it, of all levels but lines."""
    people = rows[(rows["level"] == "person") & rows["expected"].notna()]
    worst = 0.0
    for level, by in (("team", ["department", "manager_id"]), ("department", ["department"]), ("company", [])):
        own = rows[(rows["level"] == level) & rows["expected"].notna()]
        for amount in ("target", "actual", "expected"):
            below = people.groupby([*by, *KEY], dropna=False)[amount].sum().rename("below")
            both = own.merge(below, left_on=[*by, *KEY], right_index=True)
            worst = max(worst, float(((both[amount] - both["below"]).abs() / both[amount].abs().clip(lower=1)).max()))
    return worst


def _judged(rows: pd.DataFrame, finals: pd.DataFrame, day: dt.date) -> Iterator[pd.DataFrame]:
    """Sums with an interval whose goals were all measured at their end, by level, with the interval of independent errors."""
    people = rows[rows["level"] == "person"].merge(finals, on=["employee_id", *KEY], how="left")
    people["half"] = ((people["high"] - people["low"]) / 2) ** 2
    people["middle"] = (people["high"] + people["low"]) / 2
    for level, by in (
        ("team", ["department", "manager_id"]),
        ("department", ["department"]),
        ("company", []),
        ("person", ["employee_id"]),
    ):
        parts = people.groupby([*by, *KEY], dropna=False)
        came = parts[["final", "half", "middle"]].sum(min_count=1)
        came = came[parts["final"].count() == parts.size()]
        own = rows[(rows["level"] == level) & rows["low"].notna()]
        judged = own.merge(came, left_on=[*by, *KEY], right_index=True)
        alone = judged["half"] ** 0.5
        yield judged.assign(
            level=level,
            day=str(day),
            covered=judged["final"].between(judged["low"], judged["high"]),
            independent=(judged["final"] - judged["middle"]).abs() <= alone,
        )


def print_cost(cpu_s: float, peak: float, levels: int, *, goals: int) -> bool:
    """Print what many goals cost; whether it is within the limits."""
    fine = cpu_s < MOST_CPU_S and peak < MOST_MB and levels >= LEVELS
    terminal.out.print(f"{goals:,} goals, {levels} levels: {cpu_s:.1f} CPU s, {peak:,.0f} MB  {mark(fine)}")
    return fine


def print_tree(statuses: dict[bool, Counter[str]], silos: dict[bool, Counter[str]]) -> bool:
    """Print precision and recall of broken paths and of silo flags; whether they are high enough."""
    table, fine = Table(title="goals that reach no company goal", title_justify="left"), True
    for head in ("planted", "status", "true", "recall", "precision"):
        table.add_column(head)
    for planted, counts in statuses.items():
        for status in ("orphan", "broken", "circle"):
            right = counts[f"{status} as {status}"]
            true = sum(n for pair, n in counts.items() if pair.startswith(f"{status} as"))
            named = sum(n for pair, n in counts.items() if pair.endswith(f"as {status}"))
            shares = [right / of if of else 1.0 for of in (true, named)]
            fine &= min(shares) >= FOUND
            table.add_row(str(planted), status, f"{true:,}", *(f"{share:.3f}" for share in shares))
    for planted, counts in silos.items():
        flags = f"{counts['right']} of {counts['planted']}", f"{counts['right']} of {counts['flagged']}"
        fine &= counts["right"] == counts["planted"]
        table.add_row(str(planted), "silo", str(counts["planted"]), *flags)
    terminal.out.print(table)
    return fine


def print_sums(judged: pd.DataFrame, worst: float) -> bool:
    """Print the coverage of intervals by level, and the largest difference between levels; whether both are right."""
    table = Table(title="80 % intervals of sums of forecasts", title_justify="left")
    for head in ("level", "sums", "covered", "as if errors were independent", "by date"):
        table.add_column(head)
    for level, rows in judged.groupby("level", sort=False):
        by_day = rows.groupby("day")["covered"].mean()
        shares = (f"{rows[name].mean():.3f}" for name in ("covered", "independent"))
        table.add_row(str(level), f"{len(rows):,}", *shares, ", ".join(f"{share:.2f}" for share in by_day))
    terminal.out.print(table)
    team = float(judged.loc[judged["level"] == "team", "covered"].mean())
    fine = COVERED[0] <= team <= COVERED[1] and worst <= EXACT
    terminal.out.print(f"levels add up to {worst:.1e} (relative)  {mark(fine)}")
    return fine


def mark(fine: bool) -> str:
    """Whether a goal is met."""
    return "met" if fine else "MISSED"


if __name__ == "__main__":
    sys.exit(main())

"""Whether metrics that mislead are named, and clean ones left alone: ``python3 run.py benchmark indicators``.

Companies are simulated with one metric of each kind that misleads and one measure that is missing from all goals, and each again
with nothing planted. Shown, with 95 % intervals (Wilson 1927): how many of the planted metrics are flagged as what they are, how
many of the missing measures are named with the goal that they move with, how many clean metrics and measures are flagged, and how
many metrics that follow their parent goal are said to. Seeds from 301 on; the method was fixed on others. Ends with 1
where a goal is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from scipy.stats import binomtest

from perfml import Project
from perfml.demo.company import simulate
from perfml.demo.planted.indicators import IndicatorTruth, plant_indicators
from perfml.goals.indicators.record import IndicatorsRecord

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
NAMED, FALSE = 0.9, 0.05
Counts = Mapping[str, tuple[int, int]]
"""What is counted -> how many of how many."""


def main() -> int:
    """Exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("employees", 1_200), ("seeds", 10), ("first", 301)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    hits, of = Counter[str](), Counter[str]()
    for seed in range(asked.first, asked.first + asked.seeds):
        for counts in of_company(seed, asked.employees):
            for name, (k, n) in counts.items():
                hits[name] += k
                of[name] += n
        print(f"seed {seed}: " + "; ".join(f"{name} {hits[name]} of {of[name]}" for name in of), flush=True)
    for name in of:
        ends = binomtest(hits[name], of[name]).proportion_ci(method="wilson")
        print(f"{name}: {hits[name] / of[name]:.1%} [{ends.low:.1%}, {ends.high:.1%}] ({hits[name]} of {of[name]})")
    named = [name for name in of if name.startswith("named")]
    false = [name for name in of if name.startswith("false")]
    missed = any(hits[name] < NAMED * of[name] for name in named) or any(
        hits[name] > FALSE * of[name] for name in false
    )
    return int(missed)


def of_company(seed: int, employees: int) -> list[Counts]:
    """The counts of the company of a seed: with metrics that mislead, and with nothing planted."""
    with tempfile.TemporaryDirectory() as folder:
        data, plain = Path(folder) / "data", Path(folder) / "plain"
        simulate(plain, employees=employees, start=START, end=END, seed=seed)
        counts = []
        for planted in (True, False):
            shutil.copytree(plain, data, dirs_exist_ok=True)
            truth = plant_indicators(data, seed=seed, planted=planted)
            counts.append(count(Project(home=Path(folder) / "home").indicators(data, as_of=END), truth))
    return counts


def count(record: IndicatorsRecord, truth: IndicatorTruth) -> Counts:
    """What is planted and named, and what is clean and flagged all the same."""
    metrics = {each.metric: each for each in record.metrics}
    counts = {
        f"named {trap}": (int(metric in metrics and trap in metrics[metric].flags), 1)
        for metric, trap in truth.misleading.items()
    }
    pairs = {(each.measure, each.association.outcome) for each in record.missing}
    if truth.missing is not None:
        counts["named missing"] = (int(truth.missing in pairs), 1)
    clean = [each for name, each in metrics.items() if name not in truth.misleading and each.verdict != "insufficient"]
    kind = "planted" if truth.misleading else "nothing planted"
    counts[f"false alarms, metrics, {kind}"] = (sum(each.verdict == "misleads" for each in clean), len(clean))
    decoys = {measure for measure, _ in pairs} - {truth.missing[0] if truth.missing else ""}
    counts[f"false alarms, measures, {kind}"] = (len(decoys), record.looked_at - (truth.missing is not None))
    counts[f"said to move with its parent goal, {kind}"] = (
        sum(each.verdict == "moves with" for each in clean),
        len(clean),
    )
    return counts


if __name__ == "__main__":
    sys.exit(main())

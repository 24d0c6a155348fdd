"""The feedback network on companies whose gaps are known: `python3 run.py benchmark network`.

Simulated companies with planted gaps and the same companies without any: people outside, one-way streets of two people, pairs of
teams and of departments that never speak. Precision and recall over all companies, and what is told where nothing is planted.
Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import Counter
from collections.abc import Set
from pathlib import Path

from scipy.stats import binomtest

from perfml import Project
from perfml.demo.company import simulate
from perfml.demo.planted.network import NetworkTruth, plant_network, plant_praise
from perfml.network.report import NetworkReport

START, END = dt.date(2025, 7, 1), dt.date(2026, 10, 1)
RIGHT, FALSE = 0.95, 0.05
KINDS = ("outside", "street", "manager_id", "department")


def main() -> int:
    """Exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seeds", 10), ("first", 1), ("employees", 120)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--praise", type=float, default=2.0, help="more praise a month and person than simulated")
    asked = parser.parse_args()
    sums: Counter[tuple[str, str]] = Counter()
    for seed in range(asked.first, asked.first + asked.seeds):
        sums += company(seed, asked.employees, asked.praise)
    missed = False
    for kind in KINDS:
        hits, planted, reports = (sums[kind, what] for what in ("hit", "planted", "told"))
        clean, judged = sums[kind, "clean told"], sums[kind, "clean"]
        recall, precision = hits / max(planted, 1), hits / max(reports, 1)
        low = binomtest(hits, planted).proportion_ci(method="wilson").low if planted else 0.0
        print(
            f"{kind}: recall {recall:.3f} (from {low:.3f}; {hits} of {planted}), precision {precision:.3f} ({reports} told);"
            f" nothing planted: {clean} told of {judged} judged"
        )
        if kind in ("manager_id", "department"):
            print(f"  one way: {sums[kind, 'one way']} told; nothing planted: {sums[kind, 'clean one way']}")
        missed |= recall < RIGHT or precision < RIGHT or clean > FALSE * judged
    return int(missed)


def company(seed: int, employees: int, praise: float) -> Counter[tuple[str, str]]:
    """Counts of one company, without and with gaps."""
    sums: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        data, project = Path(folder) / "data", Project(home=Path(folder) / "home")
        simulate(data, employees=employees, start=START, end=END, seed=seed)
        plant_praise(data, a_month=praise, seed=seed)
        clean = project.feedback_network(data, as_of=END)
        truth = plant_network(data, seed=seed)
        report = project.feedback_network(data, as_of=END)
    right, reports, none = planted(truth), reported(report), reported(clean)
    reports["manager_id"] = reports["manager_id"] - (truth.between_departments - truth.teams)
    judged: dict[str, int] = {str(compared.by): compared.testable for compared in clean.figures.compared}
    judged |= {"outside": clean.figures.judged, "street": clean.figures.judged}
    for kind in KINDS:
        sums[kind, "hit"] += len(right[kind] & reports[kind])
        sums[kind, "planted"] += len(right[kind])
        sums[kind, "told"] += len(reports[kind])
        sums[kind, "clean told"] += len(none[kind])
        sums[kind, "clean"] += judged[kind]
    for name, each in (("one way", report), ("clean one way", clean)):
        for gap in each.figures.gaps:
            sums[gap.by, name] += gap.kind == "one way"
    parts = ((right[kind] & reports[kind], right[kind], reports[kind], none[kind]) for kind in KINDS)
    print(seed, [(kind, *map(len, each)) for kind, each in zip(KINDS, parts, strict=True)], flush=True)
    return sums


def planted(truth: NetworkTruth) -> dict[str, Set[object]]:
    """What should be told."""
    people = {(person, "nobody") for person in truth.alone} | {
        (person, "manager only") for person in truth.manager_only
    }
    return {"outside": people, "street": truth.streets, "manager_id": truth.teams, "department": truth.departments}


def reported(report: NetworkReport) -> dict[str, Set[object]]:
    """What is told."""
    gaps: dict[str, Set[object]] = {
        by: {
            tuple(sorted((gap.first, gap.second)))
            for gap in report.figures.gaps
            if gap.by == by and gap.kind == "silent"
        }
        for by in ("manager_id", "department")
    }
    return {
        "outside": {(row.employee_id, row.outside) for row in report.people if row.outside},
        "street": set(zip(report.streets["giver"], report.streets["receiver"], strict=True)),
        **gaps,
    }


if __name__ == "__main__":
    sys.exit(main())

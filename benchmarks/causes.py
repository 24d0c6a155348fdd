"""Whether reasons name what is really the matter: ``python3 run.py benchmark causes [--employees N] [--seed N]``.

A simulated company whose truth is known is learnt from (all gates, three seeds, all horizons) and scored. Of everyone in whom a
cause has been at work for two months, and who was scored: how often evidence of that cause is among the three leading reasons and
raises the risk. With 95 % intervals (Wilson 1927). Takes some minutes; ends with 1 where a share is below the goal of .90.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

from perfml import Project, terminal  # noqa: E402
from perfml.demo.company import CAUSES, simulate  # noqa: E402
from perfml.project.spec import LEADING_REASONS  # noqa: E402
from perfml.project.starter import STARTER  # noqa: E402

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
SETTLED = dt.timedelta(days=60)
GOAL = 0.9


def main() -> int:
    """Simulate, learn, score, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("employees", 1_500), ("seed", 11)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    table = Table(title=f"{asked.employees:,} people, seed {asked.seed}", title_justify="left")
    for heading in ("model", "days", "people", "named", "95 % interval", "least of one cause"):
        table.add_column(heading)
    low = 1.0
    with tempfile.TemporaryDirectory() as folder, terminal.progress() as progress:
        data = Path(folder) / "company"
        truth = simulate(data, employees=asked.employees, start=START, end=END, seed=asked.seed)
        project = Project(STARTER, home=Path(folder) / "home", progress=progress)
        active = truth.active(END)
        settled = active[active["started_on"] <= np.datetime64(END - SETTLED)]
        for model in ("attrition", "low_performance"):
            project.train(model, data, until=END)
            rows = project.score(model, data, as_of=END).to_pylist()
            planted = dict(settled[settled["outcome"] == model][["employee_id", "cause"]].itertuples(index=False))
            for days in sorted({row["horizon_days"] for row in rows}):
                here = [row for row in rows if row["horizon_days"] == days and row["status"] == "scored"]
                named, of = Counter[str](), Counter[str]()
                for row in here:
                    if (cause := planted.get(row["employee_id"])) is not None:
                        of[cause] += 1
                        shown = [r["evidence"] for r in row["reasons"][:LEADING_REASONS] if r["contribution"] > 0]
                        named[cause] += any(each in CAUSES[cause].reasons for each in shown)
                hits, n = named.total(), of.total()
                if not n:
                    table.add_row(model, str(days), "0", "", "", "nobody carries a settled cause")
                    continue
                ends = binomtest(hits, n).proportion_ci(method="wilson")
                worst = min(of, key=lambda cause: named[cause] / of[cause])
                said = f"{worst} {named[worst]} of {of[worst]}"
                table.add_row(model, str(days), str(n), f"{hits / n:.2f}", f"{ends.low:.2f} … {ends.high:.2f}", said)
                low = min(low, hits / n)
    terminal.out.print(table)
    return int(low < GOAL)


if __name__ == "__main__":
    sys.exit(main())

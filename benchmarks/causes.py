"""Whether reasons name what is really the matter: ``python3 run.py benchmark causes [--employees N] [--seed N]``.

A simulated company whose truth is known is learnt from (all gates, three seeds, all horizons) and scored. Of everyone in whom a
cause has been at work for two months, and who was scored: how often evidence of that cause is among the three leading reasons and
raises the risk. Of those with such a cause on the list (to act on or to watch), and of all scored: how many of the causes that
manager or company answer for are shown under "support the setting" (recall), and how many of those shown there have such a cause
(precision). With 95 % intervals (Wilson 1927). Takes some minutes; ends with 1 where a share of the list, over all horizons, is
below the goal of .90.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

from perfml import Project, terminal  # noqa: E402
from perfml.demo.company import CAUSES, simulate  # noqa: E402
from perfml.project.model_spec import LEADING_REASONS  # noqa: E402
from perfml.project.starter import STARTER  # noqa: E402
from perfml.reasons.leading import for_others  # noqa: E402

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
SETTLED = dt.timedelta(days=60)
GOAL = 0.9
Rows = Sequence[Mapping[str, Any]]
Hits = tuple[int, int]
"""How many of how many."""


def main() -> int:
    """Simulate, learn, score, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("employees", 1_500), ("seed", 11)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    named_table = Table(title=f"{asked.employees:,} people, seed {asked.seed}: the planted cause", title_justify="left")
    for heading in ("model", "days", "among the leading three", "least of one cause"):
        named_table.add_column(heading)
    setting_table = Table(title="process debt under 'support the setting'", title_justify="left")
    for heading in ("model", "days", "of", "recall", "precision", "shown, without any planted cause"):
        setting_table.add_column(heading)
    goals: dict[str, list[Hits]] = {}
    with tempfile.TemporaryDirectory() as folder, terminal.progress() as progress:
        data = Path(folder) / "company"
        truth = simulate(data, employees=asked.employees, start=START, end=END, seed=asked.seed)
        project = Project(STARTER, home=Path(folder) / "home", progress=progress)
        active = truth.active(END)
        settled = active[active["started_on"] <= np.datetime64(END - SETTLED)]
        for model in ("attrition", "low_performance"):
            limit = project.train(model, data, until=END).spec.reasons.others_share
            rows = [row for row in project.score(model, data, as_of=END).to_pylist() if row["status"] == "scored"]
            affected = settled[settled["outcome"] == model]
            planted = dict(zip(affected["employee_id"], affected["cause"], strict=True))
            for days in sorted({row["horizon_days"] for row in rows}):
                scored = [row for row in rows if row["horizon_days"] == days]
                hits, worst = named(scored, planted)
                named_table.add_row(model, str(days), share(hits), worst)
                goals.setdefault(f"{model}: named", []).append(hits)
                listed = [row for row in scored if row["band"] in ("act", "watch")]
                for label, people in (("the list", listed), ("everyone scored", scored)):
                    recall, precision, without = setting(people, planted, limit)
                    setting_table.add_row(model, str(days), label, share(recall), share(precision), str(without))
                    goals.setdefault(f"{model}: recall, {label}", []).append(recall)
                    goals.setdefault(f"{model}: precision, {label}", []).append(precision)
    terminal.out.print(named_table, setting_table)
    below = False
    for goal, parts in goals.items():
        hits = (sum(k for k, _ in parts), sum(n for _, n in parts))
        below |= "everyone" not in goal and hits[0] < GOAL * hits[1]
        terminal.out.print(f"{goal}, all horizons: {share(hits)}")
    return int(below)


def named(rows: Rows, planted: Mapping[str, str]) -> tuple[Hits, str]:
    """How often the planted cause is among the leading reasons, and the cause that is named least often."""
    hits, of = Counter[str](), Counter[str]()
    for row in rows:
        if (cause := planted.get(row["employee_id"])) is not None:
            of[cause] += 1
            shown = [r["evidence"] for r in row["reasons"][:LEADING_REASONS] if r["contribution"] > 0]
            hits[cause] += any(each in CAUSES[cause].reasons for each in shown)
    least = min(of, key=lambda cause: hits[cause] / of[cause], default="")
    return (hits.total(), of.total()), f"{least} {hits[least]} of {of[least]}"


def setting(rows: Rows, planted: Mapping[str, str], limit: float) -> tuple[Hits, Hits, int]:
    """Recall and precision of process debt among those with a planted cause, and the number shown without any."""
    both = debts = shown = without = 0
    for row in rows:
        cause, others = planted.get(row["employee_id"]), for_others(row["reasons"], limit)
        if cause is None:
            without += others
            continue
        debt = CAUSES[cause].owner != "employee"
        both, debts, shown = both + (debt and others), debts + debt, shown + others
    return (both, debts), (both, shown), without


def share(hits: Hits) -> str:
    """A share with its interval, and the numbers that it is made from."""
    k, n = hits
    if not n:
        return "nobody"
    ends = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k / n:.2f} [{ends.low:.2f}, {ends.high:.2f}] ({k} of {n})"


if __name__ == "__main__":
    sys.exit(main())

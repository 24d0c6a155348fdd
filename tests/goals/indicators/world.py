"""A small company whose goals are known: fifteen owners of parent goals, four goals below each, over eight quarters."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from tests.tables import write_tables

OWNERS, BELOW, QUARTERS = 15, 4, 8
AS_OF = dt.date(2026, 1, 1)


def write_world(folder: Path, *, follows: float = 1.0, quarters: int = QUARTERS, seed: int = 3) -> Path:
    """Write tables in which ``sales`` follows by ``follows`` the ``visits`` below it, and ``demos`` of ``facts``."""
    rng = np.random.default_rng(seed)
    people = [f"p{n:03}" for n in range(OWNERS * (1 + BELOW))]
    goals, progress, facts = [], [], []
    for quarter in range(quarters):
        first = dt.date(2024 + quarter // 4, quarter % 4 * 3 + 1, 1)
        last = (pd.Timestamp(first) + pd.offsets.QuarterEnd()).date()
        for owner in range(OWNERS):
            team = people[OWNERS + owner * BELOW : OWNERS + (owner + 1) * BELOW]
            results, demos = rng.normal(1.0, 0.2, BELOW).clip(0.3), rng.normal(size=BELOW)
            above = 1 + follows * (results.mean() - 1) + 0.1 * follows * demos.mean() + rng.normal(0, 0.08)
            parent = f"g{quarter}-{owner}"
            named = [
                (people[owner], "sales", above, ""),
                *((p, "visits", r, parent) for p, r in zip(team, results, strict=True)),
            ]
            for number, (person, metric, attained, above_it) in enumerate(named):
                goal = parent + (f"-{number}" if number else "")
                goals.append((goal, person, metric, "true", 100, 100, first, last, first, above_it))
                for share, day in ((0.4, first + dt.timedelta(days=36)), (1.0, last - dt.timedelta(days=2))):
                    progress.append((goal, f"{day} 12:00:00", round(100 * attained * share, 3)))
            facts += [
                ("crm", "demos", p, last - dt.timedelta(days=9), round(v, 3)) for p, v in zip(team, demos, strict=True)
            ]
            facts += [("crm", "mails", p, last - dt.timedelta(days=9), round(rng.normal(), 3)) for p in team]
    names = "goal_id employee_id metric core weight target period_start period_end effective_on parent_goal_id"
    return write_tables(
        folder,
        employees=pd.DataFrame({"employee_id": people, "hired_on": "2020-01-01"}),
        events=pd.DataFrame({"employee_id": people, "happened_at": "2025-12-31 09:00:00", "kind": "login"}),
        goals=pd.DataFrame(goals, columns=names.split()),
        progress=pd.DataFrame(progress, columns=["goal_id", "measured_at", "actual"]),
        facts=pd.DataFrame(facts, columns=["source", "metric", "entity", "business_date", "value"]),
    )

"""What is kept of goals, for tests of what reads it: two people of one manager, one metric each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import cast

import pyarrow as pa

from perfml.goals.files import keep_goals
from perfml.goals.report import GoalsReport
from perfml.goals.sums.levels import SUMS
from perfml.goals.tree.flags import Coverage, GoalFlags, SiloFlag
from perfml.goals.tree.rows import ALIGNMENT, PATHS
from perfml.scoring.run_record import RunRecord

PERIOD = {"period_start": dt.date(2026, 7, 1), "period_end": dt.date(2026, 12, 31)}
FLAGS = GoalFlags(
    basis="objectives",
    coverage=(
        Coverage(
            goal_id="o1",
            title="grow",
            metric="revenue",
            people=1,
            people_share=0.5,
            weight_share=0.5,
            departments=("sales",),
        ),
    ),
    silos=(
        SiloFlag(goal_id="o1", title="grow", metric="revenue", basis="declared", has=("sales",), lacks=("service",)),
    ),
)
COMPANY = {"id": "o1", "level": "company", "metric": "revenue", "title": "grow", "department": None, "owner": None}
MANAGERS = {"id": "g9", "level": "person", "metric": "revenue", "title": None, "department": "board", "owner": "boss"}


def keep_two(home: Path, *, as_of: dt.date, people: tuple[str, str] = ("e1", "e2")) -> None:
    """Keep goals of two people who report to boss: those of the first serve a company goal, those of the other serve nothing."""
    first, other = people
    whose = {"as_of": as_of, "department": "sales", "manager_id": "boss"}
    goals = ((first, "g1", "revenue", 60.0, "CNY"), (other, "g2", "visits", 90.0, None))
    paths = [
        {
            **whose,
            **PERIOD,
            "employee_id": person,
            "goal_id": goal,
            "metric": metric,
            "weight": 100.0,
            "share": 1.0,
            "parent_id": "g9" if person == first else None,
            "status": "aligned" if person == first else "orphan",
            "cause": None if person == first else "nothing_named",
            "end_id": "o1" if person == first else goal,
            "steps": 2 if person == first else 0,
            "path": [MANAGERS, COMPANY] if person == first else [],
        }
        for person, goal, metric, _, _ in goals
    ]
    alignment = [
        {
            **whose,
            "employee_id": person,
            "goals": 1,
            "aligned": float(person == first),
            "orphan": float(person == other),
            **dict.fromkeys(("broken", "circle", "insufficient"), 0.0),
        }
        for person in people
    ]
    sums = []
    for level in ("company", "department", "line", "team", "person"):
        for person, _, metric, expected, of in goals:
            part = {
                "department": "sales" if level in ("department", "team", "person") else None,
                "manager_id": "boss" if level in ("line", "team", "person") else None,
                "employee_id": person if level == "person" else None,
            }
            known = of is not None
            amounts = {
                "target": 100.0,
                "actual": 30.0,
                "expected": expected,
                "low": expected - 10,
                "high": expected + 10,
            }
            sums.append(
                {
                    **part,
                    **PERIOD,
                    **{name: value if known else None for name, value in amounts.items()},
                    "level": level,
                    "as_of": as_of,
                    "metric": metric,
                    "unit": of,
                    "people": 1,
                    "goals": 1,
                    "unknown": 0,
                    "problem": None if known else "unit_unknown",
                }
            )
    report = GoalsReport(
        as_of=as_of,
        paths=pa.Table.from_pylist(paths, schema=PATHS),
        alignment=pa.Table.from_pylist(alignment, schema=ALIGNMENT),
        sums=pa.Table.from_pylist(sums, schema=SUMS),
        flags=FLAGS,
    )
    keep_goals(report, home, record=cast(RunRecord, {}))

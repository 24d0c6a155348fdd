"""A company of four offices with a regular log, and the same log with a fault planted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from tests.tables import write_tables

START, END = dt.date(2025, 1, 6), dt.date(2026, 1, 5)
"""First day of the log, and the as-of date after its last one."""
OFFICES = ("North", "East", "South", "West")
SYSTEMS = {"login": "oa", "order": "crm", "call": "crm"}


def log(seed: int = 1, people: int = 10, per_day: float = 1.2) -> pd.DataFrame:
    """One row an event: ``people`` in each office, on working days, with a holiday of a week that all share."""
    rng = np.random.default_rng(seed)
    days = [START + dt.timedelta(days=n) for n in range((END - START).days)]
    working = [day for day in days if day.weekday() < 5 and not dt.date(2025, 10, 1) <= day <= dt.date(2025, 10, 8)]
    rows = []
    for office in OFFICES:
        for number in range(people):
            for kind in SYSTEMS:
                for day, count in zip(working, rng.poisson(per_day, len(working)), strict=True):
                    rows += [(f"{office}{number}", office, day, kind)] * int(count)
    frame = pd.DataFrame(rows, columns=["employee_id", "office", "day", "kind"])
    frame["source"] = frame["kind"].map(SYSTEMS)
    frame["happened_at"] = frame["day"].astype(str) + " 09:00:00"
    return frame


def written(folder: Path, frame: pd.DataFrame, **tables: str | pd.DataFrame) -> Path:
    """The company with the log ``frame``, as a folder of tables; reviews reach to the last day."""
    people = sorted({*frame["employee_id"]} | {f"{office}{n}" for office in OFFICES for n in range(10)})
    return write_tables(
        folder,
        employees=pd.DataFrame({"employee_id": people, "hired_on": "2020-01-01"}),
        positions=pd.DataFrame(
            {"employee_id": people, "effective_on": "2020-01-01", "location": [p.rstrip("0123456789") for p in people]}
        ),
        events=frame.reindex(columns=["employee_id", "happened_at", "kind", "source", "value"]),
        reviews=pd.DataFrame(
            {
                "review_id": ["r1"],
                "employee_id": ["North0"],
                "period_end": [str(END - dt.timedelta(days=1))],
                "reviewed_on": [str(END - dt.timedelta(days=1))],
                "rating": ["3"],
            }
        ),
        **tables,
    )


def between(frame: pd.DataFrame, first: dt.date, last: dt.date) -> pd.Series:
    """Which rows lie in a stretch of days."""
    return frame["day"].between(first, last)

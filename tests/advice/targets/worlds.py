"""Simulated goals with known habit, season and market, and the shipped policy."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.target_policy import TargetPolicy
from tests.tables import write_tables

_, POLICY = ProjectFolder(STARTER).policy_of(TargetPolicy)
"""The shipped rules."""
SCOPES = ("north", "south", "east", "west")
START = dt.date(2022, 1, 1)
EPOCH = dt.date(1970, 1, 1)
NOW = dt.date(2025, 8, 20)
"""In the third quarter of the fourth year."""


def quarters(until: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last day of each quarter that begins before ``until``."""
    begins = [dt.date(y, m, 1) for y in range(START.year, until.year + 2) for m in (1, 4, 7, 10)]
    return [(a, b - dt.timedelta(days=1)) for a, b in pairwise(begins) if a < until]


def world(folder: Path, *, effect: float = 1.0, season: float = 0.0, noise: float = 0.1, seed: int = 0) -> Path:
    """40 people in four scopes, a goal a quarter each, measured every fortnight; a signal moves a scope by ``effect``.

    In the last quarter the signal of ``north`` breaks down by 40 %.
    """
    rng = np.random.default_rng(seed)
    people = [f"e{n:02}" for n in range(40)]
    scope = {person: SCOPES[n % 4] for n, person in enumerate(people)}
    habit = dict(zip(people, rng.normal(0, 0.1, 40), strict=True))
    months = pd.date_range(START - dt.timedelta(days=100), NOW, freq="MS")
    walk = {p: np.cumsum(rng.normal(0, 0.06, len(months))) for p in SCOPES}
    walk["north"][months >= pd.Timestamp(2025, 7, 1)] -= 0.5
    signals = [
        {
            "name": "demand",
            "scope": p,
            "month": m.date(),
            "value": np.expm1(walk[p][i]),
            "known_at": f"{m.date() + dt.timedelta(days=35)}",
        }
        for p in SCOPES
        for i, m in enumerate(months)
    ]
    goals, progress = [], []
    for nth, (first, last) in enumerate(quarters(NOW)):
        for person in people:
            name = f"{person}_{first}"
            goals.append((name, person, "calls", "true", 100, 100, first, last, first, scope[person]))
            at = int(np.searchsorted(months, pd.Timestamp(first)))
            pace = habit[person] + season * np.sin(np.pi / 2 * (nth % 4)) + rng.normal(0, noise)
            so_far, days = 0.0, (last - first).days + 1
            for day in range(13, days, 14):
                moved = walk[scope[person]][min(at + day // 30, len(months) - 1)] - walk[scope[person]][max(at - 2, 0)]
                so_far += 100 * 14 / days * np.exp(pace + effect * moved + rng.normal(0, 0.05))
                measured = first + dt.timedelta(days=day)
                if measured < NOW:
                    progress.append((name, measured, round(so_far, 3)))
    columns = ["goal_id", "employee_id", "metric", "core", "weight", "target"]
    columns += ["period_start", "period_end", "effective_on", "scope"]
    return write_tables(
        folder,
        employees=pd.DataFrame({"employee_id": people, "hired_on": "2020-01-01"}),
        events=pd.DataFrame({"employee_id": people, "happened_at": "2025-08-19", "kind": "login"}),
        goals=pd.DataFrame(goals, columns=columns),
        progress=pd.DataFrame(progress, columns=["goal_id", "measured_at", "actual"]),
        signals=pd.DataFrame(signals),
    )


def number(day: dt.date) -> float:
    """Days since 1970-01-01."""
    return float((day - EPOCH).days)

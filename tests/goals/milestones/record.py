"""Milestones drawn as a frame: a record as it is read, without a database."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfml.goals.milestones.reading import MilestoneRecord

NEVER = 1e9


def record(*rows: dict[str, object]) -> MilestoneRecord:
    """Versions of milestones, by default of the goal g of ann from day 0 to 90, known from day 0 on."""
    plain = {
        "goal_id": "g",
        "name": "a",
        "due": 30.0,
        "marked": np.nan,
        "finished": np.nan,
        "depends_on": [],
        "known": 0,
        "until": NEVER,
        "employee_id": "ann",
        "metric": "sites",
        "first": 0.0,
        "last": 90.0,
    }
    return MilestoneRecord(versions=pd.DataFrame([plain | row for row in rows], columns=list(plain)))


def history(people: int = 40, *, seed: int = 3, lag: int = 1) -> list[dict[str, object]]:
    """Finished milestones of earlier goals: each takes about as long as planned, and is marked ``lag`` days later."""
    rng = np.random.default_rng(seed)
    taken = np.floor(30 * np.exp(rng.normal(0, 0.2, people)))
    return [
        {
            "goal_id": f"past{number}",
            "employee_id": f"p{number % 10}",
            "first": -100.0,
            "last": -10.0,
            "due": -70.0,
            "finished": -100.0 + days,
            "marked": -100.0 + days + lag,
            "known": -100,
        }
        for number, days in enumerate(taken)
    ]

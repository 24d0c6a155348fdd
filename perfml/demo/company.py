"""A simulated company whose truth is known: `simulate` writes its contract tables and hands back what is planted.

Reproducible for a seed: every part draws from its own stream of one `SeedSequence`, so no part disturbs another.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.demo import activity, growth, tables
from perfml.demo.goals import goals, market, progress
from perfml.demo.plants import CAUSES, Cause, Truth
from perfml.demo.weeks import live

__all__ = ["CAUSES", "Cause", "Truth", "simulate"]

SMALLEST: Final = 40
SHORTEST_DAYS: Final = 365
PARTS: Final = (
    *("lives", "identities", "courses", "log", "goals", "market", "measures"),
    *("positions", "exits", "events", "reviews", "progress"),
)
"""The parts of the simulation that draw at random; add new ones at the end."""


def simulate(out: Path, *, employees: int = 600, start: date, end: date, seed: int = 7) -> Truth:
    """Write the contract tables of a simulated company as Parquet files into the folder `out`; return its truth.

    `employees` work there at a time, so the `employees` table holds more over the years. The log runs from `start`
    to the day before `end`; hires and positions go further back. Nothing that happened or became known on or after
    `end` is written; only the planned last day of a goal may lie beyond. The truth is returned, not written.

    Raises ValueError for a company too small (40 employees) or a span too short (a year) to have a history.
    """
    if employees < SMALLEST or (end - start).days < SHORTEST_DAYS:
        raise ValueError(
            f"simulate: {employees} employees from {start} to {end}; "
            f"give at least {SMALLEST} employees and {SHORTEST_DAYS} days"
        )
    sources = np.random.SeedSequence(seed).spawn(len(PARTS))
    rng = {part: np.random.default_rng(source) for part, source in zip(PARTS, sources, strict=True)}
    first, last = ((day - date(1970, 1, 1)).days for day in (start, end))
    lives = live(employees=employees, start=first, end=last, rng=rng["lives"])
    ids = tables.identities(lives, rng["identities"])
    taken = growth.enrolments(lives, rng["courses"])
    person, _, _, done, _ = taken
    behaviour = activity.log(lives, (person[done >= 0], done[done >= 0]), rng["log"])
    entries, signals = goals(lives, rng["goals"]), market(lives, rng["market"])
    measured = progress(lives, entries, signals, rng["measures"])
    company: dict[str, pa.Table] = {
        "employees": tables.employees(lives, ids),
        "positions": tables.positions(lives, ids, rng["positions"]),
        "exits": tables.exits(lives, ids, rng["exits"]),
        "events": tables.events(lives, behaviour, ids, rng["events"]),
        **tables.reviews(lives, ids, rng["reviews"]),
        "goals": tables.goals(lives, entries, ids),
        "progress": tables.progress(lives, measured, rng["progress"]),
        "signals": tables.signals(lives, signals),
        "courses": pa.table(growth.courses()),
        "enrolments": tables.enrolments(lives, taken, ids),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in company.items():
        pq.write_table(table, out / f"{name}.parquet", compression="zstd")
    return lives.episodes.truth(ids, last)

"""A simulated company with known truth: `simulate` writes its contract tables and returns what is planted in them.

Reproducible for a seed: every part draws from its own stream of one `SeedSequence`, so no part affects another.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from perfml.arrays import Floats, Ints
from perfml.demo import activity, closing, conversations, growth, shock, tables
from perfml.demo.conversations import Conversations
from perfml.demo.goals import METRICS, NEW_ACCOUNTS, Goals, goals, joined, market, progress
from perfml.demo.lives import LOCATIONS, Lives
from perfml.demo.planted.direction import LinkedGoals, direction
from perfml.demo.planted.neglect import Neglect
from perfml.demo.planted.programme import Programme
from perfml.demo.plants import ATTRITION, CAUSES, PlantedCause, Truth
from perfml.demo.weeks import live

__all__ = ["CAUSES", "PlantedCause", "Truth", "simulate"]

MIN_EMPLOYEES: Final = 40
MIN_DAYS: Final = 365
PARTS: Final = (
    *("lives", "identities", "courses", "log", "goals", "market", "measures"),
    *("positions", "exits", "events", "reviews", "progress"),
    *("demand", "sandbaggers", "closing", "interventions", "besides", "direction"),
)
"""The parts of the simulation that draw random numbers; add new ones at the end."""


def simulate(
    out: Path,
    *,
    employees: int = 600,
    start: date,
    end: date,
    seed: int = 7,
    broken_goals: bool = True,
    programme: Programme | None = None,
    neglect: Neglect | None = None,
) -> Truth:
    """Write the contract tables of a simulated company as Parquet files into the folder `out`; return its truth.

    `employees` is the headcount at any time, so the `employees` table grows over the years. The log runs from `start`
    to the day before `end`; hires and positions go further back. Nothing that happened or became known on or after
    `end` is written, except the planned last day of a goal. The truth is returned, not written. `broken_goals`: whether
    breaks and a silo are planted in the goal tree; without them it is broken only where somebody has left. `programme`: what
    units begin one after another, and what it does to resigning; its starts are written as the table `programmes`. `neglect`:
    where overtime surges and feedback stops more often.

    Raises ValueError for fewer than 40 employees or less than a year, which give no history.
    """
    if employees < MIN_EMPLOYEES or (end - start).days < MIN_DAYS:
        raise ValueError(
            f"simulate: {employees} employees from {start} to {end}; "
            f"give at least {MIN_EMPLOYEES} employees and {MIN_DAYS} days"
        )
    sources = np.random.SeedSequence(seed).spawn(len(PARTS))
    rng = {part: np.random.default_rng(source) for part, source in zip(PARTS, sources, strict=True)}
    first, last = ((day - date(1970, 1, 1)).days for day in (start, end))
    lives = live(employees=employees, start=first, end=last, rng=rng["lives"], programme=programme, neglect=neglect)
    ids = tables.identities(lives, rng["identities"])
    taken = growth.enrolments(lives, rng["courses"])
    person, _, _, done, _ = taken
    behaviour = activity.activity_log(lives, (person[done >= 0], done[done >= 0]), rng["log"])
    agreed, signals, demanded = (
        goals(lives, rng["goals"]),
        market(lives, rng["market"]),
        shock.demand(lives, rng["demand"]),
    )
    entries, besides = shock.weighed(lives, agreed, rng["besides"])
    held_back, hit = shock.sandbaggers(lives, entries, rng["sandbaggers"]), shock.hit(lives, entries)
    measured = []
    for part, held, stream in ((entries, held_back, "measures"), (besides, held_back[:0], "besides")):
        effort = shock.effort(lives, part, held_back=held, hit=hit)
        measured.append(progress(lives, part, signals=signals, demanded=demanded, effort=effort, rng=rng[stream]))
    who, _, _, _, reviewed, rating = map(np.concatenate, zip(*lives.reviews, strict=True))
    drawn = growth.gaps(rating, rng["reviews"])
    named, needed = closing.recurring_gaps(
        lives, who=who, reviewed=reviewed, drawn=drawn, taken=taken, rng=rng["closing"]
    )
    learnt = activity.completions(needed[0][needed[3] >= 0], needed[3][needed[3] >= 0], rng["closing"])
    talks = conversations.conversations(lives, rng["interventions"])
    tree = direction(
        lives,
        joined(entries, besides),
        np.array(tables.serials("g", np.arange(len(entries.person) + len(besides.person))).to_pylist(), dtype=object),
        planted=broken_goals,
        rng=rng["direction"],
    )
    count, logged = len(entries.person), len(behaviour.person)
    company: dict[str, pa.Table] = {
        "employees": tables.employees(lives, ids),
        "positions": tables.positions(lives, ids, rng["positions"]),
        "exits": tables.exits(lives, ids, rng["exits"]),
        "events": pa.concat_tables(
            [
                tables.events(lives, behaviour, ids, rng=rng["events"]),
                tables.events(lives, learnt, ids, rng=rng["closing"], first=logged),
            ]
        ),
        **tables.reviews(lives, named, ids, rng=rng["reviews"]),
        "goals": tables.goals(lives, joined(entries, besides), ids, parent=tree.parent),
        "objectives": tree.objectives,
        "progress": pa.concat_tables(
            [
                tables.progress(lives, measured[0], rng["progress"]),
                tables.progress(lives, measured[1], rng["besides"], first=count),
            ]
        ),
        "signals": tables.signals(lives, signals, demanded),
        "courses": pa.table(growth.courses()),
        "enrolments": pa.concat_tables([tables.enrolments(lives, each, ids) for each in (taken, needed)]),
        "interventions": tables.interventions(lives, talks, ids),
    }
    if programme is not None:
        company["programmes"] = tables.programmes(programme, end=last)
    out.mkdir(parents=True, exist_ok=True)
    for name, table in company.items():
        pq.write_table(table, out / f"{name}.parquet", compression="zstd")
    return _truth(lives, ids, entries=entries, demanded=demanded, held_back=held_back, talks=talks, tree=tree)


def _truth(
    lives: Lives,
    ids: NDArray[np.str_],
    *,
    entries: Goals,
    demanded: Floats,
    held_back: Ints,
    talks: Conversations,
    tree: LinkedGoals,
) -> Truth:
    began, over = np.array(shock.last_quarter(lives), dtype="datetime64[D]").astype("datetime64[s]")
    randomised = talks.offered[talks.random].astype("datetime64[D]").astype("datetime64[s]")
    role, slot = NEW_ACCOUNTS
    return Truth(
        plants=lives.episodes.frame(ids, lives.end),
        shocks=pd.DataFrame(
            {
                "metric": METRICS[role][slot][0],
                "scope": [LOCATIONS[shock.SHOCKED], LOCATIONS[shock.softened(lives, demanded)]],
                "signal": shock.DEMAND,
                "from_month": began,
                "factor": [1 + shock.SHOCK, 1 + shock.SOFTENING],
            }
        ),
        sandbaggers=pd.DataFrame(
            {
                "employee_id": ids[entries.person[held_back]],
                "goal_id": tables.serials("g", held_back).to_pylist(),
                "from_day": np.full(len(held_back), began),
                "to_day": np.full(len(held_back), over),
            }
        ).astype({"employee_id": "str", "goal_id": "str"}),
        closures=pd.DataFrame(
            {
                "tag": closing.TAG,
                "skill": closing.SKILL,
                "course_id": list(closing.CLEARED),
                "closes": [course == closing.CLOSES for course in closing.CLEARED],
                "probability": list(closing.CLEARED.values()),
            }
        ),
        interventions_effect=pd.DataFrame(
            {
                "kind": [conversations.KIND],
                "outcome": [ATTRITION],
                "factor": [conversations.EFFECT],
                "lasts_days": [conversations.EFFECT_DAYS],
                "random_from": [randomised.min()],
                "random_to": [randomised.max()],
            }
        ).iloc[: len(randomised)],
        goal_breaks=tree.breaks,
        silos=tree.silos,
    )

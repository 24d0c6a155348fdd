"""Gaps in who gives feedback to whom, planted in the tables of a simulated company: `plant_network` rewrites `events`.

People who hear from nobody, or from their manager alone; two people of whom one gives and the other never returns; two teams, or
departments, that never speak. What is planted lasts for the last year of the log. Everything is drawn from its own stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

CONTACTS: Final = ("feedback_given", "feedback_received", "praise")
DAYS: Final = 364
ALONE, MANAGER_ONLY, STREETS, TEAMS = 3, 3, 5, 3
"""People outside of both kinds, one-way pairs, and pairs of teams, in each company; one pair of departments as well."""
STREET_DAYS: Final = 7
"""Mean days between what is given on a one-way street."""
LEAST_TEAM: Final = 6
SETTLED_DAYS: Final = 91
"""Since when people are there who are planted outside, or on a one-way street."""


@dataclass(frozen=True, kw_only=True)
class NetworkTruth:
    """What is planted: ids of people, ordered pairs of people (giver, receiver), pairs of team leaders, pairs of departments."""

    alone: frozenset[str]
    manager_only: frozenset[str]
    streets: frozenset[tuple[str, str]]
    teams: frozenset[tuple[str, str]]
    departments: frozenset[tuple[str, str]]
    between_departments: frozenset[tuple[str, str]]
    """Pairs of teams that never speak because their departments do not."""


def plant_network(data: Path, *, seed: int) -> NetworkTruth:
    """Plant gaps in the tables of the folder `data`."""
    rng = np.random.default_rng([seed, 49])
    events = pd.read_parquet(data / "events.parquet")
    end = events["happened_at"].max().normalize() + pd.Timedelta(days=1)
    now = _employed(data, end)
    team = now["manager_id"].dropna()
    leads = set(team)
    free = [person for person in team.index[now["tenure_days"].loc[team.index] >= SETTLED_DAYS] if person not in leads]
    rng.shuffle(free)
    alone, below = free[:ALONE], free[ALONE : ALONE + MANAGER_ONLY]
    teams = _pairs(team, rng, TEAMS)
    departments = _pairs(now["department"].dropna(), rng, 1)
    streets = _streets(free[ALONE + MANAGER_ONLY :], [(team, teams), (now["department"], departments)])
    recent = events[(events["happened_at"] >= end - pd.Timedelta(days=DAYS)) & events["kind"].isin(CONTACTS)]
    own, other = recent["employee_id"], recent["counterpart_id"]
    silent = own.isin(alone) | other.isin(alone)
    for side, partner in ((own, other), (other, own)):
        silent |= side.isin(below) & (partner != side.map(now["manager_id"]))
    for unit, pairs in ((team, teams), (now["department"], departments)):
        lines = (own.map(now["manager_id"]) == other) | (other.map(now["manager_id"]) == own)
        units = pd.DataFrame({"a": own.map(unit), "b": other.map(unit)})
        for a, b in pairs:
            silent |= ~lines & (((units["a"] == a) & (units["b"] == b)) | ((units["a"] == b) & (units["b"] == a)))
    for giver, receiver in streets:
        silent |= ((own == giver) & (other == receiver)) | ((own == receiver) & (other == giver))
    _write(data, [events.drop(index=recent.index[silent]), *(_praise(pair, end, rng) for pair in streets)])
    return NetworkTruth(
        alone=frozenset(alone),
        manager_only=frozenset(below),
        streets=frozenset(streets),
        teams=frozenset(teams),
        departments=frozenset(departments),
        between_departments=frozenset(_between(now, departments)),
    )


def _between(now: pd.DataFrame, departments: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of teams of two departments, a team being where most of its people are."""
    of = now.groupby("manager_id")["department"].agg(lambda names: str(names.value_counts().index[0]))
    pairs = [(a, b) for first, second in departments for a in of.index[of == first] for b in of.index[of == second]]
    return [(min(pair), max(pair)) for pair in pairs]


def plant_praise(data: Path, *, a_month: float, seed: int) -> None:
    """Let everybody praise colleagues so many times more a month, half of them in the own department, some people much more often
    than others, and nobody before both were hired: a company that writes down more than the simulated one does."""
    rng = np.random.default_rng([seed, 50])
    events = pd.read_parquet(data / "events.parquet")
    end = events["happened_at"].max().normalize() + pd.Timedelta(days=1)
    now = _employed(data, end)
    department, tenure_days = now["department"].fillna(""), now["tenure_days"].clip(upper=DAYS).to_numpy()
    people, index = department.index.to_numpy(), np.arange(len(department))
    count = rng.poisson(a_month * tenure_days / 30.4 * rng.lognormal(-0.125, 0.5, len(people)))
    giver, near = np.repeat(index, count), rng.random(count.sum()) < 0.5
    receiver = rng.integers(0, len(people), len(giver))
    for name in sorted(department.unique()):
        own, inside = index[department == name], near & (department.to_numpy()[giver] == name)
        receiver[inside] = rng.choice(own, inside.sum())
    days = rng.integers(1, tenure_days[giver] + 1)
    extra = pd.DataFrame(
        {"employee_id": people[giver], "counterpart_id": people[receiver], "kind": "praise", "source": "oa"}
    )
    extra["happened_at"] = end - pd.to_timedelta(days, unit="D") + pd.Timedelta(hours=11)
    _write(data, [events, extra[(giver != receiver) & (days <= tenure_days[receiver])]])


def _write(data: Path, parts: list[pd.DataFrame]) -> None:
    table = pd.concat(parts).sort_values("happened_at", kind="stable")
    schema = pq.read_schema(data / "events.parquet")
    pq.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False), data / "events.parquet")


def _employed(data: Path, end: pd.Timestamp) -> pd.DataFrame:
    """Who works there at `end`, with the position then known, by id; ``tenure_days``: for how long."""
    people = pd.read_parquet(data / "employees.parquet").set_index("employee_id")
    left = pd.read_parquet(data / "exits.parquet")["employee_id"]
    tenure_days = (end - pd.to_datetime(people["hired_on"])).dt.days
    positions = pd.read_parquet(data / "positions.parquet").sort_values("effective_on", kind="stable")
    positions = positions[pd.to_datetime(positions["effective_on"]) < end].groupby("employee_id").last()
    stays = sorted(set(tenure_days.index[tenure_days > 0]) - set(left))
    return positions.reindex(stays)[["manager_id", "department"]].assign(tenure_days=tenure_days.loc[stays])


def _pairs(unit: pd.Series, rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Pairs of units with enough people, no unit in two of them; fewer where there are not so many."""
    size = unit.value_counts()
    names = sorted(size[size >= LEAST_TEAM].index)
    rng.shuffle(names)
    drawn = [sorted(names[2 * at : 2 * at + 2]) for at in range(min(count, len(names) // 2))]
    return [(str(a), str(b)) for a, b in drawn]


def _streets(free: list[str], silent: list[tuple[pd.Series, list[tuple[str, str]]]]) -> list[tuple[str, str]]:
    """Pairs of people, nobody in two of them, whose units are not silent towards each other."""

    def speak(giver: str, receiver: str) -> bool:
        return not any(
            {unit.get(giver), unit.get(receiver)} == {first, second}
            for unit, pairs in silent
            for first, second in pairs
        )

    streets: list[tuple[str, str]] = []
    waiting = list(free)
    while len(streets) < STREETS and waiting:
        giver = waiting.pop(0)
        receiver = next((other for other in waiting if speak(giver, other)), None)
        if receiver is not None:
            streets.append((giver, receiver))
            waiting.remove(receiver)
    return streets


def _praise(pair: tuple[str, str], end: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    days = np.flatnonzero(rng.random(DAYS) < 1 / STREET_DAYS) + 1
    moments = end - pd.to_timedelta(days, unit="D") + pd.Timedelta(hours=10)
    return pd.DataFrame(
        {"employee_id": pair[0], "happened_at": moments, "kind": "praise", "counterpart_id": pair[1], "source": "oa"}
    )

"""A company in the shape of the input contract, as large as asked, for the benchmarks: written month by month, in bounded memory.

Everything follows from the seed, so that two runs of a benchmark read the same files. People differ in how much they do and in
what they do, meet mostly the same two dozen others, and rest at weekends; about a fifth of the events name a counterpart.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = (
    "crm_update", "login", "meeting", "feedback_received", "feedback_given", "milestone_done",
    "milestone_late", "course_done", "ticket_closed", "doc_edit", "praise", "overtime",
)  # fmt: skip
SHARES = np.array([0.16, 0.24, 0.14, 0.03, 0.03, 0.02, 0.008, 0.004, 0.15, 0.17, 0.018, 0.03])
TYPICAL_VALUE = np.array([2, 1, 30, 3, 3, 5, 4, 8, 6, 12, 1, 2.0])
MEETS_SOMEONE = np.isin(KINDS, ("meeting", "feedback_received", "feedback_given", "praise"))
FIRST_MONTH = np.datetime64("2023-01", "M")
MONTHS = 24
CONTACTS = 24
TEAM = 9
SECONDS_OF_DAY = 86_400
ROWS_OF_GROUP = 500_000
Table = dict[str, object]


@dataclass(frozen=True)
class Size:
    """How large the company is. ``known_next_day``: every event names the next day as the day it became known; ``uneven``: half
    of all events are one person's, and everyone has the same department, role and level."""

    employees: int = 20_000
    events: int = 5_000_000
    known_next_day: bool = False
    uneven: bool = False
    seed: int = 7

    @property
    def name(self) -> str:
        """Of the folder that holds it."""
        how = ("-known-next-day" if self.known_next_day else "") + ("-uneven" if self.uneven else "")
        return f"{self.employees}x{self.events}{how}"


def company(size: Size, home: Path, *, fresh: bool = False) -> Path:
    """The folder of the company of this ``size`` under ``home``, made unless it is there."""
    folder, done = home / size.name, home / size.name / "complete"
    if fresh or not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_company(size, folder)
        done.touch()
    return folder


def write_company(size: Size, folder: Path) -> None:
    """Write all tables as Parquet; ``events`` is a folder of monthly parts."""
    (folder / "events").mkdir(parents=True)
    random = np.random.default_rng(size.seed)
    ids = np.array([f"E{number:06d}" for number in range(size.employees)], dtype=object)
    _write(folder / "employees.parquet", {
        "employee_id": ids,
        "hired_on": FIRST_MONTH.astype("M8[D]") - random.integers(40, 3000, size.employees),
        "gender": random.choice(["f", "m"], size.employees),
        "birth_year": random.integers(1960, 2000, size.employees),
    })  # fmt: skip
    positions = _positions(ids, random)
    if size.uneven:
        n = len(np.asarray(positions["employee_id"]))
        positions |= {"department": ["department"] * n, "role_family": ["role"] * n, "level": [1] * n}
    _write(folder / "positions.parquet", positions)
    _write(folder / "reviews.parquet", _reviews(ids, random))
    goals, progress = _goals(ids, random)
    _write(folder / "goals.parquet", goals)
    _write(folder / "progress.parquet", progress)
    habits = _Habits(size.employees, random, uneven=size.uneven)
    for month in range(MONTHS):
        n = size.events // MONTHS + (month < size.events % MONTHS)
        events = habits.month(
            month, n, ids, np.random.default_rng([size.seed, month]), known_next_day=size.known_next_day
        )
        path = folder / "events" / f"{FIRST_MONTH + month}.parquet"
        pq.write_table(
            events, path, row_group_size=ROWS_OF_GROUP, compression="zstd", compression_level=1, store_schema=False
        )


class _Habits:
    """How much each person does, what, and with whom."""

    def __init__(self, n: int, random: np.random.Generator, *, uneven: bool) -> None:
        activity = random.gamma(4, 1, n)
        if uneven:
            activity[n // 2] = activity.sum()
        self.activity = np.cumsum(activity / activity.sum())
        types = 8
        mixture = np.maximum(random.dirichlet(SHARES / SHARES.sum() * 60, types), 0.0005)
        cumulative = np.cumsum(mixture / mixture.sum(axis=1, keepdims=True), axis=1)
        cumulative[:, -1] = 1.0
        self.kinds = (cumulative + np.arange(types)[:, None]).ravel()
        self.type_of = random.integers(0, types, n)
        near = (
            np.arange(n)[:, None] + random.integers(1, 41, (n, CONTACTS)) * random.choice([-1, 1], (n, CONTACTS))
        ) % n
        near[:, CONTACTS * 3 // 4 :] = random.integers(0, n, (n, CONTACTS - CONTACTS * 3 // 4))
        self.contacts = near.astype(np.int32)

    def month(
        self, month: int, n: int, ids: npt.NDArray[np.object_], random: np.random.Generator, *, known_next_day: bool
    ) -> pa.Table:
        first = (FIRST_MONTH + month).astype("M8[D]")
        days = np.arange(first, (FIRST_MONTH + month + 1).astype("M8[D]"))
        weight = np.where(np.is_busday(days), 1, 0.08)
        day = np.sort(random.choice(len(days), n, p=weight / weight.sum()))
        second = np.clip(random.normal(12.5, 3, n) * 3600, 0, SECONDS_OF_DAY - 1).astype(np.int64)
        who = np.minimum(np.searchsorted(self.activity, random.random(n)), len(ids) - 1)
        type_of = self.type_of[who]
        kind = np.searchsorted(self.kinds, type_of + random.random(n)) - type_of * len(KINDS)
        kind = np.clip(kind, 0, len(KINDS) - 1).astype(np.int8)
        value = np.round(TYPICAL_VALUE[kind] * np.exp(random.normal(0, 0.5, n)), 2)
        other = self.contacts[who, (CONTACTS * random.random(n) ** 2).astype(np.int8)]
        stranger = random.random(n) < 0.03
        other[stranger] = random.integers(0, len(ids), int(stranger.sum()))
        happened_at = (days[day].astype("M8[s]") + second).astype("M8[us]")
        names = pa.array(ids, pa.string())
        columns = {
            "employee_id": pa.DictionaryArray.from_arrays(pa.array(who.astype(np.int32)), names),
            "happened_at": pa.array(happened_at),
            "kind": pa.DictionaryArray.from_arrays(pa.array(kind), pa.array(KINDS)),
            "value": pa.array(value),
            "counterpart_id": pa.DictionaryArray.from_arrays(pa.array(other, mask=~MEETS_SOMEONE[kind]), names),
        }
        if known_next_day:
            columns["known_at"] = pa.array(happened_at + np.timedelta64(1, "D"))
        return pa.table(columns)


def _positions(ids: npt.NDArray[np.object_], random: np.random.Generator) -> Table:
    """Everyone's first position and, for three in ten, a later one: a tree of teams, in which managers precede their reports."""
    n = len(ids)
    first = np.arange(n)
    moved = np.sort(random.choice(np.arange(1, n), n * 3 // 10, replace=False))
    who = np.concatenate([first, moved])
    boss = np.concatenate([(first - 1) // TEAM, (random.integers(1, moved + 1) - 1) // TEAM])
    start = FIRST_MONTH.astype("M8[D]")
    role, level = random.integers(0, 12, n), random.integers(1, 6, n)
    return {
        "employee_id": ids[who],
        "effective_on": np.concatenate([np.full(n, start - 3000), start + random.integers(20, 700, len(moved))]),
        "manager_id": pa.array(ids[np.maximum(boss, 0)], mask=boss < 0),
        "department": np.array([f"department {number:03d}" for number in boss // (TEAM * TEAM)], dtype=object),
        "role_family": np.array([f"role {number:02d}" for number in role[who]], dtype=object),
        "level": np.concatenate([level, level[moved] + 1]),
    }


def _reviews(ids: npt.NDArray[np.object_], random: np.random.Generator) -> Table:
    """Half-yearly ratings, the first round before the log begins."""
    n = len(ids)
    ability = random.normal(3.2, 0.7, n)
    ends = np.array(["2022-06-30", "2022-12-31", "2023-06-30", "2023-12-31", "2024-06-30"], dtype="M8[D]")
    end, who = np.repeat(ends, n), np.tile(np.arange(n), len(ends))
    boss = np.maximum(who - 1, 0) // TEAM
    return {
        "review_id": np.array([f"R{number:07d}" for number in range(len(who))], dtype=object),
        "employee_id": ids[who],
        "reviewer_id": ids[boss],
        "period_end": end,
        "reviewed_on": end + 10 + random.integers(0, 30, len(who)),
        "rating": np.clip(np.round(ability[who] + random.normal(0, 0.6, len(who))), 1, 5),
    }


def _goals(ids: npt.NDArray[np.object_], random: np.random.Generator) -> tuple[Table, Table]:
    """Two goals a half-year, and their progress about once a month."""
    n = len(ids)
    starts = np.array(["2023-01-01", "2023-07-01", "2024-01-01", "2024-07-01"], dtype="M8[D]")
    start = np.repeat(starts, 2 * n)
    end = np.repeat(np.append(starts[1:], np.datetime64("2025-01-01")) - 1, 2 * n)
    who = np.tile(np.arange(n), 2 * len(starts))
    goal = np.array([f"G{number:07d}" for number in range(len(who))], dtype=object)
    second = np.tile(np.repeat([False, True], n), len(starts))
    target = np.round(random.lognormal(4, 0.5, len(who)), 1)
    goals: Table = {
        "goal_id": goal,
        "employee_id": ids[who],
        "metric": np.where(second, "quality", "revenue").astype(object),
        "core": ~second,
        "weight": np.where(second, 40.0, 60.0),
        "target": target,
        "period_start": start,
        "period_end": end,
        "effective_on": start + random.integers(0, 15, len(who)),
    }
    speed = random.normal(1, 0.3, len(who))
    times = [start + 30 * step + random.integers(-3, 4, len(who)) for step in range(1, 7)]
    share = [np.clip((time - start) / (end - start) * speed, 0, 1.5) for time in times]
    progress: Table = {
        "goal_id": np.tile(goal, len(times)),
        "measured_at": np.concatenate(times).astype("M8[us]"),
        "actual": np.round(np.concatenate(share) * np.tile(target, len(times)), 2),
    }
    return goals, progress


def _write(path: Path, columns: Table) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=1)

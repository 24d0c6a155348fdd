"""Milestones planted in the tables of a simulated company: `plant_milestones` adds the table `milestones`.

Core goals have three to five milestones, some of which wait for others, also of another goal. Work takes longer or shorter than
planned by owner, by quarter and by chance, with some that goes badly wrong; what waits for late work begins late. Some owners
mark what is done at once, some when they report at the end of a month. Everything is drawn from a stream of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SHARE: Final = 0.5
"""Share of core goals that have milestones."""
NAMES: Final = ("方案", "pilot", "rollout", "training", "handover")
ACROSS: Final = 0.15
"""Share of first milestones that wait for the second one of another goal of the same period."""
OWNER_SPREAD: Final = 0.18
QUARTER_SPREAD: Final = 0.08
OWN_SHAPE: Final = 7.0
"""Shape of the gamma distribution of days taken over days planned: a spread of about .4."""
WRONG: Final = 0.07
"""Share of milestones that take 1.5 to 3 times as long again."""
BATCHERS: Final = 0.25
"""Share of owners who mark what is done when they report, in the last days of a month."""
GRACE_DAYS: Final = 5
"""Marked so many days after the work, or sooner, is in time."""
EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class MilestoneTruth:
    """One row per milestone: `goal_id`, `name`, `employee_id`, `begun`, `due`, `finished`, `marked` (days since 1970-01-01, also
    after the end of the record), `hidden`: whether the day of the work never stands in the table."""

    milestones: pd.DataFrame

    @property
    def late_work(self) -> pd.Series:
        """Whether the work ends after it is due."""
        return self.milestones["finished"] > self.milestones["due"]

    @property
    def late_marking(self) -> pd.Series:
        """Whether the work is in time and its mark is not."""
        return ~self.late_work & (self.milestones["marked"] > self.milestones["finished"] + GRACE_DAYS)


def plant_milestones(
    data: Path, *, seed: int, end: date, planted: bool = True, hidden: float = 0.3, dependencies: bool = True
) -> MilestoneTruth:
    """Write `milestones` into the folder `data`, as known before `end`.

    `planted`: without it, everything is finished within what is planned for it and marked at once. `hidden`: share of milestones
    whose day of work is never on record; only its mark is.
    """
    rng = np.random.default_rng([seed, 46])
    rows = _planned(data, rng, dependencies=dependencies)
    rows = _lived(rows, rng, planted=planted)
    rows["hidden"] = rng.random(len(rows)) < hidden
    _write(rows, data, (end - EPOCH).days)
    return MilestoneTruth(milestones=rows.drop(columns=["before", "depends_on"]))


def _planned(data: Path, rng: np.random.Generator, *, dependencies: bool) -> pd.DataFrame:
    goals = pd.read_parquet(data / "goals.parquet").sort_values("effective_on").drop_duplicates("goal_id", keep="last")
    goals = goals[goals["core"]].sort_values("goal_id").reset_index(drop=True)
    goals = goals[rng.random(len(goals)) < SHARE]
    first, last = (
        pd.to_datetime(goals[name]).to_numpy().astype("M8[D]").astype(np.int64)
        for name in ("period_start", "period_end")
    )
    rows: list[dict[str, object]] = []
    seconds: dict[int, list[int]] = {}
    for goal, person, begins, ends in zip(goals["goal_id"], goals["employee_id"], first, last, strict=True):
        count = int(rng.integers(3, 6))
        cuts = np.sort(rng.choice(np.arange(10, int(ends - begins) - 4), count - 1, replace=False))
        due = begins + np.append(cuts, ends - begins - rng.integers(0, 6))
        own = len(rows)
        for number in range(count):
            before = [own + number - 1] if number and rng.random() < 0.8 else []
            others = seconds.get(int(begins), [])
            if not number and others and rng.random() < ACROSS:
                before = [int(rng.choice(others))]
            before = [each for each in before if dependencies and rows_due(rows, each, due[:number]) < due[number] - 5]
            rows.append(
                {
                    "goal_id": goal,
                    "name": NAMES[number],
                    "employee_id": person,
                    "first": int(begins),
                    "due": int(due[number]),
                    "before": before,
                }
            )
        seconds.setdefault(int(begins), []).append(own + 1)
    out = pd.DataFrame(rows)
    key = [f"{row['goal_id']}/{row['name']}" for row in rows]
    out["depends_on"] = [
        [str(rows[each]["name"]) if rows[each]["goal_id"] == row["goal_id"] else key[each] for each in before]
        for row, before in zip(rows, out["before"], strict=True)
    ]
    return out


def rows_due(rows: list[dict[str, object]], row: int, own: np.ndarray) -> float:
    """When a milestone is due: one that stands already, or one of the goal being written."""
    due = rows[row]["due"] if row < len(rows) else own[row - len(rows)]
    return float(str(due))


def _lived(rows: pd.DataFrame, rng: np.random.Generator, *, planted: bool) -> pd.DataFrame:
    """What came of the plan: days of work and of marks."""
    code, owners = pd.factorize(rows["employee_id"], sort=True)
    quarter, quarters = pd.factorize(rows["first"] // 91, sort=True)
    pace = rng.normal(-0.08, OWNER_SPREAD, len(owners))[code] + rng.normal(0, QUARTER_SPREAD, len(quarters))[quarter]
    own = rng.gamma(OWN_SHAPE, 1 / OWN_SHAPE, len(rows))
    wrong = np.where(rng.random(len(rows)) < WRONG, rng.uniform(1.5, 3.0, len(rows)), 1.0)
    factor = np.exp(pace) * own * wrong if planted else rng.uniform(0.55, 0.98, len(rows))
    batcher = (rng.random(len(owners)) < BATCHERS)[code] & planted
    soon = rng.integers(0, 3, len(rows))
    due, first = rows["due"].to_numpy(), rows["first"].to_numpy()
    begun, finished = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    for row, before in enumerate(rows["before"]):
        planned = max([first[row], *(due[each] for each in before)])
        begun[row] = max([first[row], *(finished[each] for each in before)])
        finished[row] = begun[row] + max(1, int(np.floor(max(due[row] - planned, 1) * factor[row])))
    month_end = (finished.astype("M8[D]").astype("M8[M]") + 1).astype("M8[D]").astype(np.int64)
    marked = np.where(batcher, month_end - rng.integers(0, 2, len(rows)), finished + soon)
    return rows.assign(begun=begun, finished=finished, marked=np.maximum(marked, finished))


def _write(rows: pd.DataFrame, data: Path, end: int) -> None:
    """Two versions of each: the plan, known when the goal begins, and the mark, known on the day after it."""
    plan = rows[rows["first"] < end].assign(known=rows["first"], marked=np.nan, finished=np.nan)
    done = rows[rows["marked"] + 1 < end].assign(known=rows["marked"] + 1)
    done = done.assign(finished=done["finished"].where(~done["hidden"]))
    both = pd.concat([plan, done], ignore_index=True).sort_values(["goal_id", "name", "known"])
    days = {
        name: pa.array([None if np.isnan(value) else int(value) for value in both[column]], pa.int32()).cast(
            pa.date32()
        )
        for name, column in (("due_on", "due"), ("marked_on", "marked"), ("finished_on", "finished"))
    }
    table = pa.table(
        {
            "goal_id": pa.array(both["goal_id"], pa.string()),
            "name": pa.array(both["name"], pa.string()),
            **days,
            "depends_on": pa.array([list(each) for each in both["depends_on"]], pa.list_(pa.string())),
            "known_at": pa.array(
                (both["known"].to_numpy().astype(np.int64)).astype("M8[D]").astype("M8[us]"), pa.timestamp("us")
            ),
        }
    )
    pq.write_table(table, data / "milestones.parquet", compression="zstd")

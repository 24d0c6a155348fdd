"""Goals that nobody mentions, planted in the tables of a simulated company: `plant_mentions` adds the table `goal_mentions`.

Every core goal is talked about within weeks of its beginning, some of them late, and those that a manager forgets never. Managers
forget at very different rates. Everything is drawn from its own stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FORGETS: Final = (0.5, 3.0)
"""Beta distribution of the share of core goals that a manager never mentions."""
LATE: Final = 0.1
"""Share of core goals that are mentioned first after 35 to 60 days."""


@dataclass(frozen=True, kw_only=True)
class MentionTruth:
    """`unmentioned`: `goal_id`, `employee_id`, `manager_id` (at the beginning), `period_start`, `period_end` of core goals that
    nobody ever mentions; `in_time`: the ids of those that are mentioned within 21 days."""

    unmentioned: pd.DataFrame
    in_time: frozenset[str]


def plant_mentions(data: Path, *, seed: int) -> MentionTruth:
    """Write `goal_mentions` into the folder `data`."""
    rng = np.random.default_rng([seed, 45])
    goals = pd.read_parquet(data / "goals.parquet").sort_values("effective_on").drop_duplicates("goal_id", keep="last")
    goals = goals[goals["core"]].sort_values("goal_id").reset_index(drop=True)
    positions = pd.read_parquet(data / "positions.parquet")[["employee_id", "effective_on", "manager_id"]]
    days = {"period_start": pd.to_datetime(goals["period_start"]), "period_end": pd.to_datetime(goals["period_end"])}
    goals = goals.assign(**days).sort_values(["period_start", "goal_id"])
    positions = positions.assign(effective_on=pd.to_datetime(positions["effective_on"])).sort_values("effective_on")
    goals = pd.merge_asof(goals, positions, left_on="period_start", right_on="effective_on", by="employee_id")
    managers = sorted(goals["manager_id"].dropna().unique())
    rate = pd.Series(rng.beta(*FORGETS, len(managers)), managers)
    forgotten = rng.random(len(goals)) < goals["manager_id"].map(rate).fillna(0.0)
    late = ~forgotten & (rng.random(len(goals)) < LATE)
    first = np.where(late, rng.integers(35, 60, len(goals)), rng.integers(2, 21, len(goals)))
    on = goals["period_start"] + pd.to_timedelta(first, unit="D")
    again = on + pd.to_timedelta(rng.integers(10, 40, len(goals)), unit="D")
    mentions = pd.concat([goals.assign(mentioned_on=day)[~forgotten] for day in (on, again)])
    mentions = mentions[mentions["mentioned_on"] <= mentions["period_end"]]
    end = pd.to_datetime(pd.read_parquet(data / "progress.parquet", columns=["measured_at"])["measured_at"]).max()
    mentions = mentions[mentions["mentioned_on"] < end].rename(columns={"manager_id": "by_id"})
    table = mentions.assign(mentioned_on=mentions["mentioned_on"].dt.date)[["goal_id", "mentioned_on", "by_id"]]
    pq.write_table(
        pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), data / "goal_mentions.parquet"
    )
    columns = ["goal_id", "employee_id", "manager_id", "period_start", "period_end"]
    unmentioned = goals[forgotten][columns].reset_index(drop=True)
    return MentionTruth(unmentioned=unmentioned, in_time=frozenset(goals["goal_id"][~forgotten & ~late]))

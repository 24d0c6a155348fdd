"""Metrics that mislead, and one that is missing, planted in the tables of a simulated company.

`plant_indicators` rewrites `goals` and `progress` of a company that `simulate` wrote, and adds `facts`: parent goals follow the
goals below them, some metrics of people without goals below become misleading under names of their own, and one recorded
measure moves with a kind of parent goal. Everything is drawn from its own stream, so `simulate` writes what it wrote before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Trap = Literal["saturated", "heaped", "deadline", "contradictory"]
NAMES: Final[dict[Trap, str]] = {
    "saturated": "report_completion",
    "heaped": "contacts_logged",
    "deadline": "contracts_signed",
    "contradictory": "cases_closed_fast",
}
"""What a metric is called once it misleads."""
MEASURES: Final = ("cross_sell_rate", "new_members", "calls_made", "emails_sent", "site_minutes", "documents_filed")
"""Recorded measures of people; at most one of them moves with parent goals."""
FEWEST_PEOPLE: Final = 40
"""People with a metric below which nothing is planted in it."""
FEWEST_PARENTS: Final = 20
FEWEST_RESULTS: Final = 200
"""Owners of parent goals of a metric, and such goals, below which no measure moves with it."""
FOLLOWS: Final = 1.2
"""Relative change of a parent goal for a change of one of the goals below."""
MOVES: Final = 0.16
"""Relative change of a parent goal for one standard deviation of the missing measure: about a third of its variance."""
FULL: Final = 0.97
"""Share of results of a saturated metric that are 100 %."""
MOVED_UP: Final = 0.8
"""Share of results from 80 % to 100 % that are reported as just reached."""
EARLY: Final = 0.35
"""What is recorded before the last stretch of a metric that is made at the deadline, relative to a steady pace."""


@dataclass(frozen=True, kw_only=True)
class IndicatorTruth:
    """What is planted: `misleading`, metric -> how; `missing`, (measure, metric of the parent goals) or None."""

    misleading: dict[str, Trap]
    missing: tuple[str, str] | None


def plant_indicators(data: Path, *, seed: int, planted: bool = True) -> IndicatorTruth:
    """Rewrite the tables in the folder `data`; with `planted` false parent goals follow those below and nothing misleads."""
    rng = np.random.default_rng([seed, 44])
    goals, progress = (pd.read_parquet(data / f"{name}.parquet") for name in ("goals", "progress"))
    newest = goals.sort_values("effective_on").drop_duplicates("goal_id", keep="last").set_index("goal_id")
    above = set(newest["parent_goal_id"].dropna())
    contributors = newest[~newest.index.isin(above)]
    people = contributors.groupby("metric")["employee_id"].nunique()
    eligible = [str(metric) for metric in rng.permutation(sorted(people.index[people >= FEWEST_PEOPLE]))]
    traps = dict(zip(eligible if planted else [], NAMES, strict=False))
    renamed = goals["goal_id"].isin(contributors.index) & goals["metric"].isin(traps)
    goals.loc[renamed, "metric"] = goals.loc[renamed, "metric"].map({was: NAMES[trap] for was, trap in traps.items()})
    newest["metric"] = goals.drop_duplicates("goal_id").set_index("goal_id")["metric"].reindex(newest.index)
    newest["result"] = progress.sort_values("measured_at").groupby("goal_id")["actual"].last() / newest["target"]
    result = newest["result"].copy()
    for trap, name in NAMES.items():
        rows = newest["metric"] == name
        result[rows] = _bent(trap, result[rows], rng)
    facts, missing = _facts(newest, above, planted, rng)
    result *= _followed(newest, result, facts, missing)
    _write(data, goals, _bent_progress(progress, newest, result), facts)
    return IndicatorTruth(misleading={NAMES[trap]: trap for trap in traps.values()}, missing=missing)


def _bent(trap: Trap, result: pd.Series, rng: np.random.Generator) -> pd.Series:
    """The results of a metric as reported."""
    if trap == "saturated":
        return pd.Series(
            np.where(rng.random(len(result)) < FULL, 1.0, rng.uniform(0.8, 0.99, len(result))), result.index
        )
    if trap == "heaped":
        moved = (result >= 0.8) & (result < 1) & (rng.random(len(result)) < MOVED_UP)
        return result.where(~moved, 1 + rng.uniform(0, 0.03, len(result)))
    return result


def _facts(
    newest: pd.DataFrame, above: set[str], planted: bool, rng: np.random.Generator
) -> tuple[pd.DataFrame, tuple[str, str] | None]:
    """Each measure of each person with goals, by quarter: the person's habit and a move of the quarter, in standard deviations;
    and which one moves with which metric of parent goals."""
    rows = newest[["employee_id", "period_start"]].drop_duplicates().reset_index(drop=True)
    code, names = pd.factorize(rows["employee_id"])
    parts = []
    for measure in MEASURES:
        habit = rng.normal(0, 0.6, len(names))
        parts.append(rows.assign(measure=measure, level=habit[code] + rng.normal(0, 0.8, len(rows))))
    parents = newest[newest.index.isin(above)].groupby("metric")["employee_id"].agg(["nunique", "size"])
    eligible = sorted(parents.index[(parents["nunique"] >= FEWEST_PARENTS) & (parents["size"] >= FEWEST_RESULTS)])
    missing = (str(rng.choice(MEASURES)), str(rng.choice(eligible))) if planted and eligible else None
    return pd.concat(parts, ignore_index=True), missing


def _followed(
    newest: pd.DataFrame, result: pd.Series, facts: pd.DataFrame, missing: tuple[str, str] | None
) -> pd.Series:
    """Factor on each goal's result from the goals below it, and from the missing measure of their owners."""
    below = newest.dropna(subset=["parent_goal_id"])
    sign = np.select(
        [below["metric"] == NAMES["contradictory"], below["metric"].isin(NAMES.values())], [-1.0, 0.0], 1.0
    )
    pull = (sign * (result.reindex(below.index) - 1)).groupby(below["parent_goal_id"]).mean()
    factor = pd.Series(1.0, newest.index).add(FOLLOWS * pull, fill_value=0).reindex(newest.index).fillna(1.0)
    if missing is not None:
        measure, metric = missing
        level = facts[facts["measure"] == measure].set_index(["employee_id", "period_start"])["level"]
        owner = pd.MultiIndex.from_frame(below[["employee_id", "period_start"]])
        mean = pd.Series(level.reindex(owner).to_numpy(), below.index).groupby(below["parent_goal_id"]).mean()
        moved = (mean / mean.std()).reindex(newest.index).fillna(0.0) * (newest["metric"] == metric)
        factor *= 1 + MOVES * moved
    return factor.clip(0.2, 3.0)


def _bent_progress(progress: pd.DataFrame, newest: pd.DataFrame, result: pd.Series) -> pd.DataFrame:
    """Every measurement in proportion to the result; before the deadline less of a metric that is made there."""
    scale = (result / newest["result"]).reindex(progress["goal_id"]).fillna(1.0).to_numpy()
    last = progress.groupby("goal_id")["measured_at"].transform("max") == progress["measured_at"]
    metric = newest["metric"].reindex(progress["goal_id"]).to_numpy()
    early = np.where(~last & (metric == NAMES["deadline"]), EARLY, 1.0)
    return progress.assign(actual=np.round(progress["actual"] * scale * early, 2))


def _write(data: Path, goals: pd.DataFrame, progress: pd.DataFrame, facts: pd.DataFrame) -> None:
    for name, frame in (("goals", goals), ("progress", progress)):
        schema = pq.read_schema(data / f"{name}.parquet")
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), data / f"{name}.parquet", compression="zstd")
    day = pd.to_datetime(facts["period_start"]) + pd.Timedelta(days=80)
    end = pd.to_datetime(progress["measured_at"]).max()
    table = pd.DataFrame(
        {
            "source": "crm",
            "metric": facts["measure"],
            "entity": facts["employee_id"],
            "business_date": day.dt.date,
            "value": np.round(10 * np.exp(0.4 * facts["level"]), 2),
        }
    )
    rows = pa.Table.from_pandas(table[(day < end).to_numpy()], preserve_index=False)
    pq.write_table(rows.replace_schema_metadata(None), data / "facts.parquet", compression="zstd")

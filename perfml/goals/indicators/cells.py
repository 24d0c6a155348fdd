"""The rows of an association: one figure beside one outcome, of one group in one period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints
from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.goals.indicators.association import RankAssociation, rank_association
from perfml.goals.indicators.record import MeasureKind, OutcomeKind
from perfml.project.goals.indicators_spec import IndicatorsSpec, ServedOutcomes

LEAST_IN_REGION = 4
"""Rows of a period in one region below which regions are compared with each other."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One row for each series and period, (n,): ``x`` is the figure, ``y`` the outcome."""

    figure: str
    outcome: str
    outcome_kind: OutcomeKind
    figure_kind: MeasureKind | None = None
    """Of a recorded measure; None for a metric of goals."""
    series: Ints
    """One outcome of one group over time."""
    group: Ints
    """Whose rows belong together."""
    period: Ints
    region: Ints
    block: Ints
    """Which of several outcomes; not compared with each other."""
    x: Floats
    y: Floats

    def associate(self, lag: int, spec: IndicatorsSpec) -> RankAssociation | None:
        """The association of the figure with the outcome ``lag`` periods later; None where it is insufficient."""
        if not len(self.x):
            return None
        periods = int(self.period.max()) + 1
        row = np.full((int(self.series.max()) + 1, periods + lag), -1)
        row[self.series, self.period + lag] = np.arange(len(self.x))
        earlier = row[self.series, self.period]
        usable = earlier >= 0
        x, y = self.x[earlier[usable]], self.y[usable]
        group, period, region, block = (each[usable] for each in (self.group, self.period, self.region, self.block))
        if len(np.unique(period)) < spec.least_periods or len(np.unique(group)) < spec.least_groups:
            return None
        regions = int(region.max()) + 2
        whole = (period * (int(block.max()) + 1) + block) * regions
        part = whole + region + 1
        stratum = np.where(np.bincount(part)[part] >= LEAST_IN_REGION, part, whole)
        return rank_association(x, y, stratum=stratum, group=group, period=period)


def parent_cells(results: pd.DataFrame) -> Iterator[Cells]:
    """Each metric beside each metric of its parent goals, and beside all of them together: the mean attainment of the goals
    below a parent goal, and its own."""
    below = results.dropna(subset=["parent_goal_id", "attained"])
    pairs = below[["metric", "parent_goal_id", "attained"]].merge(
        _parents(results), left_on="parent_goal_id", right_on="goal_id"
    )
    means = pairs.groupby(["metric", "outcome", "goal_id", "group", "period", "region", "y"], as_index=False)
    for metric, rows in means.agg(x=("attained", "mean")).groupby("metric"):
        parts = list(rows.groupby("outcome"))
        for outcome, part in parts:
            yield _cells(part, figure=str(metric), outcome=str(outcome))
        if len(parts) > 1:
            yield _cells(rows, figure=str(metric), outcome="", outcome_kind="all goals")


def served_cells(data: Data, results: pd.DataFrame, metric: str, served: ServedOutcomes) -> Iterator[Cells]:
    """A metric beside the facts and signals that it is declared to serve: by person, else by the scope of the goal."""
    goals = results[results["metric"] == metric].dropna(subset=["attained"])
    goals = goals.rename(columns={"attained": "x", "period_start": "period"})
    for kind, names in (("facts", served.facts), ("signals", served.signals)):
        for name in names if data.has(kind) else ():
            values = _by_entity(data, kind, name)
            cells = goals.merge(values, left_on=["employee_id", "period"], right_on=["entity", "period"])
            cells = cells.assign(group=cells["employee_id"])
            if cells.empty:
                means = goals.groupby(["scope", "period"], as_index=False)["x"].mean()
                cells = means.merge(values, left_on=["scope", "period"], right_on=["entity", "period"])
                cells = cells.assign(group=cells["scope"], region="")
            yield _cells(cells, figure=metric, outcome=name, outcome_kind="facts" if kind == "facts" else "signals")


def measure_cells(data: Data, results: pd.DataFrame, spec: IndicatorsSpec) -> Iterator[Cells]:
    """Each recorded measure that stands in nobody's goals beside the metric of each parent goal: its mean over the owners of
    the goals below."""
    parents = _parents(results)
    team = results[["parent_goal_id", "employee_id"]].dropna().drop_duplicates()
    team = team.merge(parents, left_on="parent_goal_id", right_on="goal_id")
    if team.empty:
        return
    known = {*results["metric"], *spec.left_out}
    for kind, name, values in _measures(data):
        if name in known:
            continue
        rows = team.merge(values, on=["employee_id", "period"], how="left")
        value = rows["value"].fillna(0.0) if kind == "log" else rows["value"]
        mean = value.groupby(rows["goal_id"]).mean()
        for outcome, goals in parents.groupby("outcome"):
            cells = goals.assign(x=mean.reindex(goals["goal_id"]).to_numpy()).dropna(subset=["x"])
            yield _cells(cells, figure=name, outcome=str(outcome), figure_kind=kind)


def _parents(results: pd.DataFrame) -> pd.DataFrame:
    """The goals that others are below: as outcomes of their owner in their period."""
    parents = results[results["goal_id"].isin(results["parent_goal_id"].dropna())].dropna(subset=["attained"])
    names = {"metric": "outcome", "employee_id": "group", "period_start": "period", "attained": "y"}
    return parents.rename(columns=names)[["goal_id", *names.values(), "region"]]


def _cells(
    rows: pd.DataFrame,
    *,
    figure: str,
    outcome: str,
    outcome_kind: OutcomeKind = "goal",
    figure_kind: MeasureKind | None = None,
) -> Cells:
    """``rows``: ``group``, ``period``, ``region``, ``x``, ``y``; several of a group and period are averaged."""
    block = pd.factorize(rows["outcome"])[0] if "outcome" in rows else np.zeros(len(rows), dtype=np.int64)
    group = pd.factorize(rows["group"])[0]
    series = group * (int(block.max(initial=0)) + 1) + block
    period, region = (pd.factorize(rows[name], sort=True)[0] for name in ("period", "region"))
    width = int(period.max(initial=0)) + 1
    key, first, cell = np.unique(series * width + period, return_index=True, return_inverse=True)
    count = np.bincount(cell)
    x, y = (np.bincount(cell, rows[name].to_numpy(float)) / count for name in ("x", "y"))
    return Cells(
        figure=figure,
        outcome=outcome,
        outcome_kind=outcome_kind,
        figure_kind=figure_kind,
        series=key // width,
        group=group[first],
        period=key % width,
        region=region[first],
        block=block[first],
        x=x,
        y=y,
    )


def make_periods(data: Data, results: pd.DataFrame) -> None:
    """Make the temp table ``goal_periods`` of every period of a goal."""
    periods = results[["period_start", "period_end"]].drop_duplicates()
    data.connection.register("goal_periods_frame", periods)
    data.connection.execute(
        "create or replace temp table goal_periods as"
        " select period_start::date as period, max(period_end)::date as until from goal_periods_frame group by period_start"
    )
    data.connection.unregister("goal_periods_frame")


def _by_entity(data: Data, kind: str, name: str) -> pd.DataFrame:
    """``entity``, ``period``, ``y``: the mean of a fact or a signal over each period of goals."""
    table, entity, day, column = {
        "facts": ("facts", "entity", "business_date", "metric"),
        "signals": ("signals", "scope", "month", "name"),
    }[kind]
    query = f"""
      select t.{entity} as entity, p.period::timestamp as period, avg(t.value) as y
      from main.{table} t join temp.asofs a on {visible("t")} join temp.goal_periods p on t.{day} between p.period and p.until
      where t.{column} = ? group by all order by all"""
    return data.connection.execute(query, [name]).df()


def _measures(data: Data) -> Iterator[tuple[MeasureKind, str, pd.DataFrame]]:
    """Kind, name, and ``employee_id``, ``period``, ``value`` of every measure: facts about people, and kinds of the log."""
    if data.has("facts"):
        query = f"""
          select t.metric as name, t.entity as employee_id, p.period::timestamp as period, avg(t.value) as value
          from main.facts t join temp.asofs a on {visible("t")}
          join temp.goal_periods p on t.business_date between p.period and p.until
          where t.entity in (select employee_id from main.employees) group by all order by all"""
        for name, rows in data.connection.sql(query).df().groupby("name"):
            yield "facts", name, rows.drop(columns="name")
    if data.has("events"):
        query = f"""
          select t.kind as name, t.employee_id, p.period::timestamp as period, count(*)::double as value
          from main.events t join temp.asofs a on {visible("t")}
          join temp.goal_periods p on t.happened_day between p.period and p.until
          group by all order by all"""
        for name, rows in data.connection.sql(query).df().groupby("name"):
            yield "log", name, rows.drop(columns="name")

"""Targets, actuals and forecasts as sums at every level: person, team, reporting line, department, company.

Only goals of one metric, unit and period add up. A goal that is the sum of goals below it (its children on its metric add up to
its target) is not counted again. Forecasts add exactly; the interval is that of the sum: :mod:`.common_errors`, :mod:`.moments`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets.forecasting.conformal import GRID
from perfml.advice.targets.forecasting.forecast import Forecasts
from perfml.arrays import Bools, Floats, Ints
from perfml.goals.sums.common_errors import CommonErrors
from perfml.goals.sums.contributions import LEVELS, PARTS, SumLevel, not_additive
from perfml.goals.sums.moments import cumulants, quantile, times_common
from perfml.goals.tree.paths import trace
from perfml.goals.tree.reading import GoalTree

NORMAL_TAIL = 1.2815515655446004
"""Standard normal quantile of 0.9: the ends of an interval that covers 80 %."""
SUM_TOLERANCE = 1e-6
"""Relative difference up to which children count as adding up to their parent."""
SHAPE = ("k1", "k2", "k3", "k4")
"""Columns of the cumulants of a final over its forecast, without what is common."""
KEY = ("metric", "period_start", "period_end")
"""What goals must have in common to be summed; and the unit."""
SUMS = pa.schema(
    [
        ("level", pa.string()),
        ("as_of", pa.date32()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("employee_id", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("people", pa.int64()),
        ("goals", pa.int64()),
        ("unknown", pa.int64()),
        ("target", pa.float64()),
        ("actual", pa.float64()),
        ("expected", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("problem", pa.string()),
    ]
)
"""One row per level, part, metric and period. ``manager_id``: whose line it is, or the direct manager of a team or a person.
``target``, ``actual`` (of the goals measured so far) and ``expected`` are sums over the goals with a forecast, ``unknown`` goals
without one are in none; ``low`` to ``high``: the 80 % interval of the final sum, null without past forecasts; ``problem``: why
there is no sum."""


def summed(tree: GoalTree, forecasts: Forecasts, *, without: frozenset[str] = frozenset()) -> pa.Table:
    """The rows of :data:`SUMS` for the goals of ``tree``; goals of people in ``without`` have no numbers."""
    goals = counted(tree, forecasts, without=without)
    common = CommonErrors.of(forecasts.past)
    goals = goals.assign(**_shapes(goals, forecasts, common))
    frames = []
    for level in LEVELS:
        of = _of_lines(goals, tree.people) if level == "line" else goals
        frames.append(_level(of, level))
    rows = pd.concat(frames, ignore_index=True)
    return pa.Table.from_pandas(rows.assign(as_of=tree.as_of), preserve_index=False).select(SUMS.names).cast(SUMS)


def counted(tree: GoalTree, forecasts: Forecasts, *, without: frozenset[str] = frozenset()) -> pd.DataFrame:
    """The goals of employed people that are counted, with their forecasts; missing for people in ``without``."""
    goals = tree.goals
    at = pd.Index(forecasts.frame["goal_id"]).get_indexer(pd.Index(goals["goal_id"]))
    read = {
        name: np.append(forecasts.frame[name].to_numpy(dtype=np.float64, na_value=np.nan), np.nan)[at]
        for name in ("expected", "low", "high", "gone")
    }
    rows = goals[
        [
            *("goal_id", "employee_id", "department", "manager_id", "metric", "scope", "unit"),
            *("period_start", "period_end", "target", "actual", "mismatch"),
        ]
    ].assign(**read)
    known = (rows["expected"] > 0) & ~rows["mismatch"] & ~rows["employee_id"].isin(without)
    rows["expected"] = rows["expected"].where(known)
    rows["scope"] = rows["scope"].fillna("")
    return rows[~sums_of_others(tree) & tree.employed].reset_index(drop=True)


def sums_of_others(tree: GoalTree) -> Bools:
    """Which goals (goals,) are the sum of goals below them: the children, all of people still employed and on the same metric,
    add up to the target. Goals that name each other in a circle are sums of nothing."""
    goals = tree.goals
    n = len(goals)
    target = goals["target"].to_numpy(dtype=np.float64)
    metric = pd.factorize(goals["metric"])[0]
    child = np.flatnonzero((tree.parent[:n] >= 0) & (tree.parent[:n] < n))
    parent = tree.parent[child]
    total = np.bincount(parent, target[child], minlength=n)
    other = np.bincount(parent, (metric[child] != metric[parent]) | tree.ownerless[child], minlength=n) > 0
    return np.asarray((np.abs(total - target) <= SUM_TOLERANCE * target) & ~other & ~trace(tree).on_circle[:n])


def _shapes(goals: pd.DataFrame, forecasts: Forecasts, common: CommonErrors) -> dict[str, Floats]:
    """For each goal the variances that are common, and the cumulants of its final over its forecast without them."""
    metric, scope = common.at(goals["metric"].to_numpy(dtype=object))
    elapsed = goals["gone"].fillna(0.0).to_numpy(dtype=np.float64).round(2)
    cases, which = np.unique(np.column_stack([elapsed, metric, scope]), axis=0, return_inverse=True)
    grid = forecasts.errors.quantiles
    logs = np.stack([np.interp(cases[:, 0], forecasts.errors.elapsed, grid[:, q]) for q in range(len(GRID))], axis=1)
    middle = logs.mean(axis=1, keepdims=True)
    variance = logs.var(axis=1)
    own = np.exp(middle + (logs - middle) * np.sqrt(1 - cases[:, 1] - cases[:, 2])[:, None])
    shape = cumulants(np.stack([(own**order).mean(axis=1) for order in range(1, 5)]))
    of_goal = {name: part[which.ravel()] for name, part in zip(SHAPE, shape, strict=True)}
    return {
        "common_metric": (cases[:, 1] * variance)[which.ravel()],
        "common_scope": (cases[:, 2] * variance)[which.ravel()],
        **of_goal,
    }


def _level(goals: pd.DataFrame, level: SumLevel) -> pd.DataFrame:
    by = [*PARTS[level], *KEY]
    group = goals.groupby(by, dropna=False, sort=True)
    row: Ints = np.asarray(group.ngroup(), dtype=np.int64)
    n = int(row.max(initial=-1)) + 1
    known: Bools = goals["expected"].notna().to_numpy(dtype=bool)
    amounts = {
        name: _added(goals[name].fillna(0.0).to_numpy(dtype=np.float64)[known], row[known], n)
        for name in ("target", "actual", "expected")
    }
    size = np.bincount(row, minlength=n)
    unknown = np.bincount(row[~known], minlength=n)
    rows = group.agg(people=("employee_id", "nunique"), unit=("unit", "first"), units=("unit", "nunique")).reset_index()
    with_unit = group["unit"].count().to_numpy()
    problem = np.select(
        [
            unknown == size,
            rows["units"] > 1,
            with_unit < size,
            rows["unit"].map(not_additive, na_action="ignore").fillna(False).astype(bool),
        ],
        ["no_forecast", "units_differ", "unit_unknown", "not_additive"],
        "",
    )
    ends = _interval(goals[known], np.asarray(row[known], dtype=np.int64), n)
    single = np.bincount(row[known], minlength=n) == 1
    for name in ("low", "high"):
        alone = np.zeros(n)
        alone[row[known]] = goals[name].to_numpy(dtype=np.float64)[known]
        ends[name] = np.where(single, alone, ends[name])
    summable = problem == ""
    return rows.drop(columns="units").assign(
        level=level,
        manager_id=rows["line"] if level == "line" else rows.get("manager_id"),
        department=rows.get("department"),
        employee_id=rows.get("employee_id"),
        goals=size,
        unknown=unknown,
        **{name: np.where(summable, value, np.nan) for name, value in (amounts | ends).items()},
        problem=np.where(summable, np.array(None, dtype=object), problem),
    )


def _interval(goals: pd.DataFrame, row: Ints, n: int) -> dict[str, Floats]:
    """The ends (n,) of the 80 % interval of each sum: own errors add within a scope, what is common multiplies."""
    read = {
        name: goals[name].to_numpy(dtype=np.float64) for name in ("expected", "common_scope", "common_metric", *SHAPE)
    }
    size = _added(read["expected"], row, n)
    share = read["expected"] / size[row]
    scope, scopes = pd.factorize(goals["scope"])
    cell, where = np.unique(row * max(len(scopes), 1) + scope, return_inverse=True)
    cells = len(cell)
    shape = np.stack([_added(share**order * read[name], where, cells) for order, name in enumerate(SHAPE, 1)])
    of_scope = _added(share * read["common_scope"], where, cells) / _added(share, where, cells)
    local = times_common(shape, of_scope)
    whose = cell // max(len(scopes), 1)
    of_metric = _added(share * read["common_metric"], row, n)
    whole = times_common(np.stack([_added(part, whose, n) for part in local]), of_metric)
    return {name: np.asarray(size * quantile(whole, sign * NORMAL_TAIL)) for name, sign in (("low", -1), ("high", 1))}


def _added(value: Floats, row: Ints, n: int) -> Floats:
    """The sums (n,) of ``value`` by ``row``."""
    return np.asarray(np.bincount(row, value, minlength=n), dtype=np.float64)


def _of_lines(goals: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The goals once for every manager above their owner, who is the ``line``."""
    above = people["manager_id"].dropna()
    step = above.rename("line").rename_axis("employee_id").reset_index()
    steps = [step]
    while len(step := step.assign(line=step["line"].map(above)).dropna(subset=["line"])):
        steps.append(step)
    return goals.merge(pd.concat(steps), on="employee_id")

"""Who works on each company goal, and goals that several departments are needed for and only some have.

A silo flag says what is on record and no more: which departments a goal needs, and which of them have no goal that serves it.
Which are needed is *declared* by ``objectives.needs``, or taken from *earlier* periods: a department had goals on the metric in
at least :data:`OFTEN` of the last :data:`PERIODS` periods, those of at least :data:`MIN_PEOPLE` of the people it has now, and has
none now, while another still has. Neither shows that the
work is not done: a person may do it without a goal.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.goals.tree.flags import Coverage, SiloFlag
from perfml.goals.tree.paths import PATH_STATUSES, GoalPaths, shares
from perfml.goals.tree.reading import GoalTree
from perfml.goals.tree.rows import MOST_STEPS

PERIODS, OFTEN, MIN_PEOPLE = 4, 3, 5
"""Earlier periods that are looked at, in how many of them a department must have had goals on a metric, and how many people."""


def coverage(tree: GoalTree, paths: GoalPaths) -> tuple[Coverage, ...]:
    """Everything about the company goals of ``tree``, in the order of their ids; a goal that nobody serves has no people."""
    goals = tree.goals
    serving = (paths.status[: len(goals)] == PATH_STATUSES.index("aligned")) & tree.employed
    everyone = goals.loc[tree.employed, "employee_id"].nunique()
    served = pd.DataFrame(
        {
            "end": paths.end[: len(goals)],
            "employee_id": goals["employee_id"].to_numpy(dtype=object),
            "department": goals["department"].to_numpy(dtype=object),
            "share": shares(tree),
        }
    )[serving]
    by_end = dict(list(served.groupby("end")))
    answers = []
    for node in np.flatnonzero(tree.top).tolist():
        name, title, metric = _named(tree, node)
        own = by_end.get(node, served.iloc[:0])
        people = own["employee_id"].nunique()
        answers.append(
            Coverage(
                goal_id=name,
                title=title,
                metric=metric,
                people=people,
                people_share=people / everyone if everyone else 0.0,
                weight_share=float(own["share"].sum()) / everyone if everyone else 0.0,
                departments=tuple(sorted(own["department"].dropna().unique())),
            )
        )
    return tuple(answers)


def silos(data: Data, tree: GoalTree) -> tuple[SiloFlag, ...]:
    """The silo flags of ``tree``: declared ones by objective, then those of earlier periods by metric."""
    return (*_declared(tree), *_earlier(data, tree))


def _declared(tree: GoalTree) -> list[SiloFlag]:
    needs = [tuple(sorted(set(each))) for each in tree.objectives["needs"]]
    if not any(len(each) > 1 for each in needs):
        return []
    has = _departments_below(tree)
    flags = []
    for row, needed in enumerate(needs):
        node = len(tree.goals) + row
        serving = tuple(name for name in needed if name in has.get(node, ()))
        lacking = tuple(name for name in needed if name not in serving)
        if serving and lacking and len(needed) > 1:
            name, title, metric = _named(tree, node)
            flags.append(
                SiloFlag(goal_id=name, title=title, metric=metric, basis="declared", has=serving, lacks=lacking)
            )
    return flags


def _departments_below(tree: GoalTree) -> dict[int, set[str]]:
    """Objective node → departments of the employed people with a goal whose path passes it."""
    goals = tree.goals
    code, names = pd.factorize(goals["department"])
    at = np.flatnonzero(tree.employed & (code >= 0))
    own = code[at]
    pairs: set[tuple[int, int]] = set()
    for _ in range(MOST_STEPS):
        goes = ~tree.ownerless[at] & (tree.parent[at] >= 0)
        at, own = tree.parent[at[goes]], own[goes]
        if not len(at):
            break
        passed = at >= len(goals)
        pairs |= {(int(node), int(unit)) for node, unit in np.unique(np.column_stack([at, own])[passed], axis=0)}
    below: dict[int, set[str]] = {}
    for node, unit in pairs:
        below.setdefault(node, set()).add(str(names[unit]))
    return below


_EARLIER = f"""
with a as (select ?::date as as_of),
goals as (
  select t.employee_id, t.metric, t.period_end from main.goals t, a
  where {visible("t")} and t.period_start < a.as_of
),
ended as (
  select distinct period_end, dense_rank() over (order by period_end desc) as back
  from goals, a where period_end < a.as_of
),
had as (
  select g.metric, p.department, g.period_end
  from goals g join ended e on e.period_end = g.period_end and e.back <= {PERIODS}
  join temp.people p on p.employee_id = g.employee_id
  where p.department is not null group by all having count(distinct g.employee_id) >= {MIN_PEOPLE}
)
select metric, department from had group by all having count(*) >= {OFTEN} order by all
"""


def _earlier(data: Data, tree: GoalTree) -> list[SiloFlag]:
    goals = tree.goals[tree.employed]
    now = goals.dropna(subset=["department"]).groupby("metric")["department"].unique()
    before = data.connection.execute(_EARLIER, [tree.as_of]).df().groupby("metric")["department"].unique()
    flags = []
    for metric, departments in before.items():
        has = set(now.get(metric, ()))
        lacks = set(departments) - has
        if has and lacks:
            flags.append(
                SiloFlag(
                    goal_id=None,
                    title=None,
                    metric=str(metric),
                    basis="earlier",
                    has=tuple(sorted(has)),
                    lacks=tuple(sorted(lacks)),
                )
            )
    return flags


def _named(tree: GoalTree, node: int) -> tuple[str, str | None, str | None]:
    """(id, title, metric) of a node."""
    if node < len(tree.goals):
        goal = tree.goals.iloc[node]
        return str(goal["goal_id"]), None, str(goal["metric"])
    objective = tree.objectives.iloc[node - len(tree.goals)]
    title, metric = (None if pd.isna(objective[name]) else str(objective[name]) for name in ("title", "metric"))
    return str(objective["objective_id"]), title, metric

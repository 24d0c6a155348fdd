"""The goals in force at a date, and above them the objectives of departments and the company: the nodes of one tree.

Only versions that took effect and were known before the date count. A node names the one above it; what it names may be missing,
ended or without an owner, and :mod:`.paths` says where a path breaks. A company goal is an objective of the level ``company``; in
a record without one, a goal of somebody who manages others and has no manager.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.ledger import in_force
from perfml.arrays import Bools, Ints
from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.goals.tree.flags import TopBasis

NOTHING_NAMED, UNKNOWN, NOT_IN_FORCE = -1, -2, -3
"""Instead of the node above: the node names none, names what the record does not hold, names what is not in its period."""

_OBJECTIVES = f"""
with a as (select ?::date as as_of)
select t.objective_id, t.level, t.department, coalesce(t.needs, []::text[]) as needs, t.metric, t.title, t.parent_id
from main.objectives t, a where {visible("t")}
  and (t.period_start is null or t.period_start < a.as_of) and (t.period_end is null or t.period_end >= a.as_of)
qualify row_number() over (partition by t.objective_id order by t.effective_on desc, t.known_moment desc) = 1
order by t.objective_id
"""
_KNOWN = f"""
with a as (select ?::date as as_of)
select distinct t.goal_id as id from main.goals t, a where {visible("t")}
union select distinct t.objective_id from main.objectives t, a where {visible("t")}
"""
_POSITIONS = "select employee_id, department, manager_id, location from temp.people"


@dataclass(frozen=True, kw_only=True)
class GoalTree:
    """The nodes in force at ``as_of``: the goals, then the objectives. ``parent``, ``top`` and ``ownerless`` are over nodes."""

    as_of: dt.date
    goals: pd.DataFrame
    """The rows of :func:`~perfml.advice.targets.ledger.in_force` with ``department``, ``manager_id`` and ``location`` of the
    owner at ``as_of``, missing where not on record."""
    objectives: pd.DataFrame
    """Rows of ``objective_id``, ``level``, ``department``, ``needs``, ``metric``, ``title``, ``parent_id``."""
    people: pd.DataFrame
    """``department``, ``manager_id`` and ``location`` of everyone employed, by employee_id."""
    parent: Ints
    """The node above each, or :data:`NOTHING_NAMED`, :data:`UNKNOWN`, :data:`NOT_IN_FORCE`."""
    top: Bools
    """Whether the node is a company goal."""
    ownerless: Bools
    """Whether the node is a goal whose owner has left."""
    basis: TopBasis

    @property
    def employed(self) -> Bools:
        """Which goals (goals,) belong to people still employed: those of others are in the tree, and in no figure."""
        return ~self.ownerless[: len(self.goals)]


def read_tree(data: Data, as_of: dt.date) -> GoalTree:
    """Read the goals and objectives in force at ``as_of``, as known before it."""
    goals = in_force(data, as_of)
    who = data.connection.execute(_POSITIONS).df().set_index("employee_id")
    position = who.reindex(goals["employee_id"])
    goals = goals.assign(**{name: position[name].to_numpy(dtype=object) for name in who.columns})
    objectives = data.connection.execute(_OBJECTIVES, [as_of]).df()
    ids = pd.Index(np.concatenate([texts(goals, "goal_id"), texts(objectives, "objective_id")]))
    named = pd.Series(np.concatenate([texts(goals, "parent_goal_id"), texts(objectives, "parent_id")]), dtype=object)
    first = pd.Series(np.arange(len(ids)), index=ids)
    first = first[~ids.duplicated()]  # a goal is meant where an objective has the same id
    parent = first.reindex(named.to_numpy()).fillna(UNKNOWN).to_numpy(dtype=np.int64)
    known = pd.Index(data.connection.execute(_KNOWN, [as_of]).df()["id"])
    parent = np.where((parent == UNKNOWN) & named.isin(known).to_numpy(), NOT_IN_FORCE, parent)
    parent = np.where(named.isna().to_numpy(), NOTHING_NAMED, parent)
    top, basis = _company_goals(goals, objectives, who)
    ownerless = np.append(~goals["employed"].to_numpy(dtype=bool), np.zeros(len(objectives), dtype=bool))
    return GoalTree(
        as_of=as_of,
        goals=goals,
        objectives=objectives,
        people=who,
        parent=parent.astype(np.int64),
        top=top,
        ownerless=ownerless,
        basis=basis,
    )


def _company_goals(goals: pd.DataFrame, objectives: pd.DataFrame, who: pd.DataFrame) -> tuple[Bools, TopBasis]:
    none = np.zeros(len(goals), dtype=bool)
    of_company = (objectives["level"] == "company").to_numpy(dtype=bool)
    if of_company.any():
        return np.concatenate([none, of_company]), "objectives"
    heads = who.index[who["manager_id"].isna() & who.index.isin(who["manager_id"].dropna())]
    at_head = goals["employee_id"].isin(heads).to_numpy(dtype=bool)
    return np.concatenate([at_head, of_company]), "head" if at_head.any() else "none"


def texts(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column (n,) of text, None where empty."""
    values = rows[column].astype(object)
    return values.where(values.notna(), None).to_numpy(dtype=object)

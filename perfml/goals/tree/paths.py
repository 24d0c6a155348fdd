"""The path of every goal to a company goal, or where it breaks: all goals at once, by pointer doubling.

After k rounds every node points to the one 2^k steps above it, so a tree of any depth takes the logarithm of its depth in rounds
(pointer jumping: JáJá 1992, *An Introduction to Parallel Algorithms*); what still has a node above it then leads into a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.goals.tree.reading import NOT_IN_FORCE, NOTHING_NAMED, UNKNOWN, GoalTree

PathStatus = Literal["aligned", "orphan", "broken", "circle", "insufficient"]
"""aligned: the path reaches a company goal; orphan: the goal names nothing above it; broken: the path ends before a company goal;
circle: the path comes back to where it was; insufficient: the record tells no company goal, and nothing else is wrong."""
PATH_STATUSES: tuple[PathStatus, ...] = get_args(PathStatus)
BreakCause = Literal["nothing_named", "unknown", "not_in_force", "owner_left", "circle"]
"""Why a path does not go on above a node: it names nothing, names what is not on record, names what is not in its period, belongs
to somebody who has left, or leads into a circle."""
BREAK_CAUSES: tuple[BreakCause, ...] = get_args(BreakCause)
_CAUSE_OF: Mapping[int, BreakCause] = {
    NOTHING_NAMED: "nothing_named",
    UNKNOWN: "unknown",
    NOT_IN_FORCE: "not_in_force",
}


@dataclass(frozen=True, kw_only=True)
class GoalPaths:
    """Where each path leads; arrays over the nodes of a tree (n,)."""

    status: Ints
    """Index into :data:`PATH_STATUSES`."""
    end: Ints
    """The last node of the path: the company goal, or the node above which it breaks. Of a circle: a node of it."""
    cause: Ints
    """Why it breaks, as an index into :data:`BREAK_CAUSES`; -1 where it does not."""
    steps: Ints
    """Steps from the node to ``end``; -1 where a circle has no end."""
    on_circle: Bools
    """Whether the node itself lies on a circle."""


def trace(tree: GoalTree) -> GoalPaths:
    """Follow every path of ``tree`` to its end."""
    n = len(tree.parent)
    own = np.arange(n)
    ends = tree.top | tree.ownerless | (tree.parent < 0)
    at, steps = np.where(ends, own, tree.parent), (~ends).astype(np.int64)
    for _ in range(max(n, 1).bit_length()):
        steps = steps + steps[at]
        at = at[at]
    circle = ~ends[at]
    causes = np.full(n, BREAK_CAUSES.index("circle"))
    for code, name in _CAUSE_OF.items():
        causes[tree.parent == code] = BREAK_CAUSES.index(name)
    causes[tree.ownerless] = BREAK_CAUSES.index("owner_left")
    cause = np.where(circle, BREAK_CAUSES.index("circle"), causes[at])
    on_circle = np.zeros(n, dtype=bool)
    on_circle[at[circle]] = (
        True  # after so many rounds every node of a circle is reached, and nothing else that goes on
    )
    aligned = tree.top[at] & ~circle
    orphan = (tree.parent == NOTHING_NAMED) & ~tree.top
    unsaid = (tree.basis == "none") & (cause == BREAK_CAUSES.index("nothing_named"))
    status = np.select(
        [aligned, circle, unsaid, orphan],
        [PATH_STATUSES.index(each) for each in ("aligned", "circle", "insufficient", "orphan")],
        PATH_STATUSES.index("broken"),
    )
    return GoalPaths(
        status=status.astype(np.int64),
        end=at,
        cause=np.where(aligned, -1, cause),
        steps=np.where(circle, -1, steps),
        on_circle=on_circle,
    )


def shares(tree: GoalTree) -> Floats:
    """The share of its owner's weight that each goal in force has (goals,): those of a person add up to 1."""
    weight = tree.goals["weight"].to_numpy(dtype=np.float64)
    total = tree.goals.groupby("employee_id", sort=False)["weight"].transform("sum").to_numpy(dtype=np.float64)
    return np.asarray(weight / total)

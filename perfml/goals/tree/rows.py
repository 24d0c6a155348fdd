"""The tree as tables: every goal with its path, and everyone with the share of their weight by where it leads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Ints
from perfml.goals.tree.paths import BREAK_CAUSES, PATH_STATUSES, GoalPaths, shares
from perfml.goals.tree.reading import GoalTree, texts

MOST_STEPS = 32
"""Steps of a path that are listed; a longer one is followed to its end all the same."""
STEP = pa.struct(
    [
        ("id", pa.string()),
        ("level", pa.string()),
        ("metric", pa.string()),
        ("title", pa.string()),
        ("department", pa.string()),
        ("owner", pa.string()),
    ]
)
PATHS = pa.schema(
    [
        ("goal_id", pa.string()),
        ("as_of", pa.date32()),
        ("employee_id", pa.string()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("metric", pa.string()),
        ("scope", pa.string()),
        ("weight", pa.float64()),
        ("share", pa.float64()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("parent_id", pa.string()),
        ("status", pa.string()),
        ("cause", pa.string()),
        ("end_id", pa.string()),
        ("steps", pa.int64()),
        ("path", pa.list_(STEP)),
    ]
)
"""One row per goal in force of an employed person, by person and goal. ``share``: the goal's weight as a share of its owner's
goals; ``status`` and ``cause`` (null where the path reaches a company goal): :mod:`.paths`; ``end_id``: the company goal, or
where the path breaks; ``steps``: how far above the goal that is, null in a circle; ``path``: the nodes above the goal, as far as
they are in force, the next one first and at most :data:`MOST_STEPS`. The ``level`` of a node is person, department or company."""
ALIGNMENT = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("location", pa.string()),
        ("goals", pa.int64()),
        *((name, pa.float64()) for name in PATH_STATUSES),
    ]
)
"""One row per employed person with goals in force, by id: the shares of their weight by status of the path; they add up to 1."""


def path_rows(tree: GoalTree, paths: GoalPaths) -> pa.Table:
    """The rows of :data:`PATHS`."""
    goals = tree.goals
    rows = np.flatnonzero(tree.employed)
    rows = rows[np.lexsort((texts(goals, "goal_id")[rows], texts(goals, "employee_id")[rows]))]
    nodes = _nodes(tree)
    ids = nodes.column("id")
    of = goals.iloc[rows]
    text = {
        name: pa.array(texts(of, name), pa.string())
        for name in ("goal_id", "employee_id", "department", "manager_id", "metric", "scope")
    }
    numbers = {name: paths_at[rows] for name, paths_at in (("steps", paths.steps), ("end", paths.end))}
    offsets, flat = _steps(tree, paths, rows)
    return (
        pa.table(
            {
                **text,
                "as_of": pa.array([tree.as_of] * len(rows), pa.date32()),
                "weight": of["weight"].to_numpy(dtype=np.float64),
                "share": shares(tree)[rows],
                "period_start": of["period_start"].to_numpy().astype("M8[D]"),
                "period_end": of["period_end"].to_numpy().astype("M8[D]"),
                "parent_id": pa.array(texts(of, "parent_goal_id"), pa.string()),
                "status": _label(PATH_STATUSES, paths.status[rows]),
                "cause": _label(BREAK_CAUSES, paths.cause[rows]),
                "end_id": ids.take(pa.array(numbers["end"])),
                "steps": pa.array(numbers["steps"], mask=numbers["steps"] < 0),
                "path": pa.ListArray.from_arrays(
                    pa.array(offsets, pa.int32()), nodes.take(pa.array(flat)).to_struct_array().combine_chunks()
                ),
            }
        )
        .select(PATHS.names)
        .cast(PATHS)
    )


def alignment_rows(tree: GoalTree, paths: GoalPaths) -> pa.Table:
    """The rows of :data:`ALIGNMENT`."""
    goals = tree.goals
    of = goals[tree.employed]
    part = pd.DataFrame({"status": paths.status[: len(goals)], "share": shares(tree)}).loc[of.index]
    owner, people = pd.factorize(of["employee_id"], sort=True)
    size = len(people) * len(PATH_STATUSES)
    cell = owner * len(PATH_STATUSES) + part["status"].to_numpy()
    table = np.bincount(cell, part["share"], minlength=size).reshape(len(people), len(PATH_STATUSES))
    first = of.drop_duplicates("employee_id").set_index("employee_id").reindex(people).reset_index()
    columns = [
        pa.array(people, pa.string()),
        pa.array([tree.as_of] * len(people), pa.date32()),
        *(pa.array(texts(first, name), pa.string()) for name in ("department", "manager_id", "location")),
        pa.array(np.bincount(owner, minlength=len(people))),
        *map(pa.array, table.T),
    ]
    return pa.Table.from_arrays(columns, names=ALIGNMENT.names).cast(ALIGNMENT)


def _nodes(tree: GoalTree) -> pa.Table:
    """What a step of a path says of each node."""
    goals, objectives = tree.goals, tree.objectives
    none = np.full(len(goals), None, dtype=object)
    columns: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "id": (texts(goals, "goal_id"), texts(objectives, "objective_id")),
        "level": (np.where(tree.top[: len(goals)], "company", "person"), texts(objectives, "level")),
        "metric": (texts(goals, "metric"), texts(objectives, "metric")),
        "title": (none, texts(objectives, "title")),
        "department": (texts(goals, "department"), texts(objectives, "department")),
        "owner": (texts(goals, "employee_id"), np.full(len(objectives), None, dtype=object)),
    }
    return pa.table({name: pa.array(np.concatenate(parts), pa.string()) for name, parts in columns.items()})


def _steps(tree: GoalTree, paths: GoalPaths, rows: Ints) -> tuple[Ints, Ints]:
    """(offsets, nodes): the nodes above each of ``rows`` in one array, with the offset of each row."""
    at, going = rows.copy(), np.ones(len(rows), dtype=bool)
    entered = np.full(len(rows), -1)
    taken: list[tuple[Ints, Ints]] = []
    for _ in range(MOST_STEPS):
        going = going & _goes_on(tree, at)
        if not going.any():
            break
        entered = np.where((entered < 0) & paths.on_circle[at], at, entered)
        at = np.where(going, tree.parent[at], at)
        going &= at != entered  # a circle is listed once
        taken.append((np.flatnonzero(going), at[going]))
    whose = np.concatenate([row for row, _ in taken]) if taken else np.empty(0, dtype=np.int64)
    nodes = np.concatenate([node for _, node in taken]) if taken else np.empty(0, dtype=np.int64)
    order = np.argsort(whose, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(whose, minlength=len(rows)))])
    return offsets, nodes[order]


def _goes_on(tree: GoalTree, at: Ints) -> Bools:
    return ~tree.top[at] & ~tree.ownerless[at] & (tree.parent[at] >= 0)


def _label(labels: tuple[str, ...], code: Ints) -> pa.Array:
    return pa.array(labels, pa.string()).take(pa.array(code, mask=code < 0))

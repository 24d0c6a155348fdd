"""The course of a goal by its milestones: the share that was to be finished by each day, and that was or is expected. Light."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfml.goals.milestones.rows import MilestoneRow


@dataclass(frozen=True, kw_only=True)
class TrajectoryPoint:
    """One day of a course, as shares of the milestones of the goal."""

    day: dt.date
    planned: float
    """Due by then."""
    finished: float
    """Finished by then; from the as-of date on as expected."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The course of one goal."""

    goal_id: str
    metric: str
    milestones: int
    points: tuple[TrajectoryPoint, ...]
    """A point for each day on which something was due, finished or is expected, the earliest first."""


def trajectories(rows: Iterable[MilestoneRow]) -> Sequence[Trajectory]:
    """The course of each goal, by id."""
    goals: dict[str, list[MilestoneRow]] = {}
    for row in rows:
        goals.setdefault(row.goal_id, []).append(row)
    return [_trajectory(goal, own) for goal, own in sorted(goals.items())]


def _trajectory(goal: str, rows: Sequence[MilestoneRow]) -> Trajectory:
    ends = [row.finished_on or row.marked_on or row.expected_on for row in rows]
    days = sorted({row.due_on for row in rows} | {end for end in ends if end is not None})
    points = tuple(
        TrajectoryPoint(
            day=day,
            planned=sum(row.due_on <= day for row in rows) / len(rows),
            finished=sum(end is not None and end <= day for end in ends) / len(rows),
        )
        for day in days
    )
    return Trajectory(goal_id=goal, metric=rows[0].metric, milestones=len(rows), points=points)

"""What is said of a company goal, and of a goal that only some of the departments it needs have. Light: the service reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TopBasis = Literal["objectives", "head", "none"]
"""What company goals are: objectives, goals of the head of the company, or nothing that the record tells."""
SiloBasis = Literal["declared", "earlier"]
"""How it is known which departments a goal needs: ``objectives.needs``, or who had goals on the metric before."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Who works on one company goal."""

    goal_id: str
    title: str | None
    metric: str | None
    people: int
    """Employed people with at least one goal whose path reaches it."""
    people_share: float
    """Of the employed people with goals in force."""
    weight_share: float
    """Of the weight of them all, each person counting the same."""
    departments: tuple[str, ...]
    """Those of these people."""


@dataclass(frozen=True, kw_only=True)
class SiloFlag:
    """A goal that several departments are needed for and only some have."""

    goal_id: str | None
    """The objective; None where only the metric tells (``earlier``)."""
    title: str | None
    metric: str | None
    basis: SiloBasis
    has: tuple[str, ...]
    """Departments with a goal that serves it."""
    lacks: tuple[str, ...]
    """Departments that are needed and have none."""


@dataclass(frozen=True, kw_only=True)
class GoalFlags:
    """What is said of the goals of a date as a whole."""

    basis: TopBasis
    coverage: tuple[Coverage, ...]
    silos: tuple[SiloFlag, ...]

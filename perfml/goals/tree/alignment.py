"""The share of people's weight that reaches a company goal, for a person and for any group. In plain Python, for the service.

Everyone counts the same: the share of a group is the mean of the shares of its people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PersonAlignment:
    """Where the weight of one person's goals leads: shares that add up to 1. A row of ``perfml.goals.tree.rows.ALIGNMENT``."""

    employee_id: str
    department: str | None
    manager_id: str | None
    location: str | None
    goals: int
    aligned: float
    orphan: float
    broken: float
    circle: float
    insufficient: float


@dataclass(frozen=True, kw_only=True)
class GroupAlignment:
    """The means of the shares of some people."""

    people: int
    goals: int
    aligned: float
    orphan: float
    broken: float
    circle: float
    insufficient: float

    @property
    def share(self) -> float | None:
        """The share that reaches a company goal; None where the record tells no company goal."""
        return None if self.insufficient > 0 else self.aligned


def together(people: Sequence[PersonAlignment]) -> GroupAlignment:
    """The means over ``people``, at least one.

    >>> one = PersonAlignment(employee_id="E1", department=None, manager_id=None, location=None, goals=2, aligned=0.5,
    ...     orphan=0.5, broken=0.0, circle=0.0, insufficient=0.0)
    >>> together([one, one]).share
    0.5
    """
    count = len(people)
    return GroupAlignment(
        people=count,
        goals=sum(person.goals for person in people),
        aligned=math.fsum(person.aligned for person in people) / count,
        orphan=math.fsum(person.orphan for person in people) / count,
        broken=math.fsum(person.broken for person in people) / count,
        circle=math.fsum(person.circle for person in people) / count,
        insufficient=math.fsum(person.insufficient for person in people) / count,
    )


def by_group(
    people: Iterable[PersonAlignment], name: Callable[[PersonAlignment], str | None]
) -> Mapping[str | None, GroupAlignment]:
    """The means by ``name`` of each person's group, in order; people without one last."""
    groups: dict[str | None, list[PersonAlignment]] = {}
    for person in people:
        groups.setdefault(name(person), []).append(person)
    ordered = sorted(groups.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return {group: together(own) for group, own in ordered}

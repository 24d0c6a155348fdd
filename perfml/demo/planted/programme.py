"""A programme that units of the simulated company begin one after another, and that changes the hazard of resigning there.

The world is the same without it up to the first exit that it prevents: the order of starts has its own stream, and the lives
draw the same numbers. A unit is a department in a location.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.plants import NEVER

DEPARTMENT_COUNT: Final = 5
LOCATION_COUNT: Final = 4
WAVES: Final = 5
"""Dates on which units start; as many units as start on each of them never do."""
KIND: Final = "flexible_leave"
PERIOD_DAYS: Final = 91


@dataclass(frozen=True, kw_only=True)
class Programme:
    """When it starts where, and what it does."""

    start: Ints
    """(departments, locations): the first day, :data:`NEVER` where it does not start."""
    factor: float
    """Of the hazard of resigning; 1 changes nothing."""
    drift: float | Floats = 0.0
    """How much the hazard grows in a year in units that ever start, whatever the programme does: they move apart anyway. One
    number for all, or one for each: (departments, locations)."""
    random: bool = True
    """Whether the table says that chance chose the order."""
    hazard: list[Floats] = field(default_factory=list)
    """Filled by the simulation: a week a row, the weekly hazard of resigning of everybody."""

    def factors(self, department: Ints, location: Ints, day: int) -> Floats:
        """(persons,): the factor on ``day``; 1 for whoever has no department."""
        since = self.start[np.maximum(department, 0), location]
        placed = department >= 0
        first = int(self.start.min())
        drift = np.broadcast_to(self.drift, self.start.shape)[np.maximum(department, 0), location]
        moving = (1 + drift) ** ((day - first) / 365.25)
        return np.where(placed & (since <= day), self.factor, 1.0) * np.where(placed & (since < NEVER), moving, 1.0)


def draw_programme(*, start: int, end: int, factor: float, seed: int) -> Programme:
    """Start in a random order of units, in waves a period apart, between two fifths of the time and the last periods."""
    rng = np.random.default_rng([seed, 48])
    units = DEPARTMENT_COUNT * LOCATION_COUNT
    each = units // (WAVES + 1)
    periods = (end - start) // PERIOD_DAYS
    first = start + (2 * periods // 5) * PERIOD_DAYS
    days = np.full(units, NEVER)
    for wave in range(WAVES):
        days[wave * each : (wave + 1) * each] = first + wave * PERIOD_DAYS
    return Programme(start=rng.permutation(days).reshape(DEPARTMENT_COUNT, LOCATION_COUNT), factor=factor)

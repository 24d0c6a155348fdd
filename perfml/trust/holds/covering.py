"""Whom a hold covers: the people behind its entity, by the units they work in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from perfml.trust.holds.hold import Hold


class Unit(NamedTuple):
    """Where a person works; None where the record does not say."""

    department: str | None = None
    location: str | None = None
    manager_id: str | None = None


Units = Mapping[str, Unit]
"""Employee -> unit, of everyone who may be held."""


def concerns(hold: Hold, as_of: dt.date) -> bool:
    """Whether a score of ``as_of`` stands on data that ``hold`` doubts; a stop concerns every date."""
    return hold.since < as_of or hold.cause == "stop"


def withholds(hold: Hold, as_of: dt.date) -> bool:
    """Whether there is no score of ``as_of``: the hold is in force, or the data came whole only later. What was known before
    ``as_of`` is then as wrong as it was, whoever lifts the hold."""
    in_doubt = hold.whole_from is not None and as_of < hold.whole_from
    return concerns(hold, as_of) and (hold.active or in_doubt)


def people_of(holds: Iterable[Hold], units: Units) -> dict[str, Hold]:
    """Employee -> the first of ``holds`` that covers them. Holds of metrics and facts cover nobody."""
    held: dict[str, Hold] = {}
    for hold in holds:
        for person in people_in(hold.entity, units):
            held.setdefault(person, hold)
    return held


def people_in(entity: str, units: Units) -> Iterable[str]:
    """The people of an entity such as ``location:South``; nobody for a metric or a fact."""
    kind, _, name = entity.partition(":")
    return _COVERED.get(kind, _nobody)(name, units)


def below(manager: str, units: Units) -> set[str]:
    """Everyone who reports to ``manager``, through however many others."""
    reached: set[str] = set()
    newest = {manager}
    while newest:
        newest = {person for person, unit in units.items() if unit.manager_id in newest} - reached
        reached |= newest
    return reached


def _nobody(_name: str, _units: Units) -> Iterable[str]:
    return ()


_COVERED: Mapping[str, Callable[[str, Units], Iterable[str]]] = {
    "employee": lambda name, units: [name],
    "department": lambda name, units: [person for person, unit in units.items() if unit.department == name],
    "location": lambda name, units: [person for person, unit in units.items() if unit.location == name],
    "manager": below,
    "everything": lambda name, units: list(units),
}

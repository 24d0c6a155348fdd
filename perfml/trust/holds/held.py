"""Who is held: the people behind the entities of holds, as their positions were known at a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from perfml.evidence.sources import Data
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.holds.quarantine import quarantine_holds


class Unit(NamedTuple):
    """Where a person works; None where the record does not say."""

    department: str | None = None
    location: str | None = None
    manager_id: str | None = None


Units = Mapping[str, Unit]
"""Employee -> unit, of everyone who may be held."""


def held_people(data: Data, as_of: dt.date, home: Path | None = None) -> dict[str, Hold]:
    """Employee -> the first hold on them at ``as_of``, by the holds in the log of ``home`` and by rows in quarantine.

    A hold concerns ``as_of`` where its data are in doubt before that date. It reaches people through their positions as
    known before ``as_of``.
    """
    held = quarantine_holds(data, as_of)
    entered = [] if home is None else [hold for hold in HoldLog(home).active() if concerns(hold, as_of)]
    if entered:
        held |= people_of(entered, units_at(data, as_of))
    return held


def concerns(hold: Hold, as_of: dt.date) -> bool:
    """Whether a score of ``as_of`` stands on data that ``hold`` doubts; a stop concerns every date."""
    return hold.since < as_of or hold.cause == "stop"


def people_of(holds: Iterable[Hold], units: Units) -> dict[str, Hold]:
    """Employee -> the first of ``holds`` that covers them. Holds of metrics and facts cover nobody."""
    held: dict[str, Hold] = {}
    for hold in holds:
        for person in _COVERED.get(hold.kind, _nobody)(hold.name, units):
            held.setdefault(person, hold)
    return held


def units_at(data: Data, as_of: dt.date) -> Units:
    """The unit of everyone hired before ``as_of``, as known before it."""
    units = dict.fromkeys(
        (
            row[0]
            for row in data.connection.execute(
                "select employee_id from employees where usable_day < ?", [as_of]
            ).fetchall()
        ),
        Unit(),
    )
    if data.has("positions"):
        rows = data.connection.execute(
            "select employee_id, department, location, manager_id from positions"
            " where usable_day < $1 and (superseded_day is null or superseded_day >= $1)"
            " qualify row_number() over (partition by employee_id order by effective_on desc, known_moment desc) = 1",
            [as_of],
        ).fetchall()
        units |= {person: Unit(*unit) for person, *unit in rows}
    return units


def _below(manager: str, units: Units) -> set[str]:
    """Everyone who reports to ``manager``, through however many others."""
    below: set[str] = set()
    newest = {manager}
    while newest:
        newest = {person for person, unit in units.items() if unit.manager_id in newest} - below
        below |= newest
    return below


def _nobody(_name: str, _units: Units) -> Iterable[str]:
    return ()


_COVERED: Mapping[str, Callable[[str, Units], Iterable[str]]] = {
    "employee": lambda name, units: [name],
    "department": lambda name, units: [person for person, unit in units.items() if unit.department == name],
    "location": lambda name, units: [person for person, unit in units.items() if unit.location == name],
    "manager": _below,
    "everything": lambda name, units: list(units),
}

"""Who is held: the people behind the entities of holds, as their positions were known at a date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.evidence.sources import Data
from perfml.trust.holds.covering import Unit, Units, people_of, withholds
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.holds.quarantine import quarantine_holds


def held_people(data: Data, as_of: dt.date, home: Path | None = None) -> dict[str, Hold]:
    """Employee -> the first hold on them at ``as_of``, by the holds in the log of ``home`` and by rows in quarantine.

    A hold concerns ``as_of`` where its data are in doubt before that date (:func:`~.covering.withholds`). It reaches people
    through their positions as known before ``as_of``.
    """
    held = quarantine_holds(data, as_of)
    entered = [] if home is None else [hold for hold in HoldLog(home).state().holds if withholds(hold, as_of)]
    if entered:
        held |= people_of(entered, units_at(data, as_of))
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

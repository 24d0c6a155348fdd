"""Somebody's own eligibility for internal openings, from the facts that were prepared last: "not yet, because …". Light.

Nothing that a model said is in it, and only openings for which the person asked to be considered.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, TypeAlias, cast

from perfml.errors import PerfmlError
from perfml.messages import Bilingual, Message, both
from perfml.outgoing.facts.rows import FactRow, facts_file, with_state
from perfml.scoring.people.known import stored_rows_of, unknown_people
from perfml.scoring.personal.record import PersonalPart
from perfml.scoring.withheld.withholding import why_held, withholding_now

OpeningState: TypeAlias = Literal["eligible", "not_yet"]
OpeningGap: TypeAlias = Literal["months", "level", "skill", "course", "review", "held"]


class OpeningAnswer(PersonalPart):
    """One internal opening for which the person asked to be considered."""

    opening_id: str
    title: str | None
    state: OpeningState
    """eligible, or not_yet."""
    missing: tuple[OpeningGap, ...]
    """What is not there yet: months in the position, level, skill, course, a review that is open, or (held) data in doubt."""
    text: Bilingual
    """The same in a sentence."""


class OwnEligibility(PersonalPart):
    """Which internal openings one person is eligible for, of those they asked to be considered for."""

    employee_id: str
    as_of: dt.date
    """Only what was known before it counts."""
    withheld: Bilingual | None
    """Why nothing is shown: everything is stopped."""
    openings: tuple[OpeningAnswer, ...]
    """Those that are open; empty where the person asked for none of them."""


def own_eligibility(home: Path, employee_id: str, *, today: dt.date, as_of: dt.date | None = None) -> OwnEligibility:
    """The openings of a person as prepared for ``as_of`` (default: the newest date), with the holds in force ``today``.

    Raises :class:`~perfml.outgoing.facts.rows.NothingPrepared` where nothing is of that date,
    :class:`PerfmlError` for somebody of whom nothing is kept, :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    day, path = facts_file(home, "eligibility", as_of)
    rows = stored_rows_of(path, employee_id)
    if not rows and unknown_people(home, [employee_id]):
        raise PerfmlError("is unknown", where=repr(employee_id), remedy="check the id")
    stop = withholding_now(home, today).everyone
    return OwnEligibility(
        employee_id=employee_id,
        as_of=day,
        withheld=None if stop is None else Bilingual(**both(why_held(stop))),
        openings=() if stop else tuple(map(_opening, with_state(home, "eligibility", rows, today))),
    )


def _opening(row: FactRow) -> OpeningAnswer:
    gaps = tuple(cast(OpeningGap, gap) for gap in str(row["missing"] or "").split(";") if gap)
    why = Bilingual(en=str(row["because_en"] or ""), zh=str(row["because_zh"] or ""))
    message = Message.of("eligibility_not_yet", why=why) if gaps else Message.of("eligibility_eligible")
    return OpeningAnswer(
        opening_id=str(row["opening_id"]),
        title=None if row["title"] is None else str(row["title"]),
        state="not_yet" if gaps else "eligible",
        missing=gaps,
        text=Bilingual(**both(message)),
    )

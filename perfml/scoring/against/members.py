"""Who somebody is compared with: the others of their team, or of their role and level, who have a score at the same date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from perfml.reasons.few_others import MEMBERS
from perfml.scoring.against.comparison import ReferenceGroup
from perfml.scoring.people.files import people_facts
from perfml.scoring.withheld.withholding import Withholding


def other_members(
    home: Path, employee_id: str, group: ReferenceGroup, *, as_of: dt.date, scored: Sequence[str], held: Withholding
) -> list[str] | None:
    """The others of the group among those ``scored`` at ``as_of``, in their order; None where the person's own is not on record.

    Whoever is ``held`` by now, opted out or disputes such a fact is no other: nothing may be worked out from their values.
    """
    facts = people_facts(home, as_of)
    if employee_id not in facts:
        return None
    own = [getattr(facts[employee_id], name) for name in MEMBERS[group]]
    if None in own:
        return None
    return [
        person
        for person in scored
        if person != employee_id
        and person in facts
        and [getattr(facts[person], name) for name in MEMBERS[group]] == own
        and held.hold({"employee_id": person}) is None
    ]

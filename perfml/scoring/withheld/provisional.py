"""Whose score rests on figures that are not final: some days are not closed yet, or a small part of them is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from perfml.scoring.run_record import read_record
from perfml.scoring.withheld.withholding import kept_units
from perfml.trust.holds.covering import people_in
from perfml.trust.reconciliation.bridge import Reconciled


def provisional_entities(rows: Iterable[Reconciled]) -> list[str]:
    """The entities of a reconciliation that are within the limit and not final: the record of a run of scores names them."""
    return sorted({row.entity for row in rows if row.standing == "provisional"})


def provisional_people(path: Path) -> frozenset[str]:
    """The people of those entities when the scores in ``path`` were made; nobody where nothing was reconciled."""
    record = read_record(path)
    entities = () if record is None else record.get("provisional", ())
    units = kept_units(path.parents[2], dt.date.fromisoformat(path.stem)) if entities else {}
    return frozenset(person for entity in entities for person in people_in(entity, units))

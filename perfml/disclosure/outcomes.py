"""Groups of tested rows: people, rows and outcomes are their sums."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.disclosure.primary import Suppression
from perfml.disclosure.tables import GroupTable
from perfml.project.spec import DisclosureRules


def withheld_outcomes(
    member: Bools, *, label: Floats, person: Objects | Ints, rules: DisclosureRules
) -> tuple[Suppression | None, ...]:
    """Why the figures of each group are withheld; None where they may be shown.

    ``member``: (groups, rows); ``label``: (rows,) of 0 and 1; ``person``: (rows,). Looked at are the people and rows, with and
    without the outcome. The sums of everybody count as known, since back-tests give them.
    """
    rows = member.shape[1]
    if not member.size:
        return (None,) * len(member)
    every = np.concatenate([member, np.ones((1, rows), dtype=bool)])
    whose = np.unique(person.astype(str), return_inverse=True)[1].ravel()
    part = np.unique(every, axis=1, return_inverse=True)[1].ravel()
    key, case = whose + (whose.max() + 1) * part, label == 1
    people = [_first(key, chosen) for chosen in (np.ones(rows, dtype=bool), case, ~case)]
    table = GroupTable(
        member=every,
        person=whose,
        values=np.column_stack([*people, np.ones(rows), case]).astype(np.float64),
        known=np.arange(len(every)) == len(member),
    )
    return table.withheld(rules)[:-1]


def _first(key: Ints, rows: Bools) -> Bools:
    """Whether each row is the first of ``rows`` with its key: a person counts once in each part of the groups."""
    first = np.zeros(len(key), dtype=bool)
    first[np.flatnonzero(rows)[np.unique(key[rows], return_index=True)[1]]] = True
    return first

"""An attacker who asks for every group figure that filters and dates allow, and subtracts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from perfml.arrays import Bools, Floats
from perfml.disclosure.bounds import bounds
from perfml.disclosure.tables import GroupTable
from perfml.project.spec import DisclosureRules

EXACT = 1e-6


def groups_of_filters(facts: Sequence[Sequence[str]]) -> Bools:
    """(groups, people): everyone of each combination of values of any of the ``facts``, one value a person each; no filter
    is a combination too."""
    columns = [np.array(each) for each in facts]
    members = [np.ones(len(columns[0]), dtype=bool)]
    for size in range(1, len(columns) + 1):
        for chosen in combinations(columns, size):
            for values in product(*(np.unique(column) for column in chosen)):
                member = np.all([column == value for column, value in zip(chosen, values, strict=True)], axis=0)
                if member.any():
                    members.append(member)
    return np.unique(members, axis=0)


def published(table: GroupTable, rules: DisclosureRules | None) -> Bools:
    """(groups,): those whose sums are shown; all of them without rules."""
    if rules is None:
        return np.ones(len(table.member), dtype=bool)
    return np.array([why is None for why in table.withheld(rules)]) | table.known


def recovered(table: GroupTable, shown: Bools) -> list[tuple[int, float]]:
    """(person, value) of everyone whose value follows exactly from the sums shown, and is right.

    By subtraction, in any number of steps (a person is a combination of groups), and by what a sum of values that are not
    negative allows (linear programming). The attacker knows who is in which group.
    """
    member, values = table.member[shown].astype(float), table.values[:, 0]
    out = []
    for person in range(len(values)):
        alone = np.zeros(len(values))
        alone[person] = 1
        weights = np.linalg.lstsq(member.T, alone, rcond=None)[0]
        if np.abs(member.T @ weights - alone).max() < EXACT:
            out.append((person, float(weights @ (member @ values))))
            continue
        range_of = bounds(alone, member, member @ values)
        if range_of.width < EXACT:
            out.append((person, range_of.low))
    return [(person, round(value, 2)) for person, value in out if abs(value - values[person]) < 1e-3]


def table_of(member: Bools, values: Floats, *, known: Bools | None = None) -> GroupTable:
    """One row a person, and one sum."""
    groups, people = member.shape
    return GroupTable(
        member=member,
        person=np.arange(people),
        values=values.reshape(people, 1).astype(np.float64),
        known=np.zeros(groups, dtype=bool) if known is None else known,
    )

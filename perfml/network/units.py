"""Units that never speak with each other, or of which one only gives, compared with what their sizes and activity let expect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats
from perfml.network.chance import dispersion, gravity, mid_p, significant
from perfml.network.contacts import Contacts
from perfml.network.record import UnitGap, UnitsCompared
from perfml.network.streets import one_way
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec, NetworkUnit

ROUNDS = 10
"""Most times that silences are looked for again without those that are told."""
LEAST_UNITS = 4
"""Fewer are fitted exactly by :func:`gravity`, so that nothing can be expected of them."""


def unit_gaps(
    contacts: Contacts, by: NetworkUnit, spec: FeedbackNetworkSpec, *, least_people: int
) -> tuple[list[UnitGap], UnitsCompared]:
    """The gaps between units ``by``, and how many pairs could be compared; units of fewer than ``least_people`` are left out."""
    unit = contacts.people.set_index("employee_id")[by].dropna()
    size = unit.value_counts()
    unit = unit[unit.map(size) >= least_people]
    names = sorted(unit.unique())
    ties = _ties(contacts.pairs, unit)
    count = np.zeros((len(names), len(names)))
    at = {name: number for number, name in enumerate(names)}
    low, high = ties[["giver", "receiver"]].min(axis=1), ties[["giver", "receiver"]].max(axis=1)
    undirected = ties[~pd.DataFrame({"low": low, "high": high}).duplicated()]
    for (first, second), together in undirected.groupby(["from", "to"]):
        count[at[first], at[second]] += len(together)
        count[at[second], at[first]] += len(together)
    upper = np.triu_indices(len(names), 1)
    if len(names) < LEAST_UNITS:
        return [], UnitsCompared(by=by, units=len(names), pairs=len(upper[0]), testable=0)
    near = _near(contacts.people, by, names)
    left_out = np.zeros(count.shape, dtype=bool)
    for _ in range(ROUNDS):
        expected = gravity(count, near, left_out)
        silent, testable = _silences(count[upper], expected[upper], spec)
        more = left_out.copy()
        more[upper] |= silent
        more |= more.T
        if (more == left_out).all():
            break
        left_out = more
    gaps = [
        UnitGap(
            by=by, kind="silent", first=names[a], second=names[b], ties=int(count[a, b]), expected=float(expected[a, b])
        )
        for a, b in np.column_stack(upper)[silent]
    ]
    gaps.sort(key=lambda gap: (-gap.expected, gap.first, gap.second))
    compared = UnitsCompared(by=by, units=len(names), pairs=len(silent), testable=int(testable.sum()))
    return gaps + _streets(ties, by, spec), compared


def _silences(seen: Floats, expected: Floats, spec: FeedbackNetworkSpec) -> tuple[Bools, Bools]:
    """(pairs,): which are silent beyond chance, and of which a silence would be."""
    speaking = seen > spec.silent_share * expected
    alpha = dispersion(seen[speaking], expected[speaking])
    testable = mid_p(np.zeros(len(seen)), expected, alpha) <= spec.false_share
    silent = np.zeros(len(seen), dtype=bool)
    silent[testable] = significant(mid_p(seen[testable], expected[testable], alpha), spec.false_share)
    return silent & (seen <= spec.silent_share * expected), testable


def _near(people: pd.DataFrame, by: NetworkUnit, names: list[str]) -> Bools:
    """(units, units): which units belong to one department, by where most of their people are."""
    of = people.assign(department=people["department"].fillna("")).groupby(by)["department"]
    department = np.array([of.get_group(name).mode().iloc[0] for name in names], dtype=str)
    return np.asarray((department[:, None] == department[None, :]) & (department[:, None] != ""))


def _ties(pairs: pd.DataFrame, unit: pd.Series) -> pd.DataFrame:
    """One row for each ordered pair of people of two units with a contact, those between somebody and who leads them left out."""
    ties = pairs[(pairs["contacts"] > 0) & ~pairs["line"]][["giver", "receiver"]].drop_duplicates()
    ties = ties.assign(**{"from": ties["giver"].map(unit), "to": ties["receiver"].map(unit)}).dropna()
    return ties[ties["from"] != ties["to"]]


def _streets(ties: pd.DataFrame, by: NetworkUnit, spec: FeedbackNetworkSpec) -> list[UnitGap]:
    between = ties.groupby(["from", "to"], as_index=False).size()
    streets = one_way(between.rename(columns={"from": "giver", "to": "receiver", "size": "contacts"}), spec)
    return [
        UnitGap(
            by=by,
            kind="one way",
            first=str(street["giver"]),
            second=str(street["receiver"]),
            ties=int(street["given"]),
            expected=float(street["expected"]),
        )
        for street in streets.to_dict("records")
    ]

"""Which groups of an audit are shown: attributes and their intersections are margins and cells of one table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfml.arrays import Floats, Ints, Objects
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.disclosure.primary import Suppression
from perfml.learning.fairness.findings import NO_ESTIMATE, GroupRow
from perfml.project.spec import DisclosureRules

SHOWN_BY_DEFAULT = DisclosureRules()
BY_ITSELF: frozenset[Suppression | None] = frozenset(("few people", "dominated", "p percent"))
"""Why a group is withheld whatever else is shown."""


def withheld_groups(
    groups: Mapping[str, Objects], *, label: Floats, person: Ints, rules: DisclosureRules
) -> dict[str, dict[str, Suppression]]:
    """Attribute -> group -> why it is withheld. All arrays have shape (rows,)."""
    cells = [(attribute, str(name)) for attribute, group in groups.items() for name in np.unique(group.astype(str))]
    causes: dict[str, dict[str, Suppression]] = {attribute: {} for attribute in groups}
    if cells:
        member = np.array([groups[attribute].astype(str) == name for attribute, name in cells])
        for (attribute, name), why in zip(
            cells, withheld_outcomes(member, label=label, person=person, rules=rules), strict=True
        ):
            if why is not None:
                causes[attribute][name] = why
    return causes


def hidden_row(group: str, *, sufficient: bool, why: Suppression) -> GroupRow:
    """The row of a group of which nothing is given but that it is withheld, and why."""
    return GroupRow(
        group=group,
        people=None,
        rows=None,
        positives=None,
        negatives=None,
        sufficient=sufficient,
        flag_rate=NO_ESTIMATE,
        true_positive_rate=NO_ESTIMATE,
        expected_over_observed=NO_ESTIMATE,
        withheld=why,
    )

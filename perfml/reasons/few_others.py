"""Comparisons that are not stated, because too few others stand behind them: whoever knows all but one could tell that one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Indexes, Ints, Objects
from perfml.evidence.columns import Column
from perfml.evidence.people import people_at
from perfml.evidence.sources import Data
from perfml.project.column_names import compared_column
from perfml.project.spec import Relation

MEMBERS: Mapping[Relation, list[str]] = {"team": ["manager_id"], "peers": ["role_family", "level"]}
"""What the people of a group have in common."""


@dataclass(frozen=True, kw_only=True)
class Others:
    """Who is compared with whom at one date, and how many others a comparison needs to be stated."""

    people: pd.DataFrame
    """Everyone employed, by id, with the facts of :data:`MEMBERS`."""
    least: int

    @classmethod
    def at(cls, data: Data, as_of: dt.date, *, least: int) -> Others:
        """As known at ``as_of``."""
        people = people_at(data, as_of).select(["employee_id", *chain.from_iterable(MEMBERS.values())])
        return cls(people=people.to_pandas().set_index("employee_id"), least=least)

    def hidden(self, values: Floats, rows: Indexes, columns: Sequence[Column], people: Objects) -> dict[int, Bools]:
        """Number of a column that compares people, or adds others up -> (people,): of whom it may not be stated, as fewer than
        ``least`` others have a value.

        ``values``: (any rows, columns); ``people``: the ids of all who are compared, in ``rows`` of it. Who has no value is no
        other. The model keeps what it predicts from; only what may be said of a person is hidden.
        """
        facts = self.people.reindex(people)
        hidden: dict[int, Bools] = {}
        for relation, numbers in compared_columns(columns).items():
            group = facts[MEMBERS[relation]]
            together = group.notna().all(axis=1).to_numpy()
            by = [group[name].to_numpy() for name in group]
            for number in numbers:
                known = ~np.isnan(values[rows, number]) & together
                others = pd.Series(known).groupby(by, dropna=False).transform("sum").to_numpy() - 1
                hidden[number] = may_not_be_stated(known, others, least=self.least)
        return hidden


def compared_columns(columns: Sequence[Column]) -> dict[Relation, list[int]]:
    """Relation -> the numbers of the ``columns`` that compare people within it, or add up what others of it have."""
    numbers: dict[Relation, list[int]] = {}
    for number, column in enumerate(columns):
        if column.name != compared_column(column.name):
            numbers.setdefault(column.relation or "team", []).append(number)
    return numbers


def may_not_be_stated(known: Bools, others: Ints, *, least: int) -> Bools:
    """Of which people (n,) a comparison may not be stated; ``known``: who has a value and a group, ``others``: how many others
    of the group have."""
    return ~known | (others < least)

"""Comparisons that are not stated, because too few others stand behind them: whoever knows all but one could tell that one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.evidence.columns import Column
from perfml.project.column_names import compared_column

MEMBERS = {"team": ["manager_id"], "peers": ["role_family", "level"]}
"""What the people of a group have in common."""


def without_few_others(values: Floats, columns: Sequence[Column], people: pd.DataFrame, *, min_others: int) -> Floats:
    """``values`` (people, columns), missing where a column compares with, or adds up, fewer than ``min_others`` others.

    ``people``: everyone of one date, with the facts of :data:`MEMBERS`. Who has no value is no other. The model keeps what it
    predicts from; only what may be said of a person becomes missing.
    """
    stated = values.copy()
    for number, column in enumerate(columns):
        if column.name == compared_column(column.name):
            continue
        facts = people[MEMBERS[column.relation or "team"]]
        known = ~np.isnan(values[:, number]) & facts.notna().all(axis=1).to_numpy()
        others = pd.Series(known).groupby([facts[name].to_numpy() for name in facts], dropna=False).transform("sum") - 1
        stated[others.to_numpy() < min_others, number] = np.nan
    return stated

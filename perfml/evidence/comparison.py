"""Evidence relative to the manager's team and to peers of the same role and level, at one as-of date: z-scores in a group, and
what the others of it have together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints
from perfml.errors import DataError
from perfml.evidence.columns import Column
from perfml.project.spec import OfTeam, Relation

SMALLEST_GROUP = 3
"""A comparison among fewer than three people is meaningless and could identify one of them."""


def z_scores(values: Floats, groups: Ints) -> Floats:
    """(value − mean) / sample standard deviation within each group; missing values are ignored.

    ``groups``: one code per row, −1 for no group. The result is missing in a group of fewer than :data:`SMALLEST_GROUP`
    values, and exactly 0 in one whose values are all equal.

    >>> z_scores(np.array([1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 0, -1])).tolist()
    [-1.0, 0.0, 1.0, nan]
    """
    out = np.full(len(values), np.nan)
    rows = np.flatnonzero((groups >= 0) & ~np.isnan(values))
    if not len(rows):
        return out
    x, g = values.take(rows), groups.take(rows)
    size = int(g.max()) + 1
    n = np.bincount(g, minlength=size)
    mean = np.bincount(g, weights=x, minlength=size) / np.maximum(n, 1)
    deviation = x - mean[g]
    variance = np.bincount(g, weights=deviation * deviation, minlength=size) / np.maximum(n - 1, 1)
    any_value = np.zeros(size)
    any_value[g] = x
    flat = np.bincount(g, weights=x != any_value[g], minlength=size) == 0
    z = np.where(flat[g], 0.0, deviation / np.sqrt(np.where(flat, 1.0, variance))[g])
    out[rows] = np.where(n[g] >= SMALLEST_GROUP, z, np.nan)
    return out


def of_others(values: Floats, groups: Ints, summary: OfTeam, *, decimals: int) -> Floats:
    """The sum of the others' values in each group, or the share of the others whose value is not zero.

    ``groups``: as for :func:`z_scores`; ``decimals`` that values have. Missing where a value is missing itself, and where fewer
    than :data:`SMALLEST_GROUP` others have one: so few could be identified. Sums are added as integers, so that neither the
    order of rows nor who is left out changes a digit. Raises :class:`DataError` where they exceed 64 bits.

    >>> of_others(np.array([0.1, 0.2, 0.0, 0.3]), np.zeros(4, np.int64), "sum", decimals=1).tolist()
    [0.5, 0.4, 0.6, 0.3]
    """
    out = np.full(len(values), np.nan)
    rows = np.flatnonzero((groups >= 0) & ~np.isnan(values))
    if not len(rows):
        return out
    x, g = values.take(rows), groups.take(rows)
    others = np.bincount(g)[g] - 1
    scale = 1 if summary == "share" else 10**decimals
    if np.abs(x).max() * scale * (int(others.max()) + 1) >= 2**63:
        raise DataError(
            "the values of one team add up past 64 bits",
            where="events.value",
            remedy="lower value_decimals in features/sources.toml [events], or export a larger unit",
        )
    counted = (x != 0).astype(np.int64) if summary == "share" else np.rint(x * scale).astype(np.int64)
    total = np.zeros(int(g.max()) + 1, np.int64)
    np.add.at(total, g, counted)
    over = others if summary == "share" else np.full(len(others), scale)
    enough = others >= SMALLEST_GROUP
    out[rows[enough]] = (total[g] - counted)[enough] / over[enough]
    return out


GROUPED_BY: Mapping[Relation, tuple[str, ...]] = {"team": ("manager_id",), "peers": ("role_family", "level")}
"""Relation -> what its people have in common, beside the as-of date."""


@dataclass(frozen=True, kw_only=True)
class BetweenPeople:
    """A column computed from what the people of one relation have in another column."""

    source: Column
    relation: Relation
    summary: OfTeam | None = None
    """What the others have together; None: a z-score."""

    @property
    def column(self) -> Column:
        """What it is called, and what it means."""
        return self.source.of_team(self.summary) if self.summary else self.source.compared(self.relation)

    def values(self, of_source: Floats, groups: Mapping[Relation, Ints], *, decimals: int) -> Floats:
        """``of_source``: the values of ``source`` of everyone, with their ``groups``."""
        of_group = groups[self.relation]
        if self.summary:
            return of_others(of_source, of_group, self.summary, decimals=decimals)
        return z_scores(of_source, of_group)


def groups_of(people: pd.DataFrame) -> dict[Relation, Ints]:
    """For each relation the group of every row, −1 where it is unknown: one manager, or one role family and level."""
    as_of = people["as_of"].to_numpy()

    def groups(*names: str) -> Ints:
        known = people[list(names)].notna().all(axis=1).to_numpy()
        codes = people.assign(_as_of=as_of).groupby(["_as_of", *names], sort=False, dropna=False).ngroup().to_numpy()
        return np.where(known, codes, -1).astype(np.int64)

    return {relation: groups(*names) for relation, names in GROUPED_BY.items()}

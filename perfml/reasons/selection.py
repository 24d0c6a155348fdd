"""Which columns make up which reason, which reasons lead, and which of their columns is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.columns import Column
from perfml.project.column_names import compared_column
from perfml.reasons.consistency import contradicts, differs

LISTED = 5
"""Reasons that are listed by name."""
MIN_RELATIVE_PUSH = 0.5
"""Share of the strongest column's push that a column needs to be named in its place."""
VALUES = 3
"""Columns shown behind a reason."""
NONE = -1


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What is ordinary among the people scored at a date: the median and the ends of the middle, (columns,) each."""

    median: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, columns: Iterable[Floats], *, middle_share: float) -> Spread:
        """Of the values (people,) of each column; missing where nobody has a value."""
        ends = [0.5, 0.5 - middle_share / 2, 0.5 + middle_share / 2]
        rows = [np.full(3, np.nan) if np.isnan(values).all() else np.nanquantile(values, ends) for values in columns]
        quantiles = np.array(rows).reshape(-1, 3).T
        return cls(median=quantiles[0], low=quantiles[1], high=quantiles[2])


@dataclass(frozen=True)
class Grouping:
    """Which columns make up which reason."""

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    member: Ints
    """For each column, the index of its reason in ``names``."""

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Grouping:
        """Columns with the same ``reason`` belong together."""
        names = tuple(dict.fromkeys(c.reason for c in columns))
        index = {name: i for i, name in enumerate(names)}
        return cls(tuple(columns), names, np.array([index[c.reason] for c in columns], dtype=np.int64))

    def sums(self, contributions: Floats) -> Floats:
        """(rows, columns) -> (rows, reasons)."""
        out = np.zeros((len(contributions), len(self.names)))
        for column, reason in enumerate(self.member):
            out[:, reason] += contributions[:, column]
        return out


@dataclass(frozen=True)
class Leading:
    """The leading reasons of each row, the strongest first; :data:`NONE` where there are fewer."""

    total: Floats
    """(rows, LISTED): contribution of each."""
    rest: Floats
    """(rows,): contribution of all others."""
    shown: Ints
    """(rows, LISTED, VALUES): the columns behind each; the first one is named in the text, the second may complete it."""
    form: Objects
    """(rows, LISTED): how each is worded, a :data:`Form`."""

    @property
    def exists(self) -> Bools:
        """(rows, LISTED): whether there is a reason."""
        exists: Bools = self.shown[:, :, 0] != NONE
        return exists


def lead(grouping: Grouping, contributions: Floats, *, values: Floats, spread: Spread) -> Leading:
    """Which reasons lead each row, which columns stand behind each, and how it is worded; arguments as in
    :func:`perfml.reasons.reasons.explain`.

    A reason names the column that pushes it most in the reason's own direction. Where that column's value is ordinary, or
    contradicts the direction, the next one that does neither is named, if it pushes at least :data:`MIN_RELATIVE_PUSH` of the
    strongest; where there is none, the strongest is worded as a combination. Of a column that belongs to a change, the change
    is named if it is out of the ordinary and does not contradict.
    """
    sums = grouping.sums(contributions[:, :-1])
    strongest = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :LISTED]
    missing = LISTED - strongest.shape[1]
    total = np.pad(np.take_along_axis(sums, strongest, axis=1), ((0, 0), (0, missing)))
    strongest = np.pad(strongest, ((0, 0), (0, missing)), constant_values=NONE)
    strongest[total == 0] = NONE
    shown = np.full((*strongest.shape, VALUES), NONE, dtype=np.int64)
    form = np.full(strongest.shape, "value", dtype=object)
    for reason in range(len(grouping.names)):
        row, slot = np.nonzero(strongest == reason)
        if len(row):
            group = _Group(grouping.columns, np.flatnonzero(grouping.member == reason), spread)
            shown[row, slot], form[row, slot] = group.shown(values[row], contributions[row], total[row, slot])
    unlisted = np.ones((len(sums), sums.shape[1] + 1), dtype=bool)
    np.put_along_axis(unlisted, strongest, False, axis=1)  # NONE indexes the last column, which is no reason
    return Leading(total, (sums * unlisted[:, :-1]).sum(axis=1), shown, form)


class _Group:
    """The columns of one reason; ``members``: their indices."""

    def __init__(self, columns: Sequence[Column], members: Ints, spread: Spread) -> None:
        self._columns, self._members, self._spread = columns, members, spread
        self._at = {columns[member].name: position for position, member in enumerate(members)}

    def shown(self, values: Floats, contributions: Floats, total: Floats) -> tuple[Ints, Objects]:
        """The columns behind the reason in each row, (rows, VALUES), the named one first, and how it is worded, (rows,)."""
        values, contributions = values[:, self._members], contributions[:, self._members]
        holds = self._holds(values, total)
        push = contributions * np.sign(total)[:, None]
        push[np.isnan(values) & self._between] = -np.inf
        order = np.argsort(-push, axis=1, kind="stable")
        able = np.take_along_axis(
            holds & (push > 0) & (push >= MIN_RELATIVE_PUSH * push.max(axis=1)[:, None]), order, 1
        )
        rows = np.arange(len(order))
        named = order[rows, np.argmax(able, axis=1)]  # the first that may be named, else the strongest
        form = np.where(able.any(axis=1), "value", "combined").astype(object)
        second = np.array([self._compared.get(position, NONE) for position in named])
        for change, (before, after) in self._changes.items():
            parts = [change, before, after]
            parts += [position for position, compared in self._compared.items() if compared in parts]
            is_part = np.isin(named, parts) | np.isin(order[:, 0], parts)
            tells = is_part & holds[:, change] & self._moves(values[:, change], total, change)
            named, second = np.where(tells, after, named), np.where(tells, before, second)
            form[tells] = "change"
        rank = np.argsort(order, axis=1, kind="stable")  # of each column, by its push
        rank[rows, named] = NONE - 1
        completed = second != NONE
        rank[rows[completed], second[completed]] = NONE
        order = np.argsort(rank, axis=1, kind="stable")[:, :VALUES]
        columns = self._members[order]
        silent = np.take_along_axis(contributions, order, axis=1) == 0
        silent[:, 0] = False
        silent[completed, 1:2] = False
        columns[silent] = NONE
        out = np.full((len(columns), VALUES), NONE, dtype=np.int64)
        out[:, : columns.shape[1]] = columns
        return out, form

    @property
    def _between(self) -> Bools:
        """(members,): columns computed between people, which name a reason last where they may not be stated."""
        names = [self._columns[member].name for member in self._members]
        return np.array([name != compared_column(name) for name in names])

    @property
    def _compared(self) -> dict[int, int]:
        """Of each comparison in the group, the position of the column that it compares."""
        compares = ((position, self._columns[member].compares) for position, member in enumerate(self._members))
        return {position: self._at[name] for position, name in compares if name is not None and name in self._at}

    @property
    def _changes(self) -> dict[int, tuple[int, int]]:
        """Of each change in the group, the positions of the earlier and the later value."""
        changes = ((position, self._columns[member].change) for position, member in enumerate(self._members))
        return {
            position: (self._at[change[0]], self._at[change[1]])
            for position, change in changes
            if change is not None and set(change) <= self._at.keys()
        }

    def _holds(self, values: Floats, total: Floats) -> Bools:
        """(rows, members): whether a value is out of the ordinary and does not contradict the direction of the reason."""
        out = np.empty(values.shape, dtype=bool)
        for position, member in enumerate(self._members):
            column, value = self._columns[member], values[:, position]
            low, median, high = (ends[member] for ends in (self._spread.low, self._spread.median, self._spread.high))
            reference = median if column.relation is None else 0.0
            outside = (
                (value <= low) | (value >= high) | (np.isnan(value) & ~np.isnan(median) & (column.relation is None))
            )
            against = contradicts(value, reference, direction=column.direction, contribution=total)
            out[:, position] = outside & differs(column, value, float(median)) & ~against
        return out

    def _moves(self, change: Floats, total: Floats, position: int) -> Bools:
        """(rows,): whether there is a change, and one that goes the way of the reason."""
        direction = self._columns[self._members[position]].direction
        against = contradicts(change, 0.0, direction=direction, contribution=total)
        return np.asarray((np.abs(change) > 0) & ~against)

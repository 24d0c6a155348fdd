"""What if some evidence were otherwise? The smallest change seen in real people under which a model tells a lower risk.

Evidence changes by groups: all columns of one group take the values that another person really has, so that they fit
together (28 days never hold more than 91). Such cases are taken from people and not made up (Keane & Smyth 2020); of those
that are enough the nearest is told (Wachter, Mittelstadt & Russell 2018). What comes out is what the *model* says of
another person's evidence. That is association: nothing here promises that a change made in the world lowers the risk
(Karimi, Schölkopf & Valera 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Bools, Floats, Ints

Risk = Callable[[Floats], Floats]
"""Features (n, columns) -> probabilities (n,)."""
USUAL = (0.05, 0.95)
"""Quantiles of comparable people between which a changed value must lie."""
MOST_CHANGES = 3


@dataclass(frozen=True)
class Move:
    """The values that one evidence group may take: ``values`` (options, columns of the group).

    ``distance`` (options,): how far the person's values are, as a mean difference of ranks among comparable people, 0 to 1.
    """

    evidence: str
    columns: Ints
    values: Floats
    distance: Floats


@dataclass(frozen=True)
class Change:
    """One group's change: the ``columns`` that differ, by number, with their values ``before`` and ``after``."""

    evidence: str
    columns: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class WhatIf:
    """The changes, and the probability that the model tells without and with them."""

    changes: tuple[Change, ...]
    before: float
    after: float


def moves(
    *,
    person: Floats,
    comparable: Floats,
    evidence: Sequence[str],
    may_change: Bools,
    direction: Sequence[int],
    usual: tuple[float, float] = USUAL,
) -> tuple[Move, ...]:
    """What each evidence group of ``person`` (columns,) could be, as seen in ``comparable`` people (n, columns).

    ``evidence`` names each column's group; a group moves whole, and only where all its columns ``may_change``.
    ``direction``: 1 or -1 where a column may only rise or fall, 0 where both are allowed. A value that changes lies between
    the ``usual`` quantiles of the comparable people; what is recorded never becomes missing.
    """
    names = np.asarray(evidence, dtype=object)
    found = []
    for group in dict.fromkeys(evidence):
        columns = np.flatnonzero(names == group)
        if not may_change[columns].all():
            continue
        mine, theirs, way = person[columns], comparable[:, columns], np.asarray(direction)[columns]
        low, high = (_quantile(theirs, share) for share in usual)
        same = (theirs == mine) | (np.isnan(theirs) & np.isnan(mine))
        onward = (way == 0) | np.isnan(mine) | ((theirs - mine) * way > 0)
        allowed = same | ((low <= theirs) & (theirs <= high) & onward)
        values = np.unique(theirs[allowed.all(axis=1) & ~same.all(axis=1)], axis=0)
        if len(values):
            found.append(Move(group, columns, values, _distance(mine, values, theirs)))
    return tuple(found)


def one_at_a_time(risk: Risk, person: Floats, allowed: Sequence[Move]) -> list[WhatIf]:
    """For each evidence group the change under which ``risk`` is lowest, the lowest first; a group without one is left out."""
    before = float(risk(person[None])[0])
    found = []
    for move in allowed:
        told = risk(_changed(person, move))
        best = int(np.argmin(told))
        if told[best] < before:
            found.append(WhatIf((_change(person, move, best),), before, float(told[best])))
    return sorted(found, key=lambda what: what.after)


def combined(
    risk: Risk, person: Floats, allowed: Sequence[Move], *, below: float, most: int = MOST_CHANGES
) -> WhatIf | None:
    """At most ``most`` changes, one group after another, under which ``risk`` is less than ``below``; None if none is found.

    Greedy: of all single changes the nearest that is enough, else the one that lowers the risk most, and on from there.
    A risk that is low already needs no change. Greedy search may miss a combination that exists.
    """
    before = now = float(risk(person[None])[0])
    changes: list[Change] = []
    left, current = list(allowed), person
    while now >= below:
        if not left or len(changes) == most:
            return None
        told = np.concatenate([risk(_changed(current, move)) for move in left])
        distance = np.concatenate([move.distance for move in left])
        enough = told < below
        pick = int(np.argmin(np.where(enough, distance, np.inf)) if enough.any() else np.argmin(told))
        if told[pick] >= now:
            return None
        place = np.concatenate([np.full(len(move.values), number) for number, move in enumerate(left)])
        move = left.pop(int(place[pick]))
        option = pick - int(np.flatnonzero(place == place[pick])[0])
        changes.append(_change(current, move, option))
        current, now = _changed(current, move)[option], float(told[pick])
    return WhatIf(tuple(changes), before, now)


def _changed(person: Floats, move: Move) -> Floats:
    """The person under each of the options: (options, columns)."""
    rows = np.repeat(person[None], len(move.values), axis=0)
    rows[:, move.columns] = move.values
    return rows


def _change(person: Floats, move: Move, option: int) -> Change:
    before, after = person[move.columns], move.values[option]
    differ = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    told = (move.columns[differ], before[differ], after[differ])
    columns, then, now = (tuple(values.tolist()) for values in told)
    return Change(move.evidence, columns, then, now)


def _quantile(values: Floats, share: float) -> Floats:
    """Of each column's known values, (columns,); missing where nothing is known."""
    known = ~np.isnan(values).all(axis=0)
    out = np.full(values.shape[1], np.nan)
    out[known] = np.nanquantile(values[:, known], share, axis=0)
    return out


def _distance(mine: Floats, values: Floats, theirs: Floats) -> Floats:
    """The mean difference of ranks; a value that was missing is as far as can be."""
    total = np.zeros(len(values))
    for column in range(values.shape[1]):
        known = np.sort(theirs[~np.isnan(theirs[:, column]), column])
        ranks = [
            (np.searchsorted(known, x, "left") + np.searchsorted(known, x, "right")) / (2 * max(len(known), 1))
            for x in (values[:, column], mine[column])
        ]
        apart = np.where(np.isnan(mine[column]), 1.0, np.abs(ranks[0] - ranks[1]))
        total += np.where(np.isnan(values[:, column]), 0.0, apart)
    return np.asarray(total / values.shape[1], dtype=np.float64)

"""Counterfactuals: the smallest change, seen in real people, under which a model gives a lower risk.

Evidence changes by groups: all columns of one group take the values that another person really has, so that they are
consistent (28 days never hold more than 91). Such cases are taken from people, not constructed (Keane & Smyth 2020); among
those that suffice, the nearest is reported (Wachter, Mittelstadt & Russell 2018). The result is the *model's* answer for
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
QUANTILES = (0.05, 0.95)
"""Quantiles of comparable people between which a changed value must lie."""
MOST_CHANGES = 3


@dataclass(frozen=True)
class Move:
    """The values that one evidence group may take: ``values`` (options, columns of the group).

    ``distance`` (options,) from the person's values: the mean difference of ranks among comparable people, 0 to 1.
    """

    evidence: str
    columns: Ints
    values: Floats
    distance: Floats


@dataclass(frozen=True)
class Change:
    """One group's change: the indices of the ``columns`` that differ, with their values ``before`` and ``after``."""

    evidence: str
    columns: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class WhatIf:
    """The changes, and the probability that the model gives before and after them."""

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
    quantiles: tuple[float, float] = QUANTILES,
) -> tuple[Move, ...]:
    """The values that each evidence group of ``person`` (columns,) may take, as seen in ``comparable`` people (n, columns).

    ``evidence`` names each column's group; a group changes as a whole, and only where all its columns ``may_change``.
    ``direction``: 1 or -1 where a column may only rise or fall, 0 where both are allowed. A value that changes lies between
    the ``quantiles`` of the comparable people; a recorded value never becomes missing.
    """
    names = np.asarray(evidence, dtype=object)
    options = []
    for group in dict.fromkeys(evidence):
        columns = np.flatnonzero(names == group)
        if not may_change[columns].all():
            continue
        mine, theirs, way = person[columns], comparable[:, columns], np.asarray(direction)[columns]
        low, high = (_quantile(theirs, share) for share in quantiles)
        same = (theirs == mine) | (np.isnan(theirs) & np.isnan(mine))
        onward = (way == 0) | np.isnan(mine) | ((theirs - mine) * way > 0)
        allowed = same | ((low <= theirs) & (theirs <= high) & onward)
        values = np.unique(theirs[allowed.all(axis=1) & ~same.all(axis=1)], axis=0)
        if len(values):
            options.append(Move(group, columns, values, _distance(mine, values, theirs)))
    return tuple(options)


def one_at_a_time(risk: Risk, person: Floats, allowed: Sequence[Move]) -> list[WhatIf]:
    """For each evidence group the change with the lowest ``risk``, lowest first; groups that cannot lower it are left out."""
    before = float(risk(person[None])[0])
    answers = []
    for move in allowed:
        risks = risk(_changed(person, move))
        best = int(np.argmin(risks))
        if risks[best] < before:
            answers.append(WhatIf((_change(person, move, best),), before, float(risks[best])))
    return sorted(answers, key=lambda answer: answer.after)


def combined(
    risk: Risk, person: Floats, allowed: Sequence[Move], *, below: float, most: int = MOST_CHANGES
) -> WhatIf | None:
    """At most ``most`` changes, one group after another, with a ``risk`` less than ``below``; None where the search fails.

    Greedy: of all single changes the nearest that suffices, else the one that lowers the risk most, then repeat from there.
    A risk that is already low needs no change. Greedy search may miss a combination that exists.
    """
    before = now = float(risk(person[None])[0])
    changes: list[Change] = []
    left, current = list(allowed), person
    while now >= below:
        if not left or len(changes) == most:
            return None
        risks = np.concatenate([risk(_changed(current, move)) for move in left])
        distance = np.concatenate([move.distance for move in left])
        enough = risks < below
        pick = int(np.argmin(np.where(enough, distance, np.inf)) if enough.any() else np.argmin(risks))
        if risks[pick] >= now:
            return None
        move_of = np.concatenate([np.full(len(move.values), number) for number, move in enumerate(left)])
        move = left.pop(int(move_of[pick]))
        option = pick - int(np.flatnonzero(move_of == move_of[pick])[0])
        changes.append(_change(current, move, option))
        current, now = _changed(current, move)[option], float(risks[pick])
    return WhatIf(tuple(changes), before, now)


def along(person: Floats, move: Move, column: int, *, most: int) -> Floats:
    """The person under options of ``move`` that differ in ``column``, ascending in it: (at most ``most``, columns).

    The values lie evenly by rank between the lowest and the highest; of the options with the same value the nearest is taken.
    """
    values = move.values[:, np.flatnonzero(move.columns == column)[0]]
    order = np.lexsort((move.distance, values))
    distinct, first = np.unique(values[order], return_index=True)
    nearest = order[first[~np.isnan(distinct) & (distinct != person[column])]]
    picked = np.unique(np.linspace(0, len(nearest) - 1, min(most, len(nearest))).round().astype(np.int64))
    rows: Floats = _changed(person, move)[nearest[picked]]
    return rows


def _changed(person: Floats, move: Move) -> Floats:
    """The person under each of the options: (options, columns)."""
    rows = np.repeat(person[None], len(move.values), axis=0)
    rows[:, move.columns] = move.values
    return rows


def _change(person: Floats, move: Move, option: int) -> Change:
    before, after = person[move.columns], move.values[option]
    differ = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    columns, then, now = (tuple(values[differ].tolist()) for values in (move.columns, before, after))
    return Change(move.evidence, columns, then, now)


def _quantile(values: Floats, share: float) -> Floats:
    """The quantile of each column's known values, (columns,); missing where none is known."""
    known = ~np.isnan(values).all(axis=0)
    out = np.full(values.shape[1], np.nan)
    out[known] = np.nanquantile(values[:, known], share, axis=0)
    return out


def _distance(mine: Floats, values: Floats, theirs: Floats) -> Floats:
    """The mean difference of ranks; a value that was missing has the largest distance, 1."""
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

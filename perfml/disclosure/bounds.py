"""What can be worked out of withheld sums from those that are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from perfml.arrays import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The narrowest range of a sum that follows from the sums shown."""

    low: float
    high: float
    proof: Bools
    """(shown sums,): those from which the two ends follow."""

    @property
    def width(self) -> float:
        """Length of the range; infinite where nothing bounds the sum from above."""
        return self.high - self.low


def bounds(target: Floats, member: Floats, sums: Floats) -> Bounds:
    """The range of the sum over the parts of ``target``, given ``sums`` over the parts of each group shown.

    ``target``: (parts,) of 0 and 1; ``member``: (groups, parts) of 0 and 1; ``sums``: (groups,). Parts are not negative. By
    linear programming: both ends are reached by some parts with the same sums, so nobody can narrow the range further
    without knowing more.

    >>> one, every = np.array([1.0, 0, 0]), np.array([[1.0, 1, 1], [0, 0, 1]])
    >>> range_of_one = bounds(one, every, np.array([10.0, 4.0]))
    >>> range_of_one.low, range_of_one.high
    (0.0, 6.0)
    """
    proof = np.zeros(len(sums), dtype=bool)
    ends = [-np.inf, np.inf]
    scale = max(1.0, float(np.abs(sums).max(initial=0.0)))
    for end, sign in enumerate((1.0, -1.0)):
        solved = linprog(sign * target, A_eq=member, b_eq=sums / scale, bounds=(0, None), method="highs")
        if solved.status == 0:
            ends[end] = sign * float(solved.fun) * scale
            proof |= np.abs(solved.eqlin.marginals) > 1e-9
    return Bounds(low=max(0.0, ends[0]), high=ends[1], proof=proof)


def unseen_moves(member: Floats) -> Floats:
    """(parts, parts): the projection onto the changes of the parts that no sum over the groups of ``member`` shows."""
    free: Floats = np.eye(member.shape[1]) - np.linalg.pinv(member) @ member
    free[np.abs(free) < 1e-9] = 0.0
    return free


def width_along(move: Floats, of_parts: Floats, target: Floats) -> float:
    """How far the sum over ``target`` changes while the parts go along ``move`` in both directions and none turns negative: at
    most the width of :func:`bounds`, at a fraction of its cost."""
    move = np.where(np.abs(move) < 1e-9, 0.0, move)
    if not move.any():
        return 0.0
    steps = [of_parts[way < 0] / -way[way < 0] for way in (move, -move)]
    return float(abs(move @ target) * sum(min(step, default=0.0) for step in steps))

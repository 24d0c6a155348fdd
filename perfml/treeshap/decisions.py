"""The child that each row goes to, by LightGBM's rules: the rows of a block, up to 64, as the bits of one number.

Values are compared in float64 whatever the precision of the contributions, so that every row takes the same branch as in the
prediction. Missing values: NaN counts as 0 in nodes without missing values in training; categories that are negative, NaN or
not named by the node go right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats, Ints
from perfml.treeshap.compiling import compiled
from perfml.treeshap.nodes import Nodes
from perfml.treeshap.parsing import CATEGORICAL, DEFAULT_LEFT, NOT_MISSING, ZERO, ZERO_MISSING
from perfml.treeshap.simd import at, at_most, at_most_or_nan, count, like, load, put, spread

BitMasks = npt.NDArray[np.uint64]
"""One bit a row of a block."""
NAN_RIGHT, NAN_LEFT, ZERO_IS_MISSING, CATEGORY = range(4)
"""Kinds of test at a node."""
ALL = np.uint64(2**64 - 1)
NONE = np.uint64(0)
BIT = np.uint64(1)


class Decisions(NamedTuple):
    """Arrays over the nodes of all trees, in the order of the program; ``flip`` has all bits set where near is right.

    ``missing_left`` has all bits set where missing values go left. ``set_from`` and ``set_to`` bound a categorical node's part
    of ``members``, indices of ``categories``, which lists for each of ``category_feature`` the categories that any node names.
    """

    feature: npt.NDArray[np.int32]
    threshold: Floats
    test: npt.NDArray[np.int8]
    missing_left: BitMasks
    flip: BitMasks
    earlier: npt.NDArray[np.int32]
    set_from: npt.NDArray[np.int32]
    set_to: npt.NDArray[np.int32]
    members: npt.NDArray[np.int32]
    category_feature: Ints
    category_from: Ints
    categories: Ints


def decide(nodes: Nodes) -> Decisions:
    """The tests of the nodes."""
    empty = [np.zeros(0, dtype=np.int64)]
    parts = [(tree, nodes.source[a:b]) for tree, a, b in zip(nodes.trees, nodes.first, nodes.first[1:], strict=False)]
    feature = np.concatenate([*empty, *(tree.feature[order] for tree, order in parts)])
    threshold = np.concatenate([*empty, *(tree.threshold[order] for tree, order in parts)])
    decision = np.concatenate([*empty, *(tree.decision[order] for tree, order in parts)]).astype(np.int64)
    missing, left = decision >> 2, (decision & DEFAULT_LEFT) > 0
    left = np.where(missing == NOT_MISSING, threshold >= 0, left)  # NaN counts as 0 there
    test = np.where(left, NAN_LEFT, NAN_RIGHT)
    test[missing == ZERO_MISSING] = ZERO_IS_MISSING
    test[(decision & CATEGORICAL) > 0] = CATEGORY
    named: dict[int, list[Ints]] = {}
    sets: list[tuple[int, int, Ints]] = []
    node = 0
    for tree, order in parts:
        for inside in np.flatnonzero(tree.decision[order] & CATEGORICAL).tolist():
            index = int(order[inside])
            category_set = tree.sets[int(tree.threshold[index])]
            named.setdefault(int(tree.feature[index]), []).append(category_set)
            sets.append((node + inside, int(tree.feature[index]), category_set))
        node += len(order)
    known = {column: np.unique(np.concatenate(named[column])) for column in sorted(named)}
    start = np.cumsum([0, *(len(values) for values in known.values())])
    first = dict(zip(known, start.tolist(), strict=False))
    set_from, set_to, members, filled = np.zeros(node, np.int32), np.zeros(node, np.int32), list(empty), 0
    for index, column, category_set in sets:
        set_from[index], set_to[index] = filled, filled + len(category_set)
        members.append(first[column] + np.searchsorted(known[column], category_set))
        filled += len(category_set)
    return Decisions(
        feature.astype(np.int32), threshold.astype(np.float64), test.astype(np.int8), np.where(left, ALL, NONE),
        np.where(nodes.swapped, ALL, NONE), nodes.earlier.astype(np.int32), set_from, set_to,
        np.concatenate(members).astype(np.int32), np.array(sorted(known), dtype=np.int64), start.astype(np.int64),
        np.concatenate([*known.values(), *empty]),
    )  # fmt: skip


@compiled
def index_of(value: float, categories: Ints, first: int, last: int) -> int:
    """The index of a category in ``categories[first:last]``; -1 for any other value."""
    if not -1.0 < value < 2147483648.0:  # NaN is not
        return -1
    wanted = int(value)
    end = last
    while first < last:
        middle = (first + last) // 2
        if categories[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first if first < end and categories[first] == wanted else -1


@compiled
def mark_categories(
    decisions: Decisions, values: Floats, stride: int, blocks: int, width: int, present: BitMasks
) -> None:
    """Set in ``present`` (categories · blocks) the bits of the rows that have each category; ``values`` (features · stride)."""
    present[:] = NONE
    for which in range(len(decisions.category_feature)):
        first, last = decisions.category_from[which], decisions.category_from[which + 1]
        at = decisions.category_feature[which] * stride
        for row in range(blocks * width):
            index = index_of(values[at + row], decisions.categories, first, last)
            if index >= 0:
                present[index * blocks + row // width] |= BIT << np.uint64(row % width)


@compiled
def mark_states(
    decisions: Decisions, first: int, last: int, values: Floats, stride: int, blocks: int, shape: object, present: BitMasks,
    states: BitMasks,
) -> None:  # fmt: skip
    """Which rows are near and far at the nodes from ``first`` to ``last`` of a tree: ``states`` (nodes, near and far, blocks).

    ``shape`` holds float64 lanes, as many as a block has rows.
    """
    zero, minus_zero = like(shape, ZERO), like(shape, -ZERO)
    width = count(shape)
    for node in range(first, last):
        test, flip = at(decisions.test, node), at(decisions.flip, node)
        missing_left = at(decisions.missing_left, node)
        threshold = spread(shape, decisions.threshold, node)
        column = np.int64(at(decisions.feature, node)) * stride
        near = 2 * (node - first) * blocks
        if test == CATEGORY:
            for block in range(blocks):
                put(states, near + block, NONE)
            for which in range(at(decisions.set_from, node), at(decisions.set_to, node)):
                member = np.int64(at(decisions.members, which)) * blocks
                for block in range(blocks):
                    put(states, near + block, at(states, near + block) | at(present, member + block))
        elif test == NAN_LEFT:
            for block in range(blocks):
                put(states, near + block, at_most_or_nan(load(shape, values, column + block * width), threshold))
        elif test == NAN_RIGHT:
            for block in range(blocks):
                put(states, near + block, at_most(load(shape, values, column + block * width), threshold))
        else:
            for block in range(blocks):
                value = load(shape, values, column + block * width)
                missing = at_most_or_nan(value, zero) & at_most_or_nan(minus_zero, value)
                put(states, near + block, (missing & missing_left) | (~missing & at_most(value, threshold)))
        earlier = np.int64(at(decisions.earlier, node)) * blocks
        for block in range(blocks):
            taken = at(states, near + block) ^ flip
            reached = at(states, earlier + block) if earlier >= 0 else ALL
            put(states, near + block, reached & taken)
            put(states, near + blocks + block, reached & ~taken)

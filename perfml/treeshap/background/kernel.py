"""The kernel that explains a chunk of rows against a reference group: trees walked once for all rows, leaves by patterns.

Rows to explain come first and those of the group behind them, in blocks of their own, so that both take their decisions in one
go. ``patterns`` holds for each depth of the walk, and for every row, the features so far at whose splits the row does not stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats, Ints
from perfml.treeshap.background.paths import Paths
from perfml.treeshap.compiling import compiled
from perfml.treeshap.decisions import BIT, BitMasks, Decisions, mark_categories, mark_states
from perfml.treeshap.simd import bits_set, lanes, lowest_bit

SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio: products with it spread patterns over a table (Knuth 1998, 6.4)."""


class Distinct(NamedTuple):
    """Patterns of one kind of rows at a leaf, each once: ``pattern`` and ``weight`` of each, and ``which`` of a row.

    ``key``, ``place`` and ``used`` are a hash table; an entry counts if ``used`` holds the number of the leaf.
    """

    pattern: BitMasks
    weight: Floats
    which: Ints
    key: BitMasks
    place: Ints
    used: Ints


class Buffers(NamedTuple):
    """What one thread works in, for a chunk of rows and a group."""

    base: Floats
    """(outputs,): the mean margin of the group, of trees that have a split."""

    present: BitMasks
    states: BitMasks
    patterns: BitMasks
    """(depths, rows)"""
    rows: Distinct
    group: Distinct
    size: Ints
    """(patterns of the group,): features at whose splits they do not stay."""
    results: Ints
    """(distinct features,): the row of the result of each feature of the path."""
    earned: Floats
    """(patterns of rows, distinct features)"""
    earns: npt.NDArray[np.bool_]
    """(patterns of rows,): whether any pattern of the group goes with it."""


GroupKernel = Callable[[Decisions, Paths, Floats, Ints, Floats, Floats, Buffers, Floats], None]


def distinct_buffers(rows: int) -> Distinct:
    """Buffers for up to ``rows`` rows."""
    size = 1 << max(4, (2 * rows - 1).bit_length())
    return Distinct(
        np.empty(rows, np.uint64), np.empty(rows), np.empty(rows, np.int64), np.empty(size, np.uint64),
        np.empty(size, np.int64), np.full(size, -1, np.int64),
    )  # fmt: skip


@compiled
def collect(patterns: BitMasks, first: int, rows: int, features: int, leaf: int, into: Distinct) -> int:
    """Collect the distinct patterns of ``rows`` rows from ``first`` on, with the number of rows of each; returns how many."""
    size = len(into.used)
    mask = np.uint64(size - 1)
    bits = bits_set(mask)
    shift = np.uint64(64 - bits)
    found = 0
    for row in range(rows):
        pattern = patterns[first + row]
        at = pattern if features <= bits else (pattern * SPREAD) >> shift
        while into.used[at] == leaf and into.key[at] != pattern:
            at = (at + BIT) & mask
        if into.used[at] != leaf:
            into.used[at], into.key[at], into.place[at] = leaf, pattern, found
            into.pattern[found], into.weight[found] = pattern, 0.0
            found += 1
        place = into.place[at]
        into.weight[place] += 1.0
        into.which[row] = place
    return found


@compiled
def earn(
    rows: int, group: int, features: int, value: float, gains: Floats, losses: Floats, buffers: Buffers
) -> None:
    """Fill ``earned`` for each of ``rows`` patterns, from those of the ``group`` that share no feature with it.

    ``value``: of the leaf, over the number of rows of the group.
    """
    theirs, weight, size = buffers.group.pattern, buffers.group.weight, buffers.size
    earned = buffers.earned
    for number in range(group):
        size[number] = bits_set(theirs[number])
    for number in range(rows):
        own = buffers.rows.pattern[number]
        away = bits_set(own)
        for feature in range(features):
            earned[number, feature] = 0.0
        lost, any_pair = 0.0, False
        for other in range(group):
            their = theirs[other]
            if own & their != 0:
                continue
            any_pair = True
            many = size[other]
            lost += weight[other] * losses[many, away]
            gain = value * weight[other] * gains[many, away]
            while their != 0:
                earned[number, lowest_bit(their)] += gain
                their &= their - BIT
        buffers.earns[number] = any_pair
        while own != 0:
            earned[number, lowest_bit(own)] = -value * lost
            own &= own - BIT


@cache
def group_kernel(width: int) -> GroupKernel:
    """A kernel for blocks of ``width`` rows: ``(decisions, paths, values, counts, gains, losses, buffers, out)``.

    ``values`` (features, rows of all blocks) flat; ``counts``: blocks and rows to explain, blocks and rows of the group; ``out``
    (rows to explain, results) is added to.
    """

    @compiled
    def step(
        above: BitMasks, below: BitMasks, states: BitMasks, state: int, blocks: int, position: np.uint64
    ) -> None:
        """Add to each row's pattern the feature at ``position`` where the row does not stay on the edge."""
        for block in range(blocks):
            away = ~states[state + block]
            at = block * width
            for lane in range(width):
                below[at + lane] = above[at + lane] | (((away >> np.uint64(lane)) & BIT) << position)

    def explain_chunk(
        decisions: Decisions,
        paths: Paths,
        values: Floats,
        counts: Ints,
        gains: Floats,
        losses: Floats,
        buffers: Buffers,
        out: Floats,
    ) -> None:
        row_blocks, rows, group_blocks, group = counts
        blocks = row_blocks + group_blocks
        every, first_of_group = blocks * width, row_blocks * width
        shape = lanes(0.0, width)
        mark_categories(decisions, values, every, blocks, width, buffers.present)
        patterns, states, results = buffers.patterns, buffers.states, buffers.results
        patterns[0, :every] = 0
        buffers.base[:] = 0.0
        columns = out.shape[1] // len(buffers.base)
        leaf_number = 0
        for tree in range(len(paths.trees)):
            first, last = paths.trees[tree]
            mark_states(decisions, first, last, values, every, blocks, shape, buffers.present, states)
            for node in range(first, last):
                depth, edge = paths.depth[node], paths.edge[node]
                if edge >= 0:
                    position = np.uint64(paths.position[first + (edge >> 1)])
                    step(patterns[depth - 1], patterns[depth], states, edge * blocks, blocks, position)
                results[paths.position[node]] = paths.row[node]
                features = paths.distinct[node]
                for side in range(2):
                    if paths.inner[node, side]:
                        continue
                    at_leaf = patterns[depth + 1]
                    position = np.uint64(paths.position[node])
                    step(patterns[depth], at_leaf, states, (2 * (node - first) + side) * blocks, blocks, position)
                    leaf_number += 1
                    theirs = collect(at_leaf, first_of_group, group, features, leaf_number, buffers.group)
                    own = collect(at_leaf, 0, rows, features, leaf_number, buffers.rows)
                    value = paths.leaf[node, side] / group
                    for number in range(theirs):
                        if buffers.group.pattern[number] == 0:
                            buffers.base[paths.row[node] // columns] += buffers.group.weight[number] * value
                    earn(own, theirs, features, value, gains, losses, buffers)
                    for row in range(rows):
                        which = buffers.rows.which[row]
                        if buffers.earns[which]:
                            for feature in range(features):
                                out[row, results[feature]] += buffers.earned[which, feature]

    return compiled(explain_chunk)

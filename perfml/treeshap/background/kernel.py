"""The kernel that explains a chunk of rows against a reference group: trees walked once for all rows, leaves by patterns.

Rows to explain come first and those of the group behind them, in blocks of their own, so that both take their decisions in one
go. ``patterns`` holds for each depth of the walk, and for every row, the features so far at whose splits the row does not stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.treeshap.compiling import compiled
from perfml.treeshap.decisions import ALL, BIT, BitMasks, Decisions, mark_categories, mark_states
from perfml.treeshap.paths.places import Paths
from perfml.treeshap.simd import at, bits_set, flags, lanes, like, lowest_bit, put, spread, store, where

SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio: products with it spread patterns over a table (Knuth 1998, 6.4)."""
LANES = 16
"""Features that are added up side by side."""
HALF, LOWER = 32, 2**32 - 1
"""Bits of half an entry, and those of its lower half."""


class Distinct(NamedTuple):
    """Patterns of one kind of rows at a leaf, each once: ``pattern`` and ``weight`` (rows) of each, and ``which`` of a row.

    ``entry`` is a table by pattern or by its hash: the number of the leaf in its upper half, and in its lower half the index
    of the pattern. ``word`` is the other key of a hash.
    """

    pattern: BitMasks
    weight: Floats
    which: Ints
    entry: Ints
    word: BitMasks


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
    holds: BitMasks
    """(distinct features · words of 64 bits): bits of the patterns of the group that hold a feature."""
    results: Ints
    """(distinct features,): the row of the result of each feature of the path."""
    known: Bools
    """(distinct features + 1,): whether the two below are there for rows that do not stay for so many features."""
    gain: Floats
    loss: Floats
    """(distinct features + 1 · patterns of the group): what a feature earns by each of them, and what it loses."""
    earned: Floats
    """(patterns of rows · features, a multiple of :data:`LANES`)"""


GroupKernel = Callable[[Decisions, Paths, Floats, Ints, Floats, Floats, Buffers, Floats], None]


def distinct_buffers(rows: int) -> Distinct:
    """Buffers for up to ``rows`` rows."""
    size = 1 << max(10, (2 * rows - 1).bit_length())
    return Distinct(
        np.empty(rows, np.uint64), np.empty(rows), np.empty(rows, np.int64), np.zeros(size, np.int64),
        np.empty(size, np.uint64),
    )  # fmt: skip


@compiled
def collect(patterns: BitMasks, first: int, rows: int, features: int, leaf: int, into: Distinct) -> int:
    """Collect the distinct patterns of ``rows`` rows from ``first`` on, with the number of rows of each; returns how many.

    ``leaf``: a number from 1 on, which no earlier leaf had. Patterns of few features are their own place in the table.
    """
    entry, word, which, pattern, weight = into.entry, into.word, into.which, into.pattern, into.weight
    mask = np.uint64(len(entry) - 1)
    bits = bits_set(mask)
    shift = np.uint64(64 - bits)
    direct = features <= bits
    number = 0
    for row in range(rows):
        own = at(patterns, first + row)
        slot = np.int64(own)
        if not direct:
            slot = np.int64((own * SPREAD) >> shift)
            while at(entry, slot) >> HALF == leaf and at(word, slot) != own:
                slot = (slot + 1) & np.int64(mask)
        held = at(entry, slot)
        if held >> HALF != leaf:
            held = (np.int64(leaf) << HALF) | number
            put(entry, slot, held)
            put(word, slot, own)
            put(pattern, number, own)
            put(weight, number, 0.0)
            number += 1
        index = held & LOWER
        put(weight, index, at(weight, index) + 1.0)
        put(which, row, index)
    return number


@compiled
def earn(rows: int, group: int, features: int, value: float, gains: Floats, losses: Floats, buffers: Buffers) -> int:
    """Fill ``earned`` for each of ``rows`` patterns, from those of the ``group`` that share no feature with it.

    ``value``: of the leaf, over the number of rows of the group. Features are added up :data:`LANES` at a time. Returns how many
    numbers of ``earned`` each pattern has.
    """
    theirs, weight, size, holds = buffers.group.pattern, buffers.group.weight, buffers.size, buffers.holds
    gain, loss, earned, known = buffers.gain, buffers.loss, buffers.earned, buffers.known
    parts = (group + 63) >> 6
    holds[: features * parts] = 0
    for number in range(group):
        their = at(theirs, number)
        put(size, number, bits_set(their))
        while their != 0:
            index = lowest_bit(their) * parts + (number >> 6)
            put(holds, index, at(holds, index) | (BIT << np.uint64(number & 63)))
            their &= their - BIT
    known[: features + 1] = False
    zero = lanes(0.0, LANES)
    stride = (features + LANES - 1) // LANES * LANES
    for number in range(rows):
        own = at(buffers.rows.pattern, number)
        away = bits_set(own)
        weights = away * group
        if not known[away]:
            known[away] = True
            for other in range(group):
                scaled = value * at(weight, other)
                put(gain, weights + other, scaled * gains[at(size, other), away])
                put(loss, weights + other, scaled * losses[at(size, other), away])
        for low in range(0, stride, LANES):
            sums, lost = zero, 0.0
            for word in range(parts):
                free = ALL if word < parts - 1 or group & 63 == 0 else (BIT << np.uint64(group & 63)) - BIT
                left = own
                while left != 0:
                    free &= ~at(holds, lowest_bit(left) * parts + word)
                    left &= left - BIT
                while free != 0:
                    other = (word << 6) + lowest_bit(free)
                    free &= free - BIT
                    held = flags(zero, at(theirs, other) >> np.uint64(low))
                    sums = sums + where(held, spread(zero, gain, weights + other), zero)
                    lost += at(loss, weights + other)
            store(earned, number * stride + low, where(flags(zero, own >> np.uint64(low)), like(zero, -lost), sums))
    return stride


@cache
def group_kernel(width: int) -> GroupKernel:
    """A kernel for blocks of ``width`` rows: ``(decisions, paths, values, counts, gains, losses, buffers, out)``.

    ``values`` (features, rows of all blocks) flat; ``counts``: blocks and rows to explain, blocks and rows of the group; ``out``
    (results, rows to explain), flat, is added to.
    """

    @compiled
    def step(above: BitMasks, below: BitMasks, states: BitMasks, state: int, blocks: int, position: np.uint64) -> None:
        """Add to each row's pattern the feature at ``position`` where the row does not stay on the edge."""
        for block in range(blocks):
            away = ~at(states, state + block)
            for lane in range(width):
                bit = ((away >> np.uint64(lane)) & BIT) << position
                put(below, block * width + lane, at(above, block * width + lane) | bit)

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
        columns = len(out) // rows // len(buffers.base)
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
                    stride = earn(own, theirs, features, value, gains, losses, buffers)
                    for feature in range(features):
                        index = results[feature] * rows
                        for row in range(rows):
                            more = at(buffers.earned, at(buffers.rows.which, row) * stride + feature)
                            put(out, index + row, at(out, index + row) + more)

    return compiled(explain_chunk)

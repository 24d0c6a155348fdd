"""A forest as a flat list of operations, and the numbers they multiply with, for the block kernel.

**Order.** Each tree is walked once, depth first. Going *down* an edge multiplies the path's polynomial by the edge's change of
its feature's factor; coming *up* adds what the leaves below returned. A leaf is never visited: its edge is folded into the
operation of its parent. Polynomials on the way lie in a stack of slots, few enough for the processor's nearest cache: the far
child takes over its parent's slot, the near one gets another, and a slot is free again when its subtree is done.

**Earning.** With H of the near and the far edge (what the leaves below return) and gains as :mod:`nodes` has them, a row that
is near earns A H_near - (w / (1 - t)) H_far for an A, and less what is taken back, r (H_near + H_far). That is, summed over t,

    (A + w / (1 - t)) H_near  -  (w / (1 - t) + r) (H_near + H_far)

and the same with near and far exchanged for a row that is far: three sums that do not ask where the row is, and one choice
between them when they are complete.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Floats, Ints
from perfml.errors import ModelError
from perfml.treeshap.decisions import Decisions
from perfml.treeshap.nodes import Nodes, edge_numbers, gauss_legendre

TWO_LEAVES, DOWN_ONE, DOWN_TWO, UP_ONE, UP_TWO = range(5)
"""Kinds of operation. ``ONE`` and ``TWO``: the number of children that are inner nodes."""
REPEATED = 5
"""Added to a kind if the feature occurs higher up on the path too, so that there are three states."""
KIND, NODE, SLOT, NEAR_SLOT, NUMBER, ROW, OPERATION = range(7)
"""Columns of ``Program.operations``."""


class Program(NamedTuple):
    """The input of the block kernel. ``trees`` is (trees, 6): first and last node, first and last operation, quadrature nodes,
    and where - w / (1 - t) of these begins in ``numbers``.

    The numbers of an operation start at its ``NUMBER``, those of one quadrature node side by side. Its ``ROW`` is the row of the
    result, output · (features + 1) + feature; its ``NODE`` counts from the tree's first.
    """

    trees: Ints
    operations: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.floating]
    decisions: Decisions


def make_program(nodes: Nodes, decisions: Decisions, dtype: npt.DTypeLike) -> tuple[Program, int]:
    """The program in the given precision, and the size of its stack in numbers a row."""
    kind = nodes.inner.sum(axis=1)
    first = nodes.first[:-1]
    quadrature = nodes.quadrature[first]
    down, up = _sizes(kind, nodes.repeated)
    rules = int(quadrature.max(initial=0)) + 1
    size = nodes.quadrature * (down + up)
    start = rules * rules + np.concatenate([[0], np.cumsum(size)])
    if start[-1] >= 2**31:  # places are kept in 32 bits
        raise ModelError(f"{len(nodes.source):,} nodes are too many to explain", remedy="train fewer or smaller trees")
    numbers = np.zeros(int(start[-1]), dtype=dtype)
    for q in set(quadrature.tolist()):
        t, w = gauss_legendre(q)
        numbers[q * rules : q * rules + q] = -w / (1 - t)
    for same in nodes.alike((nodes.quadrature * 3 + kind) * 2 + nodes.repeated):
        folded = [part.reshape(len(same), -1) for part in _folded(nodes, same, int(kind[same[0]]))]
        numbers[start[same][:, None] + np.arange(size[same[0]])] = np.concatenate(folded, axis=1)
    table: list[tuple[int, int, int, int]] = []
    ends, stack_size = [0], 0
    for begin, end in pairwise(nodes.first.tolist()):
        operations, slots = _operations(kind[begin:end].tolist(), nodes.edge[begin:end].tolist())
        table += operations
        ends.append(len(table))
        stack_size = max(stack_size, slots * int(nodes.quadrature[begin]))
    operation: Ints = np.array(table, dtype=np.int64).reshape(-1, 4)
    node = operation[:, NODE] + np.repeat(first, np.diff(ends))
    upward = operation[:, KIND] >= UP_ONE
    number = start[node] + upward * (nodes.quadrature * down)[node]
    operation[:, [SLOT, NEAR_SLOT]] *= nodes.quadrature[node, None]
    operation[:, KIND] += REPEATED * nodes.repeated[node]
    trees = np.column_stack([first, nodes.first[1:], ends[:-1], ends[1:], quadrature, quadrature * rules])
    return Program(
        trees.astype(np.int64),
        np.column_stack([operation, number, nodes.row[node]]).astype(np.int32),
        numbers,
        decisions,
    ), stack_size


def _sizes(kind: Ints, repeated: Bools) -> tuple[Ints, Ints]:
    """Numbers of nodes for each quadrature node, on the way down and up: (nodes,) each."""
    states = 2 + repeated
    down = np.choose(kind, [states + 2, states, 2 * states])
    up = np.choose(kind, [0 * states, states + 2 + repeated, 2 + repeated])
    return down, up


def _folded(nodes: Nodes, chosen: Ints, kind: int) -> list[Floats]:
    """The numbers of the ``chosen`` nodes, of a kind, on the way down and up: (nodes, quadrature nodes, numbers) each.

    No inner child: what comes back in each state, and what it earns near and far. One, down: growth of the near edge in each
    state; up: what the far leaf gives back in each state, the two sums' factors, and what is taken from both. Two, down: growth
    of both edges in each state; up: the two sums' factors, and what is taken from both.
    """
    growth, gain, taken_back = edge_numbers(nodes, chosen)
    back = growth * nodes.leaf[chosen][:, None, :, None]
    if kind == 0:
        return [np.concatenate([back.sum(axis=2), (back * gain).sum(axis=2)[:, :, :2]], axis=2)]
    t, w = gauss_legendre(int(nodes.quadrature[chosen[0]]))
    both = -w / (1 - t) - taken_back
    factors = np.stack([gain[:, :, 0, 0] - both, gain[:, :, 1, 1] - both], axis=2)
    last = [both[:, :, None]] if nodes.repeated[chosen[0]] else []
    if kind == 1:
        factors[:, :, 1] *= back[:, :, 1, 1]
        return [growth[:, :, 0], np.concatenate([back[:, :, 1], factors, *last], axis=2)]
    return [np.concatenate([growth[:, :, 0], growth[:, :, 1]], axis=2), np.concatenate([factors, *last], axis=2)]


def _operations(kind: list[int], edge: list[int]) -> tuple[list[tuple[int, int, int, int]], int]:
    """One tree's operations (kind, node, slot, near child's slot), and its slots; nodes are in depth-first order."""
    child = {over: node for node, over in enumerate(edge)}
    out, slots = [], 1
    stack = [(0, 0, 1, False)]  # node, its slot, first free slot, on the way up
    while stack:
        node, slot, free, upward = stack.pop()
        inner = kind[node]
        out.append((inner + (2 if upward else 0), node, slot, free))
        if inner and not upward:
            slots = max(slots, free + 1)
            stack.append((node, slot, free, True))
            if inner == 2:
                stack.append((child[2 * node + 1], slot, free + 1, False))
            stack.append((child[2 * node], free, free + 1, False))
    return out, slots

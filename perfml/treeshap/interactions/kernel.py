"""The kernel for pairs: one row a lane, trees walked depth first, an edge settled when all leaves below it are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.treeshap.compiling import compiled
from perfml.treeshap.decisions import BitMasks, Decisions, mark_categories, mark_states
from perfml.treeshap.nodes import Nodes, edge_numbers, gauss_legendre
from perfml.treeshap.paths.places import Paths
from perfml.treeshap.simd import at, flags, lanes, like, load, of_three, store

STATES = 3
"""Near, far, elsewhere, as :mod:`perfml.treeshap.nodes` has them."""


class Pairs(NamedTuple):
    """What edges do: ``growth`` and ``step`` (Δg), flat, those of an edge from ``start`` (nodes, 2) on, its quadrature nodes
    one after another with their three states. ``quadrature`` (trees,): nodes of each tree; ``weights`` of the rule of q nodes
    from q · q on.
    """

    growth: Floats
    step: Floats
    start: Ints
    quadrature: Ints
    weights: Floats


class PairBuffers(NamedTuple):
    """One thread's arrays; a polynomial has ``quadrature`` vectors of rows. ``path`` and ``below``: by depth; ``reached``: g
    by position;
    ``before``: by depth, what an edge replaced in it; ``settled``: Δg · H of the edge at hand. ``features``: by position."""

    present: BitMasks
    states: BitMasks
    path: Floats
    below: Floats
    reached: Floats
    before: Floats
    settled: Floats
    features: Ints


PairKernel = Callable[[Decisions, Paths, Pairs, Floats, int, PairBuffers, Floats], None]


def make_pairs(nodes: Nodes) -> Pairs:
    """The numbers of all edges."""
    quadrature = nodes.quadrature
    most = int(quadrature.max(initial=0))
    start = np.concatenate([[0], np.cumsum(2 * STATES * quadrature)])
    growth, step = np.zeros(int(start[-1])), np.zeros(int(start[-1]))
    for same in nodes.alike(quadrature * 2 + nodes.repeated):
        q = int(quadrature[same[0]])
        _, w = gauss_legendre(q)
        grown, gain, _ = edge_numbers(nodes, same)
        places = start[same][:, None] + np.arange(2 * STATES * q)
        for numbers, of_nodes in ((growth, grown), (step, gain / w[:, None, None])):
            full = np.zeros((len(same), 2, q, STATES))
            full[..., : of_nodes.shape[3]] = of_nodes.transpose(0, 2, 1, 3)
            numbers[places] = full.reshape(len(same), -1)
    weights = np.zeros((most + 1) * (most + 1) + most)
    for q in range(1, most + 1):
        weights[q * q : q * q + q] = gauss_legendre(q)[1]
    starts = start[:-1, None] + np.arange(2) * (STATES * quadrature)[:, None]
    return Pairs(growth, step, starts.astype(np.int64), quadrature[nodes.first[:-1]].astype(np.int64), weights)


@cache
def pair_kernel(width: int) -> PairKernel:
    """A kernel for blocks of ``width`` rows: ``(decisions, paths, pairs, values, blocks, buffers, out)``.

    ``values`` (features, rows of all blocks) and ``out`` (results · features, rows) are flat; ``out`` is added to. In it, a
    feature with itself has its contribution, and a pair stands once, at the lower edge's feature first.
    """

    @compiled
    def settle(
        paths: Paths, node: int, size: int, row: int, rows: int, buffers: PairBuffers, columns: int, out: Floats
    ) -> None:
        """Add what an edge of ``node`` earns with every feature above it, from ``settled``."""
        zero = lanes(0.0, width)
        position = paths.position[node]
        own = paths.row[node] * columns
        for other in range(paths.distinct[node]):
            sums = zero
            if other == position:
                for q in range(0, size, width):
                    sums = sums + load(zero, buffers.settled, q)
            else:
                for q in range(0, size, width):
                    sums = sums + load(zero, buffers.settled, q) * load(zero, buffers.reached, other * size + q)
            index = (own + buffers.features[other]) * rows + row
            store(out, index, load(zero, out, index) + sums)

    def explain_pairs(
        decisions: Decisions, paths: Paths, pairs: Pairs, values: Floats, blocks: int, buffers: PairBuffers, out: Floats
    ) -> None:
        rows = blocks * width
        mark_categories(decisions, values, rows, blocks, width, buffers.present)
        zero = lanes(0.0, width)
        columns = len(values) // rows
        path, below, reached, before = buffers.path, buffers.below, buffers.reached, buffers.before
        settled, states = buffers.settled, buffers.states
        for tree in range(len(paths.trees)):
            first, last = paths.trees[tree]
            size = pairs.quadrature[tree] * width
            rule = pairs.quadrature[tree] * pairs.quadrature[tree]
            mark_states(decisions, first, last, values, rows, blocks, zero, buffers.present, states)
            for block in range(blocks):
                for q in range(pairs.quadrature[tree]):
                    store(path, q * width, like(zero, pairs.weights[rule + q]))
                for node in range(first, last + 1):
                    depth = paths.depth[node] if node < last else 0
                    open_node = node - 1
                    if node > first:  # settle the edges above the nodes whose leaves are all known by now
                        for level in range(paths.depth[node - 1], max(depth, 1) - 1, -1):
                            edge = paths.edge[open_node]
                            above = first + (edge >> 1)
                            side = (edge >> 1) * 2 * blocks + block
                            near, far = flags(zero, at(states, side)), flags(zero, at(states, side + blocks))
                            c = pairs.start[above, edge & 1]
                            position = paths.position[above]
                            for q in range(0, size, width):
                                known = load(zero, below, level * size + q)
                                store(settled, q, known * of_three(zero, pairs.step, c, near, far))
                                upper = (level - 1) * size + q
                                store(below, upper, load(zero, below, upper) + known)
                                c += STATES
                            settle(paths, above, size, block * width, rows, buffers, columns, out)
                            for q in range(0, size, width):
                                store(reached, position * size + q, load(zero, before, level * size + q))
                            open_node = above
                    if node == last:
                        break
                    edge = paths.edge[node]
                    if edge >= 0:
                        above = first + (edge >> 1)
                        side = (edge >> 1) * 2 * blocks + block
                        near, far = flags(zero, at(states, side)), flags(zero, at(states, side + blocks))
                        c = pairs.start[above, edge & 1]
                        at_feature = paths.position[above] * size
                        for q in range(0, size, width):
                            held = load(zero, reached, at_feature + q)
                            store(before, depth * size + q, held)
                            store(reached, at_feature + q, held + of_three(zero, pairs.step, c, near, far))
                            grown = load(zero, path, (depth - 1) * size + q) * of_three(
                                zero, pairs.growth, c, near, far
                            )
                            store(path, depth * size + q, grown)
                            c += STATES
                    position = paths.position[node]
                    buffers.features[position] = paths.row[node] % (columns + 1)
                    if paths.distinct[node] > (paths.distinct[first + (edge >> 1)] if edge >= 0 else 0):  # it is new
                        for q in range(0, size, width):
                            store(reached, position * size + q, zero)
                    for q in range(0, size, width):
                        store(below, depth * size + q, zero)
                    for leaf in range(2):
                        if paths.inner[node, leaf]:
                            continue
                        side = (node - first) * 2 * blocks + block
                        near, far = flags(zero, at(states, side)), flags(zero, at(states, side + blocks))
                        c = pairs.start[node, leaf]
                        value = like(zero, paths.leaf[node, leaf])
                        for q in range(0, size, width):
                            grown = load(zero, path, depth * size + q) * of_three(zero, pairs.growth, c, near, far)
                            known = grown * value
                            store(settled, q, known * of_three(zero, pairs.step, c, near, far))
                            store(below, depth * size + q, load(zero, below, depth * size + q) + known)
                            c += STATES
                        settle(paths, node, size, block * width, rows, buffers, columns, out)

    return compiled(explain_pairs)

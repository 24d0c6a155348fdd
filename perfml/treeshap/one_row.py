"""Contributions of one row: one quadrature node a lane.

A block kernel would spend the work of a whole block on one row, and operations of several kinds are branches that no processor
predicts. Here every node is treated alike: on the way down both its edges get their polynomials, leaves too, and on the way up,
in the opposite order, both are earned from and added; what differs is multiplied by 0 or 1. For one row the numbers of all
states would be read from far memory once each, so only 1 / h of a taken edge is stored, and the rest computed from shares:

    growth  ((1 - t) z + t o) / h'                 (elsewhere: the share of this split alone)
    gain    w (1 - z) / h - w (1 - z') / h'        of the edge that is taken
            - w / (1 - t) - w (1 - z') / h'        of the other

Lanes beyond the last quadrature node begin as 0 and stay 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats, Ints
from perfml.treeshap.compiling import compiled
from perfml.treeshap.decisions import CATEGORY, NONE, ZERO_IS_MISSING, Decisions, index_of
from perfml.treeshap.nodes import Nodes, gauss_legendre
from perfml.treeshap.parsing import ZERO
from perfml.treeshap.simd import at, lanes, like, load, put, spread, store, total

RowKernel = Callable[..., None]
IS_CATEGORY, IS_ZERO_MISSING, IS_MISSING_LEFT, IS_SWAPPED = 1, 2, 4, 8
"""Bits of ``CODE``."""
FEATURE, CODE, RESULT, EDGE, EARLIER, SET, COLUMNS = range(7)
"""Columns of ``RowProgram.nodes``."""
SHARE, LEAF, ABOVE, SHARES = 0, 4, 6, 7
"""Columns of ``RowProgram.shares``: the share of a row that is elsewhere, z of one that is inside, and the leaf's value (1 where
there is none), each of the near edge and of the far one; z above."""
STAYS, TAKEN, EARNS, LOSES, RULES = range(0, 10, 2)
"""Pairs of vectors of a quadrature rule: the first for rows elsewhere or edges not taken, the second for the others.

1 or 1 - t; 0 or t; 0 or w; 0 or - w / (1 - t)."""
WIDTHS = (8, 16)
"""Numbers of quadrature nodes that a kernel is compiled for; trees that need more are left to the block kernel."""


class RowProgram(NamedTuple):
    """What the kernel runs; all arrays but ``trees`` (trees, 4: first and last node, quadrature nodes, first inverse) are flat.

    ``nodes`` (nodes · ``COLUMNS``), edges in it numbered 1 + 2 · place + side in their tree and 0 where there is none;
    ``thresholds`` (nodes,); ``shares`` (nodes · ``SHARES``); ``inverses``: of each tree ones, then 1 / h of each edge taken;
    ``rules`` (quadrature nodes + 1, ``RULES``, width); ``sets``: from a categorical node's ``SET`` on, bits of the indices of the
    categories that go left, counted from its feature's first. Categories as :class:`~.decisions.Decisions` has them.
    """

    trees: Ints
    nodes: npt.NDArray[np.int32]
    thresholds: Floats
    shares: npt.NDArray[Any]
    inverses: npt.NDArray[Any]
    rules: npt.NDArray[Any]
    sets: Ints
    category_feature: Ints
    category_from: Ints
    categories: Ints


def make_row_programs(nodes: Nodes, decisions: Decisions, dtype: npt.DTypeLike) -> dict[int, RowProgram]:
    """The programs for one row at a time, by the width of the kernel; none if a tree needs more than the last of :data:`WIDTHS`.

    They share all but their ``trees`` and ``rules``.
    """
    first, last = nodes.first[:-1], nodes.first[1:]
    quadrature = nodes.quadrature[first]
    if quadrature.max(initial=0) > WIDTHS[-1]:
        return {}
    start = np.concatenate([[0], np.cumsum((1 + 2 * (last - first)) * quadrature)])
    inverses = np.ones(int(start[-1]) + WIDTHS[-1], dtype)  # a vector may read beyond the last
    for tree, q in enumerate(quadrature.tolist()):
        t, _ = gauss_legendre(q)
        z = nodes.share[first[tree] : last[tree]].reshape(-1, 1)
        inverses[start[tree] + q : start[tree + 1]] = (1 / ((1 - t) * z + t)).reshape(-1)
    code = IS_CATEGORY * (decisions.test == CATEGORY) + IS_ZERO_MISSING * (decisions.test == ZERO_IS_MISSING)
    code += IS_MISSING_LEFT * (decisions.missing_left != NONE) + IS_SWAPPED * (decisions.flip != NONE)
    where, sets = _bits(decisions)
    table = (decisions.feature, code, nodes.row, nodes.edge + 1, nodes.earlier + 1, where)
    leaf = np.where(nodes.inner, 1.0, nodes.leaf)
    shares = np.column_stack([nodes.local, nodes.share, leaf, nodes.above]).astype(dtype).reshape(-1)
    columns = np.column_stack(table).astype(np.int32).reshape(-1)
    trees = np.column_stack([first, last, quadrature, start[:-1]])
    out, least = {}, 0
    for width in WIDTHS:
        fitting = (quadrature > least) & (quadrature <= width)
        least = width
        if fitting.any():
            rules = np.zeros((width + 1, RULES, width), dtype)
            for q in range(1, width + 1):
                t, w = gauss_legendre(q)
                rules[q, STAYS, :q], rules[q, STAYS + 1 :: 2, :q] = 1, (1 - t, t, w, -w / (1 - t))
            arrays = (columns, decisions.threshold, shares, inverses, rules.reshape(-1), sets)
            known = (decisions.category_feature, decisions.category_from, decisions.categories)
            out[width] = RowProgram(trees[fitting], *arrays, *known)
    return out


def _bits(decisions: Decisions) -> tuple[Ints, Ints]:
    """Where each node's bits begin, and the bits: one for each category of its feature, set if it goes left."""
    where, masks = np.zeros(len(decisions.feature), np.int64), [np.zeros(1, np.int64)]
    bounds = dict(zip(decisions.category_feature.tolist(), pairwise(decisions.category_from.tolist()), strict=True))
    filled = 1
    for node in np.flatnonzero(decisions.test == CATEGORY).tolist():
        first, last = bounds[int(decisions.feature[node])]
        members = decisions.members[decisions.set_from[node] : decisions.set_to[node]] - first
        bits = np.zeros(-(-(last - first) // 64) * 64, np.uint8)
        bits[members] = 1
        where[node] = filled
        masks.append(np.packbits(bits, bitorder="little").view("<i8"))
        filled += len(masks[-1])
    return where, np.concatenate(masks)


@cache
def row_kernel(width: int) -> RowKernel:
    """A kernel that takes ``width`` quadrature nodes at once: ``(rows, out, *program, places, stack, earned, taken)``.

    ``rows`` (rows, features); ``out`` (rows, results) is added to; ``places`` (features,), ``stack`` (edges of a tree + 1,
    times width), ``earned`` (results · width) and ``taken`` (nodes of a tree + 1) are work space.
    """

    def contribute(
        rows: Floats, out: Floats, trees: Ints, nodes: Any, thresholds: Floats, shares: Any, inverses: Any, rules: Any,
        sets: Ints, category_feature: Ints, category_from: Ints, categories: Ints,
        places: Ints, stack: Any, earned: Any, taken: Ints,
    ) -> None:  # fmt: skip
        for row in range(len(rows)):
            values = rows[row]
            for which in range(len(category_feature)):
                feature = category_feature[which]
                first, last = category_from[which], category_from[which + 1]
                index = index_of(values[feature], categories, first, last)
                places[feature] = index - first if index >= 0 else -1
            earned[:] = 0
            zero = like(lanes(stack[0], width), 0.0)
            taken[0] = 0
            for tree in range(len(trees)):
                begin, end, quadrature, inverse = trees[tree, 0], trees[tree, 1], trees[tree, 2], trees[tree, 3]
                rule = quadrature * RULES * width
                store(stack, 0, load(zero, rules, rule + STAYS * width))
                for index in range(end - begin):
                    node = (begin + index) * COLUMNS
                    share = (begin + index) * SHARES
                    code, feature = at(nodes, node + CODE), at(nodes, node + FEATURE)
                    value, place_in = at(values, feature), at(places, feature)  # both kinds are tried: no branch
                    small = (value <= ZERO) & (value >= -ZERO)
                    missing = (value != value) | (small & ((code & IS_ZERO_MISSING) != 0))
                    below_it = ~missing & (value <= at(thresholds, begin + index))
                    left = (missing & ((code & IS_MISSING_LEFT) != 0)) | below_it
                    named = (at(sets, at(nodes, node + SET) + (max(place_in, 0) >> 6)) >> (place_in & 63)) & 1
                    left = (named & (place_in >= 0)) != 0 if code & IS_CATEGORY else left
                    far = np.int64(left == ((code & IS_SWAPPED) != 0))
                    earlier = at(nodes, node + EARLIER)
                    inside = np.int64(at(taken, (earlier + 1) >> 1) == earlier)
                    put(taken, index + 1, (2 * index + 2 + far) * inside - 1)
                    growth = load(zero, inverses, inverse + earlier * inside * quadrature)
                    stays = load(zero, rules, rule + (STAYS + inside) * width)
                    near = load(zero, rules, rule + (TAKEN + inside * (1 - far)) * width)
                    near = near + stays * spread(zero, shares, share + SHARE + 2 * inside)
                    beside = load(zero, rules, rule + (TAKEN + inside * far) * width)
                    beside = beside + stays * spread(zero, shares, share + SHARE + 2 * inside + 1)
                    near = growth * near * spread(zero, shares, share + LEAF)
                    beside = growth * beside * spread(zero, shares, share + LEAF + 1)
                    path = load(zero, stack, at(nodes, node + EDGE) * width)  # last: the next node waits for it
                    slot = (2 * index + 1) * width
                    store(stack, slot, path * near)
                    store(stack, slot + width, path * beside)
                for index in range(end - begin - 1, -1, -1):
                    node = (begin + index) * COLUMNS
                    share = (begin + index) * SHARES
                    edge = at(taken, index + 1)
                    inside = np.int64(edge > 0)
                    far = inside * (1 - (edge & 1))
                    slot = (2 * index + 1) * width
                    below = load(zero, stack, slot + far * width)
                    beside = load(zero, stack, slot + width - far * width)
                    both = below + beside
                    store(stack, at(nodes, node + EDGE) * width, both)
                    result = at(nodes, node + RESULT) * width
                    gain = below * load(zero, inverses, inverse + (2 * index + 1 + far) * quadrature)
                    gain = gain - gain * spread(zero, shares, share + SHARE + 2 + far)
                    back = both * load(zero, inverses, inverse + at(nodes, node + EARLIER) * quadrature)
                    gain = gain - (back - back * spread(zero, shares, share + ABOVE))
                    lost = beside * load(zero, rules, rule + (LOSES + inside) * width)
                    gain = gain * load(zero, rules, rule + (EARNS + inside) * width) + lost
                    store(earned, result, load(zero, earned, result) + gain)
            for result in range(out.shape[1]):
                out[row, result] += total(load(zero, earned, result * width))

    return compiled(contribute)

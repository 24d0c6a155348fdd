"""The nodes of a forest in depth-first order, and what each of their edges does to the integrals.

**States.** Seen from a node, a row is *near* (0: it took every earlier branch on this feature that leads here, and takes the near
child), *far* (1: the same, and takes the far one) or *elsewhere* (2: it took another branch on this feature higher up). Nodes
whose feature is new on the path have no third state. The near child is the inner one where just one is a leaf, else the left.

With ``z`` the share of training rows that stay on the path at the splits on a feature, ``o`` 1 for rows that do and else 0,
and ``h = (1 - t) z + t o`` at a quadrature node ``t`` of weight ``w``, an edge that turns (z', o', h') into (z, o, h) has

    growth  h / h'                                    what the path's polynomial is multiplied by
    gain    w ((o - z) / h  -  (o' - z') / h')        what the feature earns for each unit of the leaves below

The second term of a gain takes back what the earlier edge on the same feature gave. Where ``o = 0``, ``(o - z) / h`` is
``-1 / (1 - t)``, whatever ``z`` is, so that covers of zero need no case of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.treeshap.parsing import Forest, Tree


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """All nodes, tree after tree, each from ``first`` (trees + 1,) on; trees with few quadrature nodes come first.

    For each node: ``source``, its number in its tree; ``swapped``, whether the near child is the right one; ``edge`` above it as
    2 · index in its tree + side (-1: the root); ``earlier``, the edge on the same feature higher up (-1: none); ``quadrature``,
    the quadrature nodes of its tree; ``row`` of the result; ``above``, z above it. For each of its two edges (nodes, 2):
    ``inner``, whether it leads to a node; ``leaf``, the value of the leaf it leads to; ``local``, the share of this split;
    ``share``, z below it.
    """

    trees: tuple[Tree, ...]
    first: Ints
    source: Ints
    swapped: Bools
    edge: Ints
    earlier: Ints
    quadrature: Ints
    row: Ints
    inner: Bools
    leaf: Floats
    local: Floats
    share: Floats
    above: Floats

    @property
    def repeated(self) -> Bools:
        """Whether the feature occurs higher up on the path too: (nodes,)."""
        out: Bools = self.earlier >= 0
        return out

    def alike(self, signature: Ints) -> Iterator[Ints]:
        """Indices of the nodes of each signature."""
        order = np.argsort(signature, kind="stable")
        if len(order):
            yield from np.split(order, np.flatnonzero(np.diff(signature[order])) + 1)


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """One tree in depth-first order; see :class:`Nodes`."""

    source: Ints
    swapped: Bools
    edge: Ints
    earlier: Ints
    share: Floats
    above: Floats
    distinct: int


def _walk(tree: Tree) -> _Walk:
    left, right, feature = tree.left.tolist(), tree.right.tolist(), tree.feature.tolist()
    cover, leaf_cover = tree.cover.tolist(), tree.leaf_cover.tolist()
    source: list[int] = []
    edge: list[int] = []
    earlier: list[int] = []
    distinct: list[int] = []
    share: list[list[float]] = []
    above: list[float] = []
    swapped: list[bool] = []
    stack = [(0, -1)]
    while stack:
        node, over = stack.pop()
        index = len(source)
        source.append(node)
        edge.append(over)
        near, far = left[node], right[node]
        exchange = near < 0 <= far
        if exchange:
            near, far = far, near
        swapped.append(exchange)
        up = over
        while up >= 0 and feature[source[up >> 1]] != feature[node]:
            up = edge[up >> 1]
        earlier.append(up)
        z = share[up >> 1][up & 1] if up >= 0 else 1.0
        above.append(z)
        z /= cover[node]
        share.append([z * (cover[child] if child >= 0 else leaf_cover[~child]) for child in (near, far)])
        distinct.append((distinct[over >> 1] if over >= 0 else 0) + (up < 0))
        stack += [(child, 2 * index + side) for side, child in ((1, far), (0, near)) if child >= 0]
    return _Walk(
        source=np.array(source),
        swapped=np.array(swapped),
        edge=np.array(edge),
        earlier=np.array(earlier),
        share=np.array(share),
        above=np.array(above),
        distinct=max(distinct),
    )


def in_order(forest: Forest) -> Nodes:
    """The nodes of a forest."""
    pairs = sorted(((_walk(tree), tree) for tree in forest.trees), key=lambda pair: (pair[0].distinct + 1) // 2)
    many = [len(walk.source) for walk, _ in pairs]
    edges = [_edges(walk, tree) for walk, tree in pairs]
    none, two = np.zeros(0, np.int64), np.zeros((0, 2))
    return Nodes(
        trees=tuple(tree for _, tree in pairs),
        first=np.cumsum([0, *many]),
        source=np.concatenate([none, *(walk.source for walk, _ in pairs)]),
        swapped=np.concatenate([none, *(walk.swapped for walk, _ in pairs)]).astype(bool),
        edge=np.concatenate([none, *(walk.edge for walk, _ in pairs)]),
        earlier=np.concatenate([none, *(walk.earlier for walk, _ in pairs)]),
        quadrature=np.repeat([(walk.distinct + 1) // 2 for walk, _ in pairs], many).astype(np.int64),
        row=np.concatenate([none, *(t.output * (forest.features + 1) + t.feature[w.source] for w, t in pairs)]),
        inner=np.concatenate([two, *(inner for inner, _, _ in edges)]).astype(bool),
        leaf=np.concatenate([two, *(leaf for _, leaf, _ in edges)]),
        local=np.concatenate([two, *(local for _, _, local in edges)]),
        share=np.concatenate([two, *(walk.share for walk, _ in pairs)]),
        above=np.concatenate([two[:, 0], *(walk.above for walk, _ in pairs)]),
    )


def _edges(walk: _Walk, tree: Tree) -> tuple[Bools, Floats, Floats]:
    """For the near and far edge of each node (nodes, 2): whether it leads to a node, the leaf's value, the split's share."""
    both = np.column_stack([tree.left, tree.right])[walk.source]
    child = np.where(walk.swapped[:, None], both[:, ::-1], both)
    inner, node, leaf = child >= 0, np.maximum(child, 0), np.maximum(~child, 0)
    cover = np.where(inner, tree.cover[node], tree.leaf_cover[leaf])
    return inner, np.where(inner, 0.0, tree.value[leaf]), cover / tree.cover[walk.source, None]


@cache
def gauss_legendre(nodes: int) -> tuple[Floats, Floats]:
    """Nodes t and weights w on [0, 1]; they integrate polynomials of a degree up to 2 · ``nodes`` - 1 exactly."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    return (node + 1) / 2, weight / 2


def edge_numbers(nodes: Nodes, chosen: Ints) -> tuple[Floats, Floats, Floats]:
    """Growth and gain (nodes, quadrature nodes, edge, state), and what a gain takes back (nodes, quadrature nodes).

    ``chosen``: indices of nodes with the same number of quadrature nodes and of states.
    """
    t, w = gauss_legendre(int(nodes.quadrature[chosen[0]]))
    above = nodes.above[chosen][:, None]
    h_above = (1 - t) * above + t
    taken_back = w * (1 - above) / h_above
    growth = np.empty((len(chosen), len(t), 2, 3 if nodes.repeated[chosen[0]] else 2))
    gain = np.zeros_like(growth)
    for edge in (0, 1):
        z = nodes.share[chosen, edge][:, None]
        h = (1 - t) * z + t
        growth[:, :, edge, edge], growth[:, :, edge, 1 - edge] = h / h_above, (1 - t) * z / h_above
        gain[:, :, edge, edge], gain[:, :, edge, 1 - edge] = w * (1 - z) / h - taken_back, -w / (1 - t) - taken_back
        if growth.shape[3] == 3:
            growth[:, :, edge, 2] = nodes.local[chosen, edge][:, None]
    return growth, gain, taken_back

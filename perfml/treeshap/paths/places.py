"""The nodes of a forest with their place on their path, for the kernels that walk trees row by row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.treeshap.nodes import Nodes


class Paths(NamedTuple):
    """Arrays over the nodes of all trees, in depth-first order; ``trees`` (trees, 2) holds the first and last node of each.

    ``edge`` above a node, as 2 · index in its tree + side, -1 at the root; ``depth``, the edges above it; ``position`` of its
    feature among the distinct ones of its path, in the order in which they are met; ``distinct``, their number with its own;
    ``row`` of the result. For the near and far edge (nodes, 2): ``inner``, whether it leads to a node; ``leaf``, the value of
    the leaf it leads to.
    """

    trees: Ints
    edge: Ints
    depth: Ints
    position: Ints
    distinct: Ints
    row: Ints
    inner: Bools
    leaf: Floats


def paths_of(nodes: Nodes) -> Paths:
    """The places of ``nodes``."""
    number = len(nodes.edge)
    depth, position, distinct = (np.zeros(number, np.int64) for _ in range(3))
    edge, earlier = nodes.edge.tolist(), nodes.earlier.tolist()
    for first, last in zip(nodes.first[:-1].tolist(), nodes.first[1:].tolist(), strict=True):
        for node in range(first, last):
            above = first + (edge[node] >> 1)
            depth[node] = 0 if edge[node] < 0 else depth[above] + 1
            known = 0 if edge[node] < 0 else distinct[above]
            position[node] = known if earlier[node] < 0 else position[first + (earlier[node] >> 1)]
            distinct[node] = known + (earlier[node] < 0)
    return Paths(
        np.column_stack([nodes.first[:-1], nodes.first[1:]]).astype(np.int64),
        nodes.edge.astype(np.int64), depth, position, distinct, nodes.row.astype(np.int64), nodes.inner, nodes.leaf,
    )  # fmt: skip

"""The nodes of a forest with their place on their path, for the kernels that walk trees row by row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Floats, Ints
from perfml.errors import ModelError
from perfml.treeshap.nodes import Nodes

MOST_DISTINCT = 64
"""Distinct features on a path: the bits of a pattern."""


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
    """The places of ``nodes``. Raises :class:`ModelError` for a path of more than :data:`MOST_DISTINCT` distinct features."""
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
    if number and int(distinct.max()) > MOST_DISTINCT:
        raise ModelError(
            f"a path has {int(distinct.max())} distinct features, and a reference group takes {MOST_DISTINCT} at most",
            remedy="train smaller trees, or explain without a reference group",
        )
    return Paths(
        np.column_stack([nodes.first[:-1], nodes.first[1:]]).astype(np.int64),
        nodes.edge.astype(np.int64), depth, position, distinct, nodes.row.astype(np.int64), nodes.inner, nodes.leaf,
    )  # fmt: skip


def shapley_weights(most: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a feature of W gains and one of Z loses, by the sizes of both, (most + 1, most + 1) each; 0 where it has no feature.

    (w - 1)! z! / (w + z)! and w! (z - 1)! / (w + z)!.
    """
    gains = np.zeros((most + 1, most + 1))
    gains[1:, 0] = 1 / np.arange(1, most + 1)
    for z in range(1, most + 1):
        gains[1:, z] = gains[1:, z - 1] * z / (np.arange(1, most + 1) + z)
    return gains, gains.T.copy()

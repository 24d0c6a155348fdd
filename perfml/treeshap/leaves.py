"""The margin of a few rows from the text of LightGBM's trees, with NumPy alone: all trees at once, one level after another.

For a reader that must not load LightGBM; a test compares every kind of split with LightGBM's own prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.treeshap.parsing import CATEGORICAL, DEFAULT_LEFT, NOT_MISSING, ZERO, ZERO_MISSING, Forest, Tree


@dataclass(frozen=True, kw_only=True)
class FlatForest:
    """The nodes of all trees one after another, and their leaves. Children below 0 are the leaves ``~child``."""

    root: Ints
    """(trees,)"""
    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    value: Floats
    members: Bools
    """(sets of categories, categories): whether a category goes left; the threshold of a categorical node is its set."""
    constant: float
    """Of trees with a single leaf."""

    @classmethod
    def of(cls, forest: Forest) -> FlatForest:
        """From the trees of a model with one output."""
        trees = forest.trees
        nodes = np.cumsum([0, *(len(tree.feature) for tree in trees)])
        leaves = np.cumsum([0, *(len(tree.value) for tree in trees)])
        sets = np.cumsum([0, *(len(tree.sets) for tree in trees)])
        most = max((int(each.max()) + 1 for tree in trees for each in tree.sets if len(each)), default=0)
        members = np.zeros((int(sets[-1]), most), dtype=bool)
        for number, each in enumerate(each for tree in trees for each in tree.sets):
            members[number, each] = True

        def children(each: Sequence[Ints]) -> Ints:
            moved = [
                np.where(child >= 0, child + first, child - leaf)
                for child, first, leaf in zip(each, nodes, leaves, strict=False)
            ]
            return _joined(moved, np.int64)

        return cls(
            root=nodes[:-1],
            feature=_joined([tree.feature for tree in trees], np.int64),
            threshold=_joined(
                [_thresholds(tree, int(first)) for tree, first in zip(trees, sets, strict=False)], np.float64
            ),
            decision=_joined([tree.decision for tree in trees], np.int64),
            left=children([tree.left for tree in trees]),
            right=children([tree.right for tree in trees]),
            value=_joined([tree.value for tree in trees], np.float64),
            members=members,
            constant=float(forest.constant.sum()),
        )

    def margin(self, features: Floats) -> Floats:
        """The sum of the leaves that each row reaches: (n, features) -> (n,)."""
        rows = np.arange(len(features))[:, None]
        at = np.broadcast_to(self.root, (len(features), len(self.root))).copy()
        while (inner := at >= 0).any():
            node = np.where(inner, at, 0)
            left = self._left(node, features[rows, self.feature[node]])
            at = np.where(inner, np.where(left, self.left[node], self.right[node]), at)
        return np.asarray(self.value[~at].sum(axis=1) + self.constant, dtype=np.float64)

    def _left(self, node: Ints, value: Floats) -> Bools:
        """Whether each value goes left at its node, by LightGBM's rules (:mod:`.decisions` has them for many rows)."""
        decision, threshold = self.decision[node], self.threshold[node]
        kind = decision >> 2
        absent = np.isnan(value)
        number = np.where(absent, 0.0, value)
        missing = np.where(kind == ZERO_MISSING, absent | (np.abs(number) <= ZERO), absent & (kind != NOT_MISSING))
        left = np.where(missing, (decision & DEFAULT_LEFT) > 0, number <= threshold)
        categorical = (decision & CATEGORICAL) > 0
        if categorical.any():
            known = ~absent & (number > -1) & (number < self.members.shape[1])
            code = np.where(known, number, 0).astype(np.int64)
            named = np.where(categorical, threshold, 0).astype(np.int64)
            left = np.where(categorical, known & self.members[named, code], left)
        return np.asarray(left, dtype=bool)


def _thresholds(tree: Tree, first: int) -> Floats:
    return np.where((tree.decision & CATEGORICAL) > 0, tree.threshold + first, tree.threshold)


def _joined(parts: Sequence[Ints | Floats], kind: type) -> np.ndarray:
    return np.concatenate([np.zeros(0), *parts]).astype(kind)

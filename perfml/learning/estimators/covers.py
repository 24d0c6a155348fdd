"""How many rows each node of a booster stands for, where it learnt from a part of the rows only.

A reason is what a column adds to the margin of an average person. TreeSHAP takes that average by the counts that LightGBM
keeps in the nodes, which are of the rows that were drawn; here they become those of the rows that these stand for. Splits and
leaf values stay as they are, and so does every prediction.
"""

from __future__ import annotations

import re

import lightgbm as lgb
import numpy as np

from perfml.arrays import Floats, Ints

_TREE = re.compile(r"(?=^Tree=\d+$)", re.MULTILINE)
_END = re.compile(r"(?=^end of trees$)", re.MULTILINE)


def with_covers(booster: lgb.Booster, features: Floats, stands_for: Floats) -> lgb.Booster:
    """The booster with counts of the rows that ``features`` (n, columns) stand for: ``stands_for`` (n,)."""
    leaf = np.asarray(booster.predict(features, pred_leaf=True), dtype=np.int64).reshape(len(features), -1)
    head, *trees = _TREE.split(booster.model_to_string(num_iteration=-1))
    last, tail = _END.split(trees[-1])
    recounted = [_recounted(tree, leaf[:, number], stands_for) for number, tree in enumerate([*trees[:-1], last])]
    head = re.sub(r"^tree_sizes=.*\n", "", head, flags=re.MULTILINE)  # they are others now, and need not be given
    return lgb.Booster(model_str="".join([head, *recounted, tail]))


def _recounted(tree: str, leaf: Ints, stands_for: Floats) -> str:
    leaves = int(_value(tree, "num_leaves"))
    counts = np.rint(np.bincount(leaf, weights=stands_for, minlength=leaves)).astype(np.int64)
    tree = _replaced(tree, "leaf_count", counts)
    if leaves == 1:
        return tree
    children = [_numbers(tree, "left_child"), _numbers(tree, "right_child")]
    nodes = np.zeros(leaves - 1, dtype=np.int64)
    for node in range(leaves - 2, -1, -1):  # LightGBM numbers a child after its parent
        for side in children:
            child = int(side[node])
            nodes[node] += counts[~child] if child < 0 else nodes[child]
    return _replaced(tree, "internal_count", np.maximum(nodes, 1))


def _value(tree: str, key: str) -> str:
    match = re.search(rf"^{key}=(.*)$", tree, flags=re.MULTILINE)
    if match is None:
        raise ValueError(f"a tree without {key}")
    return match[1]


def _numbers(tree: str, key: str) -> Ints:
    return np.array(_value(tree, key).split(), dtype=np.int64)


def _replaced(tree: str, key: str, values: Ints) -> str:
    if not re.search(rf"^{key}=", tree, flags=re.MULTILINE):  # LightGBM leaves it out of a tree of one leaf
        return tree
    return re.sub(rf"^{key}=.*$", f"{key}={' '.join(map(str, values))}", tree, flags=re.MULTILINE)

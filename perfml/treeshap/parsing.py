"""The trees in LightGBM's model text, read without LightGBM, which ends the process on a damaged text.

Shapley values need the child that each value goes to, the leaves, and the number of training rows that reached each node (its
*cover*). The format is not documented; it is what ``Tree::ToString`` writes (v4).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.errors import ModelError

CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of LightGBM's ``decision_type``; the two above them are the kind of missing value."""
NOT_MISSING, ZERO_MISSING, NAN_MISSING = 0, 1, 2
ZERO = float(np.float32(1e-35))
"""Values no further from 0 count as 0 (LightGBM's ``kZeroThreshold``)."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One tree of at least two leaves. Children of at least 0 are nodes, others the leaves ``~child``.

    For each node: ``feature``, ``threshold``, ``decision``, ``left``, ``right``, ``cover``; for each leaf: ``value``,
    ``leaf_cover``. ``sets`` are the categories that go left; the ``threshold`` of a categorical node is its index in them.
    """

    output: int
    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    cover: Floats
    value: Floats
    leaf_cover: Floats
    sets: tuple[Ints, ...]

    @property
    def expected(self) -> float:
        """The mean of the leaves over the training rows."""
        return float((self.leaf_cover / self.cover[0]) @ self.value)


@dataclass(frozen=True)
class Forest:
    """All trees, ``features`` columns wide; ``outputs`` margins a row; ``constant`` (outputs,): trees of a single leaf."""

    features: int
    outputs: int
    trees: tuple[Tree, ...]
    constant: Floats

    @property
    def expected(self) -> Floats:
        """The mean margin over the training rows: (outputs,)."""
        out = self.constant.copy()
        for tree in self.trees:
            out[tree.output] += tree.expected
        return out


def read_categories(text: str) -> list[list[object]]:
    """The categories of each categorical column of the pandas table that the model was trained on, in the order of the codes.

    Empty for a model of arrays. Raises :class:`~perfml.errors.ModelError` for a damaged line.
    """
    _, _, written = text.rpartition("\npandas_categorical:")
    try:
        categories = json.loads(written.splitlines()[0]) if written else None
    except (json.JSONDecodeError, IndexError):
        raise _damaged("the categories of pandas cannot be read") from None
    if not (
        categories is None or (isinstance(categories, list) and all(isinstance(each, list) for each in categories))
    ):
        raise _damaged("the categories of pandas are no lists")
    return categories or []


def read_forest(text: str) -> Forest:
    """The forest in LightGBM's model text. Raises :class:`~perfml.errors.ModelError` if it is damaged or not supported."""
    head, *blocks = text.split("\nTree=")
    if not head.startswith("tree") or "\nend of trees" not in text:
        raise _damaged("the text has no beginning or no end")
    keys = _keys(head)
    features = _count(keys, "max_feature_idx", "header") + 1
    outputs = _count(keys, "num_tree_per_iteration", "header")
    promised = len(keys.get("tree_sizes", "").split())
    if outputs < 1 or promised != len(blocks) or len(blocks) % outputs:
        raise _damaged(f"{len(blocks)} trees are there, {promised} are announced, {outputs} an iteration")
    constant = np.zeros(outputs)
    trees = []
    for number, block in enumerate(blocks):
        tree = _read_tree(block, number=number, features=features, output=number % outputs)
        if isinstance(tree, Tree):
            trees.append(tree)
        else:
            constant[number % outputs] += tree
    return Forest(features, outputs, tuple(trees), constant)


def _damaged(what: str, where: str = "header") -> ModelError:
    return ModelError(
        f"is not a whole LightGBM model: {what}", where=f"model text, {where}", remedy="save or train it again"
    )


def _keys(block: str) -> dict[str, str]:
    lines = (line.partition("=") for line in block.split("\n\n")[0].split("\n"))
    return {key: value for key, sign, value in lines if sign}


def _count(keys: dict[str, str], key: str, where: str) -> int:
    try:
        return int(keys[key])
    except (KeyError, ValueError) as error:
        raise _damaged(f"{key} is not a number", where) from error


class _Arrays:
    """The arrays of one tree by key, each checked for its length."""

    def __init__(self, keys: dict[str, str], where: str) -> None:
        self.keys, self.where = keys, where

    def floats(self, key: str, length: int) -> Floats:
        try:
            values = np.array(self.keys[key].split(), dtype=np.float64)
        except (KeyError, ValueError) as error:
            raise _damaged(f"{key} cannot be read", self.where) from error
        if len(values) != length or np.isnan(values).any():
            raise _damaged(f"{key} holds {len(values)} numbers, not {length}, or one that is none", self.where)
        return values

    def whole(self, key: str, length: int, *, low: int, below: int) -> Ints:
        values = self.floats(key, length)
        if (values != np.floor(values)).any() or (values < low).any() or (values >= below).any():
            raise _damaged(f"{key} is not whole or out of its range", self.where)
        return values.astype(np.int64)


def _read_tree(block: str, *, number: int, features: int, output: int) -> Tree | float:
    """A tree, or the value of its only leaf."""
    where = f"tree {number}"
    keys = _keys(block)
    arrays = _Arrays(keys, where)
    if _count(keys, "is_linear", where):
        raise ModelError(
            "contributions of linear trees are not defined", where=where, remedy="train with linear_tree = false"
        )
    leaves, sets = _count(keys, "num_leaves", where), _count(keys, "num_cat", where)
    if leaves < 1 or sets < 0:
        raise _damaged(f"{leaves} leaves", where)
    value = arrays.floats("leaf_value", leaves)
    if not np.isfinite(value).all():
        raise _damaged("a leaf is not finite", where)
    if leaves == 1:
        return float(value[0])
    nodes = leaves - 1
    most = 2**53
    tree = Tree(
        output=output,
        feature=arrays.whole("split_feature", nodes, low=0, below=features),
        threshold=arrays.floats("threshold", nodes),
        decision=arrays.whole("decision_type", nodes, low=0, below=12),
        left=arrays.whole("left_child", nodes, low=-leaves, below=nodes),
        right=arrays.whole("right_child", nodes, low=-leaves, below=nodes),
        cover=arrays.whole("internal_count", nodes, low=1, below=most).astype(np.float64),
        value=value,
        leaf_cover=arrays.whole("leaf_count", leaves, low=0, below=most).astype(np.float64),
        sets=tuple(_sets(arrays, sets)),
    )
    _check_shape(tree, where)
    return tree


def _sets(arrays: _Arrays, number: int) -> Iterator[Ints]:
    """The categories in each bit set."""
    if not number:
        return
    bounds = arrays.whole("cat_boundaries", number + 1, low=0, below=2**31)
    if bounds[0] or (np.diff(bounds) < 1).any():
        raise _damaged("cat_boundaries do not rise", arrays.where)
    masks = arrays.whole("cat_threshold", int(bounds[-1]), low=0, below=2**32).astype("<u4")
    for first, last in pairwise(bounds.tolist()):
        bits = np.unpackbits(masks[first:last].view(np.uint8), bitorder="little")
        yield np.flatnonzero(bits).astype(np.int64)


def _check_shape(tree: Tree, where: str) -> None:
    """Check that each node but the first, and each leaf, has one parent above it, and categorical nodes name a set."""
    children = np.concatenate([tree.left, tree.right])
    parents = np.tile(np.arange(len(tree.feature)), 2)
    nodes, leaves = np.sort(children[children >= 0]), np.sort(~children[children < 0])
    once = np.array_equal(nodes, np.arange(1, len(tree.feature))) and np.array_equal(leaves, np.arange(len(tree.value)))
    if not once or (children[children >= 0] <= parents[children >= 0]).any():  # LightGBM numbers from the root down
        raise _damaged("its nodes are not one tree", where)
    named = tree.threshold[(tree.decision & CATEGORICAL) > 0]
    if not np.isin(named, np.arange(len(tree.sets))).all():
        raise _damaged("a categorical node has no categories", where)

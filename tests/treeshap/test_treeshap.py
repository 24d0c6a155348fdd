"""Contributions equal LightGBM's own on every kind of tree, whatever the precision, the block and the number of threads."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.errors import DataError, ModelError
from perfml.progress import Progress
from perfml.treeshap import compiling
from perfml.treeshap.explainer import TreeShap
from perfml.treeshap.width import block_rows, vector_bits

Floats = npt.NDArray[np.float64]
QUIET: dict[str, Any] = {
    "objective": "regression", "verbosity": -1, "num_threads": 1, "num_leaves": 31, "min_data_in_leaf": 5,
    "min_data_per_group": 5, "cat_smooth": 1, "seed": 0, "deterministic": True, "force_row_wise": True,
}  # fmt: skip


def table(rows: int = 1500, seed: int = 0) -> tuple[Floats, Floats]:
    """Twelve columns: numbers, missing values, zeros, few values, and two of categories (10: many, 11: four)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 12))
    X[:, 5] = np.round(X[:, 5])
    X[rng.random(X.shape) < 0.1] = np.nan
    X[rng.random(X.shape) < 0.1] = 0
    X[:, 10], X[:, 11] = rng.integers(0, 300, rows), rng.integers(0, 4, rows)
    y = np.nan_to_num(X[:, 0]) * np.nan_to_num(X[:, 1]) + (X[:, 10] % 7 < 3) + 0.1 * rng.normal(size=rows)
    return X, y


def awkward(X: Floats, rows: int = 333) -> Floats:
    """Rows of a table with values that training never saw: infinite, next to zero, unknown categories."""
    X = X[np.arange(rows) % len(X)].copy()
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    X[40:80, 10] = [-1, -0.5, 0.5, 2.7, 1e6, 1e12, -1e12, 299.9] * 5
    X[80:90, :10], X[90:100, :10] = np.inf, -np.inf
    X[100:110, :10], X[110:120, :10], X[120:130, :10] = 1e-36, -1e-35, 2e-35
    return X


def grown(X: Floats, y: Floats, rounds: int = 8, categories: tuple[int, ...] = (), **given: Any) -> lgb.Booster:
    parameters = QUIET | given
    data = lgb.Dataset(X, y, categorical_feature=list(categories), params=parameters)
    return lgb.train(parameters, data, rounds)


def theirs(booster: lgb.Booster, X: Floats) -> Floats:
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=1))


def assert_equal(booster: lgb.Booster, X: Floats, *, dtype: Any = "float64", relative: float = 1e-9) -> None:
    """To a share of the largest contribution; rows one by one as well."""
    expected, shap = theirs(booster, X), TreeShap(booster, dtype)
    size = np.abs(expected).max()
    np.testing.assert_allclose(shap.contributions(X), expected, rtol=0, atol=relative * size)
    for row in range(3):
        np.testing.assert_allclose(shap.contributions(X[[row]])[0], expected[row], rtol=0, atol=relative * size)


CASES: dict[str, Callable[[Floats, Floats], lgb.Booster]] = {
    "missing": lambda X, y: grown(X, y),
    "categories": lambda X, y: grown(X, y, categories=(10, 11)),
    "zero as missing": lambda X, y: grown(X, y, categories=(10, 11), zero_as_missing=True),
    "nothing missing": lambda X, y: grown(X, y, categories=(10, 11), use_missing=False),
    "stumps": lambda X, y: grown(X, y, num_leaves=2),
    "255 leaves": lambda X, y: grown(X, y, 3, categories=(10, 11), num_leaves=255, min_data_in_leaf=1),
    "the same features again and again": lambda X, y: grown(X[:, :3], y, num_leaves=127, min_data_in_leaf=2),
    "several outputs": lambda X, y: grown(
        X, np.digitize(y, [0.3, 1.0]), objective="multiclass", num_class=3, categories=(10, 11)
    ),
    "a rare class": lambda X, y: grown(X, (np.arange(len(y)) < 2) * 1, 4, objective="multiclass", num_class=2),
    "one leaf": lambda X, y: grown(X, y, min_data_in_leaf=len(y)),
    "random forest": lambda X, y: grown(X, y, boosting="rf", bagging_freq=1, bagging_fraction=0.7),
    "dart": lambda X, y: grown(X, y, boosting="dart", drop_rate=0.5),
    "one column": lambda X, y: grown(X[:, :1], y),
}


@pytest.mark.slow
@pytest.mark.parametrize("dtype, relative", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("case", CASES)
def test_equal_to_lightgbm(case: str, dtype: str, relative: float) -> None:
    X, y = table()
    booster = CASES[case](X, y)
    assert_equal(booster, awkward(X)[:, : booster.num_feature()], dtype=dtype, relative=relative)


@pytest.mark.slow
def test_contributions_add_up_to_the_margin() -> None:
    X, y = table()
    booster = grown(X, np.digitize(y, [0.3, 1.0]), objective="multiclass", num_class=3, categories=(10, 11))
    contributions = TreeShap(booster).contributions(awkward(X)).reshape(-1, 3, 13)
    np.testing.assert_allclose(contributions.sum(axis=2), booster.predict(awkward(X), raw_score=True), atol=1e-12)


def test_as_many_rounds_as_a_prediction_uses() -> None:
    X, y = table()
    booster = grown(X, y)
    booster.best_iteration = 3
    assert_equal(booster, X[:50])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.slow
def test_rows_are_alike_in_any_company_and_any_number_of_threads(dtype: Any) -> None:
    X, y = table()
    shap = TreeShap(grown(X, y, categories=(10, 11)), dtype)
    X = awkward(X, 1200)
    whole = shap.contributions(X)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(shap.contributions(X, num_threads=threads), whole)
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    for n in (0, 1, 2, 3, 4, 5, 8, 9, 31, 32, 33, 64, 65, 511, 512, 513, 600):
        np.testing.assert_allclose(shap.contributions(X[600 : 600 + n]), whole[600 : 600 + n], atol=tolerance)


def test_single_rows_from_many_threads() -> None:
    X, y = table()
    shap = TreeShap(grown(X, y, categories=(10, 11)))
    alone = [shap.contributions(X[[row]]) for row in range(60)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda row: shap.contributions(X[[row]]), range(60)))
    np.testing.assert_array_equal(together, alone)


def test_small_blocks_of_other_processors() -> None:
    """What an AVX2 processor is given, run here; compiled once more for it."""
    X, y = table()
    booster = grown(X, y, categories=(10, 11))
    shap = TreeShap(booster)
    shap.block = block_rows(256, 8)
    assert shap.block == 8
    expected = theirs(booster, awkward(X))
    np.testing.assert_allclose(shap.contributions(awkward(X)), expected, atol=1e-9 * np.abs(expected).max())


# ---- models written by hand --------------------------------------------------------------------------------------


def written(trees: list[dict[str, list[Any]]], features: int, outputs: int = 1) -> str:
    """A model's text, as LightGBM writes it."""
    blocks = []
    for number, tree in enumerate(trees):
        leaves = len(tree["leaf_value"])
        keys: dict[str, list[Any]] = {"leaf_weight": [1] * leaves, "split_gain": [1] * (leaves - 1), **tree}
        keys |= {"internal_value": [0] * (leaves - 1), "internal_weight": [0] * (leaves - 1)}
        lines = [f"Tree={number}", f"num_leaves={leaves}", f"num_cat={max(0, len(tree['cat_boundaries']) - 1)}"]
        lines += [f"{key}={' '.join(map(repr, values))}" for key, values in keys.items() if values or leaves == 1]
        blocks.append("\n".join([*lines, "is_linear=0", "shrinkage=1"]) + "\n\n\n")
    head = {
        "version": "v4", "num_class": outputs, "num_tree_per_iteration": outputs, "label_index": 0,
        "max_feature_idx": features - 1, "objective": f"multiclass num_class:{outputs}" if outputs > 1 else "regression",
        "feature_names": " ".join(f"f{i}" for i in range(features)), "feature_infos": " ".join(["[-9:9]"] * features),
        "tree_sizes": " ".join(str(len(block)) for block in blocks),
    }  # fmt: skip
    lines = ["tree", *(f"{key}={value}" for key, value in head.items())]
    end = "end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\nend of parameters\n\npandas_categorical:null\n"
    return "\n".join(lines) + "\n\n" + "".join(blocks) + end


def random_tree(rng: np.random.Generator, leaves: int, features: int, *, categories: bool) -> dict[str, list[Any]]:
    """A tree grown by splitting leaves at random: features come back, leaves hold from none to most of the rows."""
    left, right, feature, threshold, decision, cover = [], [], [], [], [], []
    above: dict[int, tuple[list[int], int]] = {}
    counts, bounds, bitsets = [1_000_000], [0], []
    for node in range(leaves - 1):
        able = [leaf for leaf, count in enumerate(counts) if count > 1]
        if not able:
            break
        leaf, new = int(rng.choice(able)), len(counts)
        if leaf in above:
            children, parent = above[leaf]
            children[parent] = node
        left.append(~leaf)
        right.append(~new)
        above[leaf], above[new] = (left, node), (right, node)
        cover.append(counts[leaf])
        part = int(counts[leaf] * rng.choice([0.0, 0.01, 0.3, 0.5, 0.9, 1.0], p=[0.03, 0.1, 0.3, 0.3, 0.24, 0.03]))
        counts[leaf], rest = part, counts[leaf] - part
        counts.append(rest)
        feature.append(int(rng.integers(features)))
        if categories and feature[-1] < 2:
            threshold.append(float(len(bounds) - 1))
            decision.append(1)
            bitsets += rng.integers(1, 2**32, size=int(rng.integers(1, 3))).tolist()
            bounds.append(len(bitsets))
        else:
            threshold.append(float(rng.choice([-1.0, -0.5, -1e-35, 1e-35, 0.3, 1.0, 40.0])))
            decision.append(2 * int(rng.integers(2)) + 4 * int(rng.integers(3)))
    return {
        "split_feature": feature, "threshold": threshold, "decision_type": decision, "left_child": left,
        "right_child": right, "leaf_value": rng.normal(size=len(counts)).tolist(), "leaf_count": counts,
        "internal_count": cover, "cat_boundaries": bounds if bitsets else [], "cat_threshold": bitsets,
    }  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    leaves=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    features=st.integers(2, 9),
    outputs=st.integers(1, 3),
    categories=st.booleans(),
)
def test_random_models(seed: int, leaves: list[int], features: int, outputs: int, categories: bool) -> None:
    rng = np.random.default_rng(seed)
    trees = [random_tree(rng, n, features, categories=categories) for n in leaves for _ in range(outputs)]
    booster = lgb.Booster(model_str=written(trees, features, outputs))
    X = rng.choice([np.nan, np.inf, -np.inf, 0, -0.0, 1e-36, -1, -0.5, 0.3, 1, 2, 5.5, 40, 63, 64, 1e5], (37, features))
    expected = theirs(booster, X)
    reached = np.isfinite(expected).all(axis=1)  # LightGBM divides by leaves that hold no row of training
    shap = TreeShap(booster)
    contributions = shap.contributions(X)
    size = max(1.0, np.abs(expected[reached]).max(initial=0))
    np.testing.assert_allclose(contributions[reached], expected[reached], rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(shap.contributions(X[:2]), contributions[:2], rtol=0, atol=1e-9)
    margin = booster.predict(X, raw_score=True).reshape(len(X), outputs)
    np.testing.assert_allclose(contributions.reshape(len(X), outputs, -1).sum(axis=2), margin, atol=1e-9)


def chain(depth: int, seed: int, share: tuple[float, float]) -> dict[str, list[Any]]:
    """Each node asks for a feature of its own, and its right child is a leaf: ``depth`` distinct features on a path."""
    rng = np.random.default_rng(seed)
    cover = [2_000_000_000]
    for part in rng.uniform(*share, depth):
        cover.append(max(1, int(cover[-1] * part)))
    leaf = [above - below for above, below in pairwise(cover)]
    return {
        "split_feature": list(range(depth)), "threshold": [0.5] * depth, "decision_type": [2] * depth,
        "left_child": [*range(1, depth), ~depth], "right_child": [~i for i in range(depth)],
        "leaf_value": rng.normal(size=depth + 1).tolist(), "leaf_count": [*leaf, cover[-1]],
        "internal_count": cover[:-1], "cat_boundaries": [], "cat_threshold": [],
    }  # fmt: skip


def exact(tree: dict[str, list[Any]], row: Floats) -> list[float]:
    """Shapley values of a chain in rational numbers, by the sum over sizes of subsets that defines them."""
    depth, cover = len(row), [*tree["internal_count"], tree["leaf_count"][-1]]
    out = [Fraction(0)] * depth
    for last, value in enumerate(
        tree["leaf_value"]
    ):  # hangs right of node `last`; the last of all left of the last node
        path = [(cover[i + 1], cover[i], int(row[i] <= 0.5)) for i in range(min(last, depth))]
        if last < depth:
            path.append((cover[last] - cover[last + 1], cover[last], int(row[last] > 0.5)))
        d = len(path)
        for feature, (part, whole, ratio) in enumerate(path):
            ways, under = [1], 1  # by size of the subset of the others: ones inside, shares outside, over `under`
            for other_part, other_whole, other_one in path[:feature] + path[feature + 1 :]:
                inside = [0, *(other_one * other_whole * w for w in ways)]
                ways = [other_part * w + i for w, i in zip([*ways, 0], inside, strict=True)]
                under *= other_whole
            weight = sum(factorial(k) * factorial(d - 1 - k) * w for k, w in enumerate(ways))
            share = Fraction(ratio * whole - part, whole)
            out[feature] += Fraction(value) * share * Fraction(weight, factorial(d) * under)
    return [float(contribution) for contribution in out]


@pytest.mark.slow
@pytest.mark.parametrize("depth", [30, 45])
def test_deep_chains_equal_lightgbm(depth: int) -> None:
    tree = chain(depth, depth, (0.4, 1.0))
    X = np.random.default_rng(0).random((40, depth)) * np.array([0.3, 0.5, 0.6, 1.0])[np.arange(40) % 4, None]
    assert_equal(lgb.Booster(model_str=written([tree], depth)), X)


@pytest.mark.slow
def test_deeper_chains_are_exact_where_lightgbm_is_not() -> None:
    """Its recursion divides by shares again and again: with 56 features a sum is off from the fourth digit on."""
    depth = 56
    tree = chain(depth, depth, (0.96, 1.0))
    text = written([tree], depth)
    row = np.full(depth, 0.2)
    row[[7, 23, 50]] = 0.9
    contributions, theirs_ = TreeShap(text).contributions(row[None]), theirs(lgb.Booster(model_str=text), row[None])
    np.testing.assert_allclose(contributions[0, :-1], exact(tree, row), rtol=0, atol=1e-13)
    margin = lgb.Booster(model_str=text).predict(row[None], raw_score=True)[0]
    assert contributions.sum() == pytest.approx(margin, abs=1e-12)
    assert abs(theirs_.sum() - margin) > 1e-4
    single = TreeShap(text, "float32").contributions(row[None])
    np.testing.assert_allclose(single, contributions, rtol=0, atol=1e-5)


def test_a_model_without_trees() -> None:
    np.testing.assert_array_equal(TreeShap(written([], 3)).contributions(np.ones((5, 3))), np.zeros((5, 4)))


# ---- what is refused ---------------------------------------------------------------------------------------------

X_SMALL, Y_SMALL = table(300)
TEXT = grown(X_SMALL, Y_SMALL, 3, categories=(10, 11), num_leaves=8).model_to_string()


def changed(key: str, change: Callable[[list[str]], list[str]]) -> str:
    """The text with the words of the first line of a key changed."""
    return re.sub(
        rf"^{key}=(.*)$", lambda m: f"{key}={' '.join(change(m[1].split()))}", TEXT, count=1, flags=re.MULTILINE
    )


DAMAGED = {
    "nothing": "",
    "another file": "hello\n",
    "cut off": TEXT[: len(TEXT) // 3],
    "no features": TEXT.replace("max_feature_idx", "max_feature_index"),
    "a tree is missing": changed("tree_sizes", lambda w: [*w, "100"]),
    "no leaves": changed("num_leaves", lambda w: ["0"]),
    "too many leaves": changed("num_leaves", lambda w: ["900000000"]),
    "a word": changed("leaf_value", lambda w: ["much", *w[1:]]),
    "not a number": changed("leaf_value", lambda w: ["nan", *w[1:]]),
    "infinite": changed("leaf_value", lambda w: ["inf", *w[1:]]),
    "one too few": changed("threshold", lambda w: w[1:]),
    "a feature too many": changed("split_feature", lambda w: ["12", *w[1:]]),
    "half a feature": changed("split_feature", lambda w: ["0.5", *w[1:]]),
    "a child beyond": changed("left_child", lambda w: ["7", *w[1:]]),
    "a circle": changed("left_child", lambda w: ["0", *w[1:]]),
    "a child of two": changed("right_child", lambda w: [w[0], *w[:-1]]),
    "a node without rows": changed("internal_count", lambda w: ["0", *w[1:]]),
    "no such category": changed("cat_boundaries", lambda w: ["0", "0", *w[2:]]),
    "no such kind of missing": changed("decision_type", lambda w: ["14", *w[1:]]),
    "a linear tree": changed("is_linear", lambda w: ["1"]),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_text_is_refused(what: str) -> None:
    with pytest.raises(ModelError) as refused:
        TreeShap(DAMAGED[what])
    assert refused.value.where and refused.value.remedy


@pytest.mark.slow
@settings(deadline=None, max_examples=150, derandomize=True)
@given(position=st.integers(0, len(TEXT)), length=st.integers(0, 30), put=st.text("0123456789.-= \nTe", max_size=6))
def test_any_damage_is_refused_or_harmless(position: int, length: int, put: str) -> None:
    """Half of a file never ends in another error than the one that says so, or in a number that is none."""
    text = TEXT[:position] + put + TEXT[position + length :]
    try:
        shap = TreeShap(text)
        contributions = shap.contributions(np.nan_to_num(X_SMALL[:20, :1]) + np.zeros(min(shap.n_features, 1000)))
    except (ModelError, DataError):
        return
    assert np.isfinite(contributions).all()


def test_linear_trees_are_refused() -> None:
    X, y = table()
    with pytest.raises(ModelError, match="linear"):
        TreeShap(grown(np.nan_to_num(X), y, linear_tree=True))


def test_rows_of_another_shape_are_refused() -> None:
    shap = TreeShap(TEXT)
    for X in (np.zeros((3, 11)), np.zeros(12), np.full((2, 12), "a")):
        with pytest.raises(DataError, match=r"\(rows, 12\)"):
            shap.contributions(X)
    with pytest.raises(ValueError, match="dtype"):
        TreeShap(TEXT, "float16")
    with pytest.raises(ValueError, match="num_threads"):
        shap.contributions(np.zeros((3, 12)), num_threads=0)


# ---- how it runs -------------------------------------------------------------------------------------------------


def test_values_of_any_type_and_order() -> None:
    X = np.asfortranarray(np.nan_to_num(X_SMALL[:70]).astype(np.float32))
    shap = TreeShap(TEXT)
    expected = shap.contributions(X.astype(np.float64))
    np.testing.assert_array_equal(shap.contributions(X), expected)
    np.testing.assert_array_equal(shap.contributions(X[::-1])[::-1], expected)
    np.testing.assert_array_equal(shap.contributions(X[:1]), shap.contributions(X[:1].tolist()))


def test_a_pandas_table_is_read_as_lightgbm_reads_it() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(rng.choice(["北京", "Oslo", "Lima"], 400)),
            "hours": pd.array(rng.integers(0, 60, 400), dtype="Int64"),
            "level": pd.Categorical(rng.integers(1, 5, 400)),
            "remote": rng.random(400) < 0.5,
        }
    )
    y = (frame["city"] == "Oslo") + frame["level"].astype(float) * frame["remote"] + rng.normal(0, 0.1, 400)
    booster = lgb.train(QUIET, lgb.Dataset(frame, y), 8)
    asked = frame.assign(city=frame["city"].cat.rename_categories({"Lima": "Quito"}))  # one unknown, in another order
    asked["city"] = asked["city"].cat.reorder_categories(["Quito", "北京", "Oslo"])
    asked.loc[:40, "hours"] = pd.NA
    for model in (booster, booster.model_to_string()):
        for rows in (asked, asked[:2]):
            ours = TreeShap(model).contributions(rows)
            np.testing.assert_allclose(ours, theirs(booster, rows), rtol=0, atol=1e-9 * np.abs(ours).max())
    with pytest.raises(DataError, match="has 1 categorical columns, the model was trained with 2"):
        TreeShap(booster).contributions(asked.assign(level=1.0))
    with pytest.raises(DataError, match="column remote"):
        TreeShap(booster).contributions(asked.assign(remote="yes"))
    with pytest.raises(ModelError, match="categories of pandas"):
        TreeShap(booster.model_to_string().replace("pandas_categorical:[[", "pandas_categorical:[[,"))


def test_a_warm_up_tells_how_far_it_is() -> None:
    steps: list[tuple[int, int]] = []

    class Recorded(Progress):
        def __call__(self, task: str, done: int, total: int) -> None:
            steps.append((done, total))

    shap = TreeShap(TEXT)
    before = shap.nbytes
    assert shap.warm_up(Recorded()) > 0
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert shap.nbytes > before  # the tables for one row


def test_the_processor_is_known() -> None:
    shap = TreeShap(TEXT)
    assert shap.vector_bits == vector_bits() in (64, 128, 256, 512)
    assert [block_rows(bits, 8) for bits in (64, 128, 256, 512)] == [8, 8, 8, 32]
    assert [block_rows(bits, 4) for bits in (64, 128, 256, 512)] == [8, 16, 16, 64]


def test_without_a_folder_to_write_to_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling._Files, "_locator_classes", [])

    def double(x: int) -> int:
        return 2 * x

    assert compiling.compiled(double)(21) == 42


@pytest.mark.slow
def test_lightgbm_is_not_needed() -> None:
    asked = "import sys, perfml.treeshap.explainer; print({'lightgbm', 'sklearn', 'pandas', 'shap'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

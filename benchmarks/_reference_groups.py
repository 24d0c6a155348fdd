"""The cost of reasons against a reference group and of interactions, beside that of others: figures of ``benchmarks/reasons.py``.

Contestants other than LightGBM and shap are measured where they are installed, and their rows say so where they are not. woodelf
takes minutes on large trees: it is measured on a model of its own. shap is measured on numeric trees alone: of categories its own
code gives values that miss the margin.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from perfml.treeshap.background.explainer import BackgroundShap
from perfml.treeshap.explainer import TreeShap
from perfml.treeshap.interactions.explainer import InteractionShap

GROUPS = (10, 100, 1000, 4000)
TEAM = 20
PEER_ROWS, PEER_GROUP = 64, 100
"""Rows and group for shap, whose cost is their product."""
WOODELF_ROWS, WOODELF_GROUP = 4000, 1000
WOODELF_TREES, WOODELF_LEAVES = 100, 31
INTERACTION_ROWS = 64
Note = Callable[[str, float], None]
Run = Callable[[], Any]


def seconds(run: Run) -> float:
    """CPU seconds of one call, user and system."""
    began = time.process_time()
    run()
    return time.process_time() - began


def note_groups(booster: lgb.Booster, values: np.ndarray, note: Note, *, rows: int, repeats: int) -> None:
    """Against groups of the model's own table: beside ``pred_contrib``, which knows no group, and by the size of the group."""
    shap, asked = BackgroundShap(booster), values[:rows]
    rng = np.random.default_rng(1)
    groups = {size: values[rng.choice(len(values), size, replace=False)] for size in (*GROUPS, TEAM)}
    shap.contributions(asked[:2], groups[10])
    for _ in range(repeats):
        contrib = seconds(lambda: booster.predict(asked, pred_contrib=True, num_threads=1))
        spent = {size: seconds(partial(shap.contributions, asked, groups[size])) for size in GROUPS}
        for size in GROUPS:
            note(f"pred_contrib / group of {size:,}", contrib / spent[size])
        note("group of 4,000 / group of 400", _growth(shap, asked, groups[4000]))
        note(
            "one row, its team of 20, milliseconds", 1e3 * seconds(lambda: shap.contributions(asked[:1], groups[TEAM]))
        )
    margin = np.asarray(booster.predict(asked, raw_score=True, num_threads=1))
    note(
        "group of 1,000, off the margin",
        float(np.abs(shap.contributions(asked, groups[1000]).sum(axis=1) - margin).max()),
    )


def _growth(shap: BackgroundShap, asked: np.ndarray, group: np.ndarray) -> float:
    """How the whole cost grows when the group grows tenfold."""
    return seconds(lambda: shap.contributions(asked, group)) / seconds(lambda: shap.contributions(asked, group[:400]))


def note_interactions(booster: lgb.Booster, values: np.ndarray, note: Note, *, repeats: int) -> None:
    """Interactions beside contributions of the same rows."""
    pairs, plain, asked = InteractionShap(booster), TreeShap(booster), values[:INTERACTION_ROWS]
    pairs.interactions(asked), plain.contributions(asked)
    for _ in range(repeats):
        spent = seconds(lambda: pairs.interactions(asked))
        note("interactions / contributions, perfml", spent / seconds(lambda: plain.contributions(asked)))
        note("interactions, microseconds a row", 1e6 * spent / len(asked))


def note_peers(
    booster: lgb.Booster, values: np.ndarray, label: np.ndarray, note: Note, *, absent: Callable[[str], None]
) -> None:
    """Other libraries on the same numeric model, or, where they read no LightGBM, on one of theirs of the same size; once."""
    import shap

    asked, group = values[:PEER_ROWS], values[5000 : 5000 + PEER_GROUP]
    ours, pairs = BackgroundShap(booster), InteractionShap(booster)
    ours.contributions(asked, group), pairs.interactions(asked)
    own = statistics.median(seconds(partial(ours.contributions, asked, group)) for _ in range(3))
    own_pairs = statistics.median(seconds(partial(pairs.interactions, asked)) for _ in range(3))
    theirs = shap.TreeExplainer(booster, data=group, feature_perturbation="interventional")
    note(
        "shap, interventional / group of 100", seconds(lambda: theirs.shap_values(asked, check_additivity=False)) / own
    )
    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "other"
    note("shap, interactions / perfml", seconds(lambda: explainer.shap_interaction_values(asked[:8])) * 8 / own_pairs)
    _note_xgboost(booster, values, label, own_pairs, note=note, absent=absent)
    _note_woodelf(values, label, note=note, absent=absent)


def _note_xgboost(
    booster: lgb.Booster,
    values: np.ndarray,
    label: np.ndarray,
    own_pairs: float,
    *,
    note: Note,
    absent: Callable[[str], None],
) -> None:
    """XGBoost computes by quadrature from 3.3 on."""
    if importlib.util.find_spec("xgboost") is None:
        return absent("xgboost, interactions / perfml")
    import xgboost

    trees = booster.num_trees()
    leaves = booster.trees_to_dataframe().query("tree_index == 0")["left_child"].isna().sum()
    parameters = {
        "objective": "binary:logistic", "eta": 0.05, "max_depth": 0, "max_leaves": int(leaves), "nthread": 1,
        "grow_policy": "lossguide", "tree_method": "hist", "colsample_bytree": 0.5, "min_child_weight": 3,
    }  # fmt: skip
    grown = xgboost.train(parameters, xgboost.DMatrix(values, label, nthread=1), trees)
    asked = xgboost.DMatrix(values[:PEER_ROWS], nthread=1)
    spent = seconds(lambda: grown.predict(asked, pred_interactions=True))
    note(f"xgboost {xgboost.__version__}, interactions / perfml", spent / own_pairs)
    return None


def _note_woodelf(values: np.ndarray, label: np.ndarray, *, note: Note, absent: Callable[[str], None]) -> None:
    """On a model, rows and a group of its own: :data:`WOODELF_TREES` and the constants after it."""
    if importlib.util.find_spec("woodelf") is None:
        return absent("woodelf, own model / perfml")
    import woodelf

    parameters = {
        "objective": "binary", "num_leaves": WOODELF_LEAVES, "min_child_samples": 30, "feature_fraction": 0.5, "seed": 1,
        "verbosity": -1, "num_threads": 1,
    }  # fmt: skip
    frame = pd.DataFrame(values).add_prefix("Column_")
    booster = lgb.train(parameters, lgb.Dataset(values, label), WOODELF_TREES)
    asked, group = frame[:WOODELF_ROWS], frame[5000 : 5000 + WOODELF_GROUP]
    ours = BackgroundShap(booster)
    ours.contributions(values[:2], values[:2])
    rows, others = asked.to_numpy(), group.to_numpy()
    own = statistics.median(seconds(partial(ours.contributions, rows, others)) for _ in range(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = woodelf.WoodelfExplainer(booster, group)
        note(
            f"woodelf {version('woodelf-explainer')}, own model / perfml",
            seconds(lambda: theirs.shap_values(asked, verbose=False)) / own,
        )
    return None

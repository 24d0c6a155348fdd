"""The contributions of a booster: perfml's, compared at each call with LightGBM's, which replace them where they differ.

:class:`~perfml.treeshap.explainer.TreeShap` costs about as much as a prediction, ``pred_contrib`` a hundred times that. A
sample of every call is computed both ways; once a booster's contributions differ, LightGBM's are used for it, with a warning.
"""

from __future__ import annotations

import os
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import lightgbm as lgb
import numpy as np

from perfml.arrays import Floats
from perfml.errors import ModelError
from perfml.progress import SILENT, Progress

if TYPE_CHECKING:
    from perfml.treeshap.explainer import TreeShap

FEW = 64
"""Rows below which LightGBM computes them: loading compiled code would cost more than it saves."""
SAMPLE = 16
"""Rows of each call that are computed both ways."""
TOLERANCE = 1e-9
"""Largest difference, as a share of the sum of a row's absolute contributions."""
ROWS_FOR_THREADS = 4_096
"""Rows from which all processors are used."""


class ContributionsDiffer(UserWarning):
    """LightGBM's contributions replace perfml's: these differ, or cannot be computed for this model or with this numba."""


_explainers: WeakKeyDictionary[lgb.Booster, TreeShap | None] = WeakKeyDictionary()
"""None for a booster whose contributions are LightGBM's."""


def contributions(booster: lgb.Booster, features: Floats) -> Floats:
    """(rows, features + 1) as ``booster.predict(features, pred_contrib=True)`` gives them, the expected value last.

    Warns :class:`ContributionsDiffer` if, on a sample of rows (always the same for as many rows), perfml's differ by more
    than :data:`TOLERANCE` or do not add up to the margin, or if they cannot be computed; LightGBM's are then returned, for
    this booster from now on.
    """
    if len(features) < FEW:
        return _lightgbm(booster, features)
    explainer = _explainer(booster)
    if explainer is None:
        return _lightgbm(booster, features)
    threads = os.cpu_count() or 1 if len(features) >= ROWS_FOR_THREADS else 1
    ours = explainer.contributions(features, num_threads=threads)
    sample = np.random.default_rng(len(features)).choice(len(features), SAMPLE, replace=False)
    if (why := _difference(booster, features[sample], ours[sample])) is None:
        return ours
    _explainers[booster] = None
    _warn(why)
    return _lightgbm(booster, features)


def warm_up(progress: Progress = SILENT) -> float:
    """Compile what :func:`contributions` runs, or load it from disk; returns the seconds it took (up to 15, then about 1)."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 2))
    settings = {"objective": "binary", "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    explainer = _explainer(lgb.train(settings, lgb.Dataset(features, features[:, 0] > 0), 2))
    return 0.0 if explainer is None else explainer.warm_up(progress)


def _explainer(booster: lgb.Booster) -> TreeShap | None:
    if booster not in _explainers:
        _explainers[booster] = None
        try:
            from perfml.treeshap.explainer import TreeShap  # loads numba, which a few rows do not need

            _explainers[booster] = TreeShap(booster)
        except ModelError as error:
            _warn(str(error))
        except (ImportError, AttributeError) as error:  # internals of numba, which change without notice
            _warn(f"numba {version('numba')} does not fit ({error})")
    return _explainers[booster]


def _difference(booster: lgb.Booster, features: Floats, ours: Floats) -> str | None:
    """What is wrong with ``ours``, or None. A row of LightGBM's that misses the margin itself is not compared with."""
    theirs = _lightgbm(booster, features)
    outputs = booster.num_model_per_iteration()
    shape = (len(features), outputs, features.shape[1] + 1)
    margin = np.asarray(booster.predict(features, raw_score=True), dtype=np.float64).reshape(shape[:2])
    ours, theirs = ours.reshape(shape), theirs.reshape(shape)
    allowed = TOLERANCE * np.abs(theirs).sum(axis=2)
    off = np.abs(ours.sum(axis=2) - margin)
    if (off > allowed).any():
        return f"a row misses its margin by {off.max():.1e}"
    apart = np.abs(ours - theirs).max(axis=2)
    sound = np.abs(theirs.sum(axis=2) - margin) <= allowed
    if (apart > allowed)[sound].any():
        return f"a contribution differs by {apart[sound].max():.1e}"
    return None


def _lightgbm(booster: lgb.Booster, features: Floats) -> Floats:
    return np.asarray(booster.predict(features, pred_contrib=True), dtype=np.float64)


def _warn(why: str) -> None:
    warnings.warn(
        f"perfml's contributions of a booster are not used: {why}. LightGBM's are, which takes much longer; please report it",
        ContributionsDiffer,
        stacklevel=3,
    )

"""The contributions of a booster: perfml's own, checked each time against LightGBM's, whose word counts where they differ.

:class:`~perfml.treeshap.TreeShap` costs about as much as a prediction, ``pred_contrib`` a hundred times that. A sample
of every call is computed both ways; a booster whose contributions differ is LightGBM's from then on, and a warning says so.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import lightgbm as lgb
import numpy as np

from perfml.arrays import Floats
from perfml.errors import ModelError
from perfml.progress import SILENT, Progress

if TYPE_CHECKING:
    from perfml.treeshap import TreeShap

FEW = 64
"""Rows below which LightGBM computes: loading compiled code would cost more than it saves."""
SAMPLE = 16
"""Rows of each call that are computed both ways."""
TOLERANCE = 1e-9
"""Largest difference, as a share of what a row's contributions come to without their signs."""
ROWS_FOR_THREADS = 4_096
"""Rows from which all processors are worth waking."""


class ContributionsDiffer(UserWarning):
    """perfml's contributions of a booster are not LightGBM's, or its text could not be read; LightGBM's are used."""


_known: WeakKeyDictionary[lgb.Booster, TreeShap | None] = WeakKeyDictionary()
"""None: of this booster LightGBM's contributions are used."""


def contributions(booster: lgb.Booster, features: Floats) -> Floats:
    """(rows, features + 1) as ``booster.predict(features, pred_contrib=True)`` gives them, the expected value last.

    Warns :class:`ContributionsDiffer` where perfml's would differ by more than :data:`TOLERANCE` on a sample of rows, the
    same for as many rows, or do not add up to the margin; LightGBM's are returned then, for this booster from now on.
    """
    if len(features) < FEW:
        return _lightgbm(booster, features)
    explainer = _explainer(booster)
    if explainer is None:
        return _lightgbm(booster, features)
    threads = os.cpu_count() or 1 if len(features) >= ROWS_FOR_THREADS else 1
    found = explainer.contributions(features, num_threads=threads)
    sample = np.random.default_rng(len(features)).choice(len(features), SAMPLE, replace=False)
    if (why := _difference(booster, features[sample], found[sample])) is None:
        return found
    _known[booster] = None
    _warn(why)
    return _lightgbm(booster, features)


def warm_up(progress: Progress = SILENT) -> float:
    """Compile what :func:`contributions` runs, or take it from disk; returns the seconds it took (up to 15, then about 1)."""
    from perfml.treeshap import TreeShap

    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 2))
    settings = {"objective": "binary", "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(features, features[:, 0] > 0), 2)

    return TreeShap(booster).warm_up(progress)


def _explainer(booster: lgb.Booster) -> TreeShap | None:
    if booster not in _known:
        from perfml.treeshap import TreeShap

        try:
            _known[booster] = TreeShap(booster)
        except ModelError as error:
            _known[booster] = None
            _warn(str(error))
    return _known[booster]


def _difference(booster: lgb.Booster, features: Floats, ours: Floats) -> str | None:
    """What is wrong with ``ours``, or None. Where LightGBM's own row misses the margin it is no measure, and only ours counts."""
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

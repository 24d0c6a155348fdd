"""The rows that a model learns from where its spec draws a part of them: at each as-of date, of either outcome.

The rarer outcome is kept as far as it fits; each row that is drawn stands for as many as were there for each of its kind
(Horvitz & Thompson 1952), so that probabilities keep their level. Which rows are drawn depends on person, date and seed alone,
and which outcome a row has is what was known when the model is fitted: nothing is drawn by what came later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.arrays import Bools, Dates, Floats, Ints, Objects
from perfml.project.model_spec import SampleSpec

_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""Multipliers of the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""


@dataclass(frozen=True)
class DrawnRows:
    """``rows`` (n,), in order; ``stands_for`` (n,): how many rows of its date and outcome each is drawn for, None where all are
    there."""

    rows: Ints
    stands_for: Floats | None = None


def draw_rows(when: Dates, person: Objects, label: Floats, spec: SampleSpec) -> DrawnRows:
    """Of the rows whose ``label`` is known (0 or 1), those to learn from; all arguments (rows,).

    >>> when, person = np.full(4, "2024-01-01", "M8[D]"), np.array(["a", "b", "c", "d"], dtype=object)
    >>> draw_rows(when, person, np.array([0.0, 0.0, 1.0, np.nan]), SampleSpec(rows_a_date=1)).stands_for.tolist()
    [2.0, 1.0]
    """
    known = np.flatnonzero(~np.isnan(label))
    if spec.rows_a_date is None:
        return DrawnRows(known)
    when, label = when[known], label[known]
    chance = _chance(person[known], when, seed=spec.seed)
    order = np.lexsort((chance, label, when))
    first = np.r_[True, (np.diff(when[order]).astype(np.int64) != 0) | (np.diff(label[order]) != 0)]
    stratum = np.cumsum(first) - 1
    size = np.bincount(stratum)
    position = np.arange(len(order)) - np.flatnonzero(first)[stratum]
    drawn = position < spec.rows_a_date
    if drawn.all():
        return DrawnRows(known)
    stands_for = size[stratum] / np.minimum(size, spec.rows_a_date)[stratum]
    chosen = order[drawn]
    by_row = np.argsort(chosen)
    return DrawnRows(known[chosen[by_row]], stands_for[drawn][by_row])


def among_drawn(spec: SampleSpec | None) -> Callable[[Objects], Bools] | None:
    """Whose evidence to hold (:func:`perfml.evidence.features.build`) where ``people_share`` draws some; None: everyone's."""
    return None if spec is None or spec.people_share == 1 else partial(_drawn, spec=spec)


def _drawn(person: Objects, *, spec: SampleSpec) -> Bools:
    """Whether each of ``person`` (n,) is drawn: by id and seed alone, the same at every date."""
    hashed = pd.util.hash_array(np.asarray(person, dtype=object), hash_key=f"{spec.seed:016d}")
    return np.asarray(hashed < np.float64(spec.people_share) * 2.0**64, dtype=bool)


def _chance(person: Objects, when: Dates, *, seed: int) -> npt.NDArray[np.uint64]:
    """A number for each person and date that looks like chance and is the same in every run: (rows,)."""
    codes, people = pd.factorize(person)
    hashed = pd.util.hash_array(np.asarray(people, dtype=object), hash_key=f"{seed:016d}")
    mixed = hashed[codes] + pd.util.hash_array(when.astype("M8[D]").astype(np.int64))
    for shift, factor in zip((30, 27), _MIX, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

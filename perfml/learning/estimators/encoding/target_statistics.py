"""Categories of many values as one number each: the smoothed log-odds of the outcome (Micci-Barreca 2001).

A row's own label must not be in its number: training rows get the statistics of the other fifths (out of fold, as Prokhorenkova
et al. 2018 advise), later rows those of all training rows. A category that is missing or was not seen is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold

from perfml.arrays import Floats

MANY_LEVELS = 10
"""Categories of more values than this are also given as statistics."""
PRIOR_ROWS = 10.0
"""Rows of the average outcome that each category is given beforehand."""
FIFTHS = 5


def log_odds(codes: Floats, label: Floats, *, levels: int, weight: Floats | None = None) -> tuple[float, ...]:
    """The smoothed log-odds of each code, 0 to ``levels`` - 1, from rows (n,) labelled 0 or 1; codes may be NaN."""
    weight = np.ones(len(label)) if weight is None else weight
    known = ~np.isnan(codes)
    code = codes[known].astype(np.int64)
    rows = np.bincount(code, weights=weight[known], minlength=levels)
    cases = np.bincount(code, weights=(weight * label)[known], minlength=levels)
    average = float(np.average(label, weights=weight))
    average = min(max(average, 0.5 / (len(label) + 1)), 1 - 0.5 / (len(label) + 1))
    share = (cases + PRIOR_ROWS * average) / (rows + PRIOR_ROWS)
    return tuple(np.log(share / (1 - share)).tolist())


def looked_up(values: Sequence[float], codes: Floats) -> Floats:
    """The value of each code (n,); NaN for codes that are missing or beyond ``values``."""
    known = (codes >= 0) & (codes < len(values))
    return np.append(values, np.nan)[np.where(known, codes, len(values)).astype(np.int64)]


def out_of_fold(codes: Floats, label: Floats, *, levels: int, weight: Floats | None = None) -> Floats:
    """For each row (n,) the log-odds of its code among the rows of the other fifths."""
    out = np.full(len(codes), np.nan)
    fifths = min(FIFTHS, int(np.bincount(label.astype(np.int64), minlength=2).min()))
    if fifths < 2:
        return out
    for others, own in StratifiedKFold(fifths, shuffle=True, random_state=0).split(codes, label):
        part = None if weight is None else weight[others]
        out[own] = looked_up(log_odds(codes[others], label[others], levels=levels, weight=part), codes[own])
    return out

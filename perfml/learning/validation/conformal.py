"""Conformal selection: which people to list so that at most a stated share of the list is without the outcome.

Jin & Candès (2023), *Selection by prediction with conformal p-values*: a person's p-value is the share of calibration rows (all
of them, with and without the outcome) that had no outcome and stood at least as high; the step-up procedure of Benjamini &
Hochberg (1995) on these p-values lists people so that the expected share without the outcome is at most the limit. It needs no
right probabilities, only that people now and calibration rows are exchangeable. Rows are compared by their place in the ranking
of their date: calibration rows were predicted by out-of-fold siblings of the model in use, whose order is like its own and whose
probabilities may lie elsewhere. Without heavy imports: a list is drawn up from a training record when somebody asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from perfml.arrays import Floats
from perfml.learning.record import GuaranteeRecord

TOLERANCE = 1e-12
"""For limits such as 0.3, which have no exact binary form."""
MOST_PLACES = 2_000
"""Places that a guarantee is measured by; a list that reaches beyond the last of so many is no list of conversations."""
PLACE_STEPS = 10**6


def calibration(*, standing: Floats, outcome: Floats, dates: Sequence[dt.date]) -> GuaranteeRecord:
    """The record of back-tested rows, (rows,) each. Places are rounded to better ones, which lengthens no list."""
    places = np.sort(standing[outcome == 0])
    return GuaranteeRecord(
        dates=tuple(dates),
        rows=len(outcome),
        cases=int(outcome.sum()),
        places=tuple((np.floor(places[:MOST_PLACES] * PLACE_STEPS) / PLACE_STEPS).tolist()),
        complete=len(places) <= MOST_PLACES,
    )


def least_limits(people: int, measured_by: GuaranteeRecord, *, most: int | None = None) -> Floats:
    """The smallest limit under which each of the first ``most`` of ``people`` ranked is listed, by rank: adjusted p-values.

    The list under a limit is everybody up to it, so it grows with the limit; a limit of 1 or above is kept by no list. With
    ``most`` it is the longest list of at most so many that meets the same condition (self-consistency: Blanchard & Roquain
    2008).

    >>> standing, outcome = np.array([0.25, 0.5, 0.75, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    >>> least_limits(4, calibration(standing=standing, outcome=outcome, dates=[])).round(2).tolist()
    [0.53, 0.53, 0.53, 0.6]
    """
    ranks = np.arange(1, people + 1)
    above = np.searchsorted(measured_by.places, ranks / max(1, people), side="right")
    p = (1 + above) / (measured_by.rows + 1)
    if not measured_by.complete:
        p[above == len(measured_by.places)] = np.inf
    raised = (people * p / ranks)[:most]
    out: Floats = np.minimum.accumulate(raised[::-1])[::-1]
    return out


def list_size(people: int, measured_by: GuaranteeRecord, *, limit: float, most: int | None = None) -> int:
    """The length of the list of ``people`` ranked that keeps ``limit``; 0 where none does."""
    return length_within(least_limits(people, measured_by, most=most), limit)


def length_within(limits: Floats, limit: float) -> int:
    """The length of the longest list that keeps ``limit``, of :func:`least_limits` by rank; 0 where none does."""
    return int((limits <= limit + TOLERANCE).sum())

"""How early: days from the first time that somebody stood on a list, or was named by an alert, to the outcome.

An outcome without a listing before it is missed, and so is one that came before its person could be listed at all: both count
in the share and, with 0 days, in the mean over all outcomes. The median is over the outcomes that were listed. People whose
outcome had not come by the end of the record (censored), or who left for another cause, have no lead, but take their places on
the list: the load is the same for every list that is compared. Lists are drawn up from out-of-fold predictions, never from
fitted ones. Intervals resample people (Field & Welsh 2007); the lists are held fixed.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints, Objects
from perfml.learning.dataset.outcome_days import outcome_days
from perfml.learning.record import Figure, LeadFigures, LeadRecord
from perfml.learning.validation.lists import capacity_of, listed_rows
from perfml.learning.validation.metrics import Estimate, Metric, estimate, weighted_mean, weighted_median

if TYPE_CHECKING:
    from perfml.learning.validation.sample import TrainingSample

LOOK_BACK_DAYS = 365
"""Days before an outcome in which a listing counts as the first: an older one said something else."""
LOADS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Sizes of the lists, as shares of those who could be listed at a date."""
LEAST_LISTED = 10
"""Listed outcomes below which there is no median."""
NOT_BEFORE = pd.Timestamp("1900-01-01")


def lead_days(outcomes: pd.DataFrame, listed: pd.DataFrame, *, within_days: int) -> Floats:
    """Days from the first listing to each outcome, (outcomes,); missing without one.

    ``outcomes``: ``employee_id`` and ``came_on``; ``listed``: ``employee_id`` and ``as_of`` of every listing. A listing counts
    on a day from ``within_days`` before the outcome (that day excluded) to the day it came, and only after the person's outcome
    before.
    """
    days = np.full(len(outcomes), np.nan)
    if outcomes.empty or listed.empty:
        return days
    numbered = outcomes.assign(at=np.arange(len(outcomes))).sort_values(["employee_id", "came_on"], kind="stable")
    numbered["before"] = numbered.groupby("employee_id")["came_on"].shift().fillna(NOT_BEFORE)
    pairs = numbered.merge(listed, on="employee_id")
    ahead = (pairs["came_on"] - pairs["as_of"]).dt.days
    counted = (ahead >= 0) & (ahead < within_days) & (pairs["as_of"] > pairs["before"])
    first = ahead[counted].groupby(pairs["at"][counted]).max()
    days[first.index.to_numpy()] = first.to_numpy(np.float64)
    return days


def lead_estimates(days: Floats, *, person: Objects, against: Floats | None = None) -> dict[str, Estimate]:
    """``listed``, ``mean_days`` and, of at least :data:`LEAST_LISTED`, ``median_days`` of the leads of :func:`lead_days`.

    With ``against``, the leads of another list before the same outcomes: by how much the first exceed these.
    """
    if not len(days):
        return {}
    lists = (days,) if against is None else (days, against)
    enough = all(np.isfinite(each).sum() >= LEAST_LISTED for each in lists)
    metrics = _METRICS | (_MEDIAN if enough else {})
    return estimate(metrics, np.zeros(len(days)), days, person=person, against=against)


def lead_figures(days: Floats, *, person: Objects, against: Floats | None = None) -> LeadFigures:
    """:func:`lead_estimates` as they are stored."""
    estimates = lead_estimates(days, person=person, against=against)
    return LeadFigures(**{name: Figure.model_validate(value.to_json()) for name, value in estimates.items()})


def _share(_label: Floats, days: Floats, weight: Floats) -> Floats:
    return weighted_mean(np.isfinite(days).astype(np.float64), weight)


def _median(_label: Floats, days: Floats, weight: Floats) -> Floats:
    return weighted_median(np.nan_to_num(days), weight * np.isfinite(days))


def _mean(_label: Floats, days: Floats, weight: Floats) -> Floats:
    return weighted_mean(np.nan_to_num(days), weight)


_METRICS: dict[str, Metric] = {"listed": _share, "mean_days": _mean}
_MEDIAN: dict[str, Metric] = {"median_days": _median}


def lead_records(
    sample: TrainingSample, *, row: Ints, model: Floats, baseline: Floats, horizon_days: int
) -> tuple[LeadRecord, ...]:
    """The lead of lists of each of :data:`LOADS`, beside the baseline's at the same load; none for a label of events.

    ``row``: positions of the tested rows in the sample; ``model`` and ``baseline``: their out-of-fold probabilities. Outcomes
    are those from the first tested date until the last tested horizon has passed.
    """
    rows = sample.rows.iloc[row][["employee_id", "as_of"]].reset_index(drop=True)
    when = rows["as_of"].to_numpy().astype("M8[D]")
    first, last = when.min().item(), when.max().item() + dt.timedelta(days=horizon_days)
    outcomes = outcome_days(sample.data, sample.spec.label, first=first, last=last, until=sample.until)
    if outcomes.empty:
        return ()
    person = outcomes["employee_id"].to_numpy(object)
    leads = partial(lead_days, outcomes, within_days=LOOK_BACK_DAYS)
    reachable = leads(rows)
    records = []
    for share in LOADS:
        ours, theirs = (
            leads(rows.iloc[listed_rows(probability, when, partial(capacity_of, share))])
            for probability in (model, baseline)
        )
        records.append(
            LeadRecord(
                share=share,
                outcomes=len(outcomes),
                unreachable=round(float(np.isnan(reachable).mean()), 4),
                model=lead_figures(ours, person=person),
                baseline=lead_figures(theirs, person=person),
                more=lead_figures(ours, person=person, against=theirs),
            )
        )
    return tuple(records)

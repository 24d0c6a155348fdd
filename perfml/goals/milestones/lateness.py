"""Late work told apart from late marking: by the day of the work where it is on record, else by what is likely.

A milestone that was marked late without a day of work, or that is due and not marked, may have been finished in time. How likely
that is follows from how late its owner marks what is done, and from how long the work takes.
"""

from __future__ import annotations

import numpy as np

from perfml.arrays import Floats, Objects
from perfml.goals.milestones.forecast import FinishForecast


def finished_in_time(forecast: FinishForecast) -> Floats:
    """The probability that the work of each was, or will be, finished by its due day (n,); missing where nothing tells."""
    milestones = forecast.milestones
    due, marked, finished = (milestones.number(name) for name in ("due", "marked", "finished"))
    out = np.where(np.isnan(finished), np.nan, finished <= due)
    out = np.where(np.isnan(out) & (marked <= due), 1.0, out)
    if forecast.durations is not None:
        open_yet = np.isnan(forecast.finished)
        ahead = (np.floor(forecast.finish) <= due[:, None]).mean(axis=1)
        out = np.where(open_yet, ahead, out)
    for row in np.flatnonzero(np.isnan(out) & np.isfinite(marked)):
        out[row] = _before_mark(forecast, int(row), marked=float(marked[row]), due=float(due[row]))
    return np.asarray(out, dtype=np.float64)


def status_of(forecast: FinishForecast, in_time: Floats, *, marking_days: int, sure: float) -> Objects:
    """The :data:`~perfml.goals.milestones.rows.MilestoneStatusName` of each (n,)."""
    milestones = forecast.milestones
    due, marked, finished = (milestones.number(name) for name in ("due", "marked", "finished"))
    until = np.where(np.isnan(marked), milestones.day - 1, marked)
    open_yet = np.isnan(marked) & np.isnan(finished)
    lag = until - finished
    in_doubt = np.where(in_time >= sure, "late_marking", np.where(in_time <= 1 - sure, "late_work", "unclear"))
    return np.select(
        [
            finished > due,
            np.isfinite(finished) & (lag > marking_days),
            np.isfinite(finished),
            open_yet & (milestones.day - 1 <= due + marking_days),
            ~open_yet & (marked <= due + marking_days) & ~(in_time <= 1 - sure),
            ~open_yet & (marked <= due + marking_days),
        ],
        ["late_work", "late_marking", "on_time", "running", "on_time", "late_work"],
        in_doubt,
    ).astype(object)


def _before_mark(forecast: FinishForecast, row: int, *, marked: float, due: float) -> float:
    """The probability that a milestone marked late was finished by its due day, over the days its owner takes to mark."""
    marking, durations, milestones = forecast.marking, forecast.durations, forecast.milestones
    if durations is None or not marking.on_record:
        return np.nan
    owner = int(milestones.owner[row])
    ends = marked - marking.days
    begun = float(np.median(forecast.begun[row]))
    taken = np.maximum(ends - begun, 1.0)
    centre = durations.middle + durations.owner.at(owner)[0]
    z = (np.log(taken / milestones.span[row]) - centre) / durations.spread
    weight = marking.weights(owner) * np.exp(-0.5 * z**2) / taken * (ends > begun)
    whole = float(weight.sum())
    return float(weight[ends <= due].sum() / whole) if whole > 0 else np.nan

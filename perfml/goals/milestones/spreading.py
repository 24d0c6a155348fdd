"""Slippage along dependencies: how much later a milestone begins because of what it waits for, and how many it pushes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.goals.milestones.forecast import FinishForecast


@dataclass(frozen=True, kw_only=True)
class Spreading:
    """Arrays over milestones (n,)."""

    inherited: Floats
    """Days by which each begins later than planned because of what it waits for; 0 where it does not, missing where unknown."""
    driver: Ints
    """Row of the one that it waits for longest, where it begins later; else -1."""
    pushes: Ints
    """How many milestones begin later because of each, directly or by way of others."""


def spreading(forecast: FinishForecast, *, least_days: float = 1.0) -> Spreading:
    """Follow the slippage of ``forecast``; less than ``least_days`` is none."""
    milestones = forecast.milestones
    ends = np.where(np.isfinite(forecast.finished), forecast.finished, forecast.quantile(0.5))
    planned, first = milestones.planned_start, milestones.number("first")
    n = len(ends)
    inherited, driver = np.zeros(n), np.full(n, -1)
    pushes = np.zeros(n, dtype=np.int64)
    for row in milestones.order:
        before = list(milestones.waits_for(row))
        if not before:
            continue
        last = max(before, key=lambda each: -np.inf if np.isnan(ends[each]) else ends[each])
        later = max(ends[last], first[row]) - planned[row] if np.isfinite(ends[before]).all() else np.nan
        inherited[row] = np.nan if np.isnan(later) else max(later, 0.0)
        if later >= least_days:
            driver[row] = last
            above, passed = last, {row}
            while above >= 0 and above not in passed:
                pushes[above] += 1
                passed.add(above)
                above = int(driver[above])
    return Spreading(inherited=inherited, driver=driver, pushes=pushes)

"""The seasonal baseline of a goal: its owner's habit on the metric, and the same days of the year before plus growth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.panel import Panel
from perfml.advice.targets.forecasting.series import SERIES_STRIDE
from perfml.arrays import Floats, Ints

YEAR = 364
"""Days back to the same weekdays a year before."""
TREND_DAYS = 182
"""Days over which growth is measured, against the same days a year before."""
TREND_KEPT = 0.7
"""Share of past growth assumed to persist (damped trend: Gardner & McKenzie 1985)."""
PRIOR_GOALS, PRIOR_OWNERS = 3, 10
"""Weight of the prior mean of 0, in goals for an owner's habit and in goals for a metric's level."""
OFTEN = 4
"""Minimum goals of one owner on a metric to compare their targets over the year."""


@dataclass(frozen=True, kw_only=True)
class SeasonalBaseline:
    """Expected attainment without progress or signals, in log points of the target; arrays over goals (n,)."""

    panel: Panel
    own: Floats
    """Mean attainment of the owner's earlier goals relative to the metric's, shrunk towards 0 (Efron & Morris 1975)."""
    level: Floats
    """Mean attainment of earlier goals of the metric."""
    trend: Floats
    """Growth over the year before, as known when the target was set, damped by :data:`TREND_KEPT`."""
    blend: Floats
    """Weight of the year before where it is known; the rest is the weight of habit."""

    @classmethod
    def of(cls, panel: Panel, attained: Floats, day: float) -> SeasonalBaseline:
        """Fit as known at ``day`` on log(final / target) of goals that had ended; missing for the others (n,).

        The habit of a goal uses only goals that had ended before it began, never its own final.
        """
        level = _earlier(attained, panel.metric, panel=panel, prior=PRIOR_OWNERS)
        own = _earlier(attained - level, panel.owner, panel=panel, prior=PRIOR_GOALS)
        trend = _trend(panel, np.minimum(np.maximum(panel.effective, panel.first), day) - 1)
        before = a_year_before(panel, np.arange(len(panel.first)), after=panel.first - 1, until=panel.last)
        year = np.log(before / panel.target) + trend
        blend = _blend(panel.metric, attained - own - level, year - own - level)
        return cls(panel=panel, own=own, level=level, trend=trend, blend=blend)

    def whole(self) -> Floats:
        """log(baseline final / target) of each goal (n,)."""
        panel = self.panel
        return self._mixed(np.arange(len(panel.first)), after=panel.first - 1, until=panel.last, share=1.0)

    def yearly(self) -> Floats:
        """Weight of the year before in each goal's baseline: 0 where that year is not known (n,)."""
        panel = self.panel
        year = a_year_before(panel, np.arange(len(panel.first)), after=panel.first - 1, until=panel.last)
        return np.where(np.isnan(year), 0.0, self.blend)

    def parts(self, goal: Ints, upto: Floats, ends: Floats) -> tuple[Floats, Floats]:
        """The baseline until ``upto`` and after it, in log points of their shares of the target, for the goals ``goal``."""
        first, last = self.panel.first[goal], self.panel.last[goal]
        elapsed = (upto - first + 1) / (ends - first + 1)
        return (
            self._mixed(goal, after=first - 1, until=upto, share=elapsed),
            self._mixed(goal, after=upto, until=last, share=1 - elapsed),
        )

    def season(self) -> Floats:
        """A period's share of the year beyond what its target contains, in log points; 0 where unknown (n,).

        The median of all owners on the metric with the same period: one owner's best quarter is not a season.
        """
        panel = self.panel
        series, owner, first, last = panel.series, panel.owner, panel.first, panel.last
        whole = series.between(owner, last - YEAR - YEAR, last - YEAR) * (last - first + 1) / YEAR
        with np.errstate(divide="ignore", invalid="ignore"):
            index = np.log(series.between(owner, first - 1 - YEAR, last - YEAR) / whole)
        year = pd.DataFrame({"metric": panel.metric, "first": first, "last": last, "index": index})
        together = year.groupby(["metric", "first", "last"])["index"].transform("median").to_numpy(dtype=np.float64)
        daily = pd.Series(np.log(panel.target / (last - first + 1))).groupby(owner)
        mean, often = (daily.transform(how).to_numpy(dtype=np.float64) for how in ("mean", "count"))
        own = np.log(panel.target / (last - first + 1)) - mean
        contained = np.where(often >= OFTEN, own, 0.0)
        return np.nan_to_num(np.where(np.isnan(index), np.nan, self.blend * (together - contained)))

    def _mixed(self, goal: Ints, *, after: Floats, until: Floats, share: Floats | float) -> Floats:
        """Habit blended with the year before, where that is known, in log points of ``share`` of the target."""
        habit, blend = (self.own + self.level)[goal], self.blend[goal]
        with np.errstate(divide="ignore", invalid="ignore"):
            before = a_year_before(self.panel, goal, after=after, until=until)
            year = np.log(before / (self.panel.target[goal] * share)) + self.trend[goal]
        return np.where(np.isfinite(year), blend * np.nan_to_num(year) + (1 - blend) * habit, habit)


def a_year_before(panel: Panel, goal: Ints, *, after: Floats, until: Floats) -> Floats:
    """What the owners of the goals ``goal`` achieved a year before these days; missing where history does not cover them."""
    return panel.series.between(panel.owner[goal], after - YEAR, until - YEAR)


def _trend(panel: Panel, upto: Floats) -> Floats:
    now = panel.series.between(panel.owner, upto - TREND_DAYS, upto)
    then = panel.series.between(panel.owner, upto - TREND_DAYS - YEAR, upto - YEAR)
    return np.asarray(TREND_KEPT * np.clip(np.nan_to_num(np.log(now / then)), -1, 1))


def _earlier(value: Floats, group: Ints, *, panel: Panel, prior: int) -> Floats:
    """The group mean of ``value`` over goals that had ended before each goal began, shrunk towards 0 by ``prior`` goals."""
    known = ~np.isnan(value)
    code = group * float(SERIES_STRIDE)
    order = np.argsort((code + panel.last)[known], kind="stable")
    ends = (code + panel.last)[known][order]
    total, count = (np.concatenate([[0.0], np.cumsum(x)]) for x in (value[known][order], np.ones(len(ends))))
    upto, since = np.searchsorted(ends, code + panel.first, side="left"), np.searchsorted(ends, code, side="left")
    return np.asarray((total[upto] - total[since]) / (count[upto] - count[since] + prior))


def _blend(metric: Ints, beyond: Floats, apart: Floats) -> Floats:
    """The weight of the year before, from 0 to 1, that best forecasts past goals of each metric (n,).

    ``beyond``: finals less habit; ``apart``: the year before less habit; both in log points (n,). The prior is a weight of 1,
    or of one half where habit is known from other goals (equal weights: Bates & Granger 1969).
    """
    known = np.isfinite(beyond) & np.isfinite(apart)
    size = int(metric.max(initial=-1)) + 1
    at_first = np.where(np.bincount(metric[np.isfinite(beyond)], minlength=size) >= PRIOR_OWNERS, 0.5, 1.0)
    both, square, n = (
        np.bincount(metric[known], x, minlength=size)
        for x in ((apart * beyond)[known], (apart**2)[known], np.ones(int(known.sum())))
    )
    share = np.where(square > 0, both / np.where(square > 0, square, 1.0), 0.0)
    return np.asarray(np.clip((share * n + at_first * PRIOR_OWNERS) / (n + PRIOR_OWNERS), 0, 1))[metric]

"""What is usual of a goal: its owner's habit on the metric, and what the owner reached on the same days a year before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.panel import Panel
from perfml.advice.targets.series import APART
from perfml.arrays import Floats, Ints

YEAR = 364
"""Days back to the same weekdays a year before."""
TREND_DAYS = 182
"""Growth is measured over so many days, against the same ones a year before."""
TREND_KEPT = 0.7
"""Of which so much is expected to go on: growth fades (Gardner & McKenzie 1985, damped trend)."""
PRIOR_GOALS, PRIOR_OWNERS = 3, 10
"""An owner's habit is believed as if so many further goals had been usual; a metric's as if so many others had been."""
OFTEN = 4
"""Goals of one owner on a metric, from which on their targets are compared over the year."""


@dataclass(frozen=True)
class Usual:
    """What is usual of every goal of a panel, in log points of the target; arrays over goals (n,)."""

    panel: Panel
    own: Floats
    """Mean attainment of the owner's earlier goals against the metric's, pulled towards nought (Efron & Morris 1975)."""
    level: Floats
    """Mean attainment of earlier goals of the metric."""
    trend: Floats
    """Growth since a year before, as known when the target was set and as far as it is expected to go on."""
    blend: Floats
    """How much of what is usual the year before says, where it is known; the rest is habit."""

    @classmethod
    def of(cls, panel: Panel, attained: Floats, day: float) -> Usual:
        """As known at ``day``, from log(final / target) of the goals that had ended; missing for the others (n,).

        A goal's habit is of goals that had ended before it began: its own final, and later ones, do not enter.
        """
        level = _earlier(panel.metric, panel, attained, PRIOR_OWNERS)
        own = _earlier(panel.owner, panel, attained - level, PRIOR_GOALS)
        trend = _trend(panel, np.minimum(np.maximum(panel.made, panel.first), day) - 1)
        year = (
            np.log(a_year_before(panel, np.arange(len(panel.first)), panel.first - 1, panel.last) / panel.target)
            + trend
        )
        return cls(panel, own, level, trend, _blend(panel.metric, attained - own - level, year - own - level))

    def whole(self) -> Floats:
        """log(usual final / target) of each goal (n,)."""
        panel = self.panel
        return self._mixed(np.arange(len(panel.first)), panel.first - 1, panel.last, 1.0)

    def yearly(self) -> Floats:
        """How much of what is usual really comes from the year before: nought where that is not known (n,)."""
        panel = self.panel
        year = a_year_before(panel, np.arange(len(panel.first)), panel.first - 1, panel.last)
        return np.where(np.isnan(year), 0.0, self.blend)

    def parts(self, place: Ints, upto: Floats, ends: Floats) -> tuple[Floats, Floats]:
        """What is usual until ``upto`` and after it, in log points of their shares of the target; of the goals at ``place``."""
        first, last = self.panel.first[place], self.panel.last[place]
        gone = (upto - first + 1) / (ends - first + 1)
        return self._mixed(place, first - 1, upto, gone), self._mixed(place, upto, last, 1 - gone)

    def season(self) -> Floats:
        """How a period stands against the whole year, as far as the target does not say so; in log points, 0 where unknown.

        Of all owners on the metric with the same period: one owner's best quarter is no season.
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

    def _mixed(self, place: Ints, after: Floats, until: Floats, share: Floats | float) -> Floats:
        """Habit, or as far as it counts the year before, in log points of ``share`` of the target."""
        habit, blend = (self.own + self.level)[place], self.blend[place]
        with np.errstate(divide="ignore", invalid="ignore"):
            year = (
                np.log(a_year_before(self.panel, place, after, until) / (self.panel.target[place] * share))
                + self.trend[place]
            )
        return np.where(np.isfinite(year), blend * np.nan_to_num(year) + (1 - blend) * habit, habit)


def a_year_before(panel: Panel, place: Ints, after: Floats, until: Floats) -> Floats:
    """What the owners of the goals at ``place`` reached a year before these days; missing where history lacks them."""
    return panel.series.between(panel.owner[place], after - YEAR, until - YEAR)


def _trend(panel: Panel, upto: Floats) -> Floats:
    now = panel.series.between(panel.owner, upto - TREND_DAYS, upto)
    then = panel.series.between(panel.owner, upto - TREND_DAYS - YEAR, upto - YEAR)
    return np.asarray(TREND_KEPT * np.clip(np.nan_to_num(np.log(now / then)), -1, 1))


def _earlier(group: Ints, panel: Panel, value: Floats, prior: int) -> Floats:
    """The mean ``value`` in the group over goals that had ended before each began, pulled towards nought by ``prior`` goals."""
    known = ~np.isnan(value)
    code = group * float(APART)
    order = np.argsort((code + panel.last)[known], kind="stable")
    ends = (code + panel.last)[known][order]
    total, count = (np.concatenate([[0.0], np.cumsum(x)]) for x in (value[known][order], np.ones(len(ends))))
    upto, since = np.searchsorted(ends, code + panel.first, side="left"), np.searchsorted(ends, code, side="left")
    return np.asarray((total[upto] - total[since]) / (count[upto] - count[since] + prior))


def _blend(metric: Ints, beyond: Floats, apart: Floats) -> Floats:
    """Of what is usual, the share that the year before says, by metric (n,): the weight under which past goals are forecast
    best, from 0 to 1. ``beyond`` habit are the finals, ``apart`` from it the year before.

    Before any goal shows it: all of it, or half where habit is known from other goals (equal weights: Bates & Granger 1969).
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

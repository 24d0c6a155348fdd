"""External signals as known at a day, and the test of whether one is worth using.

A signal is a relative change by month (0.05 is +5 %), for one scope or for all. Values and corrections published later are
ignored. A signal is used for a metric only if it forecasts the finals of past goals, from earlier ones, significantly better than
no signal does and than its own placebo does: the same signal one period late (a permutation in time: Ernst 2004).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.panel import Panel
from perfml.advice.targets.forecasting.series import SERIES_STRIDE
from perfml.advice.targets.texts import listed
from perfml.arrays import Floats, Ints, Objects
from perfml.evidence.sources import Data
from perfml.messages import Message, render

STANDARD_ERRORS = 2.0
"""Standard errors by which a signal must beat its placebo, and no signal."""
MIN_MARKETS = 12
"""Pairs of period and scope needed for a verdict; a signal without scopes has one per period."""
FULL_GOALS = 10
"""Goals at which a market has half the weight of one with very many: individual differences average out."""
MIN_PERIODS = 4
LATE_DAYS = 91
"""Delay of the placebo."""
_ROWS = """
select name, coalesce(scope, '') as scope, date_diff('day', date '1970-01-01', month) as month, value,
  date_diff('day', date '1970-01-01', usable_day) as known
from main.signals where usable_day < ?::date order by name, scope, known, month
"""


@dataclass(frozen=True, kw_only=True)
class SignalVerdict:
    """Whether a signal is used, and how much it lowers the mean absolute error of past goals, in log points."""

    name: str
    used: bool
    metrics: tuple[str, ...]
    """The metrics it is used for."""
    gain: float
    """Gain over its placebo; missing with too few periods."""
    se: float
    zh: str
    en: str


@dataclass(frozen=True)
class Signals:
    """What is known of each signal: rows of ``name``, ``scope``, ``month``, ``value``, ``known``, in days since 1970-01-01."""

    rows: pd.DataFrame

    @classmethod
    def of(cls, data: Data, as_of: dt.date) -> Signals:
        """Read what was known before ``as_of``; empty without a table."""
        if not data.has("signals"):
            return cls(pd.DataFrame({"name": [], "scope": [], "month": [], "value": [], "known": []}))
        return cls(data.connection.execute(_ROWS, [as_of]).df())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all signals, sorted."""
        return tuple(sorted({name for name, _ in self._newest}))

    def has_scopes(self, name: str) -> bool:
        """Whether the signal differs by scope."""
        return any(signal == name and scope for signal, scope in self._newest)

    def level(self, name: str, scope: Objects, day: Floats) -> Floats:
        """log(1 + the newest month's value known before each ``day``) in each ``scope``, else in all scopes (n,)."""
        out = np.full(len(day), np.nan)
        code, scopes = pd.factorize(scope)
        for number, name_of_scope in enumerate(scopes):
            newest = self._newest.get((name, name_of_scope), self._newest.get((name, "")))
            if newest is not None:
                known, value = newest
                rows = code == number
                at = np.searchsorted(known, day[rows], side="left") - 1
                out[rows] = np.where(at >= 0, value[np.maximum(at, 0)], np.nan)
        return out

    def surprise(self, name: str, scope: Objects, *, since: Floats, until: Floats) -> Floats:
        """The signal's move between the days ``since`` and ``until``, in log points; 0 where it is not known (n,)."""
        return np.nan_to_num(self.level(name, scope, until) - self.level(name, scope, since))

    @cached_property
    def _newest(self) -> dict[tuple[str, str], tuple[Floats, Floats]]:
        """(name, scope) -> the days on which a value became known, and log(1 + value) of the newest month by then."""
        newest_by_scope = {}
        for (name, scope), rows in self.rows.groupby(["name", "scope"]):
            month = rows["month"].to_numpy(dtype=np.float64)
            value = rows["value"].to_numpy(dtype=np.float64)
            newest = pd.Series(np.where(month >= np.maximum.accumulate(month), value, np.nan)).ffill()
            level = np.log1p(np.maximum(newest.to_numpy(dtype=np.float64), -0.99))
            newest_by_scope[str(name), str(scope)] = (rows["known"].to_numpy(dtype=np.float64), level)
        return newest_by_scope


@dataclass(frozen=True)
class Effects:
    """Elasticity of each metric to each signal used for it: log points of the final per log point of the signal.

    Separate for the signal's move since the target was set, which may move the target, and for its level at that time, which
    was known to whoever set the target.
    """

    of: Mapping[tuple[str, str], tuple[float, float]]
    """(metric, signal) -> (elasticity to its move, elasticity to its level)."""

    def moved(self, signals: Signals, panel: Panel, *, goal: Ints, day: Floats) -> Floats:
        """The effect on the goals ``goal`` of the signals' moves from setting the target until ``day``, in log points (n,)."""
        out = np.zeros(len(goal))
        for (metric, name), (moved, _) in self.of.items():
            rows = panel.metrics[goal] == metric
            goals = goal[rows]
            since = panel.effective[goals]
            out[rows] += moved * signals.surprise(name, panel.scopes[goals], since=since, until=day[rows])
        return out

    def standing(self, signals: Signals, panel: Panel) -> Floats:
        """The effect on each goal of the signals' levels when its target was set, in log points (n,)."""
        out = np.zeros(len(panel.first))
        for (metric, name), (_, level) in self.of.items():
            rows = panel.metrics == metric
            out[rows] += level * np.nan_to_num(signals.level(name, panel.scopes[rows], panel.effective[rows]))
        return out


def slopes(x: Floats, y: Floats, goals: Floats) -> Floats:
    """Regress market means on signals, without an intercept (kinds,); ``x`` (n, kinds), ``goals`` behind each mean (n,).

    Ridge regression with the variance of ``y`` as its penalty (Hoerl & Kennard 1970), which is a prior on elasticities of the
    order of 1.
    """
    if not len(x):
        return np.zeros(x.shape[1])
    weight = (goals / (goals + FULL_GOALS))[:, None]
    penalty = float(np.average(y**2, weights=weight[:, 0]))
    return np.asarray(np.linalg.solve((x * weight).T @ x + penalty * np.eye(x.shape[1]), (x * weight).T @ y))


def judge(signals: Signals, panel: Panel, beyond: Floats) -> tuple[Effects, list[SignalVerdict]]:
    """Decide which signals are used for which metric, from the goals that had ended.

    ``beyond``: log(final / target) less the baseline as known when the target was set; missing for goals that had not ended
    (n,). Each period is forecast from earlier ones only.
    """
    effects: dict[tuple[str, str], tuple[float, float]] = {}
    verdicts = []
    of_metric = {
        metric: np.flatnonzero((panel.metrics == metric) & ~np.isnan(beyond)) for metric in sorted(set(panel.metrics))
    }
    for name in signals.names:
        used: list[str] = []
        best, figure = (np.nan, np.nan), np.nan
        for metric, goals in of_metric.items():
            table = _markets(signals, name, panel=panel, goals=goals, beyond=beyond[goals])
            periods = np.unique(table.period)
            if len(periods) < MIN_PERIODS or not table.real[:, 0].any():
                continue
            plain, over = _gains(table, periods[MIN_PERIODS - 1 :])
            if len(over) < MIN_MARKETS:
                continue
            (helps, doubt), (gain, se) = _mean(plain), _mean(over)
            if not best[0] >= gain / max(se, 1e-12):
                best, figure = (gain / max(se, 1e-12), se), gain
            # A poor placebo is beaten by chance, so the forecast without a signal must be beaten as clearly.
            if helps > STANDARD_ERRORS * doubt and gain > STANDARD_ERRORS * se:
                used.append(metric)
                moved, level = slopes(table.real, table.beyond, table.goals).tolist()
                effects[metric, name] = (moved, level)
        verdicts.append(_verdict(name, used, gain=figure, se=best[1]))
    return Effects(effects), verdicts


@dataclass(frozen=True, kw_only=True)
class _Markets:
    """Means over the goals of one period and scope, one row per market (n,)."""

    period: Floats
    real: Floats
    """(n, 2): the signal's move while the goals ran, and its level before."""
    placebo: Floats
    beyond: Floats
    goals: Floats


def _markets(signals: Signals, name: str, *, panel: Panel, goals: Ints, beyond: Floats) -> _Markets:
    """The markets of ``goals``, all on one metric; a signal without scopes has one market per period."""
    effective, last = panel.effective[goals], panel.last[goals]
    scope = panel.scopes[goals] if signals.has_scopes(name) else np.full(len(goals), "", dtype=object)
    member, period = pd.factorize(pd.factorize(scope)[0] * float(SERIES_STRIDE) + last)
    count = np.bincount(member, minlength=len(period)).astype(np.float64)

    def means(late: int) -> Floats:
        moved = signals.surprise(name, scope, since=effective - late, until=last + 1 - late)
        level = np.nan_to_num(signals.level(name, scope, effective - late))
        return np.stack([np.bincount(member, x, minlength=len(period)) / count for x in (moved, level)], axis=1)

    return _Markets(
        period=np.asarray(period % SERIES_STRIDE),
        real=means(0),
        placebo=means(LATE_DAYS),
        beyond=np.bincount(member, beyond, minlength=len(period)) / count,
        goals=count,
    )


def _gains(table: _Markets, periods: Floats) -> tuple[list[float], list[float]]:
    """The reduction of each market's absolute error, in ``periods``, over no signal and over the placebo; fitted on earlier
    periods and weighted by the square root of the market's number of goals."""
    plain: list[float] = []
    over: list[float] = []
    weight = np.sqrt(table.goals / table.goals.mean())
    for period in periods:
        past, now = table.period < period, table.period == period
        y = table.beyond[now]
        off = [
            np.abs(y - x[now] @ slopes(x[past], table.beyond[past], table.goals[past]))
            for x in (table.real, table.placebo)
        ]
        plain += ((np.abs(y) - off[0]) * weight[now]).tolist()
        over += ((off[1] - off[0]) * weight[now]).tolist()
    return plain, over


def _mean(x: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(np.mean(x)), float(np.std(x, ddof=1) / np.sqrt(len(x)))


def _verdict(name: str, used: Sequence[str], *, gain: float, se: float) -> SignalVerdict:
    figure: Message | str = "" if np.isnan(gain) else Message.of("target_signal_gain", gain=gain, se=se)
    if used:
        text = Message.of("target_signal_used", name=name, metrics=listed("target_and", used), figure=figure)
    else:
        text = Message.of("target_signal_unused", name=name, figure=figure)
    return SignalVerdict(
        name=name,
        used=bool(used),
        metrics=tuple(used),
        gain=gain,
        se=se,
        zh=render(text, "zh"),
        en=render(text, "en"),
    )

"""External signals as they were known at a day, and whether one is worth using.

A signal is a relative change by month (0.05 is +5 %), of a scope or of everywhere. Values published later, and corrections made
later, are not looked at. A signal is used for a metric only if it makes the final values of past goals, forecast from earlier
ones, surely more exact than no signal does, and than its own placebo does: the same signal, one period late (a permutation in
time: Ernst 2004).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perfml.advice.targets.panel import Panel
from perfml.advice.targets.series import APART
from perfml.arrays import Floats, Ints, Objects
from perfml.evidence.sources import Data

STANDARD_ERRORS = 2.0
"""By how many a signal must beat its placebo, and no signal."""
FEWEST_MARKETS = 12
"""Pairs of period and scope that a verdict takes; a signal of everywhere has one a period."""
FULL_GOALS = 10
"""A market with so many goals counts half of one with very many: what people do by themselves has evened out by then."""
FEWEST_PERIODS = 4
LATE_DAYS = 91
"""How much later the placebo comes."""
_ROWS = """
select name, coalesce(scope, '') as scope, date_diff('day', date '1970-01-01', month) as month, value,
  date_diff('day', date '1970-01-01', usable_day) as known
from main.signals where usable_day < ?::date order by name, scope, known, month
"""


@dataclass(frozen=True)
class SignalVerdict:
    """Whether a signal is used, and by how much it makes the forecast of past goals more exact (log points, mean absolute)."""

    name: str
    used: bool
    metrics: tuple[str, ...]
    """For which metrics."""
    gain: float
    """Over its placebo; missing where there are too few periods to tell."""
    se: float
    zh: str
    en: str


@dataclass(frozen=True)
class Signals:
    """What was known of each signal: rows of ``name``, ``scope``, ``month``, ``value``, ``known``, in days since 1970-01-01."""

    rows: pd.DataFrame

    @classmethod
    def of(cls, data: Data, as_of: dt.date) -> Signals:
        """What was known before ``as_of``; nothing where there is no table."""
        if not data.has("signals"):
            return cls(pd.DataFrame({"name": [], "scope": [], "month": [], "value": [], "known": []}))
        return cls(data.connection.execute(_ROWS, [as_of]).df())

    @property
    def names(self) -> tuple[str, ...]:
        """The signals there are."""
        return tuple(sorted({name for name, _ in self._newest}))

    def has_scopes(self, name: str) -> bool:
        """Whether the signal differs by scope."""
        return any(one == name and scope for one, scope in self._newest)

    def level(self, name: str, scope: Objects, day: Floats) -> Floats:
        """Log of one plus the newest month's value known before each ``day``, in each ``scope``, else everywhere (n,)."""
        out = np.full(len(day), np.nan)
        code, places = pd.factorize(scope)
        for number, place in enumerate(places):
            newest = self._newest.get((name, place), self._newest.get((name, "")))
            if newest is not None:
                known, value = newest
                here = code == number
                at = np.searchsorted(known, day[here], side="left") - 1
                out[here] = np.where(at >= 0, value[np.maximum(at, 0)], np.nan)
        return out

    def surprise(self, name: str, scope: Objects, made: Floats, day: Floats) -> Floats:
        """By how much the signal moved between the days ``made`` and ``day``, in log points; 0 where it is not known (n,)."""
        return np.nan_to_num(self.level(name, scope, day) - self.level(name, scope, made))

    @cached_property
    def _newest(self) -> dict[tuple[str, str], tuple[Floats, Floats]]:
        """(name, scope) -> each time that something became known, and log(1 + value) of the newest month by then."""
        found = {}
        for (name, scope), rows in self.rows.groupby(["name", "scope"]):
            month = rows["month"].to_numpy(dtype=np.float64)
            value = rows["value"].to_numpy(dtype=np.float64)
            newest = pd.Series(np.where(month >= np.maximum.accumulate(month), value, np.nan)).ffill()
            level = np.log1p(np.maximum(newest.to_numpy(dtype=np.float64), -0.99))
            found[str(name), str(scope)] = (rows["known"].to_numpy(dtype=np.float64), level)
        return found


@dataclass(frozen=True)
class Effects:
    """How far each metric follows each signal that is used for it, in log points of the final for a log point of the signal.

    Apart for the signal's move since the target was set, which may move the target, and for where it stood then, which
    whoever set it could know.
    """

    of: Mapping[tuple[str, str], tuple[float, float]]
    """(metric, signal) -> (of its move since, of where it stood)."""

    def moved(self, signals: Signals, panel: Panel, place: Ints, day: Floats) -> Floats:
        """What the signals' moves since the target was set until ``day`` do to the goals at ``place``, in log points (n,)."""
        out = np.zeros(len(place))
        for (which, name), (moved, _) in self.of.items():
            here = panel.metrics[place] == which
            goal = place[here]
            out[here] += moved * signals.surprise(name, panel.scopes[goal], panel.made[goal], day[here])
        return out

    def standing(self, signals: Signals, panel: Panel) -> Floats:
        """What the signals' standing when the target was set does to each goal, in log points (n,)."""
        out = np.zeros(len(panel.first))
        for (which, name), (_, stood) in self.of.items():
            here = panel.metrics == which
            out[here] += stood * np.nan_to_num(signals.level(name, panel.scopes[here], panel.made[here]))
        return out


def slopes(x: Floats, y: Floats, goals: Floats) -> Floats:
    """(kinds,) regression through nought of market means (n, kinds), each over so many ``goals``.

    An effect of about 1, all of a signal going into the final, is what is held possible beforehand: ridge regression with the
    variance of ``y`` as its penalty (Hoerl & Kennard 1970).
    """
    if not len(x):
        return np.zeros(x.shape[1])
    weight = (goals / (goals + FULL_GOALS))[:, None]
    penalty = float(np.average(y**2, weights=weight[:, 0]))
    return np.asarray(np.linalg.solve((x * weight).T @ x + penalty * np.eye(x.shape[1]), (x * weight).T @ y))


def judge(signals: Signals, panel: Panel, beyond: Floats) -> tuple[Effects, list[SignalVerdict]]:
    """Which signals are used for which metric, learnt from the goals that had ended.

    ``beyond``: log(final / target) less what was usual for the owner, as known when the goal was made; missing for the others
    (n,). Each period is forecast from earlier ones only.
    """
    effects: dict[tuple[str, str], tuple[float, float]] = {}
    verdicts = []
    of_metric = {
        which: np.flatnonzero((panel.metrics == which) & ~np.isnan(beyond)) for which in sorted(set(panel.metrics))
    }
    for name in signals.names:
        used: list[str] = []
        best, figure = (np.nan, np.nan), np.nan
        for which, goals in of_metric.items():
            table = _markets(signals, name, panel, goals, beyond[goals])
            periods = np.unique(table.period)
            if len(periods) < FEWEST_PERIODS or not table.real[:, 0].any():
                continue
            plain, over = _gains(table, periods[FEWEST_PERIODS - 1 :])
            if len(over) < FEWEST_MARKETS:
                continue
            (helps, doubt), (gain, se) = _mean(plain), _mean(over)
            if not best[0] >= gain / max(se, 1e-12):
                best, figure = (gain / max(se, 1e-12), se), gain
            # A poor placebo is beaten by chance: noise must not look like a market, so none at all has to be beaten as surely.
            if helps > STANDARD_ERRORS * doubt and gain > STANDARD_ERRORS * se:
                used.append(which)
                moved, stood = slopes(table.real, table.beyond, table.goals).tolist()
                effects[which, name] = (moved, stood)
        verdicts.append(_verdict(name, used, figure, best[1]))
    return Effects(effects), verdicts


@dataclass(frozen=True)
class _Markets:
    """Means over the goals of one period and scope, a row a market: people differ within it by themselves."""

    period: Floats
    real: Floats
    """(n, 2): the signal's move while the goals ran, and where it stood before."""
    placebo: Floats
    beyond: Floats
    goals: Floats


def _markets(signals: Signals, name: str, panel: Panel, goals: Ints, beyond: Floats) -> _Markets:
    """The markets of ``goals``, of one metric; a signal of everywhere has one a period."""
    made, last = panel.made[goals], panel.last[goals]
    scope = panel.scopes[goals] if signals.has_scopes(name) else np.full(len(goals), "", dtype=object)
    member, period = pd.factorize(pd.factorize(scope)[0] * float(APART) + last)
    count = np.bincount(member, minlength=len(period)).astype(np.float64)

    def means(late: int) -> Floats:
        moved = signals.surprise(name, scope, made - late, last + 1 - late)
        stood = np.nan_to_num(signals.level(name, scope, made - late))
        return np.stack([np.bincount(member, x, minlength=len(period)) / count for x in (moved, stood)], axis=1)

    beyond = np.bincount(member, beyond, minlength=len(period)) / count
    return _Markets(np.asarray(period % APART), means(0), means(LATE_DAYS), beyond, count)


def _gains(table: _Markets, periods: Floats) -> tuple[list[float], list[float]]:
    """By how much each market of ``periods`` is forecast better than without a signal, and than with the placebo, from earlier
    periods; markets weigh in with the root of how many goals they have."""
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


def _verdict(name: str, used: Sequence[str], gain: float, se: float) -> SignalVerdict:
    figure = "" if np.isnan(gain) else f" ({gain:+.4f} ± {se:.4f})"
    if used:
        which = ", ".join(used)
        en = f"{name} is used for {which}: past goals are forecast better with it than without it and with its placebo{figure}"
        zh = f"{name} 用于 {'、'.join(used)}：加入后对以往目标的预测优于不加入，也优于其安慰剂{figure}"
    else:
        en = f"{name} is not used: past goals are not forecast surely better with it than without it and with its placebo{figure}"
        zh = f"未采用 {name}：加入后对以往目标的预测未能确实优于不加入及其安慰剂{figure}"
    return SignalVerdict(name, bool(used), tuple(used), gain, se, zh, en)

"""External signals as they were known at a day, and whether one is worth using.

A signal is a relative change by month (0.05 is +5 %), of a scope or of everywhere. Values published later, and corrections made
later, are not looked at. A signal is used for a metric only if it makes the final values of past goals, forecast from earlier
ones, more exact than no signal does, and more than its own placebo: the same signal, one period late (a permutation in
time: Ernst 2004).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.evidence.sources import Data

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]
STANDARD_ERRORS = 2.0
"""By how many a signal must beat its placebo."""
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
        return tuple(sorted(set(self.rows["name"])))

    def has_scopes(self, name: str) -> bool:
        """Whether the signal differs by scope."""
        return bool((self.rows.loc[self.rows["name"] == name, "scope"] != "").any())

    def level(self, name: str, scope: npt.NDArray[np.object_], day: Floats) -> Floats:
        """Log of one plus the newest month's value known before each ``day``, in each ``scope``, else everywhere (n,)."""
        rows = self.rows[self.rows["name"] == name]
        out = np.full(len(day), np.nan)
        for place in dict.fromkeys(scope.tolist()):
            chosen = rows[rows["scope"] == (place if (rows["scope"] == place).any() else "")]
            if not len(chosen):
                continue
            # The newest month so far, at each time that something became known.
            known = chosen["known"].to_numpy(dtype=np.float64)
            month = chosen["month"].to_numpy(dtype=np.float64)
            newest = month >= np.maximum.accumulate(month)
            value = pd.Series(np.where(newest, chosen["value"], np.nan)).ffill().to_numpy(dtype=np.float64)
            here = scope == place
            at = np.searchsorted(known, day[here], side="left") - 1
            out[here] = np.where(at >= 0, np.log1p(np.maximum(value[np.maximum(at, 0)], -0.99)), np.nan)
        return out

    def surprise(self, name: str, scope: npt.NDArray[np.object_], made: Floats, day: Floats) -> Floats:
        """By how much the signal moved between the days ``made`` and ``day``, in log points; 0 where it is not known (n,)."""
        return np.nan_to_num(self.level(name, scope, day) - self.level(name, scope, made))


@dataclass(frozen=True)
class Effects:
    """How far each metric follows each signal that is used for it, in log points of the final for a log point of the signal.

    Apart for the signal's move since the target was set, which may move the target, and for where it stood then, which
    whoever set it could know.
    """

    of: Mapping[tuple[str, str], tuple[float, float]]
    """(metric, signal) -> (of its move since, of where it stood)."""

    def total(self, signals: Signals, metric: Names, scope: Names, made: Floats, day: Floats) -> Floats:
        """What the signals' moves between ``made`` and ``day`` do to each goal, in log points (n,)."""
        out = np.zeros(len(metric))
        for (which, name), (moved, _) in self.of.items():
            here = metric == which
            out[here] += moved * signals.surprise(name, scope[here], made[here], day[here])
        return out

    def standing(self, signals: Signals, metric: Names, scope: Names, made: Floats) -> Floats:
        """What the signals' standing when the target was set does to each goal, in log points (n,)."""
        out = np.zeros(len(metric))
        for (which, name), (_, stood) in self.of.items():
            here = metric == which
            out[here] += stood * np.nan_to_num(signals.level(name, scope[here], made[here]))
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


def judge(
    signals: Signals, *, metric: Names, scope: Names, made: Floats, last: Floats, beyond: Floats
) -> tuple[Effects, list[SignalVerdict]]:
    """Which signals are used for which metric, learnt from finished goals (n,).

    ``beyond``: log(final / target) less what was usual for the owner, as known when the goal was made; ``made`` and ``last``:
    the days when its target was set and when it ended. Each period is forecast from earlier ones only.
    """
    effects: dict[tuple[str, str], tuple[float, float]] = {}
    verdicts = []
    for name in signals.names:
        used: list[str] = []
        best, figure = (np.nan, np.nan), np.nan
        real, placebo = (
            np.stack(
                [signals.surprise(name, scope, made - late, last + 1 - late), signals.level(name, scope, made - late)],
                axis=1,
            )
            for late in (0, LATE_DAYS)
        )
        for which in sorted(set(metric.tolist())):
            here = metric == which
            where = scope[here] if signals.has_scopes(name) else np.full(int(here.sum()), "", dtype=object)
            table = _markets(last[here], where, real[here], placebo[here], beyond[here])
            periods = np.unique(table.period)
            if len(periods) < FEWEST_PERIODS or not table.real[:, 0].any():
                continue
            plain, over = _gains(table, periods[FEWEST_PERIODS - 1 :])
            if len(over) < FEWEST_MARKETS:
                continue
            gain, se = float(np.mean(over)), float(np.std(over, ddof=1) / np.sqrt(len(over)))
            if not best[0] >= gain / max(se, 1e-12):
                best, figure = (gain / max(se, 1e-12), se), gain
            if np.mean(plain) > 0 and gain > STANDARD_ERRORS * se:
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


def _markets(period: Floats, scope: Names, real: Floats, placebo: Floats, beyond: Floats) -> _Markets:
    code, first, count = np.unique(
        pd.factorize(pd.MultiIndex.from_arrays([period, scope]))[0], return_index=True, return_counts=True
    )
    member = pd.factorize(pd.MultiIndex.from_arrays([period, scope]))[0]

    def mean(x: Floats) -> Floats:
        return np.asarray(np.bincount(member, x, minlength=len(code)) / count)

    def means(x: Floats) -> Floats:
        return np.stack([mean(np.nan_to_num(column)) for column in x.T], axis=1)

    return _Markets(period[first], means(real), means(placebo), mean(beyond), count.astype(np.float64))


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


def _verdict(name: str, used: Sequence[str], gain: float, se: float) -> SignalVerdict:
    figure = "" if np.isnan(gain) else f" ({gain:+.4f} ± {se:.4f})"
    if used:
        en = f"{name} is used for {', '.join(used)}: past goals are forecast better with it than with its own placebo{figure}"
        zh = f"{name} 用于 {'、'.join(used)}：加入后对以往目标的预测优于其安慰剂{figure}"
    else:
        en = f"{name} is not used: it forecasts past goals no better than its own placebo{figure}"
        zh = f"未采用 {name}：对以往目标的预测不优于其安慰剂{figure}"
    return SignalVerdict(name, bool(used), tuple(used), gain, se, zh, en)

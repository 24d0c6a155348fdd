"""How each goal in force will end: from its own progress, its owner's habit, the season, and signals that proved useful.

The final is what was reached so far and the rest of the period. The rest is its share of the target, times

- what is *usual* for the owner: the mean attainment of earlier goals, pulled towards that of the metric (Efron & Morris 1975),
  or, as far as it forecast past goals better, what the owner reached on the same days a year before, times the growth since;
- what the *signals* used for the metric did since the target was set;
- how far the owner is *ahead so far* of these two, as much of it as lasted in past periods.

All weights come from goals that had ended before the origin. Intervals are the errors of the same forecast at past origins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.advice.targets.conformal import COVERAGE, Errors
from perfml.advice.targets.panel import APART, Panel
from perfml.advice.targets.signals import Effects, Names, Signals, SignalVerdict, judge
from perfml.evidence.features import Progress
from perfml.evidence.sources import Data
from perfml.project.target_policy import TargetPolicy

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
YEAR = 364
"""Days back to the same weekdays a year before."""
TREND_DAYS = 182
"""Growth is measured over so many days, against the same ones a year before."""
TREND_KEPT = 0.7
"""Of which so much is expected to go on: growth fades (Gardner & McKenzie 1985, damped trend)."""
ENDED = 0.9
"""A goal's last measurement stands for its final where it lies in the last tenth of the period."""
PRIOR_GOALS, PRIOR_OWNERS = 3, 10
"""An owner's habit is believed as if so many further goals had been usual; a metric's as if so many others had been."""
LASTS = 0.5
"""Of being ahead so far, what is taken to last before past goals say."""
TYPICAL = 0.1
"""How far, in log points, people typically are ahead or behind."""
FEWEST_PEERS = 5
RECENT_PERIODS = 6
"""Intervals are the errors of the last so many periods."""
PARTS = (0.25, 0.5, 0.75)
"""Shares of a period at which past forecasts are looked at."""


@dataclass(frozen=True)
class Forecasts:
    """The forecast of every goal in force at ``as_of``, a row a goal (``frame``), ordered by goal_id.

    Columns: goal_id, employee_id, metric, scope, target, period_start, period_end; ``gone``, share of the period passed;
    ``actual``, the last known, and ``measured_at``; ``expected``, ``low``, ``high``, the final in the goal's unit with its 80 %
    interval; ``log_sd``; in log points ``market`` (what signals did since the target was set), ``season`` (of the period, as
    far as the target does not contain it), ``peers`` (how the others on the metric and scope stand against what is usual for
    them, missing with fewer than five), ``own_usual`` (what is usual for the owner, against the metric); ``method``.
    """

    as_of: dt.date
    frame: pd.DataFrame
    signals: tuple[SignalVerdict, ...]
    errors: Errors

    def probability(self, target: Floats) -> Floats:
        """P(final >= target), a target for each row (n,); missing without a forecast."""
        expected = self.frame["expected"].to_numpy(dtype=np.float64)
        gone = self.frame["gone"].to_numpy(dtype=np.float64)
        found = self.errors.exceeds(gone, np.log(target / expected))
        actual = self.frame["actual"].to_numpy(dtype=np.float64)
        return np.where(actual >= target, np.fmax(found, 0.995), found)  # reached already

    def target_at(self, probability: float) -> Floats:
        """The target that is reached with ``probability`` (n,); missing without a forecast."""
        expected = self.frame["expected"].to_numpy(dtype=np.float64)
        gone = self.frame["gone"].to_numpy(dtype=np.float64)
        return np.asarray(expected * np.exp(self.errors.at(gone, 1 - probability)))


def forecast(data: Data, policy: TargetPolicy, as_of: dt.date, *, progress: Progress | None = None) -> Forecasts:
    """The forecast of each goal that is in its period at ``as_of``, from what was known before; see :class:`Forecasts`."""
    model = Model.of(data, policy, as_of)
    day = float((as_of - dt.date(1970, 1, 1)).days)
    errors = model.errors(day, progress=progress)
    made = model.at(day)
    first, last = model.first, model.last
    running = np.flatnonzero((first < day) & (last >= day))
    goals = model.panel.goals.iloc[running]
    low, high = (
        made.expected[running] * np.exp(errors.at(made.gone[running], q))
        for q in ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    )
    frame = pd.DataFrame(
        {
            **{name: goals[name].to_numpy() for name in ("goal_id", "employee_id", "metric", "scope", "target")},
            "period_start": _dates(first[running]),
            "period_end": _dates(last[running]),
            "gone": made.gone[running],
            "actual": made.actual[running],
            "measured_at": _dates(made.measured[running]),
            "expected": made.expected[running],
            "low": low,
            "high": high,
            "log_sd": errors.spread(made.gone[running]),
            "market": made.market[running],
            "season": made.season[running],
            "peers": _peers(made.ahead + made.market, goals, running),
            "own_usual": made.habit[running],
            "method": np.where(made.yearly[running] > 0.5, "last year and growth", "habit and progress"),
        }
    )
    return Forecasts(as_of, frame, tuple(made.verdicts), errors)


@dataclass(frozen=True)
class Made:
    """A forecast at one day of all goals of a panel; arrays over goals, those that were not running then included."""

    gone: Floats
    measured: Floats
    actual: Floats
    expected: Floats
    market: Floats
    season: Floats
    ahead: Floats
    """How far the owner is ahead so far of what is usual and of the signals, in log points; missing without progress."""
    habit: Floats
    yearly: Floats
    """How much of what is usual comes from the year before."""
    verdicts: Sequence[SignalVerdict]


@dataclass(frozen=True)
class _Usual:
    """What is usual, by goal: habit in log points of the target, growth since a year before, and how much the year counts."""

    habit: Floats
    trend: Floats
    blend: Floats


@dataclass(frozen=True)
class Model:
    """Everything that forecasts at a day, and at days before it, are made from."""

    panel: Panel
    signals: Signals

    @classmethod
    def of(cls, data: Data, policy: TargetPolicy, as_of: dt.date) -> Model:
        """From what was known before ``as_of``."""
        return cls(Panel.of(data, as_of, policy.forecast.history), Signals.of(data, as_of))

    @property
    def first(self) -> Floats:
        """First day of each goal's period."""
        return self.panel.goals["first"].to_numpy(dtype=np.float64)

    @property
    def last(self) -> Floats:
        """Last day of each goal's period."""
        return self.panel.goals["last"].to_numpy(dtype=np.float64)

    @property
    def target(self) -> Floats:
        """Each goal's target."""
        return self.panel.goals["target"].to_numpy(dtype=np.float64)

    @property
    def metric(self) -> Names:
        """Each goal's metric."""
        return self.panel.goals["metric"].to_numpy(dtype=object)

    @property
    def scope(self) -> Names:
        """Each goal's scope, '' without one."""
        return self.panel.goals["scope"].to_numpy(dtype=object)

    @property
    def made(self) -> Floats:
        """The day on which each goal's target was set, but not before its period began."""
        return np.asarray(np.maximum(self.panel.goals["made"].to_numpy(dtype=np.float64), self.first))

    def finals(self, day: float) -> Floats:
        """The final of each goal that had ended before ``day``, its last measurement; missing for the others (n,)."""
        measured, actual = self.panel.last_measured(day)
        share = (measured - self.first + 1) / (self.last - self.first + 1)
        return np.asarray(np.where((self.last < day) & (share >= ENDED) & (actual > 0), actual, np.nan))

    def _ends(self, day: float) -> Floats:
        """The day of each goal's last measurement: as long before its end as is usual on the metric (n,)."""
        measured, _ = self.panel.last_measured(day)
        early = pd.Series(np.where(np.isnan(self.finals(day)), np.nan, self.last - measured))
        usual = early.groupby(self.panel.goals["metric"].to_numpy()).transform("median").fillna(0.0)
        return np.asarray(self.last - np.floor(usual.to_numpy(dtype=np.float64)))

    def at(self, day: float) -> Made:
        """The forecast of every goal at ``day``, from what was known before."""
        goals, first, last, target = self.panel.goals, self.first, self.last, self.target
        ends = self._ends(day)
        made_on, metric, scope = self.made, self.metric, self.scope
        measured, actual = self.panel.last_measured(day)
        actual = np.where(measured >= first, actual, np.nan)
        upto = np.where(np.isnan(actual), first - 1, np.minimum(measured, ends))
        gone = (upto - first + 1) / (ends - first + 1)
        final = self.finals(day)
        with np.errstate(divide="ignore", invalid="ignore"):
            attained = np.log(final / target)
            habit, level = self._habits(attained)
            every = np.arange(len(goals))
            trend = self._trend(made_on)
            yearly = np.log(self._year(every, first - 1, last) / target) + trend
            blend = self._blend(attained, habit + level, yearly, metric)
            base = _Usual(habit + level, trend, blend)
            usual = _mixed(base.habit, yearly, blend)
            over = np.flatnonzero(~np.isnan(attained - usual))
            effects, verdicts = judge(
                self.signals,
                metric=metric[over],
                scope=scope[over],
                made=made_on[over],
                last=last[over],
                beyond=(attained - usual)[over],
            )
            base = replace(base, habit=base.habit + effects.standing(self.signals, metric, scope, made_on))
            market = effects.total(self.signals, metric, scope, made_on, np.full(len(goals), day))
            usual_before, usual_rest = self._parts(every, upto, ends, base)
            so_far = effects.total(self.signals, metric, scope, made_on, (first + upto) / 2)
            ahead = np.log(actual / (target * gone)) - usual_before - so_far
            lasts = self._lasts(day, final, ends, base, effects)
            rest = target * (1 - gone) * np.exp(usual_rest + market + lasts * np.nan_to_num(ahead))
            expected = np.nan_to_num(actual) + np.where(gone < 1, rest, 0.0)
        season = self._season(first, last, blend)
        return Made(
            gone,
            measured,
            actual,
            expected,
            market,
            season,
            ahead,
            habit,
            np.where(np.isnan(yearly), 0.0, blend),
            verdicts,
        )

    def errors(self, day: float, *, progress: Progress | None = None) -> Errors:
        """The errors of forecasts at :data:`PARTS` of the last :data:`RECENT_PERIODS` that had ended before ``day``."""
        gone, error, which = self.past(day, recent=RECENT_PERIODS, progress=progress)
        return Errors.of(gone, error, self.first[which["goal"].to_numpy(dtype=np.int64)])

    def past(
        self, day: float, *, recent: int | None = None, progress: Progress | None = None
    ) -> tuple[Floats, Floats, pd.DataFrame]:
        """(gone, log(final / expected), which goal and origin) of forecasts in past periods (the ``recent`` last; default: all),
        each from what was known at its origin."""
        final = self.finals(day)
        periods = np.unique(np.stack([self.last, self.first], axis=1)[~np.isnan(final)], axis=0)
        periods = periods[:, ::-1] if recent is None else periods[-recent:, ::-1]
        found: list[tuple[Floats, Floats, pd.DataFrame]] = []
        for number, (first, last) in enumerate(periods):
            if progress:
                progress("past forecasts", number, len(periods))
            here = np.flatnonzero((self.first == first) & (self.last == last) & ~np.isnan(final))
            for part in PARTS:
                origin = float(np.ceil(first + part * (last - first + 1)))
                made = self.at(origin)
                error = np.log(final[here] / made.expected[here])
                which = pd.DataFrame({"goal": here, "origin": origin, "part": part})
                found.append((made.gone[here], error, which))
        if progress:
            progress("past forecasts", len(periods), len(periods))
        if not found:
            return np.zeros(0), np.zeros(0), pd.DataFrame({"goal": [], "origin": [], "part": []})
        gone, error = (np.concatenate([part[i] for part in found]) for i in (0, 1))
        return gone, error, pd.concat([part[2] for part in found], ignore_index=True)

    def _habits(self, attained: Floats) -> tuple[Floats, Floats]:
        """What is usual for each goal's owner against the metric, and for the metric, in log points (n,), (n,).

        Both from goals that had ended before the goal began: its own final, and later ones, do not enter.
        """
        goals = self.panel.goals
        level = _before(goals["metric"], self.first, self.last, attained, PRIOR_OWNERS)
        owner = goals["employee_id"] + "\n" + goals["metric"]
        return _before(owner, self.first, self.last, attained - level, PRIOR_GOALS), level

    def _year(self, place: Ints, after: Floats, until: Floats) -> Floats:
        """What the owners of the goals at ``place`` reached a year before these days; missing where history lacks them."""
        return self.panel.series.between(self.panel.owner[place], after - YEAR, until - YEAR)

    def _trend(self, made_on: Floats) -> Floats:
        """Growth against the year before, as known when the target was set, as far as it is expected to go on (n,)."""
        series, owner, upto = self.panel.series, self.panel.owner, made_on - 1
        now = series.between(owner, upto - TREND_DAYS, upto)
        then = series.between(owner, upto - TREND_DAYS - YEAR, upto - YEAR)
        return np.asarray(TREND_KEPT * np.clip(np.nan_to_num(np.log(now / then)), -1, 1))

    def _parts(self, place: Ints, upto: Floats, ends: Floats, base: _Usual) -> tuple[Floats, Floats]:
        """What is usual until ``upto`` and after it, in log points of their shares of the target; of the goals at ``place``."""
        first, last, target = self.first[place], self.last[place], self.target[place]
        gone = (upto - first + 1) / (ends - first + 1)
        shares = ((first - 1, upto, gone), (upto, last, 1 - gone))
        before, rest = (
            _mixed(
                base.habit[place],
                np.log(self._year(place, a, b) / (target * share)) + base.trend[place],
                base.blend[place],
            )
            for a, b, share in shares
        )
        return before, rest

    def _blend(self, attained: Floats, habit: Floats, yearly: Floats, metric: npt.NDArray[np.object_]) -> Floats:
        """Of what is usual, the share that the year before says, by metric (n,): the weight under which past goals are forecast
        best, from 0 to 1; where none has ended, all of it."""
        out = np.ones(len(metric))
        for which in dict.fromkeys(metric.tolist()):
            here = metric == which
            known = here & ~np.isnan(attained) & ~np.isnan(yearly)
            apart = (yearly - habit)[known]
            if known.sum() and apart @ apart > 0:
                share = (apart @ (attained - habit)[known]) / (apart @ apart)
                n = known.sum()
                out[here] = np.clip((share * n + PRIOR_OWNERS) / (n + PRIOR_OWNERS), 0, 1)
        return out

    def _lasts(self, day: float, final: Floats, ends: Floats, base: _Usual, effects: Effects) -> float:
        """Of being ahead so far, the share that lasted in goals that had ended before ``day``: 0 to 1."""
        ended = ~np.isnan(final)
        rows = self.panel.measured
        rows = rows[(rows["known"] < day).to_numpy() & ended[rows["goal"].to_numpy(dtype=np.int64)]]
        measured, actual = (rows[name].to_numpy(dtype=np.float64) for name in ("day", "actual"))
        place = rows["goal"].to_numpy(dtype=np.int64)
        first, target = self.first[place], self.target[place]
        gone = (measured - first + 1) / (ends[place] - first + 1)
        usual_before, usual_rest = self._parts(place, measured, ends[place], base)
        so_far, then = (
            effects.total(self.signals, self.metric[place], self.scope[place], self.made[place], when)
            for when in ((first + measured) / 2, measured + 1)
        )
        ahead = np.log(actual / (target * gone)) - usual_before - so_far
        rest = np.log((final[place] - actual) / (target * (1 - gone))) - usual_rest - then
        ok = np.isfinite(rest) & np.isfinite(ahead) & (gone > 0.1) & (gone < 0.95)
        x, y = np.clip(ahead[ok], -1, 1), np.clip(rest[ok], -1, 1)
        prior = PRIOR_OWNERS * TYPICAL**2
        return float(np.clip((x @ y + LASTS * prior) / (x @ x + prior), 0.0, 1.0))

    def _season(self, first: Floats, last: Floats, blend: Floats) -> Floats:
        """How a period stands against the whole year, as far as the target does not say so; in log points, 0 where unknown.

        Of all owners on the metric with the same period: one owner's best quarter is no season.
        """
        series, owner = self.panel.series, self.panel.owner
        whole = series.between(owner, last - YEAR - YEAR, last - YEAR) * (last - first + 1) / YEAR
        with np.errstate(divide="ignore", invalid="ignore"):
            index = np.log(series.between(owner, first - 1 - YEAR, last - YEAR) / whole)
        year = pd.DataFrame({"metric": self.panel.goals["metric"], "first": first, "last": last, "index": index})
        together = year.groupby(["metric", "first", "last"])["index"].transform("median").to_numpy(dtype=np.float64)
        daily = np.log(self.target / (last - first + 1))
        mean = pd.Series(daily).groupby([self.panel.goals["employee_id"], self.panel.goals["metric"]]).transform("mean")
        often = (
            pd.Series(daily).groupby([self.panel.goals["employee_id"], self.panel.goals["metric"]]).transform("size")
            >= 4
        )
        contained = np.where(often, daily - mean.to_numpy(dtype=np.float64), 0.0)
        return np.nan_to_num(np.where(np.isnan(index), np.nan, blend * (together - contained)))


def _before(group: pd.Series[str], first: Floats, last: Floats, value: Floats, prior: int) -> Floats:
    """The mean ``value`` in the group over goals that had ended before each began, pulled towards nought by ``prior`` goals."""
    known = ~np.isnan(value)
    code = pd.factorize(group)[0].astype(np.float64) * APART
    order = np.argsort((code + last)[known], kind="stable")
    ends = (code + last)[known][order]
    total, count = (np.concatenate([[0.0], np.cumsum(x)]) for x in (value[known][order], np.ones(len(ends))))
    upto, since = np.searchsorted(ends, code + first, side="left"), np.searchsorted(ends, code, side="left")
    return np.asarray((total[upto] - total[since]) / (count[upto] - count[since] + prior))


def _mixed(habit: Floats, yearly: Floats, blend: Floats) -> Floats:
    return np.where(np.isfinite(yearly), blend * np.nan_to_num(yearly) + (1 - blend) * habit, habit)


def _peers(ahead: Floats, goals: pd.DataFrame, running: Ints) -> Floats:
    """The median of the others on the same metric and scope, a row a running goal; missing with fewer than five others."""
    mine = ahead[running]
    out = np.full(len(mine), np.nan)
    code = goals.groupby(["metric", "scope"]).ngroup().to_numpy()
    for group in range(code.max(initial=-1) + 1):
        here = np.flatnonzero(code == group)
        known = here[~np.isnan(mine[here])]
        if len(known) > FEWEST_PEERS:
            order = np.sort(mine[known])
            # Without one of them the middle is another place: each place before the one taken out moves up by one.
            rest, rank = len(order) - 1, np.searchsorted(order, mine[known])
            middle = [place + (rank <= place) for place in ((rest - 1) // 2, rest // 2)]
            out[here] = np.median(order)
            out[known] = (order[middle[0]] + order[middle[1]]) / 2
    return out


def _dates(days: Floats) -> npt.NDArray[np.datetime64]:
    known = ~np.isnan(days)
    out = np.full(len(days), np.datetime64("NaT", "D"))
    out[known] = days[known].astype(np.int64).astype("M8[D]")
    return out.astype("M8[s]")

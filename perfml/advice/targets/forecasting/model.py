"""The forecast as of a day, and forecasts as of earlier days, each from what was known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.baseline import PRIOR_OWNERS, SeasonalBaseline, a_year_before
from perfml.advice.targets.forecasting.conformal import Errors
from perfml.advice.targets.forecasting.panel import GoalRecord, Panel
from perfml.advice.targets.forecasting.series import SERIES_STRIDE
from perfml.advice.targets.forecasting.signals import Effects, Signals, SignalVerdict, judge
from perfml.advice.targets.ledger import MEASURED_SHARE
from perfml.arrays import Floats, Indexes
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

EPOCH = dt.date(1970, 1, 1)
PRIOR_PERSISTENCE = 0.5
"""Share of a lead that is assumed to persist before past goals show it."""
TYPICAL = 0.1
"""Typical size of a lead, in log points."""
RECENT_PERIODS = 6
"""Number of recent periods whose errors make the intervals."""
BACKTEST_ORIGINS = (0.25, 0.5, 0.75)
"""Shares of a period at which the back-test evaluates forecasts."""
ORIGINS = (0.03, *BACKTEST_ORIGINS, 0.9)
"""Shares of a period at which errors are measured: also before any measurement, and shortly before the end."""


@dataclass(frozen=True, kw_only=True)
class ForecastState:
    """The forecast of all goals of a panel as of a day, those not running included; arrays over goals (n,)."""

    panel: Panel
    baseline: SeasonalBaseline
    elapsed: Floats
    measured: Floats
    actual: Floats
    expected: Floats
    market: Floats
    lead: Floats
    """Progress relative to the baseline and the signals so far, in log points; missing without progress."""
    verdicts: Sequence[SignalVerdict]


@dataclass(frozen=True)
class AttainmentModel:
    """The record and the signals that forecasts as of a day, and of earlier days, are computed from."""

    record: GoalRecord
    signals: Signals

    @classmethod
    def of(cls, data: Data, policy: TargetPolicy, as_of: dt.date) -> AttainmentModel:
        """Read what was known before ``as_of``."""
        return cls(GoalRecord.of(data, as_of, policy.forecast.history), Signals.of(data, as_of))

    def at(self, day: float) -> ForecastState:
        """Forecast every goal as of ``day``, from what was known before."""
        panel = self.record.at(day)
        first, target = panel.first, panel.target
        final, ends = finals(panel, day), _ends(panel, day)
        measured, actual = panel.last_measured()
        actual = np.where(measured >= first, actual, np.nan)
        upto = np.where(np.isnan(actual), first - 1, np.minimum(measured, ends))
        elapsed = (upto - first + 1) / (ends - first + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            baseline = SeasonalBaseline.of(panel, np.log(final / target), day)
            beyond = np.log(final / target) - baseline.whole()
            effects, verdicts = judge(self.signals, panel, beyond)
            baseline = replace(baseline, level=baseline.level + effects.standing(self.signals, panel))
            every = np.arange(len(first))
            market = effects.moved(self.signals, panel, goal=every, day=np.full(len(first), day))
            before, after = baseline.parts(every, upto, ends)
            so_far = effects.moved(self.signals, panel, goal=every, day=(first + upto) / 2)
            lead = np.log(actual / (target * elapsed)) - before - so_far
            persistence = self._persistence(baseline, effects, final=final, ends=ends)
            rest = target * (1 - elapsed) * np.exp(after + market + persistence * np.nan_to_num(lead))
        expected = np.nan_to_num(actual) + np.where(elapsed < 1, rest, 0.0 * target)
        return ForecastState(
            panel=panel,
            baseline=baseline,
            elapsed=elapsed,
            measured=measured,
            actual=actual,
            expected=expected,
            market=market,
            lead=lead,
            verdicts=verdicts,
        )

    def errors(self, day: float, *, progress: Progress = SILENT) -> Errors:
        """The errors of forecasts at :data:`ORIGINS` of the last :data:`RECENT_PERIODS` that had ended before ``day``."""
        return self.errors_of(self.past(day, recent=RECENT_PERIODS, progress=progress), day)

    def errors_of(self, past: pd.DataFrame, day: float) -> Errors:
        """The errors of the ``past`` forecasts that :meth:`judged` selects."""
        return errors_of(self.judged(past, day))

    def judged(self, past: pd.DataFrame, day: float) -> pd.DataFrame:
        """The ``past`` forecasts in the last :data:`RECENT_PERIODS` whose finals were known before ``day``, with their ``error``,
        log(final / expected), the code of their ``period``, and ``metric`` and ``scope``."""
        goal = past["goal"].to_numpy(dtype=np.int64)
        final = finals(self.record.at(day), day)[goal]
        period = past["last"].to_numpy() * SERIES_STRIDE + past["first"].to_numpy()
        of = self.record.goals.iloc[goal]
        rows: pd.DataFrame = past.assign(
            error=np.log(final / past["expected"]),
            period=period.astype(np.float64),
            metric=of["metric"].to_numpy(dtype=object),
            scope=of["scope"].to_numpy(dtype=object),
        )[~np.isnan(final)]
        recent: pd.DataFrame = rows[np.isin(rows["period"], np.unique(rows["period"])[-RECENT_PERIODS:])]
        return recent

    def past(
        self,
        day: float,
        *,
        recent: int | None = None,
        parts: Sequence[float] = ORIGINS,
        progress: Progress = SILENT,
    ) -> pd.DataFrame:
        """Forecasts in past periods (the last ``recent``; default: all), each from what was known at its origin.

        One row per goal and origin: ``goal`` (row of the record), ``part``, ``origin``, ``first``, ``last``, ``elapsed``;
        ``target``, ``expected`` and ``naive`` (:func:`seasonal_naive`) as of the origin; and ``final``.
        """
        panel = self.record.at(day)
        final = finals(panel, day)
        periods = np.unique(np.stack([panel.last, panel.first], axis=1)[~np.isnan(final)], axis=0)
        periods = periods if recent is None else periods[-recent:]
        frames = []
        for number, (last, first) in enumerate(periods.tolist()):
            progress("past forecasts", number, len(periods))
            goals = np.flatnonzero((panel.first == first) & (panel.last == last) & ~np.isnan(final))
            frames += [self._past(goals, final, part=part, period=(first, last)) for part in parts]
        progress("past forecasts", len(periods), len(periods))
        columns = ("goal", "part", "origin", "first", "last", "elapsed", "target", "expected", "naive", "final")
        if not frames:
            return pd.DataFrame({name: [] for name in columns}, dtype=float)
        return pd.concat(frames, ignore_index=True)

    def _past(self, goals: Indexes, final: Floats, *, part: float, period: tuple[float, float]) -> pd.DataFrame:
        first, last = period
        origin = float(np.ceil(first + part * (last - first + 1)))
        state = self.at(origin)
        rows = pd.DataFrame(
            {
                "goal": goals,
                "part": part,
                "origin": origin,
                "first": first,
                "last": last,
                "elapsed": state.elapsed[goals],
                "target": state.panel.target[goals],
                "expected": state.expected[goals],
                "naive": seasonal_naive(state)[goals],
                "final": final[goals],
            }
        )
        return rows[rows["expected"].notna()]  # missing: no version was in force

    def _persistence(self, baseline: SeasonalBaseline, effects: Effects, *, final: Floats, ends: Floats) -> float:
        """The share of a lead, 0 to 1, that persisted to the end in goals that had ended."""
        panel = baseline.panel
        rows = panel.measured
        rows = rows[~np.isnan(final)[rows["goal"].to_numpy(dtype=np.int64)]]
        measured, actual = (rows[name].to_numpy(dtype=np.float64) for name in ("day", "actual"))
        goal = rows["goal"].to_numpy(dtype=np.int64)
        first, target = panel.first[goal], panel.target[goal]
        elapsed = (measured - first + 1) / (ends[goal] - first + 1)
        before, after = baseline.parts(goal, measured, ends[goal])
        so_far = effects.moved(self.signals, panel, goal=goal, day=(first + measured) / 2)
        then = effects.moved(self.signals, panel, goal=goal, day=measured + 1)
        lead = np.log(actual / (target * elapsed)) - before - so_far
        rest = np.log((final[goal] - actual) / (target * (1 - elapsed))) - after - then
        usable = np.isfinite(rest) & np.isfinite(lead) & (elapsed > 0.1) & (elapsed < 0.95)
        x, y = np.clip(lead[usable], -1, 1), np.clip(rest[usable], -1, 1)
        prior = PRIOR_OWNERS * TYPICAL**2
        return float(np.clip((x @ y + PRIOR_PERSISTENCE * prior) / (x @ x + prior), 0.0, 1.0))


def errors_of(judged: pd.DataFrame) -> Errors:
    """The errors of forecasts that :meth:`AttainmentModel.judged` selected."""
    elapsed, error, part, period = (
        judged[name].to_numpy(dtype=np.float64) for name in ("elapsed", "error", "part", "period")
    )
    return Errors.of(elapsed, error, part=part, period=period)


def finals(panel: Panel, day: float) -> Floats:
    """The final of each goal that had ended before ``day``, its last measurement; missing for the others (n,)."""
    measured, actual = panel.last_measured()
    share = (measured - panel.first + 1) / (panel.last - panel.first + 1)
    return np.asarray(np.where((panel.last < day) & (share >= MEASURED_SHARE) & (actual > 0), actual, np.nan))


def seasonal_naive(state: ForecastState) -> Floats:
    """Progress so far plus what the owner achieved on the remaining days a year before; where that is not known, plus the rest
    of the period at the pace so far (n,)."""
    panel, first, last = state.panel, state.panel.first, state.panel.last
    upto = np.where(np.isnan(state.actual), first - 1, np.minimum(state.measured, last))
    share = (upto - first + 1) / (last - first + 1)
    year = a_year_before(panel, np.arange(len(first)), after=upto, until=last)
    paced = np.where(share > 0, state.actual / np.where(share > 0, share, 1) * (1 - share), panel.target)
    return np.asarray(np.nan_to_num(state.actual) + np.where(np.isnan(year), paced, year))


def _ends(panel: Panel, day: float) -> Floats:
    """The expected day of each goal's last measurement: its end less the median gap of the metric (n,)."""
    measured, _ = panel.last_measured()
    early = pd.Series(np.where(np.isnan(finals(panel, day)), np.nan, panel.last - measured))
    median = early.groupby(panel.metric).transform("median").fillna(0.0)
    return np.asarray(panel.last - np.floor(median.to_numpy(dtype=np.float64)))

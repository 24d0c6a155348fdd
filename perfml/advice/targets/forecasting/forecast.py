"""The expected final of each goal in force: from its progress, its owner's habit, the season, and signals that proved useful.

The final is the progress so far plus the rest of the period. The rest is its share of the target, times

- the *baseline* of the owner: the mean attainment of earlier goals, shrunk towards that of the metric (Efron & Morris 1975),
  blended, as far as it forecast past goals better, with the same days a year before times the growth since;
- the effect of the *signals* used for the metric since the target was set;
- the owner's *lead* over these two so far, times the share of a lead that persisted in past periods.

All weights come from goals that had ended before the origin. Intervals are the errors of the same forecast at past origins.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.conformal import COVERAGE, Errors
from perfml.advice.targets.forecasting.model import EPOCH, RECENT_PERIODS, AttainmentModel, errors_of
from perfml.advice.targets.forecasting.signals import SignalVerdict
from perfml.arrays import Dates, Floats, Ints
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

MIN_PEERS = 5


@dataclass(frozen=True)
class Forecasts:
    """The forecast of every goal in force at ``as_of``: one row per goal (``frame``), ordered by goal_id.

    Columns: goal_id, employee_id, metric, scope, target, period_start, period_end; ``gone``, elapsed share of the period;
    ``actual``, the last known, and ``measured_at``; ``expected``, ``low``, ``high``, the final in the goal's unit with its 80 %
    interval; ``log_sd``; in log points ``market`` (effect of signals since the target was set), ``season`` (of the period, as
    far as the target does not contain it), ``peers`` (median lead of the other goals on the metric and scope, market included;
    missing with fewer than five), ``own_usual`` (the owner's habit relative to the metric); ``method``.
    """

    as_of: dt.date
    frame: pd.DataFrame
    signals: tuple[SignalVerdict, ...]
    errors: Errors
    past: pd.DataFrame
    """The past forecasts that ``errors`` come from: see :meth:`.model.AttainmentModel.judged`."""

    def probability(self, target: Floats) -> Floats:
        """P(final >= target), one target per row (n,); missing without a forecast."""
        expected = self.frame["expected"].to_numpy(dtype=np.float64)
        elapsed = self.frame["gone"].to_numpy(dtype=np.float64)
        probability = self.errors.exceeds(elapsed, np.log(target / expected))
        actual = self.frame["actual"].to_numpy(dtype=np.float64)
        return np.where(actual >= target, np.fmax(probability, 0.995), probability)  # already reached

    def target_at(self, probability: float) -> Floats:
        """The target that is reached with ``probability`` (n,); missing without a forecast."""
        expected = self.frame["expected"].to_numpy(dtype=np.float64)
        elapsed = self.frame["gone"].to_numpy(dtype=np.float64)
        return np.asarray(expected * np.exp(self.errors.at(elapsed, 1 - probability)))


def forecast(data: Data, policy: TargetPolicy, as_of: dt.date, *, progress: Progress = SILENT) -> Forecasts:
    """Forecast each goal in its period at ``as_of``, from what was known before; see :class:`Forecasts`."""
    key = ("forecast", policy.model_dump_json(), as_of)
    return data.once(key, lambda: _forecast(data, policy, as_of, progress=progress))


def _forecast(data: Data, policy: TargetPolicy, as_of: dt.date, *, progress: Progress) -> Forecasts:
    model = AttainmentModel.of(data, policy, as_of)
    day = float((as_of - EPOCH).days)
    past = model.judged(model.past(day, recent=RECENT_PERIODS, progress=progress), day)
    errors = errors_of(past)
    state = model.at(day)
    panel = state.panel
    running = np.flatnonzero((panel.first < day) & (panel.last >= day) & ~np.isnan(panel.target))
    goals = model.record.goals.iloc[running]
    low, high = (
        state.expected[running] * np.exp(errors.at(state.elapsed[running], q))
        for q in ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    )
    frame = pd.DataFrame(
        {
            **{name: goals[name].to_numpy() for name in ("goal_id", "employee_id", "metric", "scope")},
            "target": panel.target[running],
            "period_start": _dates(panel.first[running]),
            "period_end": _dates(panel.last[running]),
            "gone": state.elapsed[running],
            "actual": state.actual[running],
            "measured_at": _dates(state.measured[running]),
            "expected": state.expected[running],
            "low": low,
            "high": high,
            "log_sd": errors.spread(state.elapsed[running]),
            "market": state.market[running],
            "season": state.baseline.season()[running],
            "peers": _peers((state.lead + state.market)[running], panel.market[running]),
            "own_usual": state.baseline.own[running],
            "method": np.where(state.baseline.yearly()[running] > 0.5, "last year and growth", "habit and progress"),
        }
    )
    return Forecasts(as_of, frame, tuple(state.verdicts), errors, past)


def _peers(value: Floats, code: Ints) -> Floats:
    """The median ``value`` of the other goals with the same ``code``, one row per goal; missing with fewer than five others."""
    out = np.full(len(value), np.nan)
    for group in np.unique(code):
        rows = np.flatnonzero(code == group)
        known = rows[~np.isnan(value[rows])]
        if len(known) > MIN_PEERS:
            order = np.sort(value[known])
            # Leaving one out shifts the median: every rank at or above the one left out moves up by one.
            rest, rank = len(order) - 1, np.searchsorted(order, value[known])
            middle = [position + (rank <= position) for position in ((rest - 1) // 2, rest // 2)]
            out[rows] = np.median(order)
            out[known] = (order[middle[0]] + order[middle[1]]) / 2
    return out


def _dates(days: Floats) -> Dates:
    known = ~np.isnan(days)
    out = np.full(len(days), np.datetime64("NaT", "D"))
    out[known] = days[known].astype(np.int64).astype("M8[D]")
    return out.astype("M8[s]")

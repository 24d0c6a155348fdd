"""The forecast of a day, and the forecasts of days before it, each from what was known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perfml.advice.targets.conformal import Errors
from perfml.advice.targets.panel import Panel, Record
from perfml.advice.targets.series import APART
from perfml.advice.targets.signals import Effects, Signals, SignalVerdict, judge
from perfml.advice.targets.usual import PRIOR_OWNERS, Usual, a_year_before
from perfml.arrays import Floats, Indexes
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

EPOCH = dt.date(1970, 1, 1)
ENDED = 0.9
"""A goal's last measurement stands for its final where it lies in the last tenth of the period."""
LASTS = 0.5
"""Of being ahead so far, what is taken to last before past goals say."""
TYPICAL = 0.1
"""How far, in log points, people typically are ahead or behind."""
RECENT_PERIODS = 6
"""Intervals are the errors of the last so many periods."""
PARTS = (0.25, 0.5, 0.75)
"""Shares of a period at which the back-test judges forecasts."""
ORIGINS = (0.03, *PARTS, 0.9)
"""Shares of a period at which errors are looked at: also when nothing is measured yet, and shortly before the end."""


@dataclass(frozen=True)
class Made:
    """A forecast of all goals of a panel at a day; arrays over goals, those that were not running then included (n,)."""

    panel: Panel
    usual: Usual
    gone: Floats
    measured: Floats
    actual: Floats
    expected: Floats
    market: Floats
    ahead: Floats
    """How far the owner is ahead so far of what is usual and of the signals, in log points; missing without progress."""
    verdicts: Sequence[SignalVerdict]


@dataclass(frozen=True)
class Model:
    """Everything that forecasts of a day, and of days before it, are made from."""

    record: Record
    signals: Signals

    @classmethod
    def of(cls, data: Data, policy: TargetPolicy, as_of: dt.date) -> Model:
        """From what was known before ``as_of``."""
        return cls(Record.of(data, as_of, policy.forecast.history), Signals.of(data, as_of))

    def at(self, day: float) -> Made:
        """The forecast of every goal at ``day``, from what was known before."""
        panel = self.record.at(day)
        first, target = panel.first, panel.target
        final, ends = finals(panel, day), _ends(panel, day)
        measured, actual = panel.last_measured()
        actual = np.where(measured >= first, actual, np.nan)
        upto = np.where(np.isnan(actual), first - 1, np.minimum(measured, ends))
        gone = (upto - first + 1) / (ends - first + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            usual = Usual.of(panel, np.log(final / target), day)
            beyond = np.log(final / target) - usual.whole()
            effects, verdicts = judge(self.signals, panel, beyond)
            usual = replace(usual, level=usual.level + effects.standing(self.signals, panel))
            every = np.arange(len(first))
            market = effects.moved(self.signals, panel, every, np.full(len(first), day))
            before, after = usual.parts(every, upto, ends)
            so_far = effects.moved(self.signals, panel, every, (first + upto) / 2)
            ahead = np.log(actual / (target * gone)) - before - so_far
            lasts = self._lasts(usual, effects, final, ends)
            rest = target * (1 - gone) * np.exp(after + market + lasts * np.nan_to_num(ahead))
        expected = np.nan_to_num(actual) + np.where(gone < 1, rest, 0.0 * target)
        return Made(panel, usual, gone, measured, actual, expected, market, ahead, verdicts)

    def errors(self, day: float, *, progress: Progress = SILENT) -> Errors:
        """The errors of forecasts at :data:`ORIGINS` of the last :data:`RECENT_PERIODS` that had ended before ``day``."""
        return self.errors_of(self.past(day, recent=RECENT_PERIODS, progress=progress), day)

    def errors_of(self, past: pd.DataFrame, day: float) -> Errors:
        """The errors of ``past`` forecasts, of the last :data:`RECENT_PERIODS` whose finals were known before ``day``."""
        final = finals(self.record.at(day), day)[past["goal"].to_numpy(dtype=np.int64)]
        rows = past.assign(error=np.log(final / past["expected"]))[~np.isnan(final)]
        period = rows["last"].to_numpy() * APART + rows["first"].to_numpy()
        rows, period = (x[np.isin(period, np.unique(period)[-RECENT_PERIODS:])] for x in (rows, period))
        gone, error, part = (rows[name].to_numpy(dtype=np.float64) for name in ("gone", "error", "part"))
        return Errors.of(gone, error, part=part, period=period)

    def past(
        self,
        day: float,
        *,
        recent: int | None = None,
        parts: Sequence[float] = ORIGINS,
        progress: Progress = SILENT,
    ) -> pd.DataFrame:
        """Forecasts in past periods (the ``recent`` last; default: all), each from what was known at its origin.

        A row a goal and origin: ``goal`` (its place), ``part``, ``origin``, ``first``, ``last``, ``gone``; ``target``,
        ``expected`` and ``naive`` (:func:`seasonal_naive`) as they were then; and ``final``.
        """
        panel = self.record.at(day)
        final = finals(panel, day)
        periods = np.unique(np.stack([panel.last, panel.first], axis=1)[~np.isnan(final)], axis=0)
        periods = periods if recent is None else periods[-recent:]
        found = []
        for number, (last, first) in enumerate(periods.tolist()):
            progress("past forecasts", number, len(periods))
            here = np.flatnonzero((panel.first == first) & (panel.last == last) & ~np.isnan(final))
            found += [self._past(here, final, part, first, last) for part in parts]
        progress("past forecasts", len(periods), len(periods))
        columns = ("goal", "part", "origin", "first", "last", "gone", "target", "expected", "naive", "final")
        return (
            pd.concat(found, ignore_index=True) if found else pd.DataFrame({name: [] for name in columns}, dtype=float)
        )

    def _past(self, here: Indexes, final: Floats, part: float, first: float, last: float) -> pd.DataFrame:
        origin = float(np.ceil(first + part * (last - first + 1)))
        made = self.at(origin)
        rows = pd.DataFrame(
            {
                "goal": here,
                "part": part,
                "origin": origin,
                "first": first,
                "last": last,
                "gone": made.gone[here],
                "target": made.panel.target[here],
                "expected": made.expected[here],
                "naive": seasonal_naive(made)[here],
                "final": final[here],
            }
        )
        return rows[rows["expected"].notna()]  # else no version was in force

    def _lasts(self, usual: Usual, effects: Effects, final: Floats, ends: Floats) -> float:
        """Of being ahead so far, the share that lasted in goals that had ended: 0 to 1."""
        panel = usual.panel
        rows = panel.measured
        rows = rows[~np.isnan(final)[rows["goal"].to_numpy(dtype=np.int64)]]
        measured, actual = (rows[name].to_numpy(dtype=np.float64) for name in ("day", "actual"))
        place = rows["goal"].to_numpy(dtype=np.int64)
        first, target = panel.first[place], panel.target[place]
        gone = (measured - first + 1) / (ends[place] - first + 1)
        before, after = usual.parts(place, measured, ends[place])
        so_far = effects.moved(self.signals, panel, place, (first + measured) / 2)
        then = effects.moved(self.signals, panel, place, measured + 1)
        ahead = np.log(actual / (target * gone)) - before - so_far
        rest = np.log((final[place] - actual) / (target * (1 - gone))) - after - then
        ok = np.isfinite(rest) & np.isfinite(ahead) & (gone > 0.1) & (gone < 0.95)
        x, y = np.clip(ahead[ok], -1, 1), np.clip(rest[ok], -1, 1)
        prior = PRIOR_OWNERS * TYPICAL**2
        return float(np.clip((x @ y + LASTS * prior) / (x @ x + prior), 0.0, 1.0))


def finals(panel: Panel, day: float) -> Floats:
    """The final of each goal that had ended before ``day``, its last measurement; missing for the others (n,)."""
    measured, actual = panel.last_measured()
    share = (measured - panel.first + 1) / (panel.last - panel.first + 1)
    return np.asarray(np.where((panel.last < day) & (share >= ENDED) & (actual > 0), actual, np.nan))


def seasonal_naive(made: Made) -> Floats:
    """What was reached, and for the rest what the owner reached on the same days a year before or, where that is not known, the
    rest at the pace so far (n,)."""
    panel, first, last = made.panel, made.panel.first, made.panel.last
    upto = np.where(np.isnan(made.actual), first - 1, np.minimum(made.measured, last))
    share = (upto - first + 1) / (last - first + 1)
    year = a_year_before(panel, np.arange(len(first)), upto, last)
    paced = np.where(share > 0, made.actual / np.where(share > 0, share, 1) * (1 - share), panel.target)
    return np.asarray(np.nan_to_num(made.actual) + np.where(np.isnan(year), paced, year))


def _ends(panel: Panel, day: float) -> Floats:
    """The day of each goal's last measurement: as long before its end as is usual on the metric (n,)."""
    measured, _ = panel.last_measured()
    early = pd.Series(np.where(np.isnan(finals(panel, day)), np.nan, panel.last - measured))
    usual = early.groupby(panel.metric).transform("median").fillna(0.0)
    return np.asarray(panel.last - np.floor(usual.to_numpy(dtype=np.float64)))

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
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.targets.conformal import COVERAGE, Errors
from perfml.advice.targets.model import EPOCH, Model
from perfml.advice.targets.signals import SignalVerdict
from perfml.arrays import Dates, Floats, Ints
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

FEWEST_PEERS = 5


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


def forecast(data: Data, policy: TargetPolicy, as_of: dt.date, *, progress: Progress = SILENT) -> Forecasts:
    """The forecast of each goal that is in its period at ``as_of``, from what was known before; see :class:`Forecasts`."""
    model = Model.of(data, policy, as_of)
    day = float((as_of - EPOCH).days)
    errors = model.errors(day, progress=progress)
    made = model.at(day)
    panel = made.panel
    running = np.flatnonzero((panel.first < day) & (panel.last >= day) & ~np.isnan(panel.target))
    goals = model.record.goals.iloc[running]
    low, high = (
        made.expected[running] * np.exp(errors.at(made.gone[running], q))
        for q in ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
    )
    frame = pd.DataFrame(
        {
            **{name: goals[name].to_numpy() for name in ("goal_id", "employee_id", "metric", "scope")},
            "target": panel.target[running],
            "period_start": _dates(panel.first[running]),
            "period_end": _dates(panel.last[running]),
            "gone": made.gone[running],
            "actual": made.actual[running],
            "measured_at": _dates(made.measured[running]),
            "expected": made.expected[running],
            "low": low,
            "high": high,
            "log_sd": errors.spread(made.gone[running]),
            "market": made.market[running],
            "season": made.usual.season()[running],
            "peers": _peers((made.ahead + made.market)[running], panel.market[running]),
            "own_usual": made.usual.own[running],
            "method": np.where(made.usual.yearly()[running] > 0.5, "last year and growth", "habit and progress"),
        }
    )
    return Forecasts(as_of, frame, tuple(made.verdicts), errors)


def _peers(mine: Floats, code: Ints) -> Floats:
    """The median of the others on the same metric and scope, a row a running goal; missing with fewer than five others."""
    out = np.full(len(mine), np.nan)
    for group in np.unique(code):
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


def _dates(days: Floats) -> Dates:
    known = ~np.isnan(days)
    out = np.full(len(days), np.datetime64("NaT", "D"))
    out[known] = days[known].astype(np.int64).astype("M8[D]")
    return out.astype("M8[s]")

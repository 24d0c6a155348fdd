"""Back-test of a target policy at past dates, against seasonal-naive: the same days of the year before, unchanged.

Each forecast uses what was known at its origin, and its interval the errors of earlier periods. Confidence intervals resample
owners (bootstrap; Field & Welsh 2007).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets.forecasting.model import BACKTEST_ORIGINS, EPOCH, AttainmentModel, finals
from perfml.advice.targets.forecasting.signals import Signals, SignalVerdict
from perfml.arrays import Floats, Indexes
from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

QUANTILES = (0.1, 0.5, 0.9)
DRAWS = 500
_ATTAINMENTS: Final = {"attained": "final", "predicted": "expected", "naive": "naive"}
Suggest = Callable[[dt.date], pa.Table]
"""Date -> suggestions, a table as of :func:`perfml.advice.targets.suggest.suggest`."""


@dataclass(frozen=True)
class ErrorFigure:
    """A figure with its 95 % interval over owners."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class OriginFigures:
    """Forecasts at one share of the period. Errors are of attainment, final / target."""

    part: float
    goals: int
    error: ErrorFigure
    """Mean absolute error."""
    mase: ErrorFigure
    """Mean absolute error divided by that of seasonal-naive (Hyndman & Koehler 2006); below 1 beats it."""
    pinball: dict[str, float]
    """Mean pinball loss of the quantiles (Koenker & Bassett 1978)."""
    coverage: ErrorFigure
    """Share of finals inside the 80 % interval."""


@dataclass(frozen=True)
class Directions:
    """Suggested changes of targets whose goals have ended since, and how many the final confirms by lying on the same side."""

    suggested: int
    confirmed: int
    by_chance: float
    """Expected confirmations of as many goals drawn at random on the same dates and moved in the same directions."""


@dataclass(frozen=True, kw_only=True)
class TargetBacktest:
    """The back-test of a target policy: figures by share of the period, verdicts on signals, and their ablation."""

    periods: int
    at: tuple[OriginFigures, ...]
    signals: tuple[SignalVerdict, ...]
    ablation: dict[str, float]
    """Signal used -> mean absolute error without it divided by that with it; above 1 it helps."""
    directions: Directions | None

    def to_json(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


def backtest(
    data: Data,
    policy: TargetPolicy,
    *,
    until: dt.date,
    suggest: Suggest | None = None,
    progress: Progress = SILENT,
) -> TargetBacktest:
    """Forecast every goal that had ended by ``until`` at each of ``BACKTEST_ORIGINS`` of its period.

    ``suggest``: if given, the directions of its suggestions at past dates are checked too. Raises :class:`DataError` if no
    period with measured goals has ended.
    """
    model, day = AttainmentModel.of(data, policy, until), float((until - EPOCH).days)
    rows = model.past(day, progress=progress)
    if not len(rows):
        raise DataError(
            "no period with measured goals has ended",
            where=f"{data.source} until {until}",
            remedy="give a longer record",
        )
    owner = model.record.goals["employee_id"].to_numpy()[rows["goal"].to_numpy(dtype=np.int64)]
    attainments = {name: rows[column] / rows["target"] for name, column in _ATTAINMENTS.items()}
    rows = _intervals(model, rows.assign(owner=owner, **attainments))
    rows = rows[rows["part"].isin(BACKTEST_ORIGINS)]
    verdicts = model.at(day).verdicts
    error = float(np.abs(rows["attained"] - rows["predicted"]).mean())
    ablation = {}
    for name in (verdict.name for verdict in verdicts if verdict.used):
        without = AttainmentModel(model.record, Signals(model.signals.rows[model.signals.rows["name"] != name]))
        past = without.past(day, parts=BACKTEST_ORIGINS)
        ablation[name] = float(((past["final"] - past["expected"]) / past["target"]).abs().mean()) / error
    return TargetBacktest(
        periods=len(rows.drop_duplicates(["first", "last"])),
        at=tuple(_figures(part, rows[rows["part"] == part]) for part in BACKTEST_ORIGINS),
        signals=tuple(verdicts),
        ablation=ablation,
        directions=None if suggest is None else _directions(model, day, suggest=suggest, progress=progress),
    )


def _intervals(model: AttainmentModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Add quantiles of attainment ``q0.1`` … from the errors known at each origin; missing with too few of them."""
    quantiles = np.full((len(QUANTILES), len(rows)), np.nan)
    origin, elapsed, predicted = (rows[name].to_numpy(dtype=np.float64) for name in ("origin", "elapsed", "predicted"))
    for day in np.unique(origin).tolist():
        now = origin == day
        errors = model.errors_of(rows, day)
        for number, q in enumerate(QUANTILES):
            quantiles[number, now] = predicted[now] * np.exp(errors.at(elapsed[now], q))
    return rows.assign(**{f"q{q}": row for q, row in zip(QUANTILES, quantiles, strict=True)})


def _figures(part: float, rows: pd.DataFrame) -> OriginFigures:
    attained = rows["attained"].to_numpy()
    off, naive = np.abs(attained - rows["predicted"].to_numpy()), np.abs(attained - rows["naive"].to_numpy())
    inside = (attained >= rows["q0.1"]) & (attained <= rows["q0.9"])
    known = rows["q0.1"].notna().to_numpy()
    owner = pd.factorize(rows["owner"])[0]
    pinball = {}
    for q in QUANTILES:
        over = (attained - rows[f"q{q}"].to_numpy())[known]
        pinball[str(q)] = float(np.maximum(q * over, (q - 1) * over).mean()) if known.any() else float("nan")
    return OriginFigures(
        part=part,
        goals=len(rows),
        error=_ratio(off, np.ones(len(rows)), owner),
        mase=_ratio(off, naive, owner),
        pinball=pinball,
        coverage=_ratio(np.where(known, inside, 0.0), known.astype(float), owner),
    )


def _ratio(above: Floats, below: Floats, owner: Indexes) -> ErrorFigure:
    """The ratio of two sums with its interval, by resampling owners."""
    n = int(owner.max(initial=-1)) + 1
    tops, bottoms = (np.bincount(owner, x, minlength=n) for x in (above, below))
    if not bottoms.sum():
        return ErrorFigure(float("nan"), float("nan"), float("nan"))
    weight = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (weight @ tops) / (weight @ bottoms)
    low, high = np.nanquantile(drawn, [(1 - 0.95) / 2, (1 + 0.95) / 2])
    return ErrorFigure(float(tops.sum() / bottoms.sum()), float(low), float(high))


def _directions(model: AttainmentModel, day: float, *, suggest: Suggest, progress: Progress) -> Directions:
    """Check the suggestions made in the last month of each of the last four ended periods against the finals."""
    panel = model.record.at(day)
    final = finals(panel, day)
    ended = np.unique(panel.last[~np.isnan(final)])[-4:]
    index = {name: at for at, name in enumerate(model.record.goals["goal_id"])}
    suggested, confirmed, by_chance = 0, 0, 0.0
    for number, last in enumerate(ended):
        progress("past suggestions", number, len(ended))
        rows = suggest((EPOCH + dt.timedelta(days=int(last))).replace(day=3)).to_pylist()
        at = np.array([index.get(row["goal_id"], -1) for row in rows], dtype=np.int64)
        end = np.where(at >= 0, final[at], np.nan)
        below = end < np.array([row["old_target"] for row in rows], dtype=np.float64)
        base_rate = below[~np.isnan(end)].mean() if (~np.isnan(end)).any() else np.nan
        for row, missed, known in zip(rows, below, ~np.isnan(end), strict=True):
            if known and row["status"] == "suggested" and row["lever"] != "weight":
                lowered = row["new_target"] < row["old_target"]
                suggested += 1
                confirmed += bool(missed == lowered)
                by_chance += float(base_rate if lowered else 1 - base_rate)
    return Directions(suggested, confirmed, by_chance)


def summary(report: TargetBacktest) -> Sequence[tuple[str, str, str, str, str]]:
    """Rows of a table: elapsed share, goals, error, error over seasonal-naive, coverage of the 80 % interval."""

    def interval(figure: ErrorFigure) -> str:
        return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"

    return [
        (f"{at.part:.0%}", f"{at.goals:,}", interval(at.error), interval(at.mase), interval(at.coverage))
        for at in report.at
    ]

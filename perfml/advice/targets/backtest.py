"""What the forecasts would have said at past dates, beside seasonal-naive: the same days of the year before, as they were.

Each forecast knows what was known at its origin, and its interval comes from the errors of earlier periods. Intervals of the
figures are over owners (bootstrap; Field & Welsh 2007).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets.model import EPOCH, PARTS, Model, finals
from perfml.advice.targets.signals import Signals, SignalVerdict
from perfml.arrays import Floats, Indexes
from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

QUANTILES = (0.1, 0.5, 0.9)
DRAWS = 500
_SHARES = {"attained": "final", "said": "expected", "naive": "naive"}
Suggest = Callable[[dt.date], pa.Table]
"""The suggestions of a date, as ``perfml.advice.targets.suggest.suggest`` makes them."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval over owners."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class At:
    """Forecasts at one share of the period gone. Errors are of attainment, final / target."""

    part: float
    goals: int
    error: Figure
    """Mean absolute error."""
    mase: Figure
    """Mean absolute error over that of seasonal-naive (Hyndman & Koehler 2006); below 1 is better."""
    pinball: dict[str, float]
    """Mean pinball loss of the quantiles (Koenker & Bassett 1978)."""
    coverage: Figure
    """Share of finals inside the 80 % interval."""


@dataclass(frozen=True)
class Directions:
    """Suggested changes of a target whose goal has ended since: how many the final confirms, by lying on their side."""

    suggested: int
    confirmed: int
    by_chance: float
    """How many would be confirmed if as many goals of the same dates had been drawn and moved the same ways."""


@dataclass(frozen=True)
class TargetBacktest:
    """The back-test of a target policy: by share of the period gone, with the signals, and what leaving each out costs."""

    periods: int
    at: tuple[At, ...]
    signals: tuple[SignalVerdict, ...]
    ablation: dict[str, float]
    """Signal used -> mean absolute error without it over that with it; above 1 it helps."""
    directions: Directions | None

    def to_json(self) -> dict[str, Any]:
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
    """Forecast every goal that had ended by ``until`` at :data:`~perfml.advice.targets.model.PARTS` of its period.

    ``suggest``: makes the suggestions of a past date, so that their directions are judged too. Raises :class:`DataError`
    where no period with measured goals has ended.
    """
    model, day = Model.of(data, policy, until), float((until - EPOCH).days)
    rows = model.past(day, progress=progress)
    if not len(rows):
        raise DataError(
            "no period with measured goals has ended",
            where=f"{data.source} until {until}",
            remedy="give a longer record",
        )
    owner = model.record.goals["employee_id"].to_numpy()[rows["goal"].to_numpy(dtype=np.int64)]
    rows = _intervals(
        model, rows.assign(owner=owner, **{name: rows[of] / rows["target"] for name, of in _SHARES.items()})
    )
    rows = rows[rows["part"].isin(PARTS)]
    verdicts = model.at(day).verdicts
    used = [one.name for one in verdicts if one.used]
    whole = float(np.abs(rows["attained"] - rows["said"]).mean())
    ablation = {}
    for name in used:
        without = Model(model.record, Signals(model.signals.rows[model.signals.rows["name"] != name]))
        left = without.past(day, parts=PARTS)
        ablation[name] = float(((left["final"] - left["expected"]) / left["target"]).abs().mean()) / whole
    directions = None if suggest is None else _directions(model, day, suggest, progress)
    at = tuple(_at(part, rows[rows["part"] == part]) for part in PARTS)
    return TargetBacktest(len(rows.drop_duplicates(["first", "last"])), at, tuple(verdicts), ablation, directions)


def _intervals(model: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """With ``q0.1`` … of the final over the target, from the errors known at each origin; missing where there are too few."""
    made = np.full((len(QUANTILES), len(rows)), np.nan)
    origin, gone, said = (rows[name].to_numpy(dtype=np.float64) for name in ("origin", "gone", "said"))
    for day in np.unique(origin).tolist():
        now = origin == day
        errors = model.errors_of(rows, day)
        for number, q in enumerate(QUANTILES):
            made[number, now] = said[now] * np.exp(errors.at(gone[now], q))
    return rows.assign(**{f"q{q}": row for q, row in zip(QUANTILES, made, strict=True)})


def _at(part: float, rows: pd.DataFrame) -> At:
    attained = rows["attained"].to_numpy()
    off, naive = np.abs(attained - rows["said"].to_numpy()), np.abs(attained - rows["naive"].to_numpy())
    inside = (attained >= rows["q0.1"]) & (attained <= rows["q0.9"])
    known = rows["q0.1"].notna().to_numpy()
    owner = pd.factorize(rows["owner"])[0]
    pinball = {}
    for q in QUANTILES:
        over = (attained - rows[f"q{q}"].to_numpy())[known]
        pinball[str(q)] = float(np.maximum(q * over, (q - 1) * over).mean()) if known.any() else float("nan")
    one = np.ones(len(rows))
    return At(
        part,
        len(rows),
        _ratio(off, one, owner),
        _ratio(off, naive, owner),
        pinball,
        _ratio(np.where(known, inside, 0.0), known.astype(float), owner),
    )


def _ratio(above: Floats, below: Floats, owner: Indexes) -> Figure:
    """The ratio of two sums with its interval, owners drawn with replacement."""
    n = int(owner.max(initial=-1)) + 1
    tops, bottoms = (np.bincount(owner, x, minlength=n) for x in (above, below))
    if not bottoms.sum():
        return Figure(float("nan"), float("nan"), float("nan"))
    weight = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (weight @ tops) / (weight @ bottoms)
    low, high = np.nanquantile(drawn, [(1 - 0.95) / 2, (1 + 0.95) / 2])
    return Figure(float(tops.sum() / bottoms.sum()), float(low), float(high))


def _directions(model: Model, day: float, suggest: Suggest, progress: Progress) -> Directions:
    """Of suggestions in the last month of each of the last four periods that have ended, those that the final confirms."""
    panel = model.record.at(day)
    final = finals(panel, day)
    ended = np.unique(panel.last[~np.isnan(final)])[-4:]
    place = {name: at for at, name in enumerate(model.record.goals["goal_id"])}
    suggested, confirmed, by_chance = 0, 0, 0.0
    for number, last in enumerate(ended):
        progress("past suggestions", number, len(ended))
        rows = suggest((EPOCH + dt.timedelta(days=int(last))).replace(day=3)).to_pylist()
        at = np.array([place.get(row["goal_id"], -1) for row in rows], dtype=np.int64)
        end = np.where(at >= 0, final[at], np.nan)
        below = end < np.array([row["old_target"] for row in rows], dtype=np.float64)
        usually = below[~np.isnan(end)].mean() if (~np.isnan(end)).any() else np.nan
        for row, missed, known in zip(rows, below, ~np.isnan(end), strict=True):
            if known and row["status"] == "suggested" and row["lever"] != "weight":
                lowered = row["new_target"] < row["old_target"]
                suggested += 1
                confirmed += bool(missed == lowered)
                by_chance += float(usually if lowered else 1 - usually)
    return Directions(suggested, confirmed, by_chance)


def summary(found: TargetBacktest) -> Sequence[tuple[str, str, str, str, str]]:
    """Rows of a table: share gone, goals, error, error over seasonal-naive, coverage of the 80 % interval."""

    def said(figure: Figure) -> str:
        return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"

    return [
        (f"{one.part:.0%}", f"{one.goals:,}", said(one.error), said(one.mase), said(one.coverage)) for one in found.at
    ]

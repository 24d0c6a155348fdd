"""Facts that the report shows about one model, read from its record and its score rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.learning.record import NO_FIGURE, BacktestRecord, Figure, GateRecord, TrainingCounts
from perfml.learning.registry.model_store import Model
from perfml.learning.validation.lists import Cases, cases_in_list
from perfml.messages import render, stored_message
from perfml.project.model_spec import ModelSpec
from perfml.report.numbers import Interval, inverse
from perfml.scoring.batches.rows import SCHEMA
from perfml.scoring.score_files import RankedRow

MEASURES = ("auc", "average_precision", "lift_at_capacity")
STATUSES = ("scored", "held", "thin", "opted_out", "ineligible")


@dataclass(frozen=True, kw_only=True)
class HorizonFacts:
    """One horizon of a model: its back-test as recorded, and the score rows of the report's date."""

    days: int
    backtest: BacktestRecord
    gates: tuple[GateRecord, ...]
    training: TrainingCounts
    statuses: Mapping[str, int]
    held_because: tuple[tuple[str, str, int], ...]
    """Why people are held, in Chinese and English, and how many of them; the most frequent first."""
    act: tuple[RankedRow, ...]
    watch: tuple[RankedRow, ...]
    """Score rows by rank; both lists are empty where the model gives no list."""
    cases: Cases
    """Expected number of people to act on who have the outcome."""

    @property
    def proven(self) -> bool:
        """Whether no gate failed, so that there is a list."""
        return self.backtest.proven

    @property
    def failed(self) -> tuple[GateRecord, ...]:
        """Failed gates, in the order they were checked."""
        return tuple(gate for gate in self.gates if gate.verdict == "fail")

    def figure(self, which: Literal["model", "baseline", "difference"], metric: str) -> Interval:
        """Return a metric of the model, the baseline or their difference."""
        figures: Mapping[str, Figure] = getattr(self.backtest, which)
        return _interval(figures.get(metric, NO_FIGURE))

    @property
    def expected_over_observed(self) -> Figure:
        """Expected cases per observed one in the back-test."""
        return self.backtest.model.get("expected_over_observed", NO_FIGURE)

    @property
    def ten_expected(self) -> float | None:
        """Cases that happened in the back-test for every ten that were expected."""
        ratio = self.expected_over_observed.value
        return 10 / ratio if ratio else None

    def observed_over_expected(self, expected_over_observed: Figure) -> Interval:
        """Return observed cases per expected one; 1 is right."""
        return inverse(_interval(expected_over_observed))

    def auc_in(self, segment: str) -> Interval:
        """Return how well the model ranks the people within a segment."""
        return _interval(self.backtest.segments[segment].auc)


@dataclass(frozen=True)
class ModelFacts:
    """A model and its horizons."""

    model: Model
    columns: Mapping[str, Column]
    horizons: tuple[HorizonFacts, ...]

    @property
    def spec(self) -> ModelSpec:
        """Definition that the model was trained with."""
        return self.model.spec


def collect_facts(model: Model, scores: pa.Table, as_of: dt.date) -> ModelFacts:
    """Collect the facts of ``model`` at ``as_of``.

    Raises :class:`ModelError` for scores of another model or date, or in another shape than
    :data:`perfml.scoring.batches.rows.SCHEMA`.
    """
    where = f"scores of {model.name}"
    absent = [name for name in SCHEMA.names if name not in scores.column_names]
    if absent:
        raise ModelError(
            f"column {absent[0]!r} is missing",
            where=where,
            remedy="give the table that perfml.scoring.scoring.score returns",
        )
    others = set(zip(scores["model"].to_pylist(), scores["model_version"].to_pylist(), strict=True)) - {
        (model.name, model.version)
    }
    if others:
        name, version = min(others, key=str)
        raise ModelError(
            f"are of {name} {version}, the model is {model.version}", where=where, remedy="score again with this model"
        )
    rows = scores.filter(pc.equal(scores["as_of"], pa.scalar(as_of, pa.date32())))
    if scores.num_rows and not rows.num_rows:
        days = sorted({str(day) for day in scores["as_of"].to_pylist()})
        raise ModelError(f"there are none of {as_of}", where=where, remedy=f"use one of: {', '.join(days)}")
    horizons = tuple(_horizon(model, days, rows) for days in sorted(model.risks))
    return ModelFacts(model, {c.name: c for c in model.columns}, horizons)


def _horizon(model: Model, days: int, rows: pa.Table) -> HorizonFacts:
    own = rows.filter(pc.equal(rows["horizon_days"], days))
    statuses, why = own["status"].to_pylist(), own["why_not"].to_pylist()
    count = Counter(statuses)
    held = Counter(reason for status, reason in zip(statuses, why, strict=True) if status == "held")
    because = [(stored_message(reason), people) for reason, people in held.most_common()]
    proven = model.proven(days)
    backtest = model.record.backtests[days]
    act = _banded(own, "act") if proven else ()
    return HorizonFacts(
        days=days,
        backtest=backtest,
        gates=model.record.gates[days],
        training=model.record.training[days],
        statuses={status: count[status] for status in STATUSES},
        held_because=tuple((render(reason, "zh"), render(reason, "en"), people) for reason, people in because),
        act=act,
        watch=_banded(own, "watch") if proven else (),
        cases=cases_in_list(np.array([row["probability"] for row in act]), backtest.listed_ratio),
    )


def _interval(figure: Figure) -> Interval:
    return Interval(figure.value, figure.low, figure.high)


def _banded(rows: pa.Table, band: str) -> tuple[RankedRow, ...]:
    listed: Sequence[RankedRow] = rows.filter(pc.equal(rows["band"], band)).to_pylist()
    return tuple(sorted(listed, key=lambda row: row["rank"]))

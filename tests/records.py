"""Training records for tests: whole, and small."""

from __future__ import annotations

import datetime as dt
from typing import Any

from perfml.learning.record import BacktestRecord, Figure, GateRecord, TrainingCounts, TrainingRecord
from perfml.messages import Message
from perfml.project.model_spec import Label, ModelSpec

BETTER_THAN_BASELINE = Message.of("backtest_better", baseline=("tenure_days",), gain=0.1, limit=0.05)
NO_BETTER = Message.of("backtest_no_better", baseline=("tenure_days",), gain=0.001, limit=0.02)
SPEC = ModelSpec(zh="主动离职风险", en="Risk of leaving", label=Label(kind="exit", horizons_days=(91,)))


def figure(value: float | None = 0.8, *, half_width: float = 0.1) -> Figure:
    if value is None:
        return Figure(value=None, low=None, high=None, se=None)
    return Figure(value=value, low=round(value - half_width, 6), high=round(value + half_width, 6), se=0.05)


def backtest_record(days: int = 91, *, proven: bool = True, **changes: Any) -> BacktestRecord:
    fields: dict[str, Any] = {
        "horizon_days": days,
        "proven": proven,
        "text": BETTER_THAN_BASELINE if proven else NO_BETTER,
        "rows": 100,
        "positives": 20,
        "baseline_columns": ("tenure_days",),
        "model": {"auc": figure(0.8)},
        "baseline": {"auc": figure(0.7)},
        "difference": {"auc": figure(None)},
        "folds": (),
        "bins": (),
        "calibration_error": 0.02,
        "calibration_error_floor": 0.01,
        "by_year": (),
        "segments": {},
        "listed_ratio": (0.5, 1.0, 2.0),
        "lists": (),
    }
    return BacktestRecord.model_validate(fields | changes)


def baseline_gate(passed: bool = True) -> GateRecord:
    return GateRecord(
        name="baseline",
        verdict="pass" if passed else "fail",
        figure=Message.of("gate_gain", gain=0.1, se=0.01, baseline=("tenure_days",)),
        limit=Message.of("gate_gain_limit", errors=2.0),
        text=BETTER_THAN_BASELINE if passed else NO_BETTER,
    )


def training_record(*backtests: BacktestRecord, **changes: Any) -> TrainingRecord:
    """A record with the ``backtests`` (default: one that is proven), each with the gate of the baseline."""
    tested = {backtest.horizon_days: backtest for backtest in backtests or (backtest_record(),)}
    fields: dict[str, Any] = {
        "until": dt.date(2026, 8, 1),
        "as_of_dates": (dt.date(2022, 1, 1), dt.date(2026, 7, 1)),
        "spec": SPEC,
        "training": {days: TrainingCounts(rows=1000, positives=120) for days in tested},
        "backtests": tested,
        "gates": {days: (baseline_gate(backtest.proven),) for days, backtest in tested.items()},
        "selection_frequency": {},
        "fairness": {},
        "reference": {},
        "treatment": {},
        "data_fingerprint": "f" * 64,
        "definitions": "d" * 64,
        "left_out": (),
        "perfml": "0.1.0",
        "python": "3.11",
    }
    return TrainingRecord(**(fields | changes))

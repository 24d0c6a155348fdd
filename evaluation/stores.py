"""Weekly sales of 45 stores: forecasts of a quarter's attainment against seasonal-naive, made at a quarter, half and three
quarters of the period from what was known then."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
from goals import Figures, Goal

from perfml import Project
from perfml.advice.targets.backtest import backtest
from perfml.progress import Progress
from perfml.project.target_policy import ForecastSpec, TargetPolicy

UNTIL = dt.date(2023, 1, 15)
"""After the last of the three quarters."""
GOALS = {
    "error_over_seasonal_naive_at_mid_quarter": Goal(high=0.70),
    "coverage_of_80_percent_at_mid_quarter": Goal(low=0.75, high=0.85),
}


def evaluate(data: Path, progress: Progress) -> Figures:
    """The figures at mid-quarter and at the other origins."""
    project = Project()
    _, shipped = project.folder.policy_of(TargetPolicy)
    history = ForecastSpec(history={"net_sales": "weekly_sales"})
    policy = shipped.model_copy(update={"forecast": history})
    with project.open(data / "stores") as opened:
        report = backtest(opened, policy, until=UNTIL, progress=progress)
    out: dict[str, dict[str, float | None]] = {}
    for at in report.at:
        origin = "mid_quarter" if at.part == 0.5 else f"{at.part:.0%}"
        for name, figure in (
            ("error_of_attainment", at.error),
            ("error_over_seasonal_naive", at.mase),
            ("coverage_of_80_percent", at.coverage),
        ):
            numbers = {"value": figure.value, "low": figure.low, "high": figure.high}
            out[f"{name}_at_{origin}"] = {k: float(v) if np.isfinite(v) else None for k, v in numbers.items()}
    out["signals_used"] = {"value": float(sum(verdict.used for verdict in report.signals))}
    return out

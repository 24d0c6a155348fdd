"""How much of the errors of forecasts is common to goals that go together, estimated from past forecasts.

    log(final / expected) = middle + metric and period + scope within them + own

Goals of one metric and period share a market, those of one scope a local one, so their errors do not cancel in a sum. The shares
of the variance come from products of the errors of pairs of goals of one period (moment estimates of nested random effects:
Searle, Casella & McCulloch 1992), for each metric, shrunk towards those of all metrics together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Objects

PRIOR_PERIODS = 3
"""Weight, in periods, of all metrics together in the estimate of one."""
MOST_COMMON = 0.95
"""Upper bound of the share that is common."""


@dataclass(frozen=True, kw_only=True)
class CommonErrors:
    """Shares of the variance of errors, by metric: ``metric`` common to a metric and period, ``scope`` to a scope within them."""

    shares: pd.DataFrame
    """Rows by metric with ``metric`` and ``scope``; the rest of 1 is the goals' own."""
    pooled: tuple[float, float]
    """The same of all metrics together, for a metric without past forecasts."""

    @classmethod
    def of(cls, past: pd.DataFrame) -> CommonErrors:
        """Estimate from ``past`` forecasts: rows of ``metric``, ``scope``, ``period``, ``part`` and ``error``."""
        rows = past[np.isfinite(past["error"])]
        by_part = rows.groupby("part")["error"]
        centred = rows["error"] - by_part.transform("mean")
        rows = rows.assign(z=centred / by_part.transform("std"))
        rows = rows[np.isfinite(rows["z"])]
        cells = _pairs(rows, ["metric", "period", "part"])
        local = _pairs(rows, ["metric", "period", "part", "scope"])
        each = pd.DataFrame(
            {
                "local": local.groupby("metric")["product"].sum(),
                "local_pairs": local.groupby("metric")["pairs"].sum(),
                "across": cells.groupby("metric")["product"].sum() - local.groupby("metric")["product"].sum(),
                "across_pairs": cells.groupby("metric")["pairs"].sum() - local.groupby("metric")["pairs"].sum(),
                "periods": rows.groupby("metric")["period"].nunique(),
            },
            dtype=float,
        )
        together, across = (_ratio(each[name].sum(), each[f"{name}_pairs"].sum()) for name in ("local", "across"))
        pooled_across = max(across, 0.0)
        pooled_local = max(together - pooled_across, 0.0)
        weight = each["periods"] / (each["periods"] + PRIOR_PERIODS)
        # Where a metric has one scope alone, what is common to it is common to the metric.
        single = each["across_pairs"] == 0
        own_local = each["local"] / each["local_pairs"].where(each["local_pairs"] > 0)
        own_across = (each["across"] / each["across_pairs"].where(~single)).fillna(own_local)
        metric = weight * own_across.fillna(pooled_across) + (1 - weight) * pooled_across
        scope = weight * (own_local - own_across).fillna(pooled_local) + (1 - weight) * pooled_local * ~single
        shares = pd.DataFrame({"metric": metric.clip(lower=0), "scope": scope.clip(lower=0)})
        return cls(shares=_bounded(shares), pooled=(pooled_across, pooled_local))

    def at(self, metrics: Objects) -> tuple[Floats, Floats]:
        """(share common to the metric, share common to the scope) for each of ``metrics`` (n,)."""
        rows = self.shares.reindex(metrics)
        metric, scope = (
            rows[name].fillna(pooled).to_numpy(dtype=np.float64)
            for name, pooled in zip(("metric", "scope"), self.pooled, strict=True)
        )
        return metric, scope


def _pairs(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The sum of z_i z_j over pairs of different goals in each cell, and how many there are."""
    cells = (
        rows.assign(square=rows["z"] ** 2)
        .groupby(by)
        .agg(sum=("z", "sum"), size=("z", "size"), square=("square", "sum"))
    )
    return pd.DataFrame(
        {"product": cells["sum"] ** 2 - cells["square"], "pairs": cells["size"] * (cells["size"] - 1)}
    ).reset_index()


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _bounded(shares: pd.DataFrame) -> pd.DataFrame:
    whole = shares.sum(axis=1)
    return shares.mul((MOST_COMMON / whole.where(whole > MOST_COMMON, MOST_COMMON)), axis=0)

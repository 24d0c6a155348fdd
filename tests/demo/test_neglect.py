"""Processes fail more often, and mostly in few units."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from perfml.demo.company import simulate
from perfml.demo.planted.neglect import NEGLECTED, draw_neglect

SPAN = {"employees": 150, "start": dt.date(2025, 1, 1), "end": dt.date(2026, 6, 1), "seed": 3}


def test_causes_come_more_often_and_where_they_were_planted(tmp_path: Path) -> None:
    plain = simulate(tmp_path / "plain", **SPAN).plants
    neglect = draw_neglect(seed=3)
    chosen = simulate(tmp_path / "neglect", **SPAN, neglect=neglect).plants
    for cause in NEGLECTED:
        assert (chosen["cause"] == cause).sum() > 1.5 * (plain["cause"] == cause).sum()
        positions = pd.read_parquet(tmp_path / "neglect" / "positions.parquet").drop_duplicates(
            "employee_id", keep="last"
        )
        units = positions.groupby(["department", "location"]).size()
        met = positions[positions["employee_id"].isin(chosen.loc[chosen["cause"] == cause, "employee_id"])]
        share = (met.groupby(["department", "location"]).size() / units).fillna(0.0).sort_values()
        assert share.iloc[-5:].mean() > 3 * share.iloc[:10].mean(), "few units have most of it"

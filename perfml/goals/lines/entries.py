"""Who runs for a line: the goals that count, with what is expected of them on its day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from perfml.advice.targets.forecasting.forecast import Forecasts
from perfml.arrays import Floats
from perfml.project.goals.lines_spec import LineGroup, LineSpec

GROUP_COLUMN: Mapping[LineGroup, str | None] = {
    "company": None,
    "department": "department",
    "location": "location",
    "scope": "scope",
}


def entries(forecasts: Forecasts, line: LineSpec, people: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """One row per goal that counts for ``line``, of the ``people`` (by employee_id: department, manager_id, location).

    ``units``: goal_id → unit. Columns: those of the forecasts; ``on``, the day of the line; ``days_left``;
    ``expected`` and ``elapsed``, the share of the time, until that day; ``so_far``, weeks that the actual was made in; ``unit``;
    ``group``, text or None.
    """
    frame = forecasts.frame
    as_of = np.datetime64(forecasts.as_of, "D")
    first, last, measured = (
        frame[name].to_numpy().astype("M8[D]") for name in ("period_start", "period_end", "measured_at")
    )
    on = last if line.on is None else np.full(len(frame), np.datetime64(line.on, "D"))
    counts = frame["employee_id"].isin(people.index).to_numpy(dtype=bool) & (on >= as_of) & (on >= first) & (on <= last)
    if line.metric is not None:
        counts &= (frame["metric"] == line.metric).to_numpy(dtype=bool)
    actual = frame["actual"].to_numpy(dtype=np.float64)
    upto = np.where(np.isnan(actual), first - 1, measured)
    run, whole, measured_days = ((each - first + 1).astype(float) for each in (on, last, upto))
    expected = np.nan_to_num(actual) + (frame["expected"].to_numpy(dtype=np.float64) - np.nan_to_num(actual)) * (
        _share((on - upto).astype(float), (last - upto).astype(float))
    )
    who = people.reindex(frame["employee_id"])
    column = GROUP_COLUMN[line.within]
    group = who[column].to_numpy(dtype=object) if column in people else frame.get(column, pd.Series(dtype=object))
    rows = frame.assign(
        on=on.astype("M8[s]"),
        days_left=(on - as_of).astype(int) + 1,
        expected=expected,
        elapsed=np.minimum(frame["gone"].to_numpy(dtype=np.float64) * whole / run, 1.0),
        so_far=np.maximum(measured_days, 0.0) / 7,
        unit=units.reindex(frame["goal_id"]).to_numpy(dtype=object),
        department=who["department"].to_numpy(dtype=object),
        manager_id=who["manager_id"].to_numpy(dtype=object),
        group=None if column is None else np.asarray(group, dtype=object),
    )
    chosen: pd.DataFrame = rows[counts].reset_index(drop=True)
    return chosen


def is_past(line: LineSpec, as_of: dt.date) -> bool:
    """Whether the day of a line has passed."""
    return line.on is not None and line.on < as_of


def _share(part: Floats, whole: Floats) -> Floats:
    return np.clip(part / np.where(whole > 0, whole, 1.0), 0.0, 1.0)

"""The last good score of somebody who is held: the newest that does not stand on data in doubt."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfml.dated_files import dates_in
from perfml.scoring.people.known import stored_rows_of
from perfml.scoring.withheld.withholding import withholding


@dataclass(frozen=True, kw_only=True)
class StaleScore:
    """A score that is shown with its date and is in no ranking."""

    as_of: dt.date
    probability: float


def last_good(home: Path, model: str, employee_id: str, *, until: dt.date) -> dict[int, StaleScore]:
    """Horizon in days -> the last good score up to ``until``; empty where there is none, and while everything is stopped."""
    folder = home / "scores" / model
    for day in dates_in(folder):
        path = folder / f"{day}.parquet"
        if day > until or withholding(path, doubting=True).hold({"employee_id": employee_id}) is not None:
            continue
        rows: list[dict[str, Any]] = [row for row in stored_rows_of(path, employee_id) if row["status"] == "scored"]
        if rows:
            return {row["horizon_days"]: StaleScore(as_of=day, probability=row["probability"]) for row in rows}
    return {}

"""What was kept of a person before a date was computed again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import cast

from perfml.scoring.people.known import stored_rows_of
from perfml.scoring.score_files import StoredScore
from perfml.scoring.sealed_files import EARLIER, open_sealed
from perfml.trust.holds.covering import concerns
from perfml.trust.holds.hold_log import HoldLog


def superseded_rows(home: Path, model: str, employee_id: str, *, as_of: dt.date) -> list[StoredScore]:
    """The score rows of one person as they were before ``as_of`` was last computed again.

    None where it never was, and while the person disputes a fact: those rows may stand on it.
    """
    if any(hold.employee_id == employee_id and concerns(hold, as_of) for hold in HoldLog(home).active()):
        return []
    paths = list((home / "scores" / model / EARLIER).glob(f"{as_of}.*.parquet"))
    if not paths:
        return []
    return cast(list[StoredScore], stored_rows_of(max(paths, key=_written), employee_id))  # a file of scores


def _written(path: Path) -> dt.datetime:
    with open_sealed(path) as sealed:
        return sealed.written

"""Evidence that two engines compute, side by side: exact for counts, sums and days, to 1e-12 for all others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from perfml.evidence.features import Evidence, build
from perfml.evidence.log.windows import compile_windows
from perfml.evidence.sources import open_data
from perfml.evidence.withheld.fact import Withheld
from perfml.project.folder import Definitions
from perfml.project.spec import EngineSettings
from tests.features.test_specifications import KEYS
from tests.tables import TODAY

EXACT = (
    "count",
    "sum",
    "active_days",
    "active_weeks",
    "distinct_counterparts",
    "mutual_counterparts",
    "days_since_last",
)


def built(
    folder: Path,
    definitions: Definitions,
    dates: list[dt.date],
    engine: EngineSettings | None,
    *,
    estimate: bool = False,
    withheld: Withheld | None = None,
) -> Evidence:
    with open_data(folder, definitions.tables, today=TODAY, engine=engine, withheld=withheld) as data:
        return build(data, definitions, dates, estimate=estimate)


def unlike(first: Evidence, other: Evidence, *, exact: frozenset[str] = frozenset()) -> list[str]:
    """In what two differ: what they say, rows, columns of ``exact`` in any digit, others by more than 1e-12."""
    fields = [
        name
        for name in ("columns", "kinds", "left_out", "record_begins", "missing")
        if getattr(first, name) != getattr(other, name)
    ]
    if fields or len(first.frame) != len(other.frame):
        return [*fields, f"{len(first.frame)} and {len(other.frame)} rows"]
    wrong = [name for name in KEYS if not first.frame[name].equals(other.frame[name])]
    for name in (column.name for column in first.columns):
        left, right = first.frame[name].to_numpy(), other.frame[name].to_numpy()
        close = 0.0 if name in exact else 1e-12
        if not np.allclose(left, right, rtol=close, atol=close, equal_nan=True):
            wrong.append(name)
    return wrong


def exact_columns(evidence: Evidence, definitions: Definitions) -> frozenset[str]:
    """The columns of counts, sums and days."""
    plan = compile_windows(definitions.windowed, evidence.kinds, has_counterparts=True)
    return frozenset(c.column.name for c in plan.columns if c.measure in EXACT)

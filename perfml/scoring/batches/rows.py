"""The rows of a batch of people at one date and horizon: the same on one machine and in Spark's executors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats, Objects
from perfml.learning.estimators.coherence import Incidences
from perfml.learning.registry.model_store import Model
from perfml.reasons.reasons import explain
from perfml.reasons.record import REASON
from perfml.reasons.selection import Grouping, Spread
from perfml.scoring.debt import Owed
from perfml.scoring.score_files import DEBT_COLUMNS
from perfml.trust.holds.hold import Hold

SCORED, OPTED_OUT, HELD = "scored", "opted_out", "held"
"""Statuses of a row."""
DEBT_TYPES = dict(zip(DEBT_COLUMNS, (pa.float64(), pa.float64(), pa.bool_()), strict=True))
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("model", pa.string()),
        ("model_version", pa.string()),
        ("horizon_days", pa.int32()),
        ("probability", pa.float64()),
        ("margin", pa.float64()),
        ("base_value", pa.float64()),
        ("incidence", pa.list_(pa.struct([("cause", pa.string()), ("probability", pa.float64())]))),
        ("segments", pa.list_(pa.string())),
        ("status", pa.string()),
        ("rank", pa.int32()),
        ("band", pa.string()),
        ("why_not", pa.string()),
        ("reasons", pa.list_(REASON)),
        *((name, DEBT_TYPES[name]) for name in DEBT_COLUMNS),
    ]
)
"""A score row. ``status``: scored, ineligible, opted_out, thin or held (``why_not``: the message that says why, as JSON, which
:func:`perfml.messages.stored_message` reads). ``rank`` 1 is the highest risk at that date and horizon. ``incidence``: the
probability of leaving by each cause within the horizon, and of staying; it starts with the listed outcome, adds up to 1, and
never falls with the horizon. ``segments``: those of the model's spec that the person belongs to. ``band`` is ``act`` up to the
capacity, ``watch`` for as many again, else ``none``; rank and band are empty where the model gives no list. ``reasons`` plus
``base_value`` add up to ``margin`` within 1e-6. ``probability_low`` and ``probability_high``: where the days that are missing
from the log could move the probability; ``list_may_change``: whether they could change the person's place on the list. Empty
where no day is missing."""


@dataclass(frozen=True, kw_only=True)
class PeopleBatch:
    """n people at one as-of date, of whom the m with a score come first."""

    employee_ids: Objects
    """(n,)"""
    status: Objects
    """(n,)"""
    why_not: Sequence[str | None]
    """(n,)"""
    segments: Sequence[Sequence[str]]
    """(n,)"""
    values: Floats
    """(m, columns of the model)"""
    shown: Floats
    """Like ``values``, missing where a value may not be told."""
    incidences: Incidences
    """Of the m people."""
    owed: Owed | None = None
    """What missing days may do to their scores; None where no day is missing."""


def statuses(withheld: Objects, *, eligible: Bools, thin: Bools) -> Objects:
    """The status of each person (n,); ``withheld``: what :func:`withheld_status` says of them, or another falsy value."""
    conditions = [withheld == OPTED_OUT, ~eligible, withheld == HELD, thin]
    return np.select(conditions, [OPTED_OUT, "ineligible", HELD, "thin"], SCORED).astype(object)


def withheld_status(hold: Hold | None) -> str:
    """The status of a person without a score: opting out is a choice of theirs, and no fault of the data."""
    if hold is None:
        return ""
    return OPTED_OUT if hold.cause == "opt_out" else HELD


def score_rows(model: Model, people: PeopleBatch, *, as_of: dt.date, days: int, spread: Spread) -> pa.Table:
    """The rows of ``people`` at the horizon of ``days``, in their order and still without rank and band; see :data:`SCHEMA`.

    ``spread``: of everyone with a score at the date.
    """
    horizon, n = list(model.risks).index(days), len(people.employee_ids)
    base, reasons = _explained(model, people, horizon=horizon, spread=spread)
    columns: dict[str, Any] = {
        "employee_id": people.employee_ids,
        "as_of": [as_of] * n,
        "model": [model.name] * n,
        "model_version": [model.version] * n,
        "horizon_days": [days] * n,
        "probability": people.incidences.incidence[:, 0, horizon],
        "margin": people.incidences.margin[:, horizon],
        "base_value": base,
        "incidence": _causes(model, people.incidences, horizon=horizon),
        "segments": people.segments,
        "status": people.status,
        "why_not": people.why_not,
        "reasons": reasons,
    }
    if people.owed is not None:
        with_score = people.employee_ids[: len(people.values)]
        columns |= people.owed.columns(with_score, people.incidences.incidence[:, 0, horizon])
    return pa.Table.from_arrays([_filled(columns.get(each.name, []), each.type, n) for each in SCHEMA], schema=SCHEMA)


def _filled(values: Any, kind: pa.DataType, rows: int) -> pa.Array:
    """An array of ``rows``: shorter columns hold the people with a score, who come first, and are empty for the others."""
    array = values if isinstance(values, pa.Array) else pa.array(values, kind, from_pandas=True)
    return pa.concat_arrays([array, pa.nulls(rows - len(array), kind)]) if len(array) < rows else array


def _explained(model: Model, people: PeopleBatch, *, horizon: int, spread: Spread) -> tuple[Floats, pa.ListArray]:
    """Base values and reasons of the people with a score.

    Margins of several horizons may have been pooled to be coherent; contributions are pooled with them.
    """
    pooled = people.incidences.pooled[:, horizon]
    contributions = np.zeros((len(people.values), people.values.shape[1] + 1))
    for other, risk in enumerate(model.risks.values()):
        mixed = np.flatnonzero(pooled[:, other])
        if len(mixed):
            contributions[mixed] += pooled[mixed, other, None] * risk.contributions(people.values[mixed])
    reasons = explain(
        Grouping.of(model.columns),
        contributions,
        values=people.shown,
        spread=spread,
        stable=model.stable(list(model.risks)[horizon]),
    )
    return contributions[:, -1] + people.incidences.shift[:, horizon], reasons


def _causes(model: Model, incidences: Incidences, *, horizon: int) -> list[list[dict[str, object]] | None]:
    """The probability of each cause, and of staying; None where the outcome is no exit."""
    shares = incidences.incidence[:, :, horizon].tolist()
    if not model.causes:
        return [None] * len(shares)
    return [
        [
            *({"cause": cause, "probability": p} for cause, p in zip(model.causes, by_cause, strict=True)),
            {"cause": "staying", "probability": stay},
        ]
        for by_cause, stay in zip(shares, incidences.staying[:, horizon].tolist(), strict=True)
    ]

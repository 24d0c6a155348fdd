"""What is known about each metric of goals, and the measures that are missing from them: figures of metrics, and nobody's."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

from perfml.messages import Message

OutcomeKind = Literal["goal", "all goals", "facts", "signals"]
MeasureKind = Literal["facts", "log"]
Flag = Literal["saturated", "heaped", "deadline", "contradictory"]
"""How a metric misleads."""
MetricVerdict = Literal["misleads", "moves with", "no association", "nothing to compare", "insufficient"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class AssociationRecord(_Record):
    """How far a figure moves with an outcome: by rank within period and place, from -1 to 1."""

    outcome: str
    """Its metric or name; empty for all parent goals together."""
    outcome_kind: OutcomeKind
    lag: int
    """Periods from the figure to the outcome."""
    rank: float
    low: float
    """The interval holds the true association in 95 % of cases."""
    high: float
    p: float
    """Adjusted for everything else that was looked at."""
    cells: int
    groups: int
    periods: int


class MetricRecord(_Record):
    """One metric of goals; figures are null where too little is known."""

    metric: str
    goals: int
    """Results of goals that have ended."""
    people: int
    periods: int
    verdict: MetricVerdict
    flags: tuple[Flag, ...] = ()
    reached: float | None = None
    """Share of results at the target or above."""
    at_one_value: float | None = None
    """Largest share of results at one value."""
    at_threshold: int | None = None
    below_threshold: int | None = None
    last_pace: float | None = None
    """Pace of the last stretch of a period over that before; median."""
    associations: tuple[AssociationRecord, ...] = ()
    by_tenth: tuple[int, ...] = ()
    """Results by attainment, from 0 to 2 in twenty steps of a tenth, the last with all above."""
    reasons: tuple[Message, ...] = ()
    """Why: a sentence for each flag, or for the verdict."""


class MissingRecord(_Record):
    """A recorded measure that moves with the metric of parent goals and stands in nobody's goals."""

    measure: str
    kind: MeasureKind
    association: AssociationRecord
    reason: Message


class IndicatorsRecord(_Record):
    """Every metric of goals at a date, and the measures that are missing."""

    as_of: dt.date
    metrics: tuple[MetricRecord, ...]
    missing: tuple[MissingRecord, ...]
    looked_at: int
    """Recorded measures that were compared with parent goals."""
    notices: tuple[Message, ...] = ()

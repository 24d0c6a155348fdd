"""What is said of one kind of programme: an effect where the design allows it, an association, or why nothing is said. Light."""

from __future__ import annotations

from typing import Literal

from perfml.learning.record import RecordPart
from perfml.messages import Message

EffectDesign = Literal["randomised", "staggered", "association"]
"""How people or units came to it: chance chose people, units began one after another, or neither."""
EffectVerdict = Literal["shown", "not shown", "insufficient"]
"""Whether the 95 % interval leaves out that nothing changed, and of a start without a lot ``alike_95`` too, on the same side;
``insufficient``: no figure is given."""


class IntervalRecord(RecordPart):
    """An interval of a difference of shares."""

    low: float
    high: float


class EffectRecord(RecordPart):
    """The difference that goes with one kind of programme in the share of people with the outcome; figures are null where
    nothing can be said."""

    kind: str
    design: EffectDesign
    verdict: EffectVerdict
    causes: bool = False
    """Whether chance chose, so that the difference is what the programme causes."""
    days: int
    """Within which the outcome counts."""
    people: int | None = None
    """With it, each counted once a period."""
    units: int | None = None
    """Of a staggered start, departments with it and without it yet."""
    estimate: float | None = None
    interval_80: IntervalRecord | None = None
    interval_95: IntervalRecord | None = None
    alike_95: IntervalRecord | None = None
    """Of a staggered start without a lot: what the 95 % interval would be if departments would otherwise have moved alike; in the
    others the drift of each before the start is taken out."""
    placebo_p: float | None = None
    """Of a staggered start without a lot: how often chance alone would show as large a difference before it."""
    text: Message

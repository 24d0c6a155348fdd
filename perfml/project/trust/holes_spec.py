"""What ``features/holes.toml`` may contain: what people answered about days that seem to be missing from the log."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Spec

HoleVerdict = Literal["shutdown", "lost"]


class HoleAnswer(Spec):
    """What a person knows of a stretch of days without rows in a part of the log; without a part, the whole log."""

    source: str | None = None
    """The system that the rows come from."""
    kind: str | None = None
    """The kind of event."""
    department: str | None = None
    """The department of the people."""
    location: str | None = None
    """The location of the people."""
    first: dt.date
    """The first day of the stretch."""
    last: dt.date
    """The last day of the stretch."""
    verdict: HoleVerdict
    """``shutdown``: nothing happened, and the days count as zero. ``lost``: the rows were lost, and the days are missing."""
    by: str = ""
    """Who knows it."""

    @model_validator(mode="after")
    def _in_order(self) -> HoleAnswer:
        if self.last < self.first:
            raise ValueError("last is earlier than first")
        return self


class HolesSpec(Spec):
    """``features/holes.toml``."""

    look: bool = True
    """Whether silent holes are looked for. Days that the table ``deliveries`` says are missing always count."""
    most_alarms_per_year: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Expected false alarms of a company in a year, as far as its rhythm is what it was: the smaller, the rarer a question."""
    hold_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Scores of a person are held where more than this share of the last 91 days is missing; below it they carry a band."""
    answers: tuple[HoleAnswer, ...] = ()
    """What people answered, one ``[[answers]]`` a stretch."""

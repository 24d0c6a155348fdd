"""What a policy would change, as kept for readers: expected numbers, and nobody's. Light."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

from perfml.disclosure.primary import Suppression
from perfml.learning.effects.record import EffectRecord
from perfml.messages import Message


class PolicyPart(BaseModel):
    """Base of what is kept of a policy: frozen; an attribute's docstring is its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


class ShiftRecord(PolicyPart):
    """One change of evidence, and how many it concerns."""

    column: str
    en: str
    zh: str
    unit: str
    limit: float
    taken: float | None = None
    """The mean value that those concerned take, of people who really have it; null where it is withheld."""
    unknown: int
    """People of whom nothing is recorded; they stay as they are."""


class ExpectedRecord(PolicyPart):
    """How many are expected to have the outcome, as it is and with the policy; null where too few people are behind a figure."""

    people: int
    """Scored, and meant by the policy."""
    concerned: int | None = None
    """Of these, whose evidence would change."""
    before: float | None = None
    after: float | None = None
    withheld: Suppression | None = None


class UnitExpectedRecord(ExpectedRecord):
    """The same of one department."""

    department: str | None


class HorizonExpectedRecord(PolicyPart):
    """The same within one horizon, in all and by department."""

    horizon_days: int
    whole: ExpectedRecord
    departments: tuple[UnitExpectedRecord, ...]


class PolicyRecord(PolicyPart):
    """A policy at a date: what the model predicts, and what is known of its effect."""

    policy: str
    en: str
    zh: str
    as_of: dt.date
    model: str
    model_version: str | None = None
    """That predicted; null where nothing is predicted."""
    shifts: tuple[ShiftRecord, ...] = ()
    horizons: tuple[HorizonExpectedRecord, ...] = ()
    refused: Message | None = None
    """Why nothing is predicted."""
    effects: tuple[EffectRecord, ...] = ()
    effects_as_of: dt.date | None = None
    """What was known before it; null where no data were given."""
    note: Message
    """That a prediction is no effect."""

"""What a policy of kind ``what_if`` may contain: a change for many people, and the programme by which it is judged later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, Spec

Number = Annotated[float, Field(allow_inf_nan=False)]


class EvidenceChange(Spec):
    """Another value of one column of evidence, for everybody whom it concerns; exactly one of the three limits."""

    column: str
    """A column of evidence that the model uses, such as ``overtime_sum_28d``."""
    at_most: Number | None = None
    """Who has more would have about so much."""
    at_least: Number | None = None
    """Who has less would have about so much."""
    set_to: Number | None = None
    """Everybody would have about so much."""

    @model_validator(mode="after")
    def _one_limit(self) -> EvidenceChange:
        if sum(limit is not None for limit in (self.at_most, self.at_least, self.set_to)) != 1:
            raise ValueError("give exactly one of at_most, at_least and set_to")
        return self

    @property
    def limit(self) -> float:
        """The value of the limit that is given."""
        return next(limit for limit in (self.at_most, self.at_least, self.set_to) if limit is not None)


class Whom(Spec):
    """For whom; empty: for everybody."""

    departments: tuple[str, ...] = ()
    """Only people of these departments."""
    locations: tuple[str, ...] = ()
    """Only people in these locations."""
    role_families: tuple[str, ...] = ()
    """Only people of these kinds of work."""


class WhatIfPolicySpec(Spec):
    """``models/<name>.toml`` of kind ``what_if``: a change for many, predicted before it is made and judged after it."""

    kind: Literal["what_if"] = "what_if"
    """Marks the file as a change for many."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    model: str = "attrition"
    """The model that predicts."""
    changes: Annotated[tuple[EvidenceChange, ...], Field(max_length=3)] = ()
    """What would be otherwise, at most three; none for a programme that no evidence shows."""
    whom: Whom = Whom()
    """For whom."""
    programme: str | None = None
    """Its ``kind`` in the tables ``programmes`` and ``interventions``, by which it is judged once it has begun."""
    period_days: Days = 91
    """Days within which the outcome counts when it is judged."""

    @model_validator(mode="after")
    def _says_something(self) -> WhatIfPolicySpec:
        if not self.changes and self.programme is None:
            raise ValueError("give changes, a programme, or both")
        return self

"""What a policy of kind ``notices`` may contain: what people are told before they are scored, and what they can do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from perfml.messages import Bilingual
from perfml.project.spec import Spec
from perfml.project.trust.delivery_spec import PersonSpec


class NoticeText(Spec):
    """One version of the notice."""

    since: dt.date
    """The first day on which it may be given."""
    zh: str
    """The text in Chinese."""
    en: str
    """The text in English."""


class SystemText(Spec):
    """A text of the package, in both languages."""

    zh: str
    """The text in Chinese."""
    en: str
    """The text in English."""

    @property
    def text(self) -> Bilingual:
        """The text as messages take it."""
        return Bilingual(en=self.en, zh=self.zh)


class NoticesSpec(Spec):
    """``models/<name>.toml`` of kind ``notices``: the notice given before anyone is scored, opting out, the package for an
    adverse outcome, and how long records are kept."""

    kind: Literal["notices"] = "notices"
    """Marks the file as this policy."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    required: bool = False
    """Whether a person without a recorded notice gets no score; otherwise they are only reported."""
    versions: Annotated[Mapping[str, NoticeText], Field(min_length=1)]
    """The texts of the notice by version; an earlier version stays, as people were given it."""
    opted_out_in_training: bool = False
    """Whether the record of people who opted out may train a model."""
    system: SystemText
    """What the system is."""
    part: SystemText
    """The part that it plays in an outcome."""
    correction: SystemText
    """How a person corrects what is wrong in the data."""
    review: SystemText
    """How a person gets a human review."""
    reviewer: PersonSpec | None = None
    """Who owns the final interpretation and receives requests for a human review."""
    package_days: Annotated[int, Field(ge=1, le=30)] = 30
    """Days after an adverse outcome within which its package is due."""
    retention_years: Annotated[int, Field(ge=3, le=30)] = 3
    """Years for which records are kept before they are erased."""

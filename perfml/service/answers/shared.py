"""Types that the answers of several routes share.

Docstrings of answers and queries, and of their attributes, are the descriptions in the OpenAPI document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from perfml.messages import Message, render

RiskBand = Literal["act", "watch", "none"]
ScoreStatus = Literal["scored", "ineligible", "thin", "held"]


class Answer(BaseModel):
    """The base of answers: frozen; an attribute's docstring is its description."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class TextAnswer(Answer):
    """The same text in Simplified Chinese and English."""

    zh: str
    en: str

    @classmethod
    def of(cls, message: Message) -> Self:
        """Render a message in both languages."""
        return cls(zh=render(message, "zh"), en=render(message, "en"))


class ReasonLineAnswer(Answer):
    """One line of an explanation, in log-odds; the strongest first and ``other`` last."""

    evidence: str
    contribution: float
    owner: str
    """Who can act on it: employee, manager, company or data."""
    steady: bool | None
    """Whether it mostly leads again when the model is refitted on other people; null where that was not tested."""
    zh: str
    en: str


REASON_COLUMNS = tuple(f"reasons.list.element.{field}" for field in ReasonLineAnswer.model_fields)
"""Columns of a score file that hold reasons without the values behind them, which would double what is read."""


class CauseAnswer(Answer):
    """One way in which the horizon can end for a person."""

    cause: str
    """The outcome that the list is for, one of the other causes of leaving, or ``staying``."""
    probability: float


class ExpectedCasesAnswer(Answer):
    """The number of true cases that the list is expected to hold, with a 95 % interval."""

    expected: float
    """The sum of the probabilities."""
    low: float
    """The interval covers chance, and how far such sums were off in the back-test."""
    high: float


class PageAnswer(Answer):
    """One page of a longer list."""

    total: int
    """Rows on all pages."""
    limit: int
    offset: int
    next: str | None
    """The next page; null on the last one."""

    @staticmethod
    def of(address: str, parameters: Mapping[str, object], *, total: int, limit: int, offset: int) -> PageAnswer:
        """Describe one page of ``address``. ``parameters`` are those of the request; None is left out."""
        end = offset + limit
        given = {name: value for name, value in parameters.items() if value is not None}
        link = urlencode(given | {"limit": limit, "offset": end})
        following = f"{address}?{link}" if end < total else None
        return PageAnswer(total=total, limit=limit, offset=offset, next=following)


class ServiceQuery(BaseModel):
    """The base of queries and bodies: any other parameter or key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _require_iso_date(value: object) -> object:
    """Refuse the other forms that pydantic reads as a date: seconds since 1970, and moments."""
    if isinstance(value, str) and not (len(value) == 10 and value[4] == value[7] == "-"):
        raise ValueError("write YYYY-MM-DD")
    return value


IsoDate = Annotated[dt.date, BeforeValidator(_require_iso_date)]
HorizonDays = Annotated[int, Field(ge=1, le=3650)]
PageLimit = Annotated[int, Field(ge=1, le=500)]
PageOffset = Annotated[int, Field(ge=0, le=100_000_000)]
RequiredText = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
"""A text that is not blank."""

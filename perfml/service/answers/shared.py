"""Types that the answers of several routes share.

Docstrings of answers and queries, and of their attributes, are the descriptions in the OpenAPI document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Set
from typing import Annotated, Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from perfml.advice.person import KnownPerson
from perfml.errors import PerfmlError
from perfml.messages import Message, render
from perfml.reasons.record import Form
from perfml.scoring.people.files import PersonFacts
from perfml.service.problems import refusal_of

RiskBand = Literal["act", "watch", "none"]
ScoreStatus = Literal["scored", "ineligible", "opted_out", "thin", "held"]


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

    @classmethod
    def of_error(cls, error: PerfmlError) -> Self:
        """What a caller is told of an error."""
        refusal = refusal_of(error)
        return cls(zh=refusal.zh, en=str(refusal))


class ReasonLineAnswer(Answer):
    """One line of an explanation, in log-odds; the strongest first and ``other`` last."""

    evidence: str
    contribution: float
    owner: str
    """Who can act on it: employee, manager, company or data."""
    steady: bool | None
    """Whether it mostly leads again when the model is refitted on other people; null where that was not tested."""
    form: Form | None = None
    """How it is worded: by its ``value``, as a ``change``, or as ``combined`` with other evidence; null in rows kept by earlier
    versions."""
    zh: str
    en: str


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


class PersonFactsAnswer(KnownPerson):
    """What HR knows a person by, as known at the as-of date; null where the record does not say."""

    @classmethod
    def of(cls, facts: PersonFacts) -> Self:
        """The facts without the id, which stands beside them."""
        return cls(**{name: getattr(facts, name) for name in cls.model_fields})


class PageAnswer(Answer):
    """One page of a longer list."""

    total: int
    """Rows on all pages."""
    limit: int
    next: str | None
    """The address of the next page; null on the last one."""


class ServiceQuery(BaseModel):
    """The base of queries and bodies: any other parameter or key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, values: object) -> object:
        """Refuse what no database keeps in a text."""
        if _holds_nul(values):
            raise PydanticCustomError("nul", "leave out the character U+0000")
        return values


class OfOnePerson(Protocol):
    """A row about one person that says where they work."""

    @property
    def employee_id(self) -> str | None:
        """Who it is."""
        ...

    @property
    def department(self) -> str | None:
        """The department; None where the record does not say."""
        ...

    @property
    def manager_id(self) -> str | None:
        """The manager; None where the record does not say."""
        ...


class PersonPlace(NamedTuple):
    """Who somebody is, and where they work as far as it is known."""

    employee_id: str | None
    department: str | None = None
    manager_id: str | None = None


class PeopleQuery(ServiceQuery):
    """The base of queries for lists of people."""

    department: str | None = None
    """Only people of this department, as known at the as-of date."""
    manager_id: str | None = None
    """Only people who report to this manager, as known at the as-of date."""

    @property
    def filtered(self) -> bool:
        """Whether it has to be known where people work."""
        return self.department is not None or self.manager_id is not None

    def selects(self, people: Mapping[str, PersonFacts], employee_id: object, reach: Set[str] | None = None) -> bool:
        """Whether a person passes both filters and lies within ``reach``. Nobody passes a filter of whom nothing is known."""
        person = str(employee_id)
        return self.selects_row(people.get(person) or PersonPlace(person), reach)

    def selects_row(self, row: OfOnePerson, reach: Set[str] | None = None) -> bool:
        """Whether the person of ``row`` lies within ``reach`` (default: everyone) and works where the filters say."""
        return (
            (reach is None or row.employee_id in reach)
            and self.department in (None, row.department)
            and self.manager_id in (None, row.manager_id)
        )


def _holds_nul(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_nul(each) for each in (*value, *value.values()))
    return isinstance(value, str) and "\0" in value


def _require_iso_date(value: object) -> object:
    """Refuse the other forms that pydantic reads as a date: seconds since 1970, and moments."""
    if isinstance(value, str) and not (len(value) == 10 and value[4] == value[7] == "-"):
        raise ValueError("write YYYY-MM-DD")
    return value


IsoDate = Annotated[dt.date, BeforeValidator(_require_iso_date)]
HorizonDays = Annotated[int, Field(ge=1, le=3650)]
PageLimit = Annotated[int, Field(ge=1, le=500)]
PageCursor = Annotated[str, Field(max_length=100)]
"""From ``next`` of the page before; 410 where the list has been replaced since."""
RequiredText = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
"""A text that is not blank."""

"""What the service answers with. The docstrings here are the descriptions in the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from perfml.project.voices import Who
from perfml.service.problems import Problem

Band = Literal["act", "watch", "none"]
Status = Literal["scored", "ineligible", "thin", "held"]
Stage = Literal["champion", "candidate"]
Verdict = Literal["pass", "fail", "insufficient"]


class Answer(BaseModel):
    """Every answer is frozen; an attribute's docstring is its description."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Text(Answer):
    """The same words in Simplified Chinese and English."""

    zh: str
    en: str


class Figure(Answer):
    """An estimate with its 95 % interval and standard error over people; null where it could not be estimated."""

    value: float | None
    low: float | None
    high: float | None
    se: float | None


class Gate(Answer):
    """One thing that a model has to pass before anybody is listed by it."""

    name: str
    verdict: Verdict
    """``insufficient`` where there was too little to judge: it does not fail, and it has not passed."""
    figure: str
    """What was measured."""
    limit: str
    text: Text
    """What it means."""


class Horizon(Answer):
    """What the back-test showed for one horizon, on people whose outcome the model had not seen."""

    horizon_days: int
    proven: bool
    """No gate failed; the first gate is being better than the baseline. Without it there is no list."""
    verdict: Text
    """How it compares with the baseline or, where a gate failed, what the first that did says."""
    gates: tuple[Gate, ...]
    rows: int
    """Rows in the back-test."""
    positives: int
    """Rows in the back-test with the outcome."""
    baseline_columns: tuple[str, ...]
    """What the baseline knows."""
    model: dict[str, Figure]
    baseline: dict[str, Figure]
    difference: dict[str, Figure]
    """The model less the baseline, by metric."""
    calibration_error: float
    """Mean distance between the expected and the observed share, in ten groups of equal size."""
    calibration_error_floor: float
    """The calibration error that a perfect model of these rows would show, by sampling alone."""


class Page(Answer):
    """One page of something longer."""

    total: int
    """Rows on all pages."""
    limit: int
    offset: int
    next: str | None
    """The next page; null on the last one."""

    @staticmethod
    def of(address: str, asked: Mapping[str, object], total: int, limit: int, offset: int) -> dict[str, Any]:
        """The fields of the page of ``address`` that was ``asked`` for."""
        end = offset + limit
        link = urlencode({k: v for k, v in asked.items() if v is not None} | {"limit": limit, "offset": end})
        next_page = f"{address}?{link}" if end < total else None
        return {"total": total, "limit": limit, "offset": offset, "next": next_page}


class ModelAnswer(Answer):
    """A trained model: what it says of itself, and which dates it has scored."""

    model: str
    title: Text
    version: str
    stage: Stage
    """``champion`` where somebody promoted this version, ``candidate`` where none has been promoted."""
    trained_until: dt.date
    """Only what was known, and labels that had matured, by this date were learnt from."""
    horizons: tuple[Horizon, ...]
    segments: dict[str, Text]
    """People whose risk matters for a reason of its own, by the name that ``segment=`` takes."""
    left_out: tuple[str, ...]
    """Evidence and horizons that the data did not allow."""
    scored: tuple[dt.date, ...]
    """As-of dates with scores, the newest first."""
    card: str
    """The model card, in Markdown; empty where nobody wrote one."""


class ModelsAnswer(Answer):
    """Every trained model, by name."""

    models: tuple[ModelAnswer, ...]
    refused: tuple[Problem, ...]
    """Models whose files are missing or were altered."""


class ReasonLine(Answer):
    """One line of an explanation, in log-odds; the strongest first and ``other`` last."""

    evidence: str
    contribution: float
    owner: str
    """Who can act on it: employee, manager, company or data."""
    steady: bool | None
    """Whether it mostly leads as well when the model is learnt from other people; null where that was not asked."""
    zh: str
    en: str


class Behind(Answer):
    """One column behind a reason: the person's value, and the median of those scored at the same date."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class Reason(ReasonLine):
    """A line with the columns behind it."""

    values: tuple[Behind, ...]


class Cause(Answer):
    """One way in which the horizon can end for a person."""

    cause: str
    """The outcome that the list is for, one of the other causes of leaving, or ``staying``."""
    probability: float


class Listed(Answer):
    """One person on the list."""

    employee_id: str
    rank: int
    """1 is the highest risk."""
    band: Band
    """``act`` for as many as there is capacity for, ``watch`` for as many again."""
    probability: float
    incidence: tuple[Cause, ...]
    """The probability of each cause, the listed outcome first: they add up to 1. Empty where the outcome is no exit."""
    segments: tuple[str, ...]
    """Those of the model's segments that the person belongs to."""
    setting: bool
    """Whether others own every leading reason: it is then the setting that needs support, and not the person."""
    reasons: tuple[ReasonLine, ...]


class ExpectedCases(Answer):
    """How many true cases the list is expected to hold, with a 95 % interval."""

    expected: float
    """The sum of the probabilities."""
    low: float
    """The interval holds chance, and how far such sums were off in the back-test."""
    high: float


class AtRiskAnswer(Page):
    """One page of the people scored at one date for one horizon, the highest risk first."""

    model: str
    model_version: str
    """The version that made these scores."""
    as_of: dt.date
    horizon_days: int
    scored_at: dt.datetime
    """When the scores were written. It changes when the date is scored again: begin again at the first page."""
    not_listed: dict[Status, int]
    """How many people of that date have no score, by why."""
    expected_cases: ExpectedCases
    """Among all of the band ``act``, whichever band, segment or page was asked for."""
    people: tuple[Listed, ...]


class PersonRow(Answer):
    """One person's score by one model at one date for one horizon."""

    model: str
    title: Text
    model_version: str
    as_of: dt.date
    horizon_days: int
    proven: bool
    """Whether no gate of the model failed. Otherwise there is neither rank nor band."""
    verdict: Text
    status: Status
    why_not: Text | None
    """Why there is no score; null where there is one."""
    probability: float | None
    incidence: tuple[Cause, ...]
    """The probability of each cause, the listed outcome first; empty without a score, or where the outcome is no exit."""
    segments: tuple[str, ...]
    """Those of the model's segments that the person belongs to."""
    rank: int | None
    band: Band | None
    margin: float | None
    """The score in log-odds: ``base_value`` and the contributions of all reasons add up to it."""
    base_value: float | None
    reasons: tuple[Reason, ...]


class PersonAnswer(Answer):
    """Everything kept about one person's risk, one row for each model, date and horizon."""

    employee_id: str
    rows: tuple[PersonRow, ...]


class Freshness(Answer):
    """Whether one model can be read, and how fresh its scores are."""

    model: str
    as_of: dt.date | None
    """The newest date with scores; null where there are none."""
    scored_at: dt.datetime | None
    age_hours: float | None
    """Hours since they were written."""
    problem: Problem | None
    """What is wrong with the model's files or its newest scores."""


class HealthAnswer(Answer):
    """``ok`` when at least one model is trained, and every one is sound and has scores."""

    status: Literal["ok", "degraded"]
    perfml: str
    models: tuple[Freshness, ...]


def _written_out(value: object) -> object:
    """Refuse the other ways in which pydantic reads a date: seconds since 1970, and moments."""
    if isinstance(value, str) and not (len(value) == 10 and value[4] == value[7] == "-"):
        raise ValueError("write YYYY-MM-DD")
    return value


Day = Annotated[dt.date, BeforeValidator(_written_out)]
HorizonDays = Annotated[int, Field(ge=1, le=3650)]


class AtRiskQuery(BaseModel):
    """Which list, and which page of it. A parameter that is not one of these is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    as_of: Day | None = None
    """YYYY-MM-DD; the newest scored date when absent."""
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    band: Band | None = None
    """Only this band; everyone who was scored when absent."""
    segment: str | None = None
    """Only people of this segment of the model; everyone who was scored when absent."""
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    offset: Annotated[int, Field(ge=0, le=100_000_000)] = 0


class PersonQuery(BaseModel):
    """Which of a person's rows. A parameter that is not one of these is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    model: str | None = None
    """Every model when absent."""
    as_of: Day | None = None
    """YYYY-MM-DD; each model's newest scored date when absent."""
    voice: Who | None = None
    """To whom the reasons are told: the same numbers, other words. Plainly when absent."""
    horizon_days: HorizonDays | None = None
    """Every horizon when absent."""

"""What the service answers about suggestions, lists to work from, and what people decided."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from perfml.service.schemas import Answer, Day, ExpectedCases, HorizonDays, Page, ReasonLine, Text

Stated = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
"""Words that say something."""


class DecisionAnswer(Answer):
    """What somebody decided about a suggestion."""

    suggestion_id: str
    verdict: Literal["accept", "refuse"]
    reason: str
    decided_by: str
    entered_at: dt.datetime


class Rule(Answer):
    """A rule of the policy that was looked at."""

    rule: str
    binding: bool
    """Whether it kept the suggestion from being another one."""
    zh: str
    en: str


class Line(Answer):
    """One piece of evidence in words."""

    what: str
    zh: str
    en: str


class Evidence(Line):
    """One piece of evidence with its value; null where it has none."""

    value: float | None


class Parts(Answer):
    """Where the distance between forecast and target comes from, in log points: they add up to log(expected / target)."""

    market: float | None
    season: float | None
    definition: float | None
    own: float | None


class TargetRow(Answer):
    """One goal in force, with the suggestion for it or why there is none. Nothing applies by itself."""

    suggestion_id: str
    policy: str
    employee_id: str
    goal_id: str
    metric: str
    scope: str | None
    core: bool
    period_end: dt.date
    status: Literal["suggested", "fits", "none", "error", "held"]
    lever: Literal["target", "weight", "both"] | None
    old_target: float | None
    new_target: float | None
    old_weight: float | None
    new_weight: float | None
    actual: float | None
    gone: float | None
    """Share of the period that has passed."""
    expected: float | None
    """The final value that is expected, with its 80 % interval ``low`` to ``high``."""
    low: float | None
    high: float | None
    probability_before: float | None
    """Of reaching the old target."""
    probability_after: float | None
    parts: Parts | None
    rules: tuple[Rule, ...]
    evidence: tuple[Evidence, ...]
    zh: str | None
    en: str | None
    why_not: Text | None
    """Why nothing is suggested."""
    decisions: tuple[DecisionAnswer, ...]
    """What was decided about it, oldest first; the newest counts."""


class TargetsAnswer(Page):
    """One page of the goals in force at one date."""

    as_of: dt.date
    statuses: dict[str, int]
    """Goals of that date by status, whatever was asked for."""
    targets: tuple[TargetRow, ...]


class CourseRow(Answer):
    """One course suggested for one gap, or (status ``none`` or ``held``) why there is none."""

    suggestion_id: str
    policy: str
    status: Literal["suggested", "none", "held"]
    tag: str | None
    skill: str | None
    tag_source: str | None
    """``noted``, or ``proposed`` from a review: then a person has to confirm it."""
    quote: str | None
    """The words of the review."""
    course_id: str | None
    title: str | None
    rank: int | None
    """1 is the first to take."""
    score: float | None
    step: str | None
    """``prerequisite`` or ``main``."""
    hours: float | None
    level: int | None
    language: str | None
    why: tuple[Line, ...]
    zh: str | None
    en: str | None
    why_not: Text | None
    decisions: tuple[DecisionAnswer, ...]


class CoursesAnswer(Answer):
    """The courses suggested for one person at one date, the first to take first."""

    employee_id: str
    as_of: dt.date
    courses: tuple[CourseRow, ...]


class PriorityPerson(Answer):
    """Someone on the list."""

    employee_id: str
    rank: int
    probability: float
    owners: tuple[str, ...]
    """Who can act on the leading reasons, the strongest first: employee, manager, company or data."""
    reasons: tuple[ReasonLine, ...]


class HeldPerson(Answer):
    """Someone whose score is held, and why."""

    employee_id: str
    why: str


class LastingPerson(Answer):
    """Someone who was offered something lately, or held out, and is not listed again yet."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: str


class BacktestedList(Answer):
    """What lists of this size held in the back-test."""

    share: float
    """Size of the list, as a share of those scored."""
    listed: int
    """Rows that would have been listed."""
    precision: float | None
    """Share of true cases among them, with its 95 % interval over people."""
    low: float | None
    high: float | None


class UpliftAnswer(Answer):
    """What a randomised offer changed: the share with the outcome among those offered less that among those held out."""

    kind: str
    offered: int
    held_out: int
    difference: float
    low: float
    high: float
    zh: str
    en: str


class PrioritiesAnswer(Answer):
    """The list that HR works from, as far as there is capacity."""

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    capacity: int
    proven: bool
    """Otherwise nobody is listed, and ``text`` says why."""
    text: Text
    expected_cases: ExpectedCases
    """Among ``people``."""
    backtested: BacktestedList | None
    uplift: tuple[UpliftAnswer, ...]
    """Empty where no offers were made at random: then the list says risk only."""
    people: tuple[PriorityPerson, ...]
    """Those to talk to."""
    setting: tuple[PriorityPerson, ...]
    """Those whose leading reasons are all owned by others: support the setting."""
    hold_out: tuple[PriorityPerson, ...]
    """Those left out at random."""
    held: tuple[HeldPerson, ...]
    lasting: tuple[LastingPerson, ...]


class InterventionAnswer(Answer):
    """An intervention as it was stored."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: Literal["offered", "refused", "done"] | None
    done_on: dt.date | None
    outcome: str
    random: bool
    hold_out: bool
    entered_by: str
    entered_at: dt.datetime


class _Asked(BaseModel):
    """A parameter or key that is not one of these is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TargetsQuery(_Asked):
    """Which goals, and which page of them."""

    as_of: Day | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "target_adjustment"
    employee_id: str | None = None
    status: Literal["suggested", "fits", "none", "error", "held"] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    offset: Annotated[int, Field(ge=0, le=100_000_000)] = 0


class CoursesQuery(_Asked):
    """Of which date."""

    as_of: Day | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "course_match"


class PrioritiesQuery(_Asked):
    """Which list, and how long."""

    model: str = "attrition"
    capacity: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many people there is time to talk to."""
    as_of: Day | None = None
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    hold_out_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of those who would be listed that is left out at random."""


class Accepted(_Asked):
    """A suggestion that is accepted."""

    verdict: Literal["accept"]
    decided_by: Stated
    reason: Annotated[str, Field(max_length=2_000)] = ""


class Refused(_Asked):
    """A suggestion that is refused, and why."""

    verdict: Literal["refuse"]
    decided_by: Stated
    reason: Stated


DecisionBody = Annotated[Accepted | Refused, Field(discriminator="verdict")]
"""What was decided. A refusal needs a reason."""


class InterventionBody(_Asked):
    """Help that was offered, refused or done; or withheld at random (``hold_out``)."""

    employee_id: Stated
    kind: Stated
    offered_on: Day
    status: Literal["offered", "refused", "done"] | None = None
    """Empty for who was held out."""
    done_on: Day | None = None
    outcome: Annotated[str, Field(max_length=2_000)] = ""
    random: bool = False
    """Whether chance decided between offering and holding out."""
    hold_out: bool = False
    entered_by: Annotated[str, Field(max_length=200)] = ""

"""Goals in force, with the suggestion for each or why there is none."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Set
from typing import Literal

from perfml.service.answers.decisions import DecisionAnswer
from perfml.service.answers.shared import (
    Answer,
    IsoDate,
    PageAnswer,
    PageCursor,
    PageLimit,
    PeopleQuery,
    TextAnswer,
)
from perfml.service.answers.suggestions import (
    LineAnswer,
    decisions_about,
    suggestion_fields,
    suggestions_file,
    why_empty,
)
from perfml.service.paging import ListVersion
from perfml.service.scores import open_scores
from perfml.service.store import Store

TargetStatus = Literal["suggested", "fits", "none", "beyond", "error", "held", "outside"]


class RuleAnswer(Answer):
    """A rule of the policy that was applied."""

    rule: str
    binding: bool
    """Whether it changed the suggestion."""
    zh: str
    en: str


class EvidenceAnswer(LineAnswer):
    """One piece of evidence with its value; null where it has none."""

    value: float | None


class PartsAnswer(Answer):
    """The parts of the distance between forecast and target, in log points: they add up to log(expected / target)."""

    market: float | None
    season: float | None
    definition: float | None
    own: float | None


class BeyondAnswer(Answer):
    """A goal that the limits of the policy do not bring into reach: what it would need, and what the limits allow."""

    escalation_id: str
    """Its case, as in /v1/escalations."""
    needed_target: float
    """The target needed at the owner's usual effort."""
    limit_percent: float
    limit_target: float
    """The nearest target within the limits, and the probability of reaching it at the usual effort."""
    probability_at_limit: float | None


class TargetAnswer(Answer):
    """One goal in force, with the suggestion for it or why there is none. No suggestion takes effect by itself."""

    suggestion_id: str
    policy: str
    employee_id: str
    goal_id: str
    metric: str
    scope: str | None
    core: bool
    period_end: dt.date
    status: TargetStatus
    lever: Literal["target", "weight", "both"] | None
    old_target: float | None
    new_target: float | None
    old_weight: float | None
    new_weight: float | None
    actual: float | None
    gone: float | None
    """Share of the period that has passed."""
    expected: float | None
    """The expected final value, with its 80 % interval ``low`` to ``high``."""
    low: float | None
    high: float | None
    probability_before: float | None
    """Of reaching the old target."""
    probability_after: float | None
    parts: PartsAnswer | None
    beyond: BeyondAnswer | None = None
    """For a goal that the limits do not bring into reach, whether its weight moves or not."""
    rules: tuple[RuleAnswer, ...]
    evidence: tuple[EvidenceAnswer, ...]
    zh: str | None
    en: str | None
    why_not: TextAnswer | None
    """Why nothing is suggested."""
    decisions: tuple[DecisionAnswer, ...]
    """The decisions about it, oldest first; the newest counts."""


class TargetsAnswer(PageAnswer):
    """One page of the goals in force at one date."""

    as_of: dt.date
    statuses: dict[str, int]
    """Goals of that date by status, of everyone whom the asker may see, whatever filter was requested."""
    why_empty: TextAnswer | None
    """Why nothing is listed, where nothing is."""
    targets: tuple[TargetAnswer, ...]


class TargetsQuery(PeopleQuery):
    """Which goals, and which page of them."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "target_adjustment"
    employee_id: str | None = None
    status: TargetStatus | None = None
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def target_suggestions(store: Store, query: TargetsQuery, *, reach: Set[str] | None = None) -> TargetsAnswer:
    """Return one page of the goals of a date, of the people within ``reach`` (default: everyone).

    Raises :class:`NotFound` where the policy or the date has none.
    """
    day, path = suggestions_file(store, query.policy, query.as_of)
    file = open_scores(path, ("suggestion_id", "goal_id", "status"))
    people, statuses = file.columns(["employee_id", "status"], slice(None))
    known = store.people(day) if query.filtered else {}
    chosen = [
        position
        for position, (person, status) in enumerate(zip(people, statuses, strict=True))
        if query.employee_id in (None, person)
        and query.status in (None, status)
        and query.selects(known, person, reach)
    ]
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    whole = ListVersion(address="/v1/targets", parameters={"as_of": day, **parameters}, version=file.version)
    page = whole.page(chosen, int, limit=query.limit, cursor=query.cursor)
    rows = file.rows(page.rows)
    decisions = decisions_about(store, rows)
    return TargetsAnswer(
        as_of=day,
        statuses=dict(Counter(str(s) for p, s in zip(people, statuses, strict=True) if reach is None or p in reach)),
        why_empty=None if chosen else why_empty(len(people)),
        targets=tuple(TargetAnswer.model_validate(suggestion_fields(row, decisions)) for row in rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )

"""The goals of a person: target, actual, forecast, and what was changed and whether it was discussed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from perfml.advice.suggestion_files import StoredTarget
from perfml.advice.talks.lines import SourceRow, TalkFacts
from perfml.scoring.personal.files import KeptRow
from perfml.scoring.personal.record import PersonalPart

BEHIND = Decimal("0.1")
"""Share of the target below the share of time passed from which on a goal is behind, as in ``features/behind.sql``."""
ENDED_DAYS = 92
"""Days for which a goal that has ended is still reviewed."""
FEEDBACK = "feedback_received_days_since_last"
"""The evidence whose rows are feedback to the person, as in ``features/discussion.sql``."""
GoalStatus = Literal["attained", "on_track", "behind", "missed", "not_measured"]


class TargetChange(PersonalPart):
    """A change of target or weight."""

    effective_on: dt.date
    old_target: Decimal
    new_target: Decimal
    old_weight: Decimal
    new_weight: Decimal
    discussed: bool | None
    """Whether any feedback to the person is on record since; null where this record has no feedback."""
    sources: tuple[SourceRow, ...]


class GoalReview(PersonalPart):
    """One goal as it stands."""

    goal_id: str
    metric: str
    unit: str | None
    core: bool
    weight: Decimal
    """Per cent."""
    target: Decimal
    actual: Decimal | None
    measured_on: dt.date | None
    period_start: dt.date
    period_end: dt.date
    reached: Decimal | None
    """Share of the target."""
    elapsed: Decimal
    """Share of the period that had passed at the last measurement, else before the as-of date."""
    status: GoalStatus
    expected: float | None
    """The forecast of the final value; null where none is stored."""
    low: float | None
    high: float | None
    """Ends of its 80 % interval."""
    changes: tuple[TargetChange, ...]
    """Oldest first."""
    sources: tuple[SourceRow, ...]
    """The version in force, and the last measurement."""


def goal_reviews(facts: TalkFacts, forecasts: Mapping[str, StoredTarget]) -> Iterator[GoalReview]:
    """The goals that run or ended lately, the core ones and those with more weight first.

    ``forecasts``: goal id → the row of the stored suggestions.
    """
    as_of = facts.record.as_of
    versions: dict[str, list[KeptRow]] = {}
    for row in facts.rows("goals"):
        versions.setdefault(row.values["goal_id"], []).append(row)
    measured: dict[str, KeptRow] = {}
    for row in facts.rows("progress"):
        measured.setdefault(row.values["goal_id"], row)
    reviews = [
        _review(facts, rows, measured.get(goal), forecasts.get(goal))
        for goal, rows in versions.items()
        if _day(rows[0], "period_start") < as_of <= _day(rows[0], "period_end") + dt.timedelta(days=ENDED_DAYS)
    ]
    yield from sorted(reviews, key=lambda goal: (goal.period_end < as_of, not goal.core, -goal.weight, goal.goal_id))


def _review(
    facts: TalkFacts, versions: Sequence[KeptRow], measured: KeptRow | None, forecast: StoredTarget | None
) -> GoalReview:
    now, as_of = versions[0], facts.record.as_of
    start, end, target = _day(now, "period_start"), _day(now, "period_end"), Decimal(now.values["target"])
    same = measured is not None and measured.values.get("definition") in (None, now.values.get("definition"))
    actual = Decimal(measured.values["actual"]) if measured is not None and same else None
    until = measured.day if measured is not None else as_of
    elapsed = min(Decimal(1), Decimal((until - start).days) / Decimal((end - start).days + 1))
    reached = None if actual is None else actual / target
    return GoalReview(
        goal_id=now.values["goal_id"],
        metric=now.values["metric"],
        unit=now.values.get("unit"),
        core=now.values["core"] == "true",
        weight=Decimal(now.values["weight"]),
        target=target,
        actual=actual,
        measured_on=None if measured is None else measured.day,
        period_start=start,
        period_end=end,
        reached=None if reached is None else reached.quantize(Decimal("0.001")),
        elapsed=elapsed.quantize(Decimal("0.001")),
        status=_status(reached, elapsed, ended=end < as_of),
        expected=forecast and forecast["expected"],
        low=forecast and forecast["low"],
        high=forecast and forecast["high"],
        changes=tuple(_changes(facts, versions)),
        sources=tuple(facts.source(row) for row in (now, measured) if row is not None),
    )


def _status(reached: Decimal | None, elapsed: Decimal, *, ended: bool) -> GoalStatus:
    if reached is None:
        return "not_measured"
    if reached >= 1:
        return "attained"
    if ended:
        return "missed"
    return "behind" if reached < elapsed - BEHIND else "on_track"


def _changes(facts: TalkFacts, versions: Sequence[KeptRow]) -> Iterator[TargetChange]:
    feedback = facts.counted(FEEDBACK)
    for before, after in pairwise(reversed(versions)):
        old_target, new_target = Decimal(before.values["target"]), Decimal(after.values["target"])
        old_weight, new_weight = Decimal(before.values["weight"]), Decimal(after.values["weight"])
        if (old_target, old_weight) != (new_target, new_weight):
            yield TargetChange(
                effective_on=after.day,
                old_target=old_target,
                new_target=new_target,
                old_weight=old_weight,
                new_weight=new_weight,
                discussed=None if feedback is None else any(row.day >= after.day for row in feedback),
                sources=(facts.source(before), facts.source(after)),
            )


def _day(row: KeptRow, column: str) -> dt.date:
    return dt.date.fromisoformat(row.values[column])

"""Escalations: one case for a metric and place whose targets the limits of the policy do not bring into reach.

Read off the rows of :mod:`perfml.advice.targets.suggest`, which hold the figures of each goal. In plain Python: the service
reads them too.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from pydantic import BaseModel, ConfigDict

from perfml.advice.suggestion_files import BeyondFigures, BeyondTarget, StoredTarget, SuggestedTarget
from perfml.advice.targets.texts import amount, percent
from perfml.messages import Message, render


@dataclass(frozen=True)
class _GoalOfCase:
    row: SuggestedTarget | BeyondTarget
    beyond: BeyondFigures

    @property
    def outside(self) -> float:
        """The outside influence on the goal, as a share of its target."""
        return math.expm1(sum(self.row["parts"][name] for name in ("market", "season", "definition")))


class EscalationFigures(BaseModel):
    """One case: the goals on a metric and place that no permitted change of target helps. Targets are sums over them."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    escalation_id: str
    """The same within a month for the same policy, metric and place."""
    policy: str
    metric: str
    scope: str | None
    """The place; null where the goals have none."""
    people: int
    goals: int
    core_goals: int
    """Goals among them whose target and weight never move."""
    weights_moved: int
    """Goals among them for which weight is suggested to move to what can be reached."""
    market_percent: float
    """The median outside influence: market, season and definition."""
    limit_percent: float
    """The median change that the policy still allows."""
    target: float
    expected: float
    needed_target: float
    """What would bring each goal to the edge of the band at its owner's usual effort."""
    limit_target: float
    """The nearest that the policy allows."""
    probability_before: float
    """Median probability of reaching the target in force."""
    probability_at_limit: float
    """Median probability of reaching the target at the limit, at the owners' usual effort."""
    goal_ids: tuple[str, ...]
    zh: str
    en: str


class Escalation(EscalationFigures):
    """A case with its policy's version, its date, and who may decide."""

    policy_version: str
    as_of: dt.date
    decided_by_zh: str
    decided_by_en: str


def escalations(rows: Iterable[StoredTarget]) -> tuple[Escalation, ...]:
    """The cases among ``rows``, the most people first."""
    cases: dict[str, list[_GoalOfCase]] = {}
    for row in rows:
        beyond = row["beyond"]
        if beyond is not None and (row["status"] == "suggested" or row["status"] == "beyond"):
            cases.setdefault(beyond["escalation_id"], []).append(_GoalOfCase(row, beyond))
    return tuple(sorted(map(_escalation, cases.values()), key=lambda case: (-case.people, case.escalation_id)))


def _escalation(goals: Sequence[_GoalOfCase]) -> Escalation:
    rows, limits = [goal.row for goal in goals], [goal.beyond for goal in goals]
    first, shared = rows[0], limits[0]
    target, expected = sum(row["old_target"] for row in rows), sum(row["expected"] for row in rows)
    needed, limit = sum(each["needed_target"] for each in limits), sum(each["limit_target"] for each in limits)
    people = len({row["employee_id"] for row in rows})

    def text(decided_by: str) -> Message:
        return Message.of(
            "target_escalation_low" if needed < target else "target_escalation_high",
            metric=first["metric"],
            scope="" if first["scope"] is None else Message.of("target_escalation_scope", scope=first["scope"]),
            people=people,
            target=amount(target),
            expected=amount(expected),
            gap=percent(expected / target - 1, signed=True),
            needed=amount(needed),
            limit=amount(limit),
            decided_by=_sentence(decided_by),
        )

    return Escalation(
        escalation_id=shared["escalation_id"],
        policy=first["policy"],
        policy_version=first["policy_version"],
        as_of=first["as_of"],
        metric=first["metric"],
        scope=first["scope"],
        decided_by_zh=shared["decided_by_zh"],
        decided_by_en=shared["decided_by_en"],
        people=people,
        goals=len(rows),
        core_goals=sum(row["core"] for row in rows),
        weights_moved=sum(row["status"] == "suggested" for row in rows),
        market_percent=100 * median(goal.outside for goal in goals),
        limit_percent=median(each["limit_percent"] for each in limits),
        target=target,
        expected=expected,
        needed_target=needed,
        limit_target=limit,
        probability_before=median(row["probability_before"] for row in rows),
        probability_at_limit=median(each["probability_at_limit"] for each in limits),
        goal_ids=tuple(sorted(row["goal_id"] for row in rows)),
        zh=render(text(shared["decided_by_zh"]), "zh"),
        en=render(text(shared["decided_by_en"]), "en"),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

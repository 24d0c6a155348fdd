"""What to show of the suggestions for people whose row does not carry them: goals that should move, and courses for gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from perfml.advice.priorities import Priorities
from perfml.advice.suggestion_files import StoredCourse, StoredTarget, SuggestedCourse, SuggestedTarget
from perfml.advice.targets.escalations import Escalation, escalations
from perfml.messages import Message

MOST_TARGETS = 12
MOST_PEOPLE = 20
"""People whose courses are shown; the file of suggestions holds all of them."""
MOST_REASONS = 6
"""Reasons why goals get no suggestion."""
TARGET_STATUSES: Mapping[str, Message] = {
    "suggested": Message.of("report_goals_suggested"),
    "fits": Message.of("report_goals_fits"),
    "none": Message.of("report_goals_none"),
    "beyond": Message.of("report_goals_beyond"),
    "error": Message.of("report_goals_error"),
    "held": Message.of("report_goals_held"),
    "outside": Message.of("report_goals_outside"),
}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Lists and suggestions of one date; what is not given is left out."""

    targets: tuple[StoredTarget, ...] | None = None
    """Every goal in force; None where no policy ran."""
    courses: tuple[StoredCourse, ...] | None = None
    """Every suggested course, or why there is none."""
    priorities: tuple[Priorities, ...] = ()
    earlier: tuple[Priorities, ...] = ()
    """The lists of the scoring before."""

    @classmethod
    def of(
        cls,
        targets: pa.Table | None = None,
        courses: pa.Table | None = None,
        priorities: Sequence[Priorities] = (),
        earlier: Sequence[Priorities] = (),
    ) -> Advice:
        """From the tables of ``perfml.advice.targets.suggest`` and ``perfml.advice.courses.match``."""
        return cls(
            targets=None if targets is None else tuple(targets.to_pylist()),
            courses=None if courses is None else tuple(courses.to_pylist()),
            priorities=tuple(priorities),
            earlier=tuple(earlier),
        )

    def list_of(self, model: str) -> Priorities | None:
        """The list of ``model``."""
        return next((each for each in self.priorities if each.model == model), None)

    def earlier_of(self, model: str) -> Priorities | None:
        """The list of ``model`` of the scoring before."""
        return next((each for each in self.earlier if each.model == model), None)


@dataclass(frozen=True, kw_only=True)
class TargetPart:
    """The part on targets."""

    shown: tuple[SuggestedTarget, ...]
    """Goals with a suggestion, the least likely to reach their old target first."""
    more: int
    apart: tuple[str, ...]
    """People whose row carries their suggestions."""
    escalations: tuple[Escalation, ...]
    """Shocks beyond the policy, one case for each metric and place, the most people first."""
    statuses: Mapping[str, int]
    """Goals in force by status."""
    why_not: tuple[tuple[str, str, int], ...]
    """Why there is no suggestion (zh, en), and the number of goals."""

    @property
    def people(self) -> frozenset[str]:
        """Those whose goals are shown."""
        return frozenset(row["employee_id"] for row in self.shown)

    @property
    def cases(self) -> Mapping[str, int]:
        """Escalation -> its number among ``escalations``."""
        return {case.escalation_id: number for number, case in enumerate(self.escalations)}

    @classmethod
    def of(cls, goals: Sequence[StoredTarget], *, apart: Collection[str] = ()) -> TargetPart:
        """Select what to show of ``goals``; the suggestions for the people ``apart`` are shown with them."""
        with_suggestion = [row for row in goals if row["status"] == "suggested"]
        suggested = [row for row in with_suggestion if row["employee_id"] not in apart]
        suggested.sort(key=lambda row: row["probability_before"])
        why = Counter((row["why_not_zh"] or "", row["why_not_en"]) for row in goals if row["why_not_en"])
        return cls(
            shown=tuple(suggested[:MOST_TARGETS]),
            more=max(0, len(suggested) - MOST_TARGETS),
            apart=_within(with_suggestion, apart),
            escalations=escalations(goals),
            statuses=dict(Counter(row["status"] for row in goals).most_common()),
            why_not=tuple((zh, en, n) for (zh, en), n in why.most_common(MOST_REASONS)),
        )


@dataclass(frozen=True, kw_only=True)
class CoursePart:
    """The part on courses."""

    shown: tuple[tuple[str, tuple[SuggestedCourse, ...]], ...]
    """People with their courses, the first to take first."""
    apart: tuple[str, ...]
    """People whose row carries their courses."""
    people: int
    """People with a course, shown or not."""
    nothing_suitable: int

    @property
    def with_courses(self) -> frozenset[str]:
        """Those whose courses are shown."""
        return frozenset(person for person, _ in self.shown)

    @property
    def more(self) -> int:
        """People with a course who are not shown anywhere on the page."""
        return self.people - len(self.shown) - len(self.apart)

    @classmethod
    def of(
        cls, rows: Sequence[StoredCourse], *, apart: Collection[str] = (), first: Collection[str] = ()
    ) -> CoursePart:
        """Select what to show of ``rows``, of the people ``first`` before others; the courses of those ``apart`` are shown with
        them."""
        taken: dict[str, list[SuggestedCourse]] = {}
        for row in rows:
            if row["status"] == "suggested":
                taken.setdefault(row["employee_id"], []).append(row)
        others = [item for item in taken.items() if item[0] not in apart]
        ordered = sorted(others, key=lambda item: item[0] not in first)
        return cls(
            shown=tuple(
                (person, tuple(sorted(own, key=lambda row: row["rank"]))) for person, own in ordered[:MOST_PEOPLE]
            ),
            apart=tuple(person for person in taken if person in apart),
            people=len(taken),
            nothing_suitable=len({row["employee_id"] for row in rows if row["status"] == "none"} - set(taken)),
        )


def _within(rows: Sequence[SuggestedTarget], people: Collection[str]) -> tuple[str, ...]:
    """Those of ``people`` who have one of ``rows``."""
    return tuple(dict.fromkeys(row["employee_id"] for row in rows if row["employee_id"] in people))

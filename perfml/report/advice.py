"""The report's part on advice: goals whose target should move, courses for gaps, and the lists to work from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from perfml.advice.priorities import Priorities
from perfml.advice.suggestion_files import StoredCourse, StoredTarget, SuggestedCourse, SuggestedTarget
from perfml.messages import Message

MOST_TARGETS = 12
MOST_PEOPLE = 12
"""People whose courses are shown; the file of suggestions holds all of them."""
PARTS: Mapping[str, Message] = {
    "market": Message.of("report_part_market"),
    "season": Message.of("report_part_season"),
    "definition": Message.of("report_part_definition"),
    "own": Message.of("report_part_own"),
}
"""Headings of the parts of a target."""
TARGET_STATUSES: Mapping[str, Message] = {
    "suggested": Message.of("report_goals_suggested"),
    "fits": Message.of("report_goals_fits"),
    "none": Message.of("report_goals_none"),
    "error": Message.of("report_goals_error"),
    "held": Message.of("report_goals_held"),
}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What the part shows; what is not given is left out."""

    targets: tuple[SuggestedTarget, ...] = ()
    """Goals with a suggestion, the least likely to reach their old target first."""
    statuses: Mapping[str, int] | None = None
    """Goals in force by status."""
    why_not: tuple[tuple[str, str, int], ...] = ()
    """Why there is no suggestion (zh, en), and the number of goals."""
    courses: tuple[tuple[str, tuple[SuggestedCourse, ...]], ...] = ()
    """People with their courses, the first to take first."""
    people_with_courses: int = 0
    nothing_suitable: int = 0
    priorities: tuple[Priorities, ...] = ()

    @classmethod
    def of(
        cls, targets: pa.Table | None = None, courses: pa.Table | None = None, priorities: Sequence[Priorities] = ()
    ) -> Advice:
        """Select what to show from the tables of ``perfml.advice.targets.suggest`` and ``perfml.advice.courses.match``."""
        goals: list[StoredTarget] = [] if targets is None else targets.to_pylist()
        suggested = [row for row in goals if row["status"] == "suggested"]
        suggested.sort(key=lambda row: row["probability_before"] if row["probability_before"] is not None else 1.0)
        why = Counter((row["why_not_zh"] or "", row["why_not_en"]) for row in goals if row["why_not_en"])
        rows: list[StoredCourse] = [] if courses is None else courses.to_pylist()
        taken: dict[str, list[SuggestedCourse]] = {}
        for row in rows:
            if row["status"] == "suggested":
                taken.setdefault(row["employee_id"], []).append(row)
        shown = [(person, tuple(sorted(theirs, key=lambda row: row["rank"]))) for person, theirs in taken.items()]
        return cls(
            targets=tuple(suggested[:MOST_TARGETS]),
            statuses=None if targets is None else dict(Counter(row["status"] for row in goals).most_common()),
            why_not=tuple((zh, en, n) for (zh, en), n in why.most_common(6)),
            courses=tuple(shown[:MOST_PEOPLE]),
            people_with_courses=len(shown),
            nothing_suitable=len({row["employee_id"] for row in rows if row["status"] == "none"}),
            priorities=tuple(priorities),
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.statuses is None and not self.courses and not self.nothing_suitable and not self.priorities

"""What the report tells about suggestions: goals whose target should move, courses for gaps, and the list to work from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from perfml.advice.priorities import Priorities

Row = Mapping[str, Any]
MOST_TARGETS = 12
MOST_PEOPLE = 12
"""People whose courses are shown; all stand in the kept file."""
PARTS: dict[str, tuple[str, str]] = {
    "market": ("市场", "market"),
    "season": ("季节", "season"),
    "definition": ("口径或数据", "definition or data"),
    "own": ("自身", "own effort"),
}
"""Headings of the parts of a target; within a sentence they are called by ``perfml.advice.targets.texts.PARTS``."""
TARGET_STATUSES: dict[str, tuple[str, str]] = {
    "suggested": ("建议调整", "adjustment suggested"),
    "fits": ("目标合适", "target fits"),
    "none": ("无建议", "no suggestion"),
    "error": ("口径不一致", "definitions differ"),
    "held": ("暂缓", "held"),
}


@dataclass(frozen=True)
class Advice:
    """What the report's part on advice shows; nothing of what is not given."""

    targets: tuple[Row, ...] = ()
    """Goals with a suggestion, those furthest from their target first."""
    statuses: Mapping[str, int] | None = None
    """Goals in force by status."""
    why_not: tuple[tuple[str, str, int], ...] = ()
    """Why there is no suggestion (zh, en), and for how many goals."""
    courses: tuple[tuple[str, tuple[Row, ...]], ...] = ()
    """People with their courses, the first to take first."""
    people_with_courses: int = 0
    nothing_suitable: int = 0
    priorities: tuple[Priorities, ...] = ()

    @classmethod
    def of(
        cls, targets: pa.Table | None = None, courses: pa.Table | None = None, priorities: Sequence[Priorities] = ()
    ) -> Advice:
        """From the tables of ``perfml.advice.targets.suggest`` and ``perfml.advice.courses.match``, and lists."""
        goals: list[Row] = [] if targets is None else targets.to_pylist()
        suggested = [row for row in goals if row["status"] == "suggested"]
        suggested.sort(key=lambda row: row["probability_before"] if row["probability_before"] is not None else 1.0)
        why = Counter((row["why_not_zh"], row["why_not_en"]) for row in goals if row["why_not_en"])
        rows: list[Row] = [] if courses is None else courses.to_pylist()
        taken: dict[str, list[Row]] = {}
        for row in rows:
            if row["status"] == "suggested":
                taken.setdefault(row["employee_id"], []).append(row)
        shown = [(person, tuple(sorted(theirs, key=lambda row: row["rank"]))) for person, theirs in taken.items()]
        return cls(
            tuple(suggested[:MOST_TARGETS]),
            None if targets is None else dict(Counter(row["status"] for row in goals).most_common()),
            tuple((zh, en, n) for (zh, en), n in why.most_common(6)),
            tuple(shown[:MOST_PEOPLE]),
            len(shown),
            len({row["employee_id"] for row in rows if row["status"] == "none"}),
            tuple(priorities),
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.statuses is None and not self.courses and not self.nothing_suitable and not self.priorities

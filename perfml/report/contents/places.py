"""Where on the page a person stands: one row carries everything on them, and whatever else names them links to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perfml.advice.suggestion_files import BeyondTarget, StoredLine, SuggestedCourse, SuggestedTarget
from perfml.report.contents.advice import Advice
from perfml.report.contents.model_list import Group, ModelList, PersonRow

HELPED: tuple[Group, ...] = ("talk", "setting")
"""Groups whose people are helped now: their row carries their targets and courses too."""


@dataclass(frozen=True, kw_only=True)
class GapCourses:
    """The courses for one gap of a person, the first to take first."""

    courses: tuple[SuggestedCourse, ...]

    @property
    def proposed(self) -> bool:
        """Whether the gap was read from a comment, and a person has to confirm it."""
        return self.courses[0]["tag_source"] == "proposed"

    @property
    def shared(self) -> tuple[StoredLine, ...]:
        """Lines of evidence that all of the courses have: about the gap."""
        return tuple(line for line in self.courses[0]["why"] if all(line in row["why"] for row in self.courses))

    def own(self, course: SuggestedCourse) -> tuple[StoredLine, ...]:
        """Lines of evidence for ``course`` alone."""
        return tuple(line for line in course["why"] if line not in self.shared)

    @classmethod
    def of(cls, rows: Iterable[SuggestedCourse]) -> tuple[GapCourses, ...]:
        """Group suggested ``rows`` of one person by gap."""
        by_tag: dict[str, list[SuggestedCourse]] = {}
        for row in sorted(rows, key=lambda row: row["rank"]):
            by_tag.setdefault(row["tag"], []).append(row)
        return tuple(cls(courses=tuple(own)) for own in by_tag.values())


@dataclass(frozen=True, kw_only=True)
class Support:
    """What is suggested for one person."""

    targets: tuple[SuggestedTarget, ...]
    """Goals whose target or weight should move."""
    beyond: tuple[BeyondTarget, ...]
    """Goals that no change within the policy brings into reach."""
    gaps: tuple[GapCourses, ...]
    """Gaps with a course, that of the course to take first before others."""

    @classmethod
    def of(cls, advice: Advice, people: Collection[str]) -> dict[str, Support]:
        """What ``advice`` suggests for each of ``people``."""
        targets: dict[str, list[SuggestedTarget]] = {person: [] for person in people}
        beyond: dict[str, list[BeyondTarget]] = {person: [] for person in people}
        courses: dict[str, list[SuggestedCourse]] = {person: [] for person in people}
        for goal in advice.targets or ():
            if goal["employee_id"] in targets:
                if goal["status"] == "suggested":
                    targets[goal["employee_id"]].append(goal)
                elif goal["status"] == "beyond":
                    beyond[goal["employee_id"]].append(goal)
        for course in advice.courses or ():
            if course["status"] == "suggested" and course["employee_id"] in courses:
                courses[course["employee_id"]].append(course)
        return {
            person: cls(
                targets=tuple(targets[person]),
                beyond=tuple(beyond[person]),
                gaps=GapCourses.of(courses[person]),
            )
            for person in people
        }


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where everyone stands who is on a list or has a suggestion."""

    numbers: Mapping[str, int]
    """Employee -> a number, for anchors."""
    rows: Mapping[str, Mapping[int, PersonRow]]
    """Employee -> number of the list -> row."""
    main: Mapping[str, int]
    """Employee -> the list whose row carries the reasons of all lists: where they are helped, else the first."""
    supports: Mapping[str, Support]
    """Of those who are helped, in their main row."""

    @classmethod
    def of(cls, lists: Sequence[ModelList], advice: Advice) -> Places:
        """Places of the people of ``lists`` and ``advice``."""
        rows: dict[str, dict[int, PersonRow]] = {}
        for number, each in enumerate(lists):
            for row in each.rows:
                rows.setdefault(row.person.employee_id, {})[number] = row
        main = {
            person: min((row.group not in HELPED, row.group == "further", number) for number, row in own.items())[-1]
            for person, own in rows.items()
        }
        helped = [person for person, number in main.items() if rows[person][number].group in HELPED]
        suggested = [row["employee_id"] for row in (*(advice.targets or ()), *(advice.courses or ()))]
        numbers = {person: number for number, person in enumerate(dict.fromkeys((*rows, *suggested)))}
        return cls(numbers=numbers, rows=rows, main=main, supports=Support.of(advice, helped))

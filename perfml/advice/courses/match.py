"""Courses for people: the open gaps, the courses that fit them, the limits of the rules, and the evidence in both languages.

A gap's candidates are ranked once for all who have it; the observed closure of a course moves it up or down only where enough
people stand behind it (:mod:`perfml.advice.courses.closure`). *Nothing suitable* is an answer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypedDict, cast

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.courses.closure import Closure, closures
from perfml.advice.courses.recommenders.fusion import CourseRecommender
from perfml.advice.courses.rule_inputs import courses_to_offer, in_scope, people_for_courses
from perfml.advice.courses.rules import Course, CourseStep, Person, check_prerequisites, offer, why_nothing
from perfml.advice.courses.tags import looks, open_tags
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.evidence.population.membership import outsiders
from perfml.evidence.sources import Data
from perfml.messages import Language, Message, render
from perfml.progress import SILENT, Progress
from perfml.project.course_policy import CoursePolicy

LANGUAGES: tuple[Language, ...] = ("zh", "en")
CANDIDATES = 25
"""Courses of a gap to which the rules are applied, best first."""
PROGRESS_EVERY = 500
"""People between two reports of progress."""
_LINE = pa.struct([("what", pa.string()), ("zh", pa.string()), ("en", pa.string())])
SCHEMA = pa.schema(
    [
        ("suggestion_id", pa.string()),
        ("policy", pa.string()),
        ("policy_version", pa.string()),
        ("as_of", pa.date32()),
        ("employee_id", pa.string()),
        ("status", pa.string()),
        ("tag", pa.string()),
        ("skill", pa.string()),
        ("tag_source", pa.string()),
        ("quote", pa.string()),
        ("review_id", pa.string()),
        ("noted_on", pa.date32()),
        ("course_id", pa.string()),
        ("title", pa.string()),
        ("rank", pa.int32()),
        ("score", pa.float64()),
        ("skill_taught", pa.string()),
        ("step", pa.string()),
        ("hours", pa.float64()),
        ("level", pa.int32()),
        ("language", pa.string()),
        ("why", pa.list_(_LINE)),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("why_not_zh", pa.string()),
        ("why_not_en", pa.string()),
    ]
)
"""A row is a course for a person's gap, or (``status`` none, held or outside the policy's population) why there is none.
``rank`` 1 is the first to take; ``step`` is ``prerequisite`` or ``main``; ``score``, in [0, 1], is the recommender's for the gap.
``suggestion_id`` is the same at every date for the same policy, person, gap and course, so that a refused suggestion stays
refused."""


class GapRow(TypedDict):
    """A row of :func:`~perfml.advice.courses.tags.open_tags`."""

    employee_id: str
    tag: str
    skill: str
    source: str
    quote: str
    review_id: str
    noted_on: pd.Timestamp


def match(
    data: Data,
    policy: CoursePolicy,
    *,
    taxonomy: Taxonomy,
    as_of: dt.date,
    name: str = "course_match",
    employees: Sequence[str] | None = None,
    held: Mapping[str, Message] | None = None,
    refused: frozenset[str] = frozenset(),
    progress: Progress = SILENT,
) -> pa.Table:
    """The courses for everyone (or ``employees``) with an open gap at ``as_of``, by employee and rank; see :data:`SCHEMA`.

    ``name`` is the policy's; ``held``: people without suggestions, and why; ``refused``: ids of suggestions not to repeat.
    Raises :class:`DataError` where there is no catalogue, where its prerequisites form a circle, or where no table names gaps.
    """
    data.require("courses", remedy="export the catalogue")
    data.require("gap_tags", "reviews", remedy="add one of the two")
    looked = looks(data, taxonomy, as_of)
    gaps = open_tags(data, taxonomy, as_of, open_days=policy.open_days, proposed=policy.use_proposed, looked=looked)
    outside = outsiders(data, policy.population.where, as_of, file=f"models/{name}.toml")
    people = people_for_courses(data, policy, as_of)
    gaps = gaps[gaps["employee_id"].isin(list(people) if employees is None else list(employees))]
    catalogue = _MatchedCatalogue.of(
        data,
        policy,
        taxonomy=taxonomy,
        as_of=as_of,
        name=name,
        tags=sorted(set(gaps["tag"])),
        observed=closures(data, looked, as_of),
    )
    rows: list[dict[str, object]] = []
    everyone = gaps["employee_id"].nunique()
    rows_of_gaps = cast(list[GapRow], gaps.to_dict("records"))
    by_person = groupby(rows_of_gaps, key=lambda gap: gap["employee_id"])  # open_tags sorts by employee
    for number, (employee, theirs) in enumerate(by_person):
        if number % PROGRESS_EVERY == 0:
            progress("matching courses", number, everyone)
        base = {"policy": name, "policy_version": policy.version, "as_of": as_of, "employee_id": employee}
        if str(employee) in outside:
            suggestion_id = _suggestion_id(policy=name, employee=str(employee), gap="", course="")
            text = _texts(Message.of("courses_outside", where=str(policy.population.where)), "why_not_")
            rows.append({**base, "suggestion_id": suggestion_id, "status": "outside", **text})
            continue
        why = (held or {}).get(str(employee))
        if why is not None:
            suggestion_id = _suggestion_id(policy=name, employee=str(employee), gap="", course="")
            text = _texts(Message.of("courses_held", why=why), "why_not_")
            rows.append({**base, "suggestion_id": suggestion_id, "status": "held", **text})
        elif str(employee) in people:
            offered = _for_person(
                catalogue, people[str(employee)], list(theirs), policy=policy, name=name, refused=refused
            )
            rows += [{**base, **row} for row in offered]
    progress("matching courses", everyone, everyone)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@dataclass(frozen=True, kw_only=True)
class _MatchedCatalogue:
    """The courses, and for each gap tag its candidates, best first."""

    courses: Mapping[str, Course]
    candidates: Mapping[str, list[tuple[str, float]]]
    taught: Mapping[str, Mapping[str, float]]
    observed: Mapping[tuple[str, str], Closure]
    taxonomy: Taxonomy
    min_people: int

    @classmethod
    def of(
        cls,
        data: Data,
        policy: CoursePolicy,
        *,
        taxonomy: Taxonomy,
        as_of: dt.date,
        name: str,
        tags: Sequence[str],
        observed: Mapping[tuple[str, str], Closure],
    ) -> _MatchedCatalogue:
        """Rank the catalogue for each of ``tags``."""
        frame = data.connection.execute("select * from main.courses order by course_id").df()
        frame["skills"] = [
            list(cell) if isinstance(cell, list | tuple | np.ndarray) else [] for cell in frame["skills"]
        ]
        courses = courses_to_offer(data, policy, as_of, catalogue=frame)
        check_prerequisites(courses)
        columns = ["course_id", "title", "summary", "skills"]
        suggested = in_scope(data, policy, file=f"models/{name}.toml")
        recommender = CourseRecommender(taxonomy=taxonomy, embedding=policy.use_embedding).fit(
            frame[suggested][columns]
        )
        ranked = (
            recommender.for_tags(tags, k=CANDIDATES)
            if len(tags)
            else pd.DataFrame(columns=["query", "course_id", "score"])
        )
        min_people = policy.closure.fewest_people
        candidates: dict[str, list[tuple[str, float]]] = {tag: [] for tag in tags}
        for query, course, score in ranked[["query", "course_id", "score"]].itertuples(index=False):
            skill = next(iter(taxonomy.skills_in(query)), query.strip().lower())
            closure = observed.get((skill, course))
            moved = 1 + closure.difference if closure is not None and closure.believed(min_people) else 1.0
            candidates[query].append((course, float(np.clip(score * moved, 0, 1))))
        for each in candidates.values():
            each.sort(key=lambda candidate: -candidate[1])
        taught = {
            row["course_id"]: taxonomy.taught_by(str(row["title"]), str(row["summary"] or ""), row["skills"])
            for row in frame.to_dict("records")
        }
        return cls(
            courses=courses,
            candidates=candidates,
            taught=taught,
            observed=observed,
            taxonomy=taxonomy,
            min_people=min_people,
        )

    def teaches(self, course: str, skill: str | None) -> str | None:
        """The skill of the course that helps most with ``skill``; None where the taxonomy relates none."""
        if skill is None:
            return None
        helping = self.taxonomy.helped_by(skill)
        fit = {name: strength * helping[name] for name, strength in self.taught[course].items() if name in helping}
        return max(fit, key=lambda name: fit[name]) if fit else None


def _for_person(
    catalogue: _MatchedCatalogue,
    person: Person,
    gaps: Sequence[GapRow],
    *,
    policy: CoursePolicy,
    name: str,
    refused: frozenset[str],
) -> Iterator[dict[str, object]]:
    """The rows of one person."""

    def suggestion_id(gap: int, course: str) -> str:
        key = str(gaps[gap]["skill"] or gaps[gap]["tag"])
        return _suggestion_id(policy=name, employee=person.employee_id, gap=key, course=course)

    offered = offer(
        person,
        [catalogue.candidates[gap["tag"]] for gap in gaps],
        courses=catalogue.courses,
        policy=policy,
        refused=lambda gap, course: suggestion_id(gap, course) in refused,
    )
    for rank, step in enumerate(offered.steps, start=1):
        gap = gaps[step.gap]
        yield {
            "suggestion_id": suggestion_id(step.gap, step.course_id),
            "status": "suggested",
            **_gap(gap),
            **_suggestion(catalogue, step, gap=gap, rank=rank),
        }
    for at, why in offered.left_out.items():
        yield {
            "suggestion_id": suggestion_id(at, ""),
            "status": "none",
            **_gap(gaps[at]),
            "why": [],
            "why_not_zh": why_nothing(why, "zh"),
            "why_not_en": why_nothing(why, "en"),
        }


def _gap(gap: GapRow) -> dict[str, object]:
    fields = {name: gap[name] for name in ("tag", "skill", "quote", "review_id")}
    return {**fields, "tag_source": gap["source"], "noted_on": gap["noted_on"].date()}


def _suggestion(catalogue: _MatchedCatalogue, step: CourseStep, *, gap: GapRow, rank: int) -> dict[str, object]:
    """A course with its evidence."""
    course = catalogue.courses[step.course_id]
    teaches = catalogue.teaches(step.course_id, gap["skill"])
    lines = [_noted(gap)]
    if gap["quote"]:
        lines.append(_line("quote", Message.of("course_quote", quote=gap["quote"])))
    if step.for_course is not None:
        title = catalogue.courses[step.for_course].title
        lines.append(_line("order", Message.of("course_prerequisite", title=title)))
    elif teaches is None:
        lines.append(_line("skill", Message.of("course_words_fit")))
    else:
        lines.append(_taught(catalogue.taxonomy, teaches, gap["skill"]))
    closure = catalogue.observed.get((gap["skill"] or gap["tag"].strip().lower(), step.course_id))
    if closure is not None and closure.enough(catalogue.min_people):
        lines.append(_line("closure", closure.message()))
    if rank == 1 and step.for_course is None:
        direct = teaches == gap["skill"] and teaches is not None
        lines.append(_line("order", Message.of("course_first_by_skill" if direct else "course_first_by_gap")))
    return {
        "course_id": step.course_id,
        "title": course.title,
        "rank": rank,
        "score": step.score,
        "skill_taught": teaches,
        "step": "main" if step.for_course is None else "prerequisite",
        "hours": course.hours if course.hours_known else None,
        "level": course.level,
        "language": course.language,
        "why": lines,
        **_texts(Message.of("course_suggested", tag=gap["tag"], title=course.title)),
    }


def _noted(gap: GapRow) -> dict[str, str]:
    code = "course_gap_noted" if gap["source"] == "noted" else "course_gap_proposed"
    return _line("tag", Message.of(code, day=str(gap["noted_on"].date()), tag=gap["tag"]))


def _taught(taxonomy: Taxonomy, teaches: str, skill: str) -> dict[str, str]:
    message = (
        Message.of("course_teaches", taught=(teaches,))
        if teaches == skill
        else Message.of("course_teaches_helping", taught=(teaches,), wanted=(skill,))
    )
    return {"what": "skill"} | {
        language: render(message, language, names={each: taxonomy.name(each, language) for each in (teaches, skill)})
        for language in LANGUAGES
    }


def _line(what: str, message: Message) -> dict[str, str]:
    return {"what": what, **_texts(message)}


def _texts(message: Message, prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{language}": render(message, language) for language in LANGUAGES}


def _suggestion_id(*, policy: str, employee: str, gap: str, course: str) -> str:
    return hashlib.sha256("|".join((policy, employee, gap, course)).encode()).hexdigest()[:16]

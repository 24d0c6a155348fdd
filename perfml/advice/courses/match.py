"""Courses for people: the gaps that are open, the courses that fit them, what the rules leave, and the evidence in words.

A gap's candidates are ranked once for all who have it; what was observed of a course moves it up or down only where enough people
stand behind it (:mod:`perfml.advice.courses.closure`). *Nothing suitable* is an answer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.courses.closure import Closure, closures
from perfml.advice.courses.recommenders.fusion import CourseRecommender
from perfml.advice.courses.rules import Course, Offer, Person, Step, check_prerequisites, offer, why_nothing
from perfml.advice.courses.tags import known, looks, open_tags
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.errors import DataError
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.course_policy import CoursePolicy

CANDIDATES = 25
"""Courses of a gap that the rules look at, the best first."""
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
"""A row is a course for a person's gap, or (``status`` none or held) why there is none. ``rank`` 1 is the first to take; ``step``
is ``prerequisite`` or ``main``; ``score`` is the recommender's for the gap, from 0 to 1. ``suggestion_id`` is the same at every
date for the same policy, person, gap and course, so that what was refused stays refused."""


def match(
    data: Data,
    policy: CoursePolicy,
    taxonomy: Taxonomy,
    as_of: dt.date,
    *,
    name: str = "course_match",
    employees: Sequence[str] | None = None,
    held: Mapping[str, str] | None = None,
    refused: frozenset[str] = frozenset(),
    progress: Progress = SILENT,
) -> pa.Table:
    """The courses for everyone (or ``employees``) with an open gap at ``as_of``, by employee and rank; see :data:`SCHEMA`.

    ``name`` is the policy's; ``held``: people without suggestions, and why; ``refused``: suggestions that are not made again.
    Raises :class:`DataError` where there is no catalogue, or its prerequisites go round in a circle, or where there is nothing
    that could name a gap.
    """
    if not data.has("courses"):
        raise DataError("the table 'courses' is missing", where=data.source, remedy="export the catalogue")
    if not data.has("gap_tags") and not data.has("reviews"):
        raise DataError("neither 'gap_tags' nor 'reviews' is there", where=data.source, remedy="add one of the two")
    found = looks(data, taxonomy, as_of)
    gaps = open_tags(data, taxonomy, as_of, open_days=policy.open_days, proposed=policy.use_proposed, found=found)
    people = _people(data, policy, as_of)
    gaps = gaps[gaps["employee_id"].isin(list(people) if employees is None else list(employees))]
    catalogue = _Catalogue.of(data, policy, taxonomy, as_of, sorted(set(gaps["tag"])), closures(data, found, as_of))
    rows: list[dict[str, Any]] = []
    everyone = gaps["employee_id"].nunique()
    by_person = groupby(gaps.to_dict("records"), key=lambda gap: gap["employee_id"])  # as open_tags has them in order
    for number, (employee, theirs) in enumerate(by_person):
        if number % 500 == 0:
            progress("matching courses", number, everyone)
        base = {"policy": name, "policy_version": policy.version, "as_of": as_of, "employee_id": employee}
        why = (held or {}).get(str(employee))
        if why is not None:
            said = {
                "why_not_zh": f"暂缓：该员工的数据有误（{why}）",
                "why_not_en": f"held until broken rows are mended: {why}",
            }
            rows.append({**base, "suggestion_id": _id(name, str(employee), "", ""), "status": "held", **said})
        elif str(employee) in people:
            made = _for_person(catalogue, people[str(employee)], list(theirs), policy, name, refused)
            rows += [{**base, **row} for row in made]
    progress("matching courses", everyone, everyone)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@dataclass(frozen=True)
class _Catalogue:
    """The courses, and for each gap tag its candidates, the best first."""

    courses: Mapping[str, Course]
    candidates: Mapping[str, list[tuple[str, float]]]
    taught: Mapping[str, Mapping[str, float]]
    observed: Mapping[tuple[str, str], Closure]
    taxonomy: Taxonomy
    fewest: int

    @classmethod
    def of(
        cls,
        data: Data,
        policy: CoursePolicy,
        taxonomy: Taxonomy,
        as_of: dt.date,
        tags: Sequence[str],
        observed: Mapping[tuple[str, str], Closure],
    ) -> _Catalogue:
        """Rank the catalogue for each of ``tags``."""
        frame = data.connection.execute("select * from main.courses order by course_id").df()
        frame["skills"] = [
            list(cell) if isinstance(cell, list | tuple | np.ndarray) else [] for cell in frame["skills"]
        ]
        taken = _running(data, policy, as_of)
        seats = taken.groupby("course_id").size()
        usual = _usual_hours(data)
        courses = {
            row["course_id"]: _course(row, int(seats.get(row["course_id"], 0)), usual)
            for row in frame.to_dict("records")
        }
        check_prerequisites(courses)
        columns = ["course_id", "title", "summary", "skills"]
        recommender = CourseRecommender(taxonomy=taxonomy, embedding=policy.use_embedding).fit(frame[columns])
        ranked = (
            recommender.for_tags(tags, k=CANDIDATES)
            if len(tags)
            else pd.DataFrame(columns=["query", "course_id", "score"])
        )
        fewest = policy.closure.fewest_people
        candidates: dict[str, list[tuple[str, float]]] = {tag: [] for tag in tags}
        for query, course, score in ranked[["query", "course_id", "score"]].itertuples(index=False):
            skill = next(iter(taxonomy.skills_in(query)), query.strip().lower())
            seen = observed.get((skill, course))
            moved = 1 + seen.difference if seen is not None and seen.believed(fewest) else 1.0
            candidates[query].append((course, float(np.clip(score * moved, 0, 1))))
        for each in candidates.values():
            each.sort(key=lambda one: -one[1])
        taught = {
            row["course_id"]: taxonomy.taught_by(str(row["title"]), str(row["summary"] or ""), row["skills"])
            for row in frame.to_dict("records")
        }
        return cls(courses, candidates, taught, observed, taxonomy, fewest)

    def teaches(self, course: str, skill: str | None) -> str | None:
        """The skill of the course that helps most with ``skill``; None where the taxonomy sees none."""
        if skill is None:
            return None
        helping = self.taxonomy.helped_by(skill)
        fit = {name: strength * helping[name] for name, strength in self.taught[course].items() if name in helping}
        return max(fit, key=lambda name: fit[name]) if fit else None


def _for_person(
    catalogue: _Catalogue,
    person: Person,
    gaps: Sequence[Mapping[Any, Any]],
    policy: CoursePolicy,
    name: str,
    refused: frozenset[str],
) -> Iterator[dict[str, Any]]:
    """The rows of one person."""

    def name_of(gap: int, course: str) -> str:
        return _id(name, person.employee_id, str(gaps[gap]["skill"] or gaps[gap]["tag"]), course)

    candidates = [catalogue.candidates[gap["tag"]] for gap in gaps]
    found: Offer = offer(person, candidates, catalogue.courses, policy, lambda gap, one: name_of(gap, one) in refused)
    for rank, step in enumerate(found.steps, start=1):
        gap = gaps[step.gap]
        yield {
            "suggestion_id": name_of(step.gap, step.course_id),
            "status": "suggested",
            **_gap(gap),
            **_told(catalogue, step, gap, rank),
        }
    for at, why in found.left_out.items():
        zh, en = why_nothing(why)
        yield {
            "suggestion_id": name_of(at, ""),
            "status": "none",
            **_gap(gaps[at]),
            "why": [],
            "why_not_zh": zh,
            "why_not_en": en,
        }


def _gap(gap: Mapping[Any, Any]) -> dict[str, Any]:
    said = {name: gap[name] for name in ("tag", "skill", "quote", "review_id")}
    return {**said, "tag_source": gap["source"], "noted_on": gap["noted_on"].date()}


def _told(catalogue: _Catalogue, step: Step, gap: Mapping[Any, Any], rank: int) -> dict[str, Any]:
    """A course with its evidence in words."""
    course = catalogue.courses[step.course_id]
    teaches = catalogue.teaches(step.course_id, gap["skill"])
    lines = [_noted(gap)]
    if gap["quote"]:
        lines.append({"what": "quote", "zh": f"评价原文：“{gap['quote']}”", "en": f"the review says: “{gap['quote']}”"})
    if step.for_course is not None:
        aim = catalogue.courses[step.for_course].title
        lines.append({"what": "order", "zh": f"先修：是《{aim}》的前提", "en": f"comes first: “{aim}” needs it"})
    elif teaches is None:
        lines.append({"what": "skill", "zh": "课程文字与该差距相符", "en": "its words fit the gap"})
    else:
        lines.append(_taught(catalogue.taxonomy, teaches, gap["skill"]))
    seen = catalogue.observed.get((gap["skill"] or gap["tag"].strip().lower(), step.course_id))
    if seen is not None and seen.enough(catalogue.fewest):
        zh, en = seen.words()
        lines.append({"what": "closure", "zh": zh, "en": en})
    if rank == 1 and step.for_course is None:
        direct = teaches == gap["skill"] and teaches is not None
        zh = "排在最前：直接教授所缺技能" if direct else "排在最前：与最近的差距最相符"
        en = "first, because it teaches the very skill" if direct else "first, because it fits the newest gap best"
        lines.append({"what": "order", "zh": zh, "en": en})
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
        "zh": f"针对“{gap['tag']}”，建议学习《{course.title}》",
        "en": f"For “{gap['tag']}”, take “{course.title}”",
    }


def _noted(gap: Mapping[Any, Any]) -> dict[str, str]:
    day = gap["noted_on"].date()
    if gap["source"] == "noted":
        return {"what": "tag", "zh": f"{day} 记录的差距：{gap['tag']}", "en": f"gap noted on {day}: {gap['tag']}"}
    zh = f"由 {day} 的评语读出的差距，须由人确认：{gap['tag']}"
    return {
        "what": "tag",
        "zh": zh,
        "en": f"gap read from a comment of {day}, to be confirmed by a person: {gap['tag']}",
    }


def _taught(taxonomy: Taxonomy, teaches: str, skill: str) -> dict[str, str]:
    zh, en = (taxonomy.name(teaches, language) for language in ("zh", "en"))
    if teaches == skill:
        return {"what": "skill", "zh": f"教授“{zh}”", "en": f"teaches {en}"}
    wanted = taxonomy.name(skill, "zh"), taxonomy.name(skill, "en")
    return {"what": "skill", "zh": f"教授“{zh}”，有助于“{wanted[0]}”", "en": f"teaches {en}, which helps {wanted[1]}"}


def _people(data: Data, policy: CoursePolicy, as_of: dt.date) -> dict[str, Person]:
    """Everyone employed at ``as_of``: what they read, their level, what they completed and have under way, and time left."""
    make_snapshots(data, [as_of])
    rows = data.connection.execute("select employee_id, level, location from temp.people").fetchall()
    taken = known(data, "enrolments", ("employee_id", "course_id", "enrolled_on", "completed_on"), as_of)
    done = taken[taken["completed_on"].notna() & (taken["completed_on"] < pd.Timestamp(as_of))]
    completed = done.groupby("employee_id")["course_id"].agg(frozenset).to_dict()
    now = _running(data, policy, as_of)
    running = now.groupby("employee_id")["course_id"].agg(frozenset).to_dict()
    busy = now.groupby("employee_id")["hours"].sum().to_dict()
    nothing: frozenset[str] = frozenset()
    return {
        person: Person(
            person,
            policy.languages_at(location),
            policy.course_level(level),
            completed.get(person, nothing),
            running.get(person, nothing),
            policy.hours_per_quarter - busy.get(person, 0.0),
        )
        for person, level, location in rows
    }


def _running(data: Data, policy: CoursePolicy, as_of: dt.date) -> pd.DataFrame:
    """Enrolments under way: neither completed nor older than ``running_days``; with the hours of each course."""
    taken = known(data, "enrolments", ("employee_id", "course_id", "enrolled_on", "completed_on"), as_of)
    since = pd.Timestamp(as_of) - pd.Timedelta(days=policy.running_days)
    finished = taken["completed_on"].notna() & (taken["completed_on"] < pd.Timestamp(as_of))
    now = taken[~finished & (taken["enrolled_on"] >= since)].drop_duplicates(["employee_id", "course_id"])
    ended = pd.MultiIndex.from_frame(taken[finished][["employee_id", "course_id"]])
    now = now[~pd.MultiIndex.from_frame(now[["employee_id", "course_id"]]).isin(ended)]
    usual = _usual_hours(data)
    hours = dict(data.connection.execute("select course_id, hours from main.courses").fetchall())
    return now.assign(hours=now["course_id"].map(hours).astype(float).fillna(usual))


def _usual_hours(data: Data) -> float:
    """The median of the hours that the catalogue gives; 0 where it gives none, and hours are then no limit."""
    said = data.connection.execute("select coalesce(median(hours), 0) from main.courses").fetchall()
    return float(said[0][0])


def _course(row: Mapping[Any, Any], running: int, usual_hours: float) -> Course:
    given = {name: None if _missing(row[name]) else row[name] for name in ("language", "level", "hours", "seats")}
    needs = row["prerequisites"]
    return Course(
        course_id=row["course_id"],
        title=row["title"],
        language=None if given["language"] is None else _language(str(given["language"])),
        level=None if given["level"] is None else int(given["level"]),
        hours=usual_hours if given["hours"] is None else float(given["hours"]),
        prerequisites=tuple(needs) if isinstance(needs, list | tuple | np.ndarray) else (),
        seats_left=np.inf if given["seats"] is None else int(given["seats"]) - running,
        hours_known=given["hours"] is not None,
    )


def _language(code: str) -> str:
    """The language without its country.

    >>> _language("zh-CN"), _language("EN_us")
    ('zh', 'en')
    """
    return code.strip().lower().replace("_", "-").split("-")[0]


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _id(policy: str, employee: str, gap: str, course: str) -> str:
    return hashlib.sha256("|".join((policy, employee, gap, course)).encode()).hexdigest()[:16]

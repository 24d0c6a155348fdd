"""What a person may be offered: the limits of the policy, one after another, each with its own sentence.

Rules remove courses and put prerequisites before the courses that need them. The remaining courses are dealt out over the
person's gaps in turn, so that one gap does not take all the time available (round robin, a plain form of diversification:
Carbonell & Goldstein 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perfml.errors import DataError
from perfml.messages import Language, Message, render
from perfml.project.course_policy import CoursePolicy

LEFT_OUT: Final[Mapping[str, str]] = {
    "score": "courses_left_out_score",
    "language": "courses_left_out_language",
    "above": "courses_left_out_above",
    "below": "courses_left_out_below",
    "taken": "courses_left_out_taken",
    "under_way": "courses_left_out_under_way",
    "seats": "courses_left_out_seats",
    "prerequisite": "courses_left_out_prerequisite",
    "hours": "courses_left_out_hours",
    "long": "courses_left_out_long",
    "refused": "courses_left_out_refused",
}
"""Why a course is left out → the message that counts such courses."""
SUITABLE: Final[Mapping[str, str]] = {"chosen": "courses_chosen", "full": "courses_full"}
"""Why a suitable course is left out: it is suggested for another gap already, or has to wait → the message that says so."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course of the catalogue, as the rules see it."""

    course_id: str
    title: str
    language: str | None
    level: int | None
    hours: float
    prerequisites: tuple[str, ...]
    seats_left: float
    hours_known: bool = True
    """Where False, ``hours`` is the median of the catalogue: a missing value is never 0."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """An employee to be offered courses: languages read, level on the scale of courses (1 to 5), courses completed and under
    way, and hours left in the quarter."""

    employee_id: str
    languages: tuple[str, ...]
    level: int | None
    completed: frozenset[str]
    running: frozenset[str]
    hours: float


@dataclass(frozen=True)
class CourseStep:
    """A course to take for gap number ``gap``; ``for_course``: the course that it is a prerequisite of."""

    course_id: str
    gap: int
    score: float
    for_course: str | None = None


@dataclass(frozen=True)
class CourseOffer:
    """Courses offered to a person, the first to take first; and for each gap without a course, why each candidate was left out
    (a key of :data:`LEFT_OUT` or :data:`SUITABLE`)."""

    steps: tuple[CourseStep, ...]
    left_out: Mapping[int, Counter[str]]


def check_prerequisites(courses: Mapping[str, Course]) -> None:
    """Raise :class:`DataError` where prerequisites form a circle, naming the courses."""
    state: dict[str, int] = {}

    def visit(name: str, path: list[str]) -> None:
        if state.get(name) == 1:
            circle = " → ".join([*path[path.index(name) :], name])
            raise DataError(
                f"prerequisites go round in a circle: {circle}",
                where="courses.prerequisites",
                remedy="take one of them out",
            )
        if name in state or name not in courses:
            return
        state[name] = 1
        for other in courses[name].prerequisites:
            visit(other, [*path, name])
        state[name] = 2

    for name in courses:
        visit(name, [])


def offer(
    person: Person,
    gaps: Sequence[Sequence[tuple[str, float]]],
    *,
    courses: Mapping[str, Course],
    policy: CoursePolicy,
    refused: Callable[[int, str], bool] = lambda gap, course: False,
) -> CourseOffer:
    """Deal out courses. ``gaps``: for each gap its candidates (course, score), best first; ``refused``: whether a course was
    refused for a gap, as the aim or as a prerequisite."""
    left_out: dict[int, Counter[str]] = {gap: Counter() for gap in range(len(gaps))}
    queues: list[list[tuple[list[str], float]]] = []
    for gap, candidates in enumerate(gaps):
        queue = []
        for name, score in candidates:
            path = [name]
            why = "refused" if refused(gap, name) else _barred(person, courses[name], score=score, policy=policy)
            if why is None:
                needed = _needed(name, person, courses=courses, policy=policy)
                why, path = (needed, path) if isinstance(needed, str) else (None, [*needed, name])
                why = "refused" if why is None and any(refused(gap, each) for each in path) else why
            if why is not None:
                left_out[gap][why] += 1
            else:
                queue.append((path, score))
        queues.append(queue)
    steps: list[CourseStep] = []
    chosen: set[str] = set()
    hours = person.hours
    while any(queues):
        for gap, queue in enumerate(queues):
            if not queue:
                continue
            path, score = queue.pop(0)
            new = [name for name in path if name not in chosen]
            if path[-1] not in new:
                left_out[gap]["chosen"] += 1
                continue
            if len(steps) + len(new) > policy.most_courses:
                left_out[gap]["long" if len(new) > policy.most_courses else "full"] += 1
                continue
            time = sum(courses[name].hours for name in new)
            if time > hours:
                left_out[gap]["hours"] += 1
                continue
            hours -= time
            chosen.update(new)
            steps += [CourseStep(name, gap, score, None if name == path[-1] else path[-1]) for name in new]
    served = {step.gap for step in steps}
    return CourseOffer(tuple(steps), {gap: why for gap, why in left_out.items() if gap not in served})


def _barred(person: Person, course: Course, *, score: float, policy: CoursePolicy) -> str | None:
    """Why a course cannot be the aim; None where it can."""
    if score < policy.minimum_score:
        return "score"
    if course.course_id in person.completed or course.course_id in person.running:
        return "taken"
    if course.language is not None and course.language not in person.languages:
        return "language"
    if person.level is not None and course.level is not None:
        if course.level > person.level + policy.steps_above:
            return "above"
        if course.level < person.level - policy.steps_below:
            return "below"
    return "seats" if course.seats_left <= 0 else None


def _needed(name: str, person: Person, *, courses: Mapping[str, Course], policy: CoursePolicy) -> list[str] | str:
    """The prerequisites that the person lacks, the first to take first; or why one of them cannot be taken now."""
    path: list[str] = []
    for other in courses[name].prerequisites:
        if other in person.completed:
            continue
        course = courses.get(other)
        if other in person.running:
            return "under_way"
        if course is None or course.seats_left <= 0:
            return "prerequisite"
        if course.language is not None and course.language not in person.languages:
            return "prerequisite"
        if person.level is not None and course.level is not None and course.level > person.level + policy.steps_above:
            return "prerequisite"
        before = _needed(other, person, courses=courses, policy=policy)
        if isinstance(before, str):
            return before
        path += [each for each in [*before, other] if each not in path]
    return path


def why_nothing(left_out: Counter[str], language: Language) -> str:
    """Why a gap has no course: candidates left out, counted by reason (:attr:`CourseOffer.left_out`).

    >>> why_nothing(Counter(), "en")
    'nothing suitable: no course of the catalogue is about this'
    """
    if not left_out:
        return render(Message.of("courses_none"), language)
    for why, code in SUITABLE.items():
        if left_out[why]:
            return render(Message.of(code), language)
    counts = [render(Message.of(LEFT_OUT[why], n=n), language) for why, n in left_out.most_common()]
    comma = "，" if language == "zh" else ", "
    return render(Message.of("courses_left_out", counts=comma.join(counts)), language)

"""What a person may be offered: the limits of the policy, one after another, each with its own words.

Rules remove courses and put prerequisites before what needs them. What is left is dealt out over the person's gaps in turn, so
that one gap does not take all the time there is (round robin, a plain form of diversification: Carbonell & Goldstein 1998).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perfml.errors import DataError
from perfml.project.course_policy import CoursePolicy

WORDS: dict[str, tuple[str, str]] = {
    "score": ("与差距的匹配不足", "do not fit the gap well enough"),
    "language": ("语言不符", "are in a language the person does not read"),
    "above": ("难度过高", "are more than one step above the person's level"),
    "below": ("难度过低", "are too far below the person's level"),
    "taken": ("已完成或正在学习", "are completed, or under way"),
    "under_way": ("先修课程正在学习", "need a course first that is still under way"),
    "seats": ("名额已满", "have no seat left"),
    "prerequisite": ("先修课程不可选", "need a course first that cannot be taken"),
    "hours": ("超出可用学时", "take more hours than there are"),
    "long": ("先修课程过多", "need more courses first than are suggested at a time"),
    "refused": ("已被拒绝", "were refused before"),
    "chosen": ("已为其他差距推荐", "are suggested for another gap already"),
    "full": ("超出一次推荐的数量", "would be more than are suggested at a time"),
}
"""Why courses are left out (zh, en). The last two are not the course's fault: it fits, and is there already or has to wait."""


@dataclass(frozen=True)
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
    """Where the catalogue does not say, ``hours`` is what is usual in it: a gap is missing, never nought."""


@dataclass(frozen=True)
class Person:
    """Someone to be offered courses: what they read, their level on the courses' scale, what they have, and time left."""

    employee_id: str
    languages: tuple[str, ...]
    level: int | None
    completed: frozenset[str]
    running: frozenset[str]
    hours: float


@dataclass(frozen=True)
class Step:
    """A course to take; ``for_course``: the one that it is the prerequisite of."""

    course_id: str
    gap: int
    score: float
    for_course: str | None = None


@dataclass(frozen=True)
class Offer:
    """What a person is offered, the first to take first; and for each gap without a course, why each candidate was left out."""

    steps: tuple[Step, ...]
    left_out: Mapping[int, Counter[str]]


def check_prerequisites(courses: Mapping[str, Course]) -> None:
    """Raises :class:`DataError` where prerequisites go round in a circle, naming the courses."""
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
    courses: Mapping[str, Course],
    policy: CoursePolicy,
    refused: Callable[[int, str], bool] = lambda gap, course: False,
) -> Offer:
    """Deal out courses. ``gaps``: for each gap its candidates (course, score), the best first; ``refused``: whether a course
    was refused for a gap, as the aim or on the way to it."""
    left_out: dict[int, Counter[str]] = {gap: Counter() for gap in range(len(gaps))}
    queues: list[list[tuple[list[str], float]]] = []
    for gap, candidates in enumerate(gaps):
        queue = []
        for name, score in candidates:
            path = [name]
            why = "refused" if refused(gap, name) else _barred(person, courses[name], score, policy)
            if why is None:
                needed = _needed(name, person, courses, policy)
                why, path = (needed, path) if isinstance(needed, str) else (None, [*needed, name])
                why = "refused" if why is None and any(refused(gap, one) for one in path) else why
            if why is not None:
                left_out[gap][why] += 1
            else:
                queue.append((path, score))
        queues.append(queue)
    steps: list[Step] = []
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
            steps += [Step(name, gap, score, None if name == path[-1] else path[-1]) for name in new]
    served = {step.gap for step in steps}
    return Offer(tuple(steps), {gap: why for gap, why in left_out.items() if gap not in served})


def _barred(person: Person, course: Course, score: float, policy: CoursePolicy) -> str | None:
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


def _needed(name: str, person: Person, courses: Mapping[str, Course], policy: CoursePolicy) -> list[str] | str:
    """The prerequisites that the person lacks, the first to take first; why not, where one of them cannot be taken now."""
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
        before = _needed(other, person, courses, policy)
        if isinstance(before, str):
            return before
        path += [one for one in [*before, other] if one not in path]
    return path


def why_nothing(left_out: Counter[str]) -> tuple[str, str]:
    """(zh, en): why a gap has no course.

    >>> why_nothing(Counter())[1]
    'nothing suitable: no course of the catalogue is about this'
    """
    if not left_out:
        return "没有合适的课程：目录中没有与此相关的课程", "nothing suitable: no course of the catalogue is about this"
    if left_out["chosen"]:
        return "为其他差距推荐的课程也有助于此项", "a course that is suggested for another gap helps with this one too"
    if left_out["full"]:
        return (
            "有合适的课程，但已达到一次推荐的数量上限",
            "there is a course, and it waits: as many are suggested as may be at a time",
        )
    counted = left_out.most_common()
    zh = "，".join(f"{n} 门{WORDS[why][0]}" for why, n in counted)
    en = ", ".join(f"{n} {WORDS[why][1]}" for why, n in counted)
    return f"没有合适的课程：{zh}", f"nothing suitable: {en}"

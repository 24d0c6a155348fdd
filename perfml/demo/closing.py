"""Gaps that recur from review to review, and two courses on one of them: only one closes it, both are liked alike."""

from __future__ import annotations

from typing import Final

import numpy as np

from perfml.arrays import Ints
from perfml.demo import growth
from perfml.demo.growth import GAPS, Taken
from perfml.demo.lives import Lives

TAG, SKILL = "数据分析能力不足", "data_analysis"
"""The gap that one course closes, and the skill that both teach."""
CLOSES: Final = "c041"
LEAVES: Final = "c104"
CLEARED: Final = {CLOSES: 0.75, LEAVES: 0.25}
"""Probability that the tag is cleared at the next review after each course; 0.25 without a course, so `LEAVES` has no effect."""
OTHERS_CLEARED: Final = 0.5
"""The same for every other tag, whatever the course."""
MOST_TAGS: Final = 2
"""Maximum gaps named in one review."""
BOTH_EITHER_NEITHER: Final = np.array([[True, True], [True, False], [False, True], [False, False]])
"""Enrolment of four people with the tag in the two courses within a month of the review: independent of each other."""
COMPLETES: Final = 0.85
RATED: Final = (4.0, 0.7)
"""Mean and standard deviation of the stars, the same for both."""


def recurring_gaps(
    lives: Lives, *, who: Ints, reviewed: Ints, drawn: tuple[Ints, Ints], taken: Taken, rng: np.random.Generator
) -> tuple[tuple[Ints, Ints], Taken]:
    """The gaps named in each review, and the enrolments in the two courses that follow from them.

    `who`, `reviewed`: person and day of each review; `drawn`: its new gaps (indices into `GAPS`, -1 for none); `taken`:
    enrolments for other causes. A gap of the last review recurs with a fixed probability, and comes before new ones.
    """
    tag, courses = [name for name, _, _ in GAPS].index(TAG), growth.courses()["course_id"]
    wanted = [courses.index(CLOSES), courses.index(LEAVES)]
    until = np.minimum(lives.exited, lives.end)
    chance, named = rng.random((len(who), MOST_TAGS)), np.full((len(who), MOST_TAGS), -1)
    enrols = rng.permuted(np.tile(np.arange(len(BOTH_EITHER_NEITHER)), (len(who) // 4 + 1, 1)), axis=1).ravel().tolist()
    finishes = rng.random((len(who), 2)) < COMPLETES
    enrolled = reviewed[:, None] + rng.integers(4, 29, (len(who), 2))
    done = enrolled + rng.integers(14, 76, (len(who), 2))
    stars = np.clip(np.rint(rng.normal(*RATED, (len(who), 2))), 1, 5)
    days = {
        (int(person), int(course)): int(day) for person, course, _, day, _ in zip(*taken, strict=True)
    }  # (person, course) -> day of completion, -1 if not completed
    new: list[tuple[int, int, int, int, float]] = []
    last: dict[int, tuple[list[int], int]] = {}
    for row in np.lexsort((reviewed, who)).tolist():
        person, today = int(who[row]), int(reviewed[row])
        before, since = last.get(person, ([], today))
        learnt = since <= days.get((person, wanted[0]), -1) < today
        cleared = [CLEARED[CLOSES if learnt else LEAVES] if gap == tag else OTHERS_CLEARED for gap in before]
        stay = [gap for gap, draw, goes in zip(before, chance[row], cleared, strict=False) if draw >= goes]
        fresh = [int(column[row]) for column in drawn if column[row] >= 0 and column[row] not in before]
        gaps = (stay + fresh)[:MOST_TAGS]
        named[row, : len(gaps)] = gaps
        last[person] = gaps, today
        if tag not in gaps:
            continue
        wishes = BOTH_EITHER_NEITHER[enrols.pop()]
        for nth, course in enumerate(wanted):
            begins, ends = int(enrolled[row, nth]), int(done[row, nth])
            if wishes[nth] and (person, course) not in days and begins < until[person]:
                finished = bool(finishes[row, nth]) and ends < until[person]
                days[person, course] = ends if finished else -1
                new.append((person, course, begins, days[person, course], stars[row, nth] if finished else np.nan))
    columns = np.array(new, dtype=np.float64).reshape(-1, 5).T
    person, course, begun, ended = (column.astype(np.int64) for column in columns[:4])
    return (named[:, 0], named[:, 1]), (person, course, begun, ended, columns[4])

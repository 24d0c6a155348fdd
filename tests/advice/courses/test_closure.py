"""Closure is believed where a course is associated with it, and as rarely as documented where none is."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from perfml.advice.courses import closure
from perfml.advice.courses.closure import Closure, closures
from perfml.advice.courses.tags import Looks
from perfml.evidence.sources import Data
from perfml.messages import render

FIRST, APART = pd.Timestamp("2023-01-01"), 182
REVIEWS, COURSES, PEOPLE = 6, 4, 250


def observed(
    monkeypatch: pytest.MonkeyPatch, seed: int, *, lasting: float, helps: float = 0.0
) -> dict[tuple[str, str], Closure]:
    """What is observed of one gap among people who take courses at random days; ``lasting``: how much people differ in keeping
    the gap (log odds, SD); ``helps``: by how much course c0 lowers the chance that the next review names it again."""
    rng = np.random.default_rng(seed)
    keeps = 1 / (1 + np.exp(-rng.normal(0, lasting, PEOPLE)))
    days = [FIRST + pd.Timedelta(days=APART * k) for k in range(REVIEWS)]
    reviews, noted, done = [], [], []
    for person in range(PEOPLE):
        took = {c: int(rng.integers(0, APART * (REVIEWS - 1))) for c in range(COURSES) if rng.random() < 0.3}
        done += [(f"e{person}", f"c{c}", FIRST + pd.Timedelta(days=day)) for c, day in took.items()]
        for k, day in enumerate(days):
            reviews.append((f"e{person}", k, day))
            just_took = 0 in took and took[0] // APART == k - 1
            if k == 0 or rng.random() < keeps[person] - (helps if just_took else 0):
                noted.append((f"e{person}", "planning", k, day))
    looked = Looks(
        pd.DataFrame(reviews, columns=["employee_id", "place", "reviewed_on"]),
        pd.DataFrame(noted, columns=["employee_id", "key", "place", "noted_on"]),
    )
    taken = pd.DataFrame(done, columns=["employee_id", "course_id", "completed_on"])
    monkeypatch.setattr(closure, "known_rows", lambda *_, **__: taken.copy())
    return closures(cast(Data, None), looked, dt.date(2026, 12, 1))


@pytest.mark.parametrize("lasting", [0.0, 2.0])
@pytest.mark.slow
def test_where_no_course_helps_few_are_believed(monkeypatch: pytest.MonkeyPatch, lasting: float) -> None:
    """Also where gaps last for some people and not for others, so that reviews of one person are alike."""
    closed = [each for seed in range(40) for each in observed(monkeypatch, seed, lasting=lasting).values()]
    assert len(closed) == 160
    assert np.mean([each.believed(20) for each in closed]) <= 0.08


@pytest.mark.slow
def test_the_course_that_helps_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    believed: dict[str, list[bool]] = {}
    for seed in range(20):
        for (_, course), each in observed(monkeypatch, seed, lasting=0.5, helps=0.4).items():
            believed.setdefault(course, []).append(each.believed(20) and each.low > 0)
    assert np.mean(believed.pop("c0")) >= 0.9
    assert np.mean([hit for hits in believed.values() for hit in hits]) <= 0.08


def test_people_are_counted_as_people(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in observed(monkeypatch, 0, lasting=2.0).values():
        assert each.took <= PEOPLE and each.other_people <= PEOPLE < each.others
        message = each.message()
        assert f"{each.other_people} who did not ({each.others} times)" in render(message, "en")
        assert f"{each.other_people} 人（{each.others} 次）" in render(message, "zh")


def test_no_reviews_no_closure(monkeypatch: pytest.MonkeyPatch) -> None:
    columns: dict[str, Any] = {"employee_id": [], "place": [], "reviewed_on": []}
    empty = Looks(pd.DataFrame(columns), pd.DataFrame({"employee_id": [], "key": [], "place": [], "noted_on": []}))
    assert closures(cast(Data, None), empty, dt.date(2026, 1, 1)) == {}

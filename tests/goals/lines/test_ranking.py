"""A line drawn by rank: how likely people end above it, and that nobody's figure is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.conformal import GRID, Errors
from perfml.goals.lines.ranking import RankLine, rank_line, shown_probability
from perfml.goals.sums.common_errors import CommonErrors
from perfml.project.spec import DisclosureRules

ERRORS = Errors(np.array([0.5]), 0.1 * (GRID[None, :] - 0.5))
INDEPENDENT = CommonErrors(shares=pd.DataFrame({"metric": [], "scope": []}), pooled=(0.0, 0.0))


def line(expected: list[float], *, first: int = 5, actual: float | None = None) -> RankLine:
    n = len(expected)
    so_far = np.asarray(expected) / 2 if actual is None else np.full(n, actual)
    goals = pd.DataFrame(
        {"metric": "m", "scope": "", "expected": expected, "actual": so_far, "elapsed": 0.5}, index=range(n)
    )
    person = np.arange(n)
    return rank_line(
        goals,
        person,
        first=first,
        divisor=np.ones(n),
        errors=ERRORS,
        common=INDEPENDENT,
        rules=DisclosureRules(),
        seed=1,
    )


def test_who_is_far_ahead_is_sure_and_who_is_level_is_not() -> None:
    drawn = line([300.0, 290, 280, 270] + [100.0] * 8)
    assert drawn.probability[:4].min() == 1.0
    assert drawn.probability[4:].sum() == pytest.approx(1.0, abs=0.02), "one seat is left for eight people"
    assert drawn.probability[4:].max() < 0.3
    assert drawn.crossed[:4].tolist() == [1.0] * 4


def test_the_line_is_the_mean_of_six_people_and_the_same_for_everyone() -> None:
    drawn = line([float(each) for each in range(100, 112)])
    assert drawn.now == pytest.approx((52 + 52.5 + 53 + 53.5 + 54.5 + 54) / 6, rel=1e-2)
    assert drawn.now not in {each / 2 for each in range(100, 112)}


@pytest.mark.parametrize("people", [3, 5, 7])
def test_in_a_small_group_nothing_is_said(people: int) -> None:
    drawn = line([float(each) for each in range(100, 100 + people)])
    assert drawn.withheld == "few people" and drawn.expected is None and np.isnan(drawn.probability).all()


def test_a_figure_that_one_person_dominates_is_withheld() -> None:
    drawn = line([1e6, 1e6, 1e6, 1e6, 1e6, 1.0, 1.0, 1.0], first=5)
    assert drawn.withheld is None, "three large ones share it"
    drawn = line([1e9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], first=3)
    assert drawn.withheld == "dominated" and drawn.now is None


def test_without_past_forecasts_there_is_no_chance_and_no_other_reason() -> None:
    goals = pd.DataFrame({"metric": "m", "scope": "", "expected": [10.0] * 9, "actual": [5.0] * 9, "elapsed": 0.5})
    nothing = Errors(np.zeros(1), np.full((1, len(GRID)), np.nan))
    drawn = rank_line(
        goals,
        np.arange(9),
        first=3,
        divisor=np.ones(9),
        errors=nothing,
        common=INDEPENDENT,
        rules=DisclosureRules(),
        seed=1,
    )
    assert drawn.withheld is None and np.isnan(drawn.probability).all()


def test_chances_are_shown_in_steps_and_never_as_certain() -> None:
    assert shown_probability(np.array([0.0, 0.11, 0.98, 1.0])).tolist() == pytest.approx([0.05, 0.1, 0.95, 0.95])

"""Differences in differences of units that start one after another: by hand, and where nothing may be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfml.learning.effects.contrasts import Contrast, contrasts, nearby, pooled
from perfml.learning.effects.expected import Shrunken, as_it_drifted
from perfml.learning.effects.panel import UnitPanel
from perfml.learning.effects.staggered import StaggeredEffect, staggered

STARTS = np.array([4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 10, 10, 10, 10])
PEOPLE = 60


def panel(
    rng: np.random.Generator, *, effect: float = 0.0, starts: np.ndarray = STARTS, periods: int = 10
) -> UnitPanel:
    """Units with levels of their own, of whom a share of .15 has the outcome, and ``effect`` more after the start."""
    start = rng.permutation(starts)
    level = 0.15 + rng.normal(0, 0.02, len(start))[:, None] + rng.normal(0, 0.01, periods)
    after = np.arange(periods) >= start[:, None]
    people = np.full((len(start), periods), float(PEOPLE))
    cases = rng.binomial(PEOPLE, np.clip(level + effect * after, 0.01, 0.99)).astype(np.float64)
    return UnitPanel(people=people, cases=cases, start=start)


def test_the_estimate_is_that_by_hand() -> None:
    people = np.array([[10.0] * 4, [10] * 4, [20] * 4, [10] * 4])
    cases = np.array([[2.0, 2, 5, 6], [1, 3, 2, 4], [4, 4, 6, 4], [1, 1, 2, 2]])
    given = UnitPanel(people=people, cases=cases, start=np.array([2, 3, 4, 4]))
    assert contrasts(given) == [
        Contrast(first=2, at=2, last_before=2),
        Contrast(first=2, at=3, last_before=2),
        Contrast(first=3, at=3, last_before=3),
    ]
    first, second = 0.3 - (0.2 * 1 - 0.2 + 10 * 0.0 + 20 * 0.1 + 10 * 0.1) / 40, 0.4 - (20 * 0.0 + 10 * 0.1) / 30
    third = (0.4 - 0.2) - (20 * (0.2 - 14 / 60) + 10 * (0.2 - 4 / 30)) / 30
    expected = (first + second + third) / 3
    assert pooled(given, contrasts(given), given.share, given.start[None])[0] == pytest.approx(expected)


def test_a_period_with_a_start_in_it_belongs_to_neither_side() -> None:
    rng = np.random.default_rng(1)
    given = replace(panel(rng), partial=True)
    spoilt = given.cases.copy()
    spoilt[np.arange(len(given.start)), np.minimum(given.start - 1, given.periods - 1)] = PEOPLE
    begun = given.start < given.periods
    spoilt[~begun] = given.cases[~begun]
    orders = given.start[None]
    changed = replace(given, cases=spoilt)
    own, same = (pooled(each, contrasts(each), each.share, orders)[0] for each in (given, changed))
    assert own == pytest.approx(same)
    whole = (replace(each, partial=False) for each in (given, changed))
    own, other = (pooled(each, contrasts(each), each.share, orders)[0] for each in whole)
    assert abs(own - other) > 0.01


def test_a_large_effect_is_shown_and_lies_in_its_interval() -> None:
    effect = staggered(panel(np.random.default_rng(12), effect=-0.08), random=True, orders_drawn=199)
    assert isinstance(effect, StaggeredEffect) and effect.shown
    assert (
        effect.interval_95[0]
        < effect.interval_80[0]
        < effect.estimate
        < effect.interval_80[1]
        < effect.interval_95[1]
        < 0
    )
    assert effect.interval_95[0] < -0.08 < effect.interval_95[1]
    assert (effect.units, effect.started) == (16, 12)


def drifting(*, effect: float) -> UnitPanel:
    """Large units, of which those that ever start move away from the others by .007 a period."""
    given = panel(np.random.default_rng(1))
    started, period = given.start < given.periods, np.arange(given.periods)
    share = 0.15 + 0.007 * np.outer(started, period - 1.5) + effect * (period >= given.start[:, None])
    people = np.full(share.shape, 1_000.0)
    noise = np.random.default_rng(2).normal(0, 0.02, share.shape)
    return replace(given, people=people, cases=np.rint(people * (share + noise)))


def test_a_drift_of_the_units_is_not_called_an_effect() -> None:
    given = drifting(effect=0.0)
    exact = replace(given, cases=given.people * (0.1 + 0.01 * np.outer(np.arange(16), np.arange(10))))
    chosen = nearby(contrasts(exact))
    assert chosen and all(each.at - each.first < each.last_before / 2 for each in chosen)
    assert pooled(exact, chosen, exact.share, given.start[None], expected=as_it_drifted)[0] == pytest.approx(0)
    effect = staggered(given, orders_drawn=199)
    assert isinstance(effect, StaggeredEffect) and effect.alike is not None
    assert effect.alike.side == 1 and not effect.shown and abs(effect.estimate) < 0.01 < effect.alike.estimate
    effect = staggered(drifting(effect=-0.1), orders_drawn=199)
    assert isinstance(effect, StaggeredEffect) and effect.shown and effect.estimate == pytest.approx(-0.1, abs=0.01)


def test_the_mean_before_counts_as_far_as_units_differ_by_more_than_chance() -> None:
    alike = panel(np.random.default_rng(2))
    apart = replace(alike, cases=alike.people * np.linspace(0.1, 0.6, 16)[:, None])
    given = Shrunken.of(apart)
    assert given.between == pytest.approx(np.linspace(0.1, 0.6, 16).var(ddof=1), rel=0.05)
    ours, theirs = Shrunken.of(alike)(alike, alike.share, 4, 5), given(apart, apart.share, 4, 5)
    assert (ours < 0.7 * alike.share[:, :4].mean(axis=1)).all() and (theirs > 0.95 * apart.share[:, 0]).all()


@pytest.mark.slow
def test_nothing_is_mostly_called_nothing_and_intervals_hold_what_they_say() -> None:
    for effect in (0.0, -0.05):
        worlds = [panel(np.random.default_rng(seed), effect=effect) for seed in range(60)]
        given = [staggered(world, random=True, orders_drawn=99) for world in worlds]
        given_effects = [each for each in given if isinstance(each, StaggeredEffect)]
        assert len(given_effects) > 45
        covered = np.mean([each.interval_80[0] <= effect <= each.interval_80[1] for each in given_effects])
        assert 0.65 <= covered <= 0.95, covered
        shown = np.mean([each.shown for each in given_effects])
        assert shown <= 0.1 if effect == 0 else shown > 0.5


def test_it_says_why_nothing_is_said() -> None:
    rng = np.random.default_rng(3)
    never = panel(rng, starts=np.full(16, 10))
    assert staggered(never) == "no start"
    assert staggered(panel(rng, starts=np.array([4, 5, 6, 10, 10]))) == "few units"
    assert staggered(panel(rng, starts=np.full(16, 5))) == "no controls"
    assert staggered(panel(rng, starts=np.array([1] * 8 + [10] * 8))) == "no controls"
    rare = panel(rng)
    assert staggered(replace(rare, cases=np.zeros_like(rare.cases))) == "few outcomes"


def test_a_start_that_its_outcome_explains_is_refused() -> None:
    given = panel(np.random.default_rng(4))
    before = given.cases[:, :4].sum(axis=1)
    starts = np.empty_like(given.start)
    starts[np.argsort(-before, kind="stable")] = np.sort(given.start)
    assert staggered(replace(given, start=starts)) == "start explained"


def test_units_that_moved_apart_before_are_refused() -> None:
    given = panel(np.random.default_rng(5))
    cases = given.cases.copy()
    cases[given.start == 7, 5:7] += 15
    assert isinstance(staggered(given), StaggeredEffect)
    assert staggered(replace(given, cases=cases)) == "moved before"

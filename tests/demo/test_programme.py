"""A programme that units begin one after another: nothing else of the company changes, and it prevents what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfml.demo.lives import Lives
from perfml.demo.planted.programme import PERIOD_DAYS, Programme, draw_programme
from perfml.demo.plants import NEVER
from perfml.demo.weeks import live

END = 20_700
START = END - 6 * PERIOD_DAYS


def lives(programme: Programme | None) -> Lives:
    return live(employees=120, start=START, end=END, rng=np.random.default_rng(3), programme=programme)


@pytest.fixture(scope="module")
def without() -> Lives:
    return lives(None)


def test_starts_are_waves_in_an_order_of_their_own() -> None:
    first, other = (draw_programme(start=START, end=END, factor=0.5, seed=seed).start for seed in (1, 2))
    assert (np.sort(first.ravel()) == np.sort(other.ravel())).all() and (first != other).any()
    begun = first[first < NEVER]
    assert ((begun - START) % PERIOD_DAYS == 0).all() and (first == NEVER).sum() == 5


@pytest.mark.slow
def test_one_that_changes_nothing_leaves_every_life_as_it_was(without: Lives) -> None:
    given = lives(draw_programme(start=START, end=END, factor=1.0, seed=3))
    np.testing.assert_array_equal(given.exited, without.exited)
    np.testing.assert_array_equal(given.department, without.department)


@pytest.mark.slow
def test_the_world_is_the_same_until_the_first_exit_that_it_prevents(without: Lives) -> None:
    programme = replace(draw_programme(start=START, end=END, factor=0.0, seed=3), hazard=[])
    given = lives(programme)
    first = int(programme.start.min())
    before = without.exited < first
    np.testing.assert_array_equal(given.exited[before], without.exited[before])
    begun = (given.department >= 0) & (programme.start[given.department, given.location] <= given.exited - 7)
    assert not (begun & (given.exit_kind == 0) & (given.exited < END)).any(), "nobody resigns where it acts"
    assert len(programme.hazard) == len(given.steps)

"""Rows are drawn by date and outcome, the same for the same seed, by what is known, and stand for all of their kind."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from perfml.learning.dataset.drawn_rows import draw_rows
from perfml.project.model_spec import SampleSpec

DATES = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]")


def company(people: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everyone at each of three dates, one in ten with the outcome."""
    rng = np.random.default_rng(seed)
    when = np.repeat(DATES, people)
    person = np.tile(np.array([f"e{i}" for i in range(people)], dtype=object), len(DATES))
    return when, person, (rng.random(len(when)) < 0.1).astype(np.float64)


def test_nothing_is_drawn_unless_the_spec_says_so() -> None:
    when, person, label = company()
    label[5] = np.nan
    every = draw_rows(when, person, label, SampleSpec())
    assert every.stands_for is None and every.rows.tolist() == np.flatnonzero(~np.isnan(label)).tolist()
    assert draw_rows(when, person, label, SampleSpec(rows_a_date=400)).stands_for is None


def test_weights_restore_every_date_and_outcome() -> None:
    when, person, label = company()
    drawn = draw_rows(when, person, label, SampleSpec(rows_a_date=50))
    assert drawn.stands_for is not None
    for date in DATES:
        for outcome in (0.0, 1.0):
            inside = (when[drawn.rows] == date) & (label[drawn.rows] == outcome)
            count = int(((when == date) & (label == outcome)).sum())
            assert inside.sum() == min(count, 50)
            np.testing.assert_allclose(drawn.stands_for[inside].sum(), count)
    np.testing.assert_allclose(np.average(label[drawn.rows], weights=drawn.stands_for), label.mean())


@given(st.randoms(), st.integers(1, 60), st.integers(0, 3))
def test_the_same_seed_draws_the_same_rows_in_any_order(random, most: int, seed: int) -> None:
    when, person, label = company(60)
    order = np.array(random.sample(range(len(when)), len(when)))
    spec = SampleSpec(rows_a_date=most, seed=seed)
    drawn = draw_rows(when, person, label, spec)
    again = draw_rows(when[order], person[order], label[order], spec)
    assert sorted(order[again.rows].tolist()) == drawn.rows.tolist()


def test_another_seed_draws_others() -> None:
    when, person, label = company()
    first, other = (draw_rows(when, person, label, SampleSpec(rows_a_date=50, seed=seed)) for seed in (0, 1))
    assert set(first.rows.tolist()) != set(other.rows.tolist())


@given(arrays.arrays(np.float64, 1200, elements=st.sampled_from([0.0, 1.0, np.nan])))
def test_what_is_not_known_changes_nothing(later: np.ndarray) -> None:
    """The rows of the first date and their weights are drawn before anything of the later ones is known."""
    when, person, label = company()
    spec = SampleSpec(rows_a_date=50)
    label[when > DATES[0]] = np.nan
    before = draw_rows(when, person, label, spec)
    label[when > DATES[0]] = later[when > DATES[0]]
    after = draw_rows(when, person, label, spec)
    first = when[after.rows] == DATES[0]
    assert after.rows[first].tolist() == before.rows.tolist()
    assert before.stands_for is not None and after.stands_for is not None
    assert after.stands_for[first].tolist() == before.stands_for.tolist()


def test_people_are_drawn_alike_at_all_dates() -> None:
    """Independent draws a date: who is drawn at one is drawn at the next as often as anybody."""
    when, person, label = company(2000)
    label[:] = 0
    drawn = draw_rows(when, person, label, SampleSpec(rows_a_date=500)).rows
    chosen = [set(person[drawn[when[drawn] == date]]) for date in DATES[:2]]
    assert 90 < len(chosen[0] & chosen[1]) < 165  # 125 expected

"""The cases in a list: counted, with an interval that covers as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.learning.validation.lists import cases_in_list, listed_rows, ratio_draws


def test_listed_rows_are_the_highest_of_each_date() -> None:
    rng = np.random.default_rng(0)
    when = rng.choice(np.array(["2026-01-01", "2026-02-01", "2026-03-01"], "M8[D]"), 90)
    risk = rng.random(90)
    expected = set()
    for date in np.unique(when):
        of_date = [i for i in range(90) if when[i] == date]
        expected |= set(sorted(of_date, key=lambda i: -risk[i])[:4])
    assert set(listed_rows(risk, when, lambda n: 4).tolist()) == expected


@pytest.mark.slow
def test_the_interval_covers_the_true_number() -> None:
    """Also of a model whose probabilities of listed people are half too high, once a back-test has shown it."""
    covered = {1.0: 0, 0.6: 0}
    for truth in covered:
        for seed in range(60):
            rng = np.random.default_rng(seed)
            person = np.array([f"e{i}" for i in range(600)], object)
            risk = rng.beta(1, 6, 600)
            odds = truth * risk / (1 - risk)
            outcome = (rng.random(600) < odds / (1 + odds)).astype(float)
            when = np.full(600, np.datetime64("2026-01-01"))
            ratio = ratio_draws(outcome, risk, person=person, when=when, capacity=lambda n: 60)
            now = np.sort(rng.beta(1, 6, 600))[-60:]
            odds = truth * now / (1 - now)
            cases = (rng.random(60) < odds / (1 + odds)).sum()
            interval = cases_in_list(now, ratio.tolist())
            covered[truth] += interval.low <= cases <= interval.high
            assert interval.expected == now.sum()
    assert min(covered.values()) >= 54


def test_an_empty_list_expects_nobody() -> None:
    assert cases_in_list(np.empty(0), [1.0]).high == 0

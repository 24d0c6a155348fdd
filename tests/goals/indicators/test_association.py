"""Rank association: within strata, over groups, and no surer than the groups allow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from perfml.goals.indicators.association import rank_association, symmetric_p

GROUPS, PERIODS = 20, 10


def cells(seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    group, period = (each.ravel() for each in np.meshgrid(np.arange(GROUPS), np.arange(PERIODS), indexing="ij"))
    return group, period, np.random.default_rng(seed)


def test_it_is_spearmans_of_a_single_stratum() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 9, 50).astype(float), rng.normal(size=50)
    same = np.zeros(50, dtype=np.int64)
    answer = rank_association(x, y, stratum=same, group=np.arange(50), period=same)
    assert answer.rank == pytest.approx(spearmanr(x, y).statistic)


def test_what_moves_with_the_year_alone_is_no_association() -> None:
    group, period, rng = cells(2)
    x, y = period + 0.1 * rng.normal(size=len(period)), period + 0.1 * rng.normal(size=len(period))
    assert np.corrcoef(x, y)[0, 1] > 0.9
    answer = rank_association(x, y, stratum=period, group=group, period=period)
    assert abs(answer.rank) < 0.2 and answer.p > 0.05


def test_a_true_association_lies_within_its_interval() -> None:
    group, period, rng = cells(3)
    x = rng.normal(size=len(group))
    y = x + rng.normal(size=len(group))
    answer = rank_association(x, y, stratum=period, group=group, period=period)
    assert answer.low < 0.69 < answer.high and answer.p < 1e-4
    assert (answer.cells, answer.groups, answer.periods) == (200, GROUPS, PERIODS)


def test_habits_that_last_are_no_new_evidence_every_period() -> None:
    """Both figures are lasting habits of independent groups: p-values are uniform; with every row for itself they are not."""
    group, period, rng = cells(4)
    p, naive = [], []
    for _ in range(100):
        habits = [np.repeat(rng.normal(size=GROUPS), PERIODS) + 0.1 * rng.normal(size=len(group)) for _ in range(2)]
        p.append(rank_association(*habits, stratum=period, group=group, period=period).p)
        naive.append(rank_association(*habits, stratum=period, group=np.arange(len(group)), period=period).p)
    assert np.mean(np.array(p) < 0.05) < 0.1
    assert np.mean(np.array(naive) < 0.05) > 0.3


def test_nothing_that_varies_is_nothing_known() -> None:
    assert symmetric_p(np.zeros(9)) == 1.0
    group, period, rng = cells(5)
    answer = rank_association(
        np.ones(len(group)), rng.normal(size=len(group)), stratum=period, group=group, period=period
    )
    assert (answer.rank, answer.p) == (0.0, 1.0)

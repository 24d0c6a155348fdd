"""The parts of a gap add up, and only those from outside may move a target."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.advice.targets.decomposition import Parts, confirmed, decompose, next_target
from tests.advice.targets.worlds import POLICY

logs = st.floats(-2, 2)
amounts = st.floats(1e-3, 1e9)


goals = st.fixed_dictionaries(
    {
        **dict.fromkeys(("expected", "target"), amounts),
        **dict.fromkeys(("market", "season", "definition"), logs),
        "peers": st.one_of(st.just(np.nan), logs),
    }
)


@pytest.mark.slow
@given(goals)
def test_the_parts_add_up(goal: dict[str, float]) -> None:
    parts = decompose(**{name: np.array([value]) for name, value in goal.items()}, policy=POLICY)
    gap = np.log(goal["expected"] / goal["target"])
    assert parts.market + parts.season + parts.definition + parts.own == pytest.approx(gap, abs=1e-9)
    assert parts.outside == pytest.approx(parts.market + goal["season"] + goal["definition"])


@given(logs, logs)
def test_the_market_counts_no_further_than_the_others_show_it(market: float, peers: float) -> None:
    counted = confirmed(np.array([market]), np.array([peers]), unconfirmed_percent=5)[0]
    assert abs(counted) <= min(abs(market), abs(peers))
    assert counted == 0 or np.sign(counted) == np.sign(market) == np.sign(peers)


def test_without_enough_others_the_market_counts_a_little() -> None:
    counted = confirmed(np.array([-0.3, 0.3, 0.01]), np.full(3, np.nan), unconfirmed_percent=5)
    assert counted == pytest.approx([-np.log(1.05), np.log(1.05), 0.01])


def test_nothing_is_known_without_a_forecast() -> None:
    zero = np.zeros(1)
    parts = decompose(
        expected=np.array([np.nan]),
        target=np.ones(1),
        market=zero,
        season=zero,
        definition=zero,
        peers=zero,
        policy=POLICY,
    )
    assert np.isnan([parts.market, parts.season, parts.definition, parts.own]).all()


def test_relief_is_measured_at_the_habitual_effort() -> None:
    own = np.array([-0.4, 0.1, 0.3, -0.4, -0.4])
    habit = np.array([0.2, 0.2, 0.2, -0.3, np.nan])
    assert Parts(market=own, season=own, definition=own, own=own).effort(habit).tolist() == [0.2, 0.2, 0.3, 0, 0]


@given(amounts, st.floats(0, 10), st.floats(0, 10))
def test_a_better_result_never_means_a_lower_target_and_never_more_than_the_cap(
    target: float, first: float, second: float
) -> None:
    low, high = next_target(
        np.full(2, target), target * np.array(sorted((first, second))), pass_percent=50, cap_percent=10
    )
    assert target <= low * (1 + 1e-12) and low <= high <= target * 1.1 * (1 + 1e-12)

"""The parts of a gap: they add up, and only the world's may move a target."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.advice.targets.decomposition import Parts, confirmed, decompose, next_target
from perfml.project.target_policy import TargetPolicy

POLICY = TargetPolicy(zh="", en="", unconfirmed_market_percent=5)
logs = st.floats(-2, 2)
amounts = st.floats(1e-3, 1e9)


@given(amounts, amounts, logs, logs, logs, st.one_of(st.just(np.nan), logs))
def test_the_parts_add_up(
    expected: float, target: float, market: float, season: float, definition: float, peers: float
) -> None:
    one = [np.array([x]) for x in (expected, target, market, season, definition, peers)]
    names = ("expected", "target", "market", "season", "definition", "peers")
    parts = decompose(**dict(zip(names, one, strict=True)), policy=POLICY)
    assert parts.market + parts.season + parts.definition + parts.own == pytest.approx(
        np.log(expected / target), abs=1e-9
    )
    assert parts.outside == pytest.approx(parts.market + season + definition)


@given(logs, logs)
def test_the_market_counts_no_further_than_the_others_show_it(market: float, peers: float) -> None:
    counted = confirmed(np.array([market]), np.array([peers]), POLICY)[0]
    assert abs(counted) <= min(abs(market), abs(peers))
    assert counted == 0 or np.sign(counted) == np.sign(market) == np.sign(peers)


def test_without_enough_others_the_market_counts_a_little() -> None:
    counted = confirmed(np.array([-0.3, 0.3, 0.01]), np.full(3, np.nan), POLICY)
    assert counted == pytest.approx([-np.log(1.05), np.log(1.05), 0.01])


def test_nothing_is_known_without_a_forecast() -> None:
    nought = np.zeros(1)
    parts = decompose(
        expected=np.array([np.nan]),
        target=np.ones(1),
        market=nought,
        season=nought,
        definition=nought,
        peers=nought,
        policy=POLICY,
    )
    assert np.isnan([parts.market, parts.season, parts.definition, parts.own]).all()


def test_relief_is_measured_at_the_usual_effort() -> None:
    own = np.array([-0.4, 0.1, 0.3, -0.4, -0.4])
    usual = np.array([0.2, 0.2, 0.2, -0.3, np.nan])
    assert Parts(own, own, own, own).effort(usual).tolist() == [0.2, 0.2, 0.3, 0, 0]


@given(amounts, st.floats(0, 10), st.floats(0, 10))
def test_a_better_result_never_means_a_lower_target_and_never_more_than_the_cap(
    target: float, one: float, other: float
) -> None:
    low, high = next_target(np.full(2, target), target * np.array(sorted((one, other))), policy=POLICY)
    assert target <= low * (1 + 1e-12) and low <= high <= target * (1 + POLICY.ratchet_cap_percent / 100) * (1 + 1e-12)

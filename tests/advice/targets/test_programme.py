"""The programme proposes the smallest change, and never one that a rule forbids."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.advice.targets.programme import Needs, Proposal, propose
from perfml.project.target_policy import TargetPolicy
from tests.advice.targets.worlds import POLICY


def goals(*rows: dict[str, Any]) -> pd.DataFrame:
    """Goals of one person and quarter, each with a target of 100 by default."""
    default = {
        "employee_id": "ana",
        "metric": "revenue",
        "core": False,
        "target": 100.0,
        "parent_goal_id": None,
        "period_start": pd.Timestamp("2026-07-01"),
        "period_end": pd.Timestamp("2026-09-30"),
        "changed_percent_window": 0.0,
        "changed_percent_year": 0.0,
        "changed_points_window": 0.0,
        "changed_points_year": 0.0,
    }
    return pd.DataFrame([default | {"goal_id": f"g{i}"} | row for i, row in enumerate(rows)])


def needs(n: int, **values: list[float] | list[bool]) -> Needs:
    """Goals without a need and within reach, except for ``values``."""
    default: dict[str, Any] = {
        "down": np.zeros(n),
        "up": np.zeros(n),
        "wanted": np.full(n, np.nan),
        "lowest": np.full(n, 1.0),
        "highest": np.full(n, 1000.0),
        "reach": np.full(n, 0.7),
        "open": np.ones(n, dtype=bool),
        "beyond": np.zeros(n, dtype=bool),
    }
    return Needs(**(default | {name: np.array(given) for name, given in values.items()}))


def bound(proposal: Proposal, goal: int) -> set[str]:
    return {name for name, binds in proposal.binding.items() if binds[goal]}


def test_a_target_moves_no_further_than_it_must() -> None:
    proposal = propose(goals({"weight": 100}), needs(1, down=[-0.3], wanted=[92.0]), POLICY)
    assert proposal.target == pytest.approx([92])
    assert (bound(proposal, 0), proposal.short[0]) == ({"band"}, 0)


@pytest.mark.parametrize(
    ("row", "need", "target", "rule"),
    [
        ({}, {"down": [-0.05], "wanted": [80.0]}, 100 * np.exp(-0.05), {"outside"}),
        ({}, {"down": [-0.5], "wanted": [80.0]}, 85, {"window"}),
        ({"changed_percent_window": 5.0}, {"down": [-0.5], "wanted": [80.0]}, 90, {"window"}),
        ({"changed_percent_year": 22.0}, {"down": [-0.5], "wanted": [80.0]}, 92, {"year"}),
        ({"changed_percent_year": 40.0}, {"down": [-0.5], "wanted": [80.0]}, 100, {"year"}),
        ({"core": True}, {"down": [-0.5], "wanted": [80.0]}, 100, {"core"}),
        ({}, {"down": [0.0], "wanted": [80.0]}, 100, {"outside"}),
        ({}, {"up": [0.5], "wanted": [108.0]}, 108, {"band"}),
        ({}, {"up": [0.02], "wanted": [108.0]}, 100 * np.exp(0.02), {"outside"}),
        ({}, {"down": [-0.5], "wanted": [108.0]}, 100, {"outside"}),
    ],
)
def test_each_limit_binds_and_says_so(
    *, row: dict[str, Any], need: dict[str, list[float]], target: float, rule: set[str]
) -> None:
    proposal = propose(goals({"weight": 100} | row), needs(1, **need), POLICY)
    assert proposal.target == pytest.approx([target])
    assert bound(proposal, 0) - {"no_receiver", "weight_sum"} == rule


def test_new_customers_out_of_reach_pass_their_weight_to_repeat_purchases() -> None:
    """With weights as the only lever, 40 points become 25 and the other goal within reach takes the rest."""
    table = goals(
        {"metric": "revenue", "core": True, "weight": 30},
        {"metric": "new_accounts", "weight": 40},
        {"metric": "repeat_purchases", "weight": 30},
    )
    need = needs(3, down=[0, np.log(0.55), 0], wanted=[np.nan, 55, np.nan], reach=[0.8, 0, 0.7])
    weights = POLICY.model_copy(update={"levers": ("weight",)})
    proposal = propose(table, need, weights)
    assert proposal.weight.tolist() == [30, 25, 45]
    assert proposal.target.tolist() == [100, 100, 100]
    assert "weight_window" in bound(proposal, 1)
    both = propose(table, need, POLICY)  # the target gives 15 %, so the weight need not fall as far
    assert both.target == pytest.approx([100, 85, 100])
    assert both.weight.tolist() == [30, 40 - int(40 * (1 - 55 / 85)), 30 + int(40 * (1 - 55 / 85))]


def test_a_target_that_the_limits_do_not_bring_into_reach_stays_and_its_weight_moves() -> None:
    table = goals(
        {"metric": "revenue", "core": True, "weight": 30},
        {"metric": "new_accounts", "weight": 40},
        {"metric": "repeat_purchases", "weight": 30},
    )
    wanted = {"down": [0, np.log(0.55), 0], "wanted": [np.nan, 55, np.nan], "reach": [0.8, 0, 0.7]}
    proposal = propose(table, needs(3, beyond=[False, True, False], **wanted), POLICY)
    assert (proposal.target.tolist(), proposal.weight.tolist()) == ([100, 100, 100], [30, 25, 45])
    assert {"window"} <= bound(proposal, 1)


def test_a_goal_out_of_reach_takes_no_weight() -> None:
    table = goals({"weight": 60}, {"weight": 40})
    proposal = propose(table, needs(2, down=[-0.5, 0], wanted=[60, np.nan], reach=[0, 0]), POLICY)
    assert proposal.weight.tolist() == [60, 40]
    assert "no_receiver" in bound(proposal, 0)


def test_weights_that_do_not_sum_to_100_are_left_alone() -> None:
    table = goals({"weight": 60}, {"weight": 30})
    proposal = propose(table, needs(2, down=[-0.5, 0], wanted=[60, np.nan]), POLICY)
    assert proposal.weight.tolist() == [60, 30]
    assert "weight_sum" in bound(proposal, 0)


def team(parent: dict[str, Any]) -> pd.DataFrame:
    return goals(
        {"goal_id": "top", "employee_id": "mia", "target": 300.0, "weight": 100} | parent,
        *({"goal_id": f"c{i}", "employee_id": f"p{i}", "parent_goal_id": "top", "weight": 100} for i in range(3)),
    )


def test_a_team_adds_up_to_its_parent_which_moves_if_it_may() -> None:
    need = needs(4, down=[-0.5, -0.5, -0.5, 0], wanted=[np.nan, 90, 95, np.nan])
    free = propose(team({}), need, POLICY)
    assert free.target == pytest.approx([285, 90, 95, 100])
    fixed = propose(team({"core": True}), need, POLICY)
    assert fixed.target == pytest.approx([300, 100, 100, 100])
    assert bound(fixed, 1) - {"no_receiver"} == {"total"}
    boom = dataclasses.replace(need, up=np.array([0, 0, 0, np.log(1.1)]))
    shared = propose(team({"core": True}), boom, POLICY)  # the third rises as far as it may; the others share it evenly
    assert shared.target == pytest.approx([300, 92.5, 97.5, 110])


def test_a_team_that_did_not_add_up_is_not_made_to() -> None:
    table = team({"target": 500.0, "core": True})
    proposal = propose(table, needs(4, down=[0, -0.5, 0, 0], wanted=[np.nan, 90, np.nan, np.nan]), POLICY)
    assert proposal.target == pytest.approx([500, 90, 100, 100])


@st.composite
def companies(draw: st.DrawFn) -> tuple[pd.DataFrame, Needs, TargetPolicy]:
    """Up to a dozen people with goals under goals of their managers, needs of any kind, and any policy."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people = int(rng.integers(1, 12))
    rows: list[dict[str, Any]] = []
    for person in range(people):
        share = rng.dirichlet(np.ones(rng.integers(1, 4)))
        weights = np.maximum(np.round(100 * share), 1)
        weights[0] += (100 if rng.random() < 0.9 else 90) - weights.sum()
        if weights[0] <= 0:
            weights = np.array([100.0])
        for slot, weight in enumerate(weights):
            boss = f"e{(person - 1) // 3}-{slot}" if person and rng.random() < 0.9 else None
            rows.append(
                {
                    "goal_id": f"e{person}-{slot}",
                    "employee_id": f"e{person}",
                    "metric": f"m{slot}",
                    "weight": float(weight),
                    "core": rng.random() < 0.25,
                    "target": float(np.round(np.exp(rng.normal(4, 1)), 2)),
                    "parent_goal_id": boss,
                    "changed_percent_window": rng.choice([0, 0, 8, 40]),
                    "changed_percent_year": rng.choice([0, 0, 20, 90]),
                    "changed_points_window": rng.choice([0, 0, 7, 40]),
                    "changed_points_year": rng.choice([0, 0, 20, 90]),
                }
            )
    table = goals(*rows)
    for goal in reversed(range(len(table))):  # parents as the sum of their children, from the leaves up
        children = table["parent_goal_id"] == table.loc[goal, "goal_id"]
        if children.any() and rng.random() < 0.8:
            table.loc[goal, "target"] = table.loc[children, "target"].sum()
    n, old = len(table), table["target"].to_numpy()
    wanted = np.where(rng.random(n) < 0.6, old * np.exp(rng.normal(-0.1, 0.3, n)), np.nan)
    need = needs(n)
    need = dataclasses.replace(
        need,
        down=-np.abs(rng.normal(0, 0.2, n)) * (rng.random(n) < 0.7),
        up=np.abs(rng.normal(0, 0.2, n)) * (rng.random(n) < 0.5),
        wanted=wanted,
        lowest=old * rng.uniform(0.3, 1.1, n),
        highest=old * rng.uniform(0.9, 2, n),
        reach=np.where(rng.random(n) < 0.6, rng.random(n), 0),
        open=rng.random(n) < 0.9,
    )
    window, points = rng.uniform(0, 40), rng.uniform(0, 40)
    rules = {
        "levers": (("target", "weight"), ("target",), ("weight",))[rng.integers(3)],
        "max_target_change_percent": window,
        "max_target_change_per_year_percent": window + rng.uniform(0, 30),
        "max_weight_change_points": points,
        "max_weight_change_per_year_points": points + rng.uniform(0, 30),
        "minimum_weight_percent": rng.uniform(1, 30),
        "weight_step_points": rng.choice([0.5, 1, 5]),
    }
    policy = TargetPolicy.model_validate(POLICY.model_dump() | rules)
    return table, need, policy


@settings(max_examples=150, deadline=None)
@given(companies())
@pytest.mark.slow
def test_every_proposal_keeps_every_rule(company: tuple[pd.DataFrame, Needs, TargetPolicy]) -> None:
    table, need, policy = company
    proposal = propose(table, need, policy)
    old, weight = table["target"].to_numpy(), table["weight"].to_numpy()
    share = proposal.target / old - 1
    moved, shifted = np.abs(share) > 1e-9, np.abs(proposal.weight - weight) > 1e-9
    assert (proposal.target > 0).all() and (proposal.weight > 0).all()
    assert not (moved | shifted)[table["core"].to_numpy() | ~need.open].any()
    assert "target" in policy.levers or not moved.any()
    assert "weight" in policy.levers or not shifted.any()
    assert (
        np.abs(share) * 100 <= np.maximum(policy.max_target_change_percent - table["changed_percent_window"], 0) + 1e-4
    ).all()
    assert (
        np.abs(share) * 100
        <= np.maximum(policy.max_target_change_per_year_percent - table["changed_percent_year"], 0) + 1e-4
    ).all()
    assert (share >= np.expm1(need.down) - 1e-6).all() and (share <= np.expm1(need.up) + 1e-6).all()
    assert (proposal.target >= np.minimum(old, need.lowest) - 1e-5 * old).all()
    assert (proposal.target <= np.maximum(old, need.highest) + 1e-5 * old).all()
    steps = np.abs(proposal.weight - weight) / policy.weight_step_points
    assert np.abs(steps - np.rint(steps)).max() < 1e-9
    assert (
        np.abs(proposal.weight - weight)
        <= np.maximum(policy.max_weight_change_points - table["changed_points_window"], 0) + 1e-6
    ).all()
    assert (proposal.weight[shifted & (proposal.weight < weight)] >= policy.minimum_weight_percent - 1e-6).all()
    by_person = pd.DataFrame({"who": table["employee_id"], "old": weight, "new": proposal.weight}).groupby("who").sum()
    assert by_person["new"].to_numpy() == pytest.approx(by_person["old"].to_numpy(), abs=1e-6)
    ids = table["goal_id"].tolist()
    for parent in table["parent_goal_id"].dropna().unique():
        children = (table["parent_goal_id"] == parent).to_numpy()
        at = ids.index(parent) if parent in ids else None
        if at is not None and abs(old[children].sum() - old[at]) < 1e-6 * old[at]:
            assert proposal.target[children].sum() == pytest.approx(proposal.target[at], rel=1e-6)
    needy = ~np.isnan(need.wanted) & need.open & ~table["core"].to_numpy()
    towards = np.where(needy, np.sign(need.wanted - old), 0)
    over = towards * (proposal.target - need.wanted) > 1e-5 * old
    assert not (over & moved & (towards * share > 0) & ~proposal.binding["total"]).any(), "no further than it must"
    unmet = needy & (towards * (need.wanted - proposal.target) > 1e-4 * old)
    assert all(
        any(binds[goal] for binds in proposal.binding.values()) or "target" not in policy.levers
        for goal in np.flatnonzero(unmet)
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(company: tuple[pd.DataFrame, Needs, TargetPolicy], random: Any) -> None:
    table, need, policy = company
    order = list(range(len(table)))
    random.shuffle(order)
    first = propose(table, need, policy)
    mixed = Needs(**{name: values[order] for name, values in vars(need).items()})
    second = propose(table.iloc[order].reset_index(drop=True), mixed, policy)
    assert second.target == pytest.approx(first.target[order], rel=1e-6)
    assert second.weight == pytest.approx(first.weight[order], abs=1e-6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(companies())
def test_a_goal_alone_moves_to_what_it_needs_or_to_its_tightest_limit(
    company: tuple[pd.DataFrame, Needs, TargetPolicy],
) -> None:
    """The smallest change has a closed form where no total ties goals together."""
    table, need, policy = company
    table = table.assign(parent_goal_id=None)
    old = table["target"].to_numpy()
    limits = [
        policy.max_target_change_percent - table["changed_percent_window"].to_numpy(),
        policy.max_target_change_per_year_percent - table["changed_percent_year"].to_numpy(),
    ]
    headroom = np.maximum(np.minimum(*limits), 0) / 100
    free = need.open & ~table["core"].to_numpy() & ("target" in policy.levers)
    fall = np.minimum.reduce([headroom, -np.expm1(need.down), np.maximum(1 - need.lowest / old, 0)])
    rise = np.minimum.reduce([headroom, np.expm1(need.up), np.maximum(need.highest / old - 1, 0)])
    fall, rise = (np.where(free & (side >= policy.least_target_change_percent / 100), side, 0) for side in (fall, rise))
    needed = np.where(np.isnan(need.wanted), old, need.wanted)
    assert propose(table, need, policy).target == pytest.approx(
        np.clip(needed, old * (1 - fall), old * (1 + rise)), rel=1e-6
    )

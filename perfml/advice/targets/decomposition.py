"""Decomposition of the gap between a goal's forecast and its target: market, season, definition and own effort.

    log(expected / target) = market + season + definition + own

Only the first three may move a target. *Market* is the surprise explained by external signals, as far as other goals on the same
metric and scope confirm it: if signals say -20 % and the others are at -5 %, the market is -5 %. The person's own result does
not enter it, so slowing down moves nothing: *own* is the remainder and earns no relief. Below the owner's habitual attainment,
relief does not depend on it: see :meth:`Parts.effort`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from perfml.advice.targets.programme import NEGLIGIBLE, Needs, target_limits
from perfml.arrays import Bools, Floats, Ints
from perfml.project.target_policy import Band, TargetPolicy


class Signal(Protocol):
    """Whether an external signal is used; see ``forecast.SignalVerdict``."""

    @property
    def name(self) -> str:
        """The signal, as ``signals.name`` has it."""

    @property
    def used(self) -> bool:
        """Whether forecasts use it."""


class Outlook(Protocol):
    """The part of ``forecast.Forecasts`` that is read: one row per goal, and the distribution of each final."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per goal in force, ordered by goal_id; the columns are those of ``forecast.Forecasts``."""

    @property
    def signals(self) -> Sequence[Signal]:
        """Every signal that was tested, used or not."""

    def probability(self, target: Floats) -> Floats:
        """P(final >= target), one target in the goal's unit per row (n,); missing without a forecast."""

    def target_at(self, probability: float) -> Floats:
        """The target (n,), in each goal's unit, that is reached with ``probability``; missing without a forecast."""


@dataclass(frozen=True)
class Parts:
    """The parts in log points, one entry per goal, missing without a forecast; -0.1 is about 10 % below."""

    market: Floats
    season: Floats
    definition: Floats
    own: Floats

    @property
    def outside(self) -> Floats:
        """What may move a target: market, season and definition, in log points."""
        outside: Floats = self.market + self.season + self.definition
        return outside

    def effort(self, habit: Floats) -> Floats:
        """The own part that relief is measured from: at least the owner's ``habit``, and at least 0.

        Doing better than one's habit reduces the relief needed. Doing worse, on purpose or not, does not increase it.
        """
        return np.fmax(np.fmax(self.own, habit), 0.0)


def decompose(
    *,
    expected: Floats,
    target: Floats,
    market: Floats,
    season: Floats,
    definition: Floats,
    peers: Floats,
    policy: TargetPolicy,
) -> Parts:
    """Split log(``expected`` / ``target``) into parts that add up to it exactly, one entry per goal.

    ``market``: the effect of signals since the target was set, in log points. ``peers``: the median lead of the other goals on
    the metric and scope, in log points; missing with too few of them, and then the market counts up to
    ``unconfirmed_market_percent`` of the policy. ``season`` and ``definition`` count in full.
    """
    shown = confirmed(market, peers, unconfirmed_percent=policy.unconfirmed_market_percent)
    whole = np.log(expected / target)
    known = ~np.isnan(whole)
    return Parts(
        market=np.where(known, shown, np.nan),
        season=np.where(known, season, np.nan),
        definition=np.where(known, definition, np.nan),
        own=whole - (shown + season + definition),
    )


def confirmed(market: Floats, peers: Floats, *, unconfirmed_percent: float) -> Floats:
    """``market`` as far as ``peers`` moved the same way, 0 if they moved the other way; without peers up to the percentage.

    >>> market, peers = np.array([-0.2, -0.05, -0.2, 0.1]), np.array([-0.05, -0.2, 0.1, np.nan])
    >>> confirmed(market, peers, unconfirmed_percent=5).round(3).tolist()
    [-0.05, -0.05, 0.0, 0.049]
    """
    alone = np.log1p(unconfirmed_percent / 100)
    cap = np.where(np.isnan(peers), alone, np.fmax(np.sign(market) * np.nan_to_num(peers), 0.0))
    counted: Floats = np.sign(market) * np.fmin(np.abs(market), cap) + 0.0
    return counted


def next_target(target: Floats, final: Floats, *, pass_percent: float, cap_percent: float) -> Floats:
    """The target of the next period after ``final`` was attained of ``target``, before market and season.

    ``pass_percent`` of what was attained above the target passes on, up to ``cap_percent`` of it. A target that follows every
    good result teaches people to hold back (the ratchet effect: Weitzman 1980, *Bell Journal of Economics* 11). A result below
    the target does not make the next one easier.

    >>> next_target(np.array([100.0] * 3), np.array([110.0, 160.0, 70.0]), pass_percent=50, cap_percent=10).round(6).tolist()
    [105.0, 110.0, 100.0]
    """
    above = np.fmax(final / target - 1, 0.0)
    passed: Floats = target * (1 + np.fmin(pass_percent / 100 * above, cap_percent / 100))
    return passed


# ---- what each goal needs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GoalAssessment:
    """The goals in force and what each needs; arrays in the order of ``goals``."""

    goals: pd.DataFrame
    outlook: Outlook
    at: Ints
    """Row of the goal in the forecasts, or -1."""
    parts: Parts
    reached: Floats
    """Probability of reaching the target in force."""
    needs: Needs
    next_target: Floats
    """The highest target justified by the goal before, for goals that begin after an exceeded one; else missing."""
    outside_band: Bools
    near: Bools
    """Outside the band by less than the smallest change worth a proposal."""
    broken: Bools
    """Actual and target have different definitions."""
    farthest: Floats
    """The target nearest to what is needed within the limits of a window and of a year, whatever else bounds it."""
    farthest_reached: Floats
    """Probability of reaching ``farthest`` at the owner's usual effort."""
    least_gain: float
    """The smallest change of the probability by which a target that stays out of the band is worth moving."""
    band: Band
    silent: bool
    """No signal is used, and neither season nor change of definition is known, for any goal."""

    def read(self, column: str) -> Floats:
        """A column of the forecasts in the order of ``goals``; missing for a goal without a forecast."""
        return _read(self.outlook, column, self.at)

    def probability(self, target: Floats) -> Floats:
        """The probability of reaching ``target``, one entry per goal."""
        return _probability(self.outlook, target, self.at)

    def helps(self, target: Floats) -> Bools:
        """Whether ``target`` instead of the one in force helps the goal as things go: see :func:`_helps`."""
        return _helps(self.reached, self.probability(target), band=self.band, least_gain=self.least_gain)


def assess(
    goals: pd.DataFrame,
    outlook: Outlook,
    policy: TargetPolicy,
    *,
    held: Collection[str],
    before: tuple[Floats, Floats],
    habit: Floats,
) -> GoalAssessment:
    """Assess what ``goals`` (``ledger.in_force``) need under ``outlook``.

    ``before``: target and final of the goal preceding those that begin, missing for all others (``ledger.begun_after``).
    ``habit``: the owners' habitual attainment, in log points of the target (``ledger.habitual_attainment``).
    """
    at: Ints = pd.Index(outlook.frame["goal_id"]).get_indexer(pd.Index(goals["goal_id"])).astype(np.int64)
    target = goals["target"].to_numpy(dtype=np.float64)
    expected = _read(outlook, "expected", at)
    definition, broken = _definitions(goals, policy)
    parts = decompose(
        expected=np.where(broken | ~(expected > 0), np.nan, expected),
        target=target,
        market=np.nan_to_num(_read(outlook, "market", at)),
        season=np.nan_to_num(_read(outlook, "season", at)),
        definition=definition,
        peers=_read(outlook, "peers", at),
        policy=policy,
    )
    known: Bools = ~np.isnan(parts.own)
    outside, own = np.where(known, parts.outside, 0.0), np.where(known, parts.own, 0.0)
    most = _after(*before, outside=outside, policy=policy)
    ratchet = np.where(known & ~np.isnan(most), np.log(most / target), 0.0)
    # A target that rose too far is not a shortfall of effort, and already contains the habit.
    own = own - np.where(ratchet < 0, np.fmin(ratchet - outside, 0.0), 0.0)
    spared = replace(parts, own=own).effort(np.where(ratchet < 0, 0.0, habit)) - own
    reached = np.where(known, _probability(outlook, target, at), np.nan)
    highest, lowest = (
        _placed(np.asarray(outlook.target_at(p), dtype=np.float64), at) for p in (policy.band.low, policy.band.high)
    )
    behind, ahead = reached < policy.band.low, reached > policy.band.high
    # Log points between what the final is and what it would be at the habitual level.
    habitual = np.where(behind, spared, np.where(ahead, -np.fmax(own - np.fmax(ratchet, 0.0), 0.0), 0.0))
    relieved, raised = np.fmin(target, highest * np.exp(habitual)), np.fmax(target, lowest * np.exp(habitual))
    wanted = np.where(behind, relieved, np.where(ahead, raised, target))
    withheld = np.array([person in held for person in goals["employee_id"]], dtype=bool)
    may = known & goals["employed"].to_numpy(dtype=bool) & ~withheld
    least = max(policy.least_target_change_percent / 100, 1e-9)
    needed = may & (np.abs(wanted / target - 1) >= least)
    inside = (reached >= policy.band.low) & (reached <= policy.band.high)
    down, up = np.fmin(np.fmin(outside, ratchet), 0.0), np.fmax(np.fmax(outside, ratchet), 0.0)
    limit = np.fmin(*target_limits(goals, policy).values())
    permitted = np.where(behind, np.fmax(wanted, target * np.exp(down)), np.fmin(wanted, target * np.exp(up)))
    farthest = np.where(behind, np.fmax(permitted, target * (1 - limit)), np.fmin(permitted, target * (1 + limit)))
    before_limit, at_limit = (_probability(outlook, value * np.exp(-habitual), at) for value in (target, farthest))
    limited = needed & (np.abs(farthest / permitted - 1) > NEGLIGIBLE) & ("target" in policy.levers)
    least_gain = policy.beyond.least_gain_points / 100
    helped = _helps(before_limit, at_limit, band=policy.band, least_gain=least_gain)
    needs = Needs(
        down=down,
        up=up,
        wanted=np.where(needed, wanted, np.nan),
        lowest=lowest,
        highest=highest,
        reach=np.where(may & ~needed & (reached >= policy.band.low), np.nan_to_num(reached), 0.0),
        open=may,
        beyond=limited & ~helped,
    )
    edge = np.where(reached < policy.band.low, highest, lowest)
    near = known & ~inside & ~needed & (np.abs(edge / target - 1) < least)
    informed = any(signal.used for signal in outlook.signals) or outside.any() or ratchet.any()
    return GoalAssessment(
        goals=goals,
        outlook=outlook,
        at=at,
        parts=parts,
        reached=reached,
        needs=needs,
        next_target=most,
        outside_band=known & ~inside,
        near=near,
        broken=broken,
        farthest=farthest,
        farthest_reached=at_limit,
        least_gain=least_gain,
        band=policy.band,
        silent=not informed,
    )


def _helps(before: Floats, after: Floats, *, band: Band, least_gain: float) -> Bools:
    """Whether a change of target that takes the probability from ``before`` to ``after`` reaches the band, or gains enough."""
    inside = (after >= band.low - NEGLIGIBLE) & (after <= band.high + NEGLIGIBLE)
    return np.asarray(inside | (np.abs(after - before) >= least_gain), dtype=bool)


def _read(outlook: Outlook, column: str, at: Ints) -> Floats:
    return _placed(outlook.frame[column].to_numpy(dtype=np.float64, na_value=np.nan), at)


def _placed(values: Floats, at: Ints) -> Floats:
    """``values``, one per forecast, in the order of the goals; missing for a goal without a forecast."""
    return np.append(values, np.nan)[at]


def _probability(outlook: Outlook, target: Floats, at: Ints) -> Floats:
    targets = np.full(len(outlook.frame), 1.0)
    targets[at[at >= 0]] = target[at >= 0]
    return _placed(np.asarray(outlook.probability(targets), dtype=np.float64), at)


def _definitions(goals: pd.DataFrame, policy: TargetPolicy) -> tuple[Floats, Bools]:
    """The definition part in log points, and which goals have targets and actuals that cannot be compared."""
    worth = {
        (change.metric, change.before, change.after): np.log1p(change.percent / 100)
        for change in policy.definition_changes
    }
    part, broken = np.zeros(len(goals)), goals["mismatch"].to_numpy(dtype=bool).copy()
    columns = [goals[name].tolist() for name in ("metric", "definition", "measured_definition")]
    for goal in np.flatnonzero(broken).tolist():
        effect = worth.get((columns[0][goal], columns[1][goal], columns[2][goal]))
        if effect is not None:
            part[goal], broken[goal] = effect, False
    return part, broken


def _after(target: Floats, final: Floats, *, outside: Floats, policy: TargetPolicy) -> Floats:
    passed = next_target(
        target, final, pass_percent=policy.ratchet_pass_percent, cap_percent=policy.ratchet_cap_percent
    )
    most: Floats = np.where(final > target, passed * np.exp(outside), np.nan)
    return most

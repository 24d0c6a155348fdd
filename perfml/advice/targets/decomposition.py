"""Why a goal's forecast is off its target: market, season, definition, and own effort, which add up to the whole.

    log(expected / target) = market + season + definition + own

Only the first three may move a target. *Market* is the surprise that external signals explain, as far as the others on the
same metric and scope really show it: signals say -20 % and the others are at -5 %, so it is -5 %. Nobody's own result enters
it, so that slowing down moves nothing: *own* is what is left, and it earns no relief. What is relieved does not depend on it
below what is usual for the owner: see :meth:`Parts.effort`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from perfml.advice.targets.programme import Needs
from perfml.arrays import Bools, Floats, Ints
from perfml.project.target_policy import TargetPolicy


class Signal(Protocol):
    """Whether an external signal is used; see ``forecast.SignalVerdict``."""

    @property
    def name(self) -> str:
        """The signal, as ``signals.name`` has it."""

    @property
    def used(self) -> bool:
        """Whether forecasts use it."""


class Outlook(Protocol):
    """What is read of ``forecast.Forecasts``: a row a goal, and the distribution of each final value."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row a goal in force, ordered by goal_id; the columns are those of ``forecast.Forecasts``."""

    @property
    def signals(self) -> Sequence[Signal]:
        """Every signal that was judged, used or not."""

    def probability(self, target: Floats) -> Floats:
        """P(final >= target), a target in the goal's unit for each row (n,); missing without a forecast."""

    def target_at(self, probability: float) -> Floats:
        """The target (n,), in each goal's unit, that is reached with ``probability``; missing without a forecast."""


@dataclass(frozen=True)
class Parts:
    """The parts in log points, one entry a goal, missing where there is no forecast; -0.1 is about 10 % below."""

    market: Floats
    season: Floats
    definition: Floats
    own: Floats

    @property
    def outside(self) -> Floats:
        """What may move a target: how far the world moved, in log points."""
        outside: Floats = self.market + self.season + self.definition
        return outside

    def effort(self, usual: Floats) -> Floats:
        """The own part that relief is measured by: never less than what is ``usual`` for the owner, nor than nought.

        Whoever does better than usual needs less relief. Whoever does worse, on purpose or not, gets no more for it.
        """
        return np.fmax(np.fmax(self.own, usual), 0.0)


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
    """The parts of log(``expected`` / ``target``), one entry a goal; they add up to it exactly.

    ``market``: the log effect of what signals did since the target was set. ``peers``: how the others on the same metric and
    scope move against their usual pace, in log points; missing where there are too few of them, and then the market counts up to
    ``unconfirmed_market_percent`` of the policy. ``season`` and ``definition`` are taken as they are.
    """
    shown = confirmed(market, peers, policy)
    whole = np.log(expected / target)
    return Parts(
        np.where(np.isnan(whole), np.nan, shown),
        np.where(np.isnan(whole), np.nan, season),
        np.where(np.isnan(whole), np.nan, definition),
        whole - (shown + season + definition),
    )


def confirmed(market: Floats, peers: Floats, policy: TargetPolicy) -> Floats:
    """``market`` as far as ``peers`` go the same way; nought where they go the other.

    >>> policy = TargetPolicy(zh="", en="", unconfirmed_market_percent=5)
    >>> market, peers = np.array([-0.2, -0.05, -0.2, 0.1]), np.array([-0.05, -0.2, 0.1, np.nan])
    >>> confirmed(market, peers, policy).round(3).tolist()
    [-0.05, -0.05, 0.0, 0.049]
    """
    alone = np.log1p(policy.unconfirmed_market_percent / 100)
    cap = np.where(np.isnan(peers), alone, np.fmax(np.sign(market) * np.nan_to_num(peers), 0.0))
    counted: Floats = np.sign(market) * np.fmin(np.abs(market), cap) + 0.0
    return counted


def next_target(target: Floats, final: Floats, *, policy: TargetPolicy) -> Floats:
    """Where the target of the next period should lie after ``final`` was attained of ``target``, before market and season.

    What was attained above passes on in part (``ratchet_pass_percent``) and up to a cap (``ratchet_cap_percent``). A target
    that follows every good result teaches people to hold back (the ratchet effect: Weitzman 1980, *Bell Journal of
    Economics* 11). What was attained below passes nothing: the next target is no easier for it.

    >>> next_target(np.array([100.0] * 3), np.array([110.0, 160.0, 70.0]), policy=TargetPolicy(zh="", en="")).round(6).tolist()
    [105.0, 110.0, 100.0]
    """
    above = np.fmax(final / target - 1, 0.0)
    passed: Floats = target * (1 + np.fmin(policy.ratchet_pass_percent / 100 * above, policy.ratchet_cap_percent / 100))
    return passed


# ---- what each goal needs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """The goals in force with what is known of each; arrays in the order of ``goals``."""

    goals: pd.DataFrame
    outlook: Outlook
    at: Ints
    """Row of the goal in the forecasts, or -1."""
    parts: Parts
    reached: Floats
    """Probability of reaching the target now in force."""
    needs: Needs
    next_target: Floats
    """Of goals that begin after one that was outdone: the most that the target should be; else missing."""
    outside_band: Bools
    near: Bools
    """Outside the band by less than what is worth a proposal."""
    broken: Bools
    """Actual and target have different definitions."""
    silent: bool
    """No signal is used, and no season and no change of definition is known, for any goal."""

    def read(self, column: str) -> Floats:
        """A column of the forecasts, missing where a goal has none."""
        return _read(self.outlook, column, self.at)

    def probability(self, target: Floats) -> Floats:
        """Of reaching ``target``, one entry a goal."""
        return _probability(self.outlook, target, self.at)


def assess(
    goals: pd.DataFrame,
    outlook: Outlook,
    policy: TargetPolicy,
    *,
    held: Mapping[str, str],
    before: tuple[Floats, Floats],
    usual: Floats,
) -> Case:
    """What ``goals`` (``ledger.in_force``) need under ``outlook``.

    ``before``: target and final of the goal before those that begin, missing for all others (``ledger.begun_after``).
    ``usual``: what their owners usually attain, in log points of the target (``ledger.usual_attainment``).
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
    most = _after(*before, outside, policy)
    ratchet = np.where(known & ~np.isnan(most), np.log(most / target), 0.0)
    own = own - np.where(
        ratchet < 0, np.fmin(ratchet - outside, 0.0), 0.0
    )  # a target that rose too far is no shortfall
    spared = replace(parts, own=own).effort(np.where(ratchet < 0, 0.0, usual)) - own  # such a target holds the habit
    reached = np.where(known, _probability(outlook, target, at), np.nan)
    highest, lowest = (
        _placed(np.asarray(outlook.target_at(p), dtype=np.float64), at) for p in (policy.band.low, policy.band.high)
    )
    relieved = np.fmin(target, highest * np.exp(spared))  # as if the owner did what is usual for them
    raised = np.fmax(target, lowest * np.exp(-np.fmax(own - np.fmax(ratchet, 0.0), 0.0)))
    wanted = np.where(reached < policy.band.low, relieved, np.where(reached > policy.band.high, raised, target))
    away = np.array([person in held for person in goals["employee_id"]], dtype=bool)
    may = known & goals["employed"].to_numpy(dtype=bool) & ~away
    least = max(policy.least_target_change_percent / 100, 1e-9)
    needed = may & (np.abs(wanted / target - 1) >= least)
    inside = (reached >= policy.band.low) & (reached <= policy.band.high)
    needs = Needs(
        down=np.fmin(np.fmin(outside, ratchet), 0.0),
        up=np.fmax(np.fmax(outside, ratchet), 0.0),
        wanted=np.where(needed, wanted, np.nan),
        lowest=lowest,
        highest=highest,
        reach=np.where(may & ~needed & (reached >= policy.band.low), np.nan_to_num(reached), 0.0),
        open=may,
    )
    edge = np.where(reached < policy.band.low, highest, lowest)
    near = known & ~inside & ~needed & (np.abs(edge / target - 1) < least)
    heard = any(signal.used for signal in outlook.signals)
    silent = not (heard or outside.any() or ratchet.any())
    return Case(goals, outlook, at, parts, reached, needs, most, known & ~inside, near, broken, silent)


def _read(outlook: Outlook, column: str, at: Ints) -> Floats:
    return _placed(outlook.frame[column].to_numpy(dtype=np.float64, na_value=np.nan), at)


def _placed(values: Floats, at: Ints) -> Floats:
    """``values`` of the forecasts' rows in the order of the goals; missing where a goal has none."""
    return np.append(values, np.nan)[at]


def _probability(outlook: Outlook, target: Floats, at: Ints) -> Floats:
    asked = np.full(len(outlook.frame), 1.0)
    asked[at[at >= 0]] = target[at >= 0]
    return _placed(np.asarray(outlook.probability(asked), dtype=np.float64), at)


def _definitions(goals: pd.DataFrame, policy: TargetPolicy) -> tuple[Floats, Bools]:
    """The definition part in log points, and which goals cannot be compared."""
    worth = {(one.metric, one.before, one.after): np.log1p(one.percent / 100) for one in policy.definition_changes}
    part, broken = np.zeros(len(goals)), goals["mismatch"].to_numpy(dtype=bool).copy()
    columns = [goals[name].tolist() for name in ("metric", "definition", "measured_definition")]
    for goal in np.flatnonzero(broken).tolist():
        change = worth.get((columns[0][goal], columns[1][goal], columns[2][goal]))
        if change is not None:
            part[goal], broken[goal] = change, False
    return part, broken


def _after(target: Floats, final: Floats, outside: Floats, policy: TargetPolicy) -> Floats:
    most: Floats = np.where(final > target, next_target(target, final, policy=policy) * np.exp(outside), np.nan)
    return most

"""The smallest change that brings goals into the policy's band within every rule: two linear programmes, solved by HiGHS.

First targets. With u and d the shares by which a target rises and falls, and s the share by which it misses its need,

    minimise    sum of weight (u + d) + SHORTFALL_COST (s + z)   smallest change (L1); elastic s keeps it feasible
    subject to  u <= headroom up,  d <= headroom down            permitted part, change per window and year, band, core
                children - parent unchanged                      where the children added up to the parent before
                target within its need, but for s
                s <= what the goal's own limits leave + z        in one team: what a total denies is shared evenly

Then weights, in whole steps. If limits kept a target from following the market, the goal's weight falls by the share still out
of reach, and the person's other goals within reach take it. All teams are solved together, as blocks without common variables; a
team without a need is left out. What bounds a goal is read off the solution: the constraints that are active there (elastic
programmes: Chinneck & Dravnieks 1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse.csgraph import connected_components

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.errors import PerfmlError
from perfml.project.target_policy import TargetPolicy

SHORTFALL_COST = 1e4
"""Cost of a share short of the need, relative to the same share of change: meeting a need outweighs any change."""
SUM_TOLERANCE = 1e-6
"""Relative difference up to which children count as adding up to their parent."""
SUMS_TO_100 = 0.01
"""Points by which the weights of a period may miss 100, as in the audit of ``features/sources.toml``."""
NEGLIGIBLE = 1e-7
RULES = ("core", "outside", "window", "year", "band", "total", "weight_window", "weight_year", "minimum_weight",
         "weight_sum", "no_receiver")  # fmt: skip
"""The rules that can bound a proposal; ``perfml.advice.targets.texts.rule_texts`` words each of them."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Input of the programme about each goal besides the ledger; arrays of equal length, shares and log points.

    ``down`` and ``up``: log points by which outside influences permit the target to fall (at most 0) and rise (at least 0).
    ``wanted``: the target needed, in the goal's unit; missing without a need. ``lowest`` and ``highest``: the targets at the
    edges of the band, which no change may pass. ``reach``: the probability of reaching the goal if it can take weight, else 0.
    ``open``: whether anything about it may move; false for goals that are held, broken or refused. ``beyond``: goals that no
    change within the limits brings into reach; their target stays, and their weight may fall.
    """

    down: Floats
    up: Floats
    wanted: Floats
    lowest: Floats
    highest: Floats
    reach: Floats
    open: Bools
    beyond: Bools


@dataclass(frozen=True)
class Proposal:
    """Proposed targets and weights, one entry per goal, and what bounds them.

    ``short``: log points between the new target and what is needed and permitted; ``binding``: for each of :data:`RULES`,
    the goals it bounds.
    """

    target: Floats
    weight: Floats
    short: Floats
    binding: dict[str, Bools]


def propose(goals: pd.DataFrame, needs: Needs, policy: TargetPolicy) -> Proposal:
    """Solve for ``goals`` (rows of ``ledger.in_force``, with distinct ``goal_id``)."""
    target, binding, short = _targets(goals, needs, policy)
    weight = _weights(goals, needs, policy=policy, short=short, binding=binding)
    return Proposal(target, weight, short, binding)


# ---- targets ----------------------------------------------------------------------------------------------------


def _targets(goals: pd.DataFrame, needs: Needs, policy: TargetPolicy) -> tuple[Floats, dict[str, Bools], Floats]:
    old = goals["target"].to_numpy(dtype=np.float64)
    core = goals["core"].to_numpy(dtype=bool)
    may = needs.open & ~core & ~needs.beyond & ("target" in policy.levers)
    limits = target_limits(goals, policy)
    falls = {"outside": -np.expm1(needs.down), **limits, "band": _share(1 - needs.lowest / old)}
    rises = {"outside": np.expm1(needs.up), **limits, "band": _share(needs.highest / old - 1)}
    fall, rise = (np.where(may, np.fmin.reduce(list(side.values())), 0.0) for side in (falls, rises))
    least = policy.least_target_change_percent / 100 - NEGLIGIBLE  # less headroom than this is none
    fall, rise = np.where(fall < least, 0.0, fall), np.where(rise < least, 0.0, rise)
    change_needed = np.where(np.isnan(needs.wanted), 0.0, needs.wanted / old - 1)
    change_needed = np.where(needs.open & ~core, change_needed, 0.0)
    groups = _totals(goals, old)
    solvable = np.where(needs.beyond, 0.0, change_needed)
    change = _least_change(goals, solvable, fall=fall, rise=rise, groups=groups)
    new = _add_up(old * (1 + change), change, groups)
    permitted = np.fmax(np.exp(needs.down), np.fmin(np.exp(needs.up), 1 + change_needed))
    short = np.where(change_needed == 0, 0.0, np.log(new / (old * permitted)))
    short = np.where(np.sign(short) == -np.sign(change_needed), short, 0.0)
    off = np.sign(change_needed) * (change_needed - change) > NEGLIGIBLE
    headroom = np.where(change_needed < 0, fall, rise)
    on_bound = off & (np.abs(change) >= headroom - NEGLIGIBLE)
    binding = {name: np.zeros(len(old), dtype=bool) for name in RULES}
    for name in ("outside", "window", "year", "band"):
        bound = np.where(change_needed < 0, falls[name], rises[name])
        binding[name] = on_bound & may & (bound <= np.fmax(headroom, least) + NEGLIGIBLE)
    for name, limit in limits.items():
        tightest = limit <= np.fmin(*limits.values()) + NEGLIGIBLE
        binding[name] |= needs.beyond & needs.open & ~core & tightest
    binding["core"] = core & ~np.isnan(needs.wanted) & needs.open
    moved = np.abs(change) > NEGLIGIBLE
    binding["band"] |= ~off & moved & (change_needed != 0)
    further = np.sign(change_needed) * (change - change_needed) > NEGLIGIBLE
    binding["total"] = may & np.where(change_needed == 0, moved, (off & ~on_bound) | further)
    return new, binding, short


def target_limits(goals: pd.DataFrame, policy: TargetPolicy) -> dict[str, Floats]:
    """The share by which each target may still change under the limit of the window and of the year."""
    return {
        "window": _headroom(goals, "changed_percent_window", policy.max_target_change_percent) / 100,
        "year": _headroom(goals, "changed_percent_year", policy.max_target_change_per_year_percent) / 100,
    }


def _headroom(goals: pd.DataFrame, used: str, most: float) -> Floats:
    headroom: Floats = np.fmax(most - goals[used].to_numpy(dtype=np.float64), 0.0)
    return headroom


def _share(share: Floats) -> Floats:
    """Headroom up to the edge of the band; 0 beyond it, and where the edge is not known."""
    return np.where(np.isnan(share), 0.0, np.fmax(share, 0.0))


def _totals(goals: pd.DataFrame, old: Floats) -> tuple[Ints, Ints]:
    """(child, parent) row numbers wherever the children in force add up to their parent."""
    ids = pd.Index(goals["goal_id"])
    parent = ids.get_indexer(goals["parent_goal_id"].fillna("\0").to_numpy(dtype=object)).astype(np.int64)
    child = np.flatnonzero((parent >= 0) & (parent != np.arange(len(parent))))
    parent = parent[child]
    same = goals["metric"].to_numpy(dtype=object)[child] == goals["metric"].to_numpy(dtype=object)[parent]
    mixed = np.unique(parent[~same])
    total = np.bincount(parent, old[child], minlength=len(old))
    adds_up = np.abs(total - old) <= SUM_TOLERANCE * old
    adds_up[mixed] = False
    linked = adds_up[parent]
    return child[linked], parent[linked]


def _least_change(
    goals: pd.DataFrame, change_needed: Floats, *, fall: Floats, rise: Floats, groups: tuple[Ints, Ints]
) -> Floats:
    """The change of each target as a share of it."""
    n = len(change_needed)
    child, parent = groups
    change = np.zeros(n)
    team = _teams(n, groups)
    headroom = np.where(change_needed < 0, fall, rise)
    needy = np.bincount(team, (np.abs(change_needed) > NEGLIGIBLE) & (headroom > NEGLIGIBLE), minlength=n) > 0
    goal = np.flatnonzero(needy[team])
    if not len(goal):
        return change
    column = np.full(n, -1)
    column[goal] = np.arange(len(goal))
    links = np.flatnonzero(column[parent] >= 0)
    child, parent = child[links], parent[links]
    m = len(goal)
    old = goals["target"].to_numpy(dtype=np.float64)
    weight = goals["weight"].to_numpy(dtype=np.float64)[goal] / 100
    order = _rank_within(team[goal], goals["goal_id"].to_numpy(dtype=object)[goal])
    cost = weight * (1 + 1e-3 * order)  # ties are always broken the same way
    rows, row = np.unique(parent, return_inverse=True)
    entries = np.concatenate([old[child] / old[parent], np.full(len(rows), -1.0)])
    at = np.concatenate([column[child], column[rows]])
    total = sparse.csr_array((entries, (np.concatenate([row, np.arange(len(rows))]), at)), shape=(len(rows), m))
    wish = np.flatnonzero(np.abs(change_needed[goal]) > NEGLIGIBLE)
    sign = np.sign(change_needed[goal][wish])
    k = len(wish)
    towards = sparse.csr_array((sign, (np.arange(k), wish)), shape=(k, m))
    teams, code = np.unique(team[goal][wish], return_inverse=True)
    even = sparse.csr_array((np.ones(k), (np.arange(k), code)), shape=(k, len(teams)))
    size, own = np.abs(change_needed[goal][wish]), np.fmax(np.abs(change_needed) - headroom, 0.0)[goal][wish]
    eye, zero = sparse.eye_array(k), sparse.csr_array((k, m))
    most = np.concatenate([rise[goal], fall[goal], np.full(k + len(teams), np.inf)])
    solution = linprog(
        np.concatenate([cost, cost, np.full(k, SHORTFALL_COST), SHORTFALL_COST * np.bincount(code)]),
        A_ub=sparse.block_array([[-towards, towards, -eye, None], [zero, zero, eye, -even]], format="csr"),
        b_ub=np.concatenate([-size, own]),
        A_eq=sparse.hstack([total, -total, sparse.csr_array((len(rows), k + len(teams)))], format="csr"),
        b_eq=np.zeros(len(rows)),
        bounds=np.column_stack([np.zeros(len(most)), most]),
        method="highs",
    )
    _require_solved(solution.status, solution.message)
    moved = solution.x[:m] - solution.x[m : 2 * m]
    change[goal] = np.where(np.abs(moved) > NEGLIGIBLE, moved, 0.0)
    return change


def _teams(n: int, groups: tuple[Ints, Ints]) -> Ints:
    child, parent = groups
    graph = sparse.coo_array((np.ones(len(child)), (child, parent)), shape=(n, n))
    team: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return team


def _rank_within(team: Ints, name: Objects) -> Floats:
    """Rank of each name within its team, up to 1 for the last."""
    ranks = pd.DataFrame({"team": team, "name": name}).groupby("team")["name"].rank(method="first", pct=True)
    return ranks.to_numpy(dtype=np.float64)


def _add_up(new: Floats, change: Floats, groups: tuple[Ints, Ints]) -> Floats:
    """Set each parent that moved to the sum of its children, bottom up, which removes the solver's tolerance."""
    child, parent = groups
    if not len(child) or not change.any():
        return new
    for _ in range(20):  # more levels than a company has; each pass settles one
        total = np.bincount(parent, new[child], minlength=len(new))
        wrong = np.unique(parent[(change[parent] != 0) & (total[parent] != new[parent])])
        if not len(wrong):
            break
        new = new.copy()
        new[wrong] = total[wrong]
    return new


# ---- weights ----------------------------------------------------------------------------------------------------


def _weights(
    goals: pd.DataFrame, needs: Needs, *, policy: TargetPolicy, short: Floats, binding: dict[str, Bools]
) -> Floats:
    """The new weights; adds what bounds them to ``binding``."""
    old = goals["weight"].to_numpy(dtype=np.float64)
    step = policy.weight_step_points
    may = needs.open & ~goals["core"].to_numpy(dtype=bool) & ("weight" in policy.levers)
    person = goals.groupby(["employee_id", "period_start", "period_end"], sort=False)
    period = np.asarray(person.ngroup(), dtype=np.int64)
    sums = np.abs(np.bincount(period, old) - 100) <= SUMS_TO_100
    wanted = np.where(may & (short > NEGLIGIBLE), old * -np.expm1(-short), 0.0)
    limits = {
        "weight_window": _headroom(goals, "changed_points_window", policy.max_weight_change_points),
        "weight_year": _headroom(goals, "changed_points_year", policy.max_weight_change_per_year_points),
    }
    both = np.fmin.reduce(list(limits.values()))
    spare = np.fmax(old - policy.minimum_weight_percent, 0.0)
    right = sums[period]
    gives = np.where(right, _steps(np.fmin.reduce([wanted, both, spare]), step), 0.0)
    takes = np.where(right & may & (needs.reach > 0) & (wanted == 0), _steps(both, step), 0.0)
    takes = np.where(np.bincount(period, gives)[period] > 0, takes, 0.0)
    name = goals["goal_id"].to_numpy(dtype=object)
    given, taken = _shift(period, gives, takes, short=short, reach=needs.reach, name=name)
    new = old + step * (taken - given)
    less = step * given < wanted - step - NEGLIGIBLE
    for rule, limit in {**limits, "minimum_weight": spare}.items():
        binding[rule] = less & right & (given >= gives) & (limit < wanted - NEGLIGIBLE) & (limit < step * (given + 1))
    binding["weight_sum"] = less & ~right
    binding["no_receiver"] = less & right & (given < gives)
    return new


def _steps(points: Floats, step: float) -> Floats:
    steps: Floats = np.floor(points / step + 1e-9)
    return steps


def _shift(
    period: Ints, gives: Floats, takes: Floats, *, short: Floats, reach: Floats, name: Objects
) -> tuple[Floats, Floats]:
    """Steps given and taken: as many as possible within each employee's period, first from the goal furthest out of reach and
    first to the one most likely to be reached."""
    given, taken = np.zeros(len(gives)), np.zeros(len(gives))
    rows = np.flatnonzero((gives > 0) | (takes > 0))
    if not len(rows):
        return given, taken
    n = len(rows)
    block, code = np.unique(period[rows], return_inverse=True)
    order = _rank_within(code.astype(np.int64), name[rows])
    gain = 1 + 0.1 * np.fmin(short[rows], 1.0) - 1e-3 * order
    balance = sparse.csr_array((np.ones(n), (code, np.arange(n))), shape=(len(block), n))
    solution = milp(
        np.concatenate([-gain, 0.1 * (1 - reach[rows]) + 1e-3 * order]),
        integrality=np.ones(2 * n),
        bounds=Bounds(np.zeros(2 * n), np.concatenate([gives[rows], takes[rows]])),
        constraints=LinearConstraint(sparse.hstack([balance, -balance], format="csc"), 0, 0),
    )
    _require_solved(solution.status, solution.message)
    given[rows], taken[rows] = np.rint(solution.x[:n]), np.rint(solution.x[n:])
    return given, taken


def _require_solved(status: int, message: str) -> None:
    if status != 0:
        raise PerfmlError(
            f"found no solution ({message})", where="the solver of target adjustment", remedy="report this"
        )

"""The smallest change that brings goals into the policy's band, within every rule: two linear programmes, solved by HiGHS.

First targets. With u and d the shares by which a target rises and falls, and s the share by which it stays off what is needed,

    minimise    sum of weight (u + d) + LARGE (s + z)      the smallest change (L1); s is elastic, so there always is an answer
    subject to  u <= room to rise,  d <= room to fall      permitted part, change per window and per year, band, core
                children - parent unchanged                where the children added up to the parent before
                target within what is needed, but for s
                s <= what the goal's own limits leave + z  of one team: what a total denies is shared out evenly

Then weights, in whole steps. Where a target was not let down as far as the market went, the goal's weight falls by the share
that is still out of reach, and a person's other goals that can be reached take it up. All teams stand in the same two
programmes, as blocks that share no variable; a team that needs nothing is left out. What kept a goal from getting there is
read off the solution: the bounds it lies on (elastic programmes: Chinneck & Dravnieks 1991).
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

LARGE = 1e4
"""What a share short of the need costs, against the same share of change: no change is spared for which a need is met."""
TOTAL = 1e-6
"""Relative difference up to which children are said to add up to their parent."""
SUMS_TO_100 = 0.01
"""Points by which the weights of a period may miss 100, as in the audit of ``features/sources.toml``."""
NOTHING = 1e-7
RULES = ("core", "outside", "window", "year", "band", "total", "weight_window", "weight_year", "minimum_weight",
         "weight_sum", "no_receiver")  # fmt: skip
"""The rules that can bound a proposal; see ``perfml.advice.targets.texts`` for what each says."""


@dataclass(frozen=True)
class Needs:
    """What the programme has to know of each goal beside the ledger; arrays of one length, shares and log points.

    ``down`` and ``up``: log points by which the outside world permits the target to fall (at most 0) and rise (at least 0).
    ``wanted``: the target that is needed, in the goal's unit; missing where the goal needs nothing. ``lowest`` and
    ``highest``: the targets at the edges of the band, over which no change may go. ``reach``: the probability with which the
    goal is reached if it can take up weight, else 0. ``open``: whether anything of it may move: false for goals that are
    held, broken, or refused.
    """

    down: Floats
    up: Floats
    wanted: Floats
    lowest: Floats
    highest: Floats
    reach: Floats
    open: Bools


@dataclass(frozen=True)
class Proposal:
    """Targets and weights as proposed, one entry a goal, and what bounds them.

    ``short``: log points by which the target is still off what is wanted and permitted; ``binding``: of :data:`RULES`, those
    on whose bound the proposal lies.
    """

    target: Floats
    weight: Floats
    short: Floats
    binding: dict[str, Bools]


def propose(goals: pd.DataFrame, needs: Needs, policy: TargetPolicy) -> Proposal:
    """The proposal for ``goals`` (rows of ``ledger.in_force``, with distinct ``goal_id``)."""
    target, binding, short = _targets(goals, needs, policy)
    weight = _weights(goals, needs, policy, short, binding)
    return Proposal(target, weight, short, binding)


# ---- targets ----------------------------------------------------------------------------------------------------


def _targets(goals: pd.DataFrame, needs: Needs, policy: TargetPolicy) -> tuple[Floats, dict[str, Bools], Floats]:
    old = goals["target"].to_numpy(dtype=np.float64)
    core = goals["core"].to_numpy(dtype=bool)
    may = needs.open & ~core & ("target" in policy.levers)
    limits = {
        "window": _room(goals, "changed_percent_window", policy.max_target_change_percent) / 100,
        "year": _room(goals, "changed_percent_year", policy.max_target_change_per_year_percent) / 100,
    }
    falls = {"outside": -np.expm1(needs.down), **limits, "band": _share(1 - needs.lowest / old)}
    rises = {"outside": np.expm1(needs.up), **limits, "band": _share(needs.highest / old - 1)}
    fall, rise = (np.where(may, np.fmin.reduce(list(side.values())), 0.0) for side in (falls, rises))
    least = policy.least_target_change_percent / 100 - NOTHING  # so little room is none
    fall, rise = np.where(fall < least, 0.0, fall), np.where(rise < least, 0.0, rise)
    asked = np.where(np.isnan(needs.wanted), 0.0, needs.wanted / old - 1)
    asked = np.where(needs.open & ~core, asked, 0.0)
    groups = _totals(goals, old)
    change = _least_change(goals, asked, fall, rise, groups)
    new = _add_up(old * (1 + change), old, change, groups)
    permitted = np.fmax(np.exp(needs.down), np.fmin(np.exp(needs.up), 1 + asked))
    short = np.where(asked == 0, 0.0, np.log(new / (old * permitted)))
    short = np.where(np.sign(short) == -np.sign(asked), short, 0.0)
    off = np.sign(asked) * (asked - change) > NOTHING
    room = np.where(asked < 0, fall, rise)
    on_bound = off & (np.abs(change) >= room - NOTHING)
    binding = {name: np.zeros(len(old), dtype=bool) for name in RULES}
    for name in ("outside", "window", "year", "band"):
        bound = np.where(asked < 0, falls[name], rises[name])
        binding[name] = on_bound & may & (bound <= np.fmax(room, least) + NOTHING)
    binding["core"] = core & ~np.isnan(needs.wanted) & needs.open
    moved = np.abs(change) > NOTHING
    binding["band"] |= ~off & moved & (asked != 0)
    further = np.sign(asked) * (change - asked) > NOTHING
    binding["total"] = may & np.where(asked == 0, moved, (off & ~on_bound) | further)
    return new, binding, short


def _room(goals: pd.DataFrame, used: str, most: float) -> Floats:
    room: Floats = np.fmax(most - goals[used].to_numpy(dtype=np.float64), 0.0)
    return room


def _share(share: Floats) -> Floats:
    """Room up to the edge of the band; none beyond it, all of it where the edge is not known."""
    return np.where(np.isnan(share), 0.0, np.fmax(share, 0.0))


def _totals(goals: pd.DataFrame, old: Floats) -> tuple[Ints, Ints]:
    """(child, parent) positions wherever the children in force add up to their parent."""
    ids = pd.Index(goals["goal_id"])
    parent = ids.get_indexer(goals["parent_goal_id"].fillna("\0").to_numpy(dtype=object)).astype(np.int64)
    child = np.flatnonzero((parent >= 0) & (parent != np.arange(len(parent))))
    of = parent[child]
    same = goals["metric"].to_numpy(dtype=object)[child] == goals["metric"].to_numpy(dtype=object)[of]
    strange = np.unique(of[~same])
    total = np.bincount(of, old[child], minlength=len(old))
    adds_up = np.abs(total - old) <= TOTAL * old
    adds_up[strange] = False
    kept = adds_up[of]
    return child[kept], of[kept]


def _least_change(goals: pd.DataFrame, asked: Floats, fall: Floats, rise: Floats, groups: tuple[Ints, Ints]) -> Floats:
    """The change of each target as a share of it."""
    n = len(asked)
    child, parent = groups
    change = np.zeros(n)
    team = _teams(n, groups)
    room = np.where(asked < 0, fall, rise)
    needy = np.bincount(team, (np.abs(asked) > NOTHING) & (room > NOTHING), minlength=n) > 0
    here = np.flatnonzero(needy[team])
    if not len(here):
        return change
    place = np.full(n, -1)
    place[here] = np.arange(len(here))
    links = np.flatnonzero(place[parent] >= 0)
    child, parent = child[links], parent[links]
    m = len(here)
    old = goals["target"].to_numpy(dtype=np.float64)
    weight = goals["weight"].to_numpy(dtype=np.float64)[here] / 100
    order = _rank_within(team[here], goals["goal_id"].to_numpy(dtype=object)[here])
    cost = weight * (1 + 1e-3 * order)  # of ways that cost the same, always the same one
    rows, row = np.unique(parent, return_inverse=True)
    entries = np.concatenate([old[child] / old[parent], np.full(len(rows), -1.0)])
    at = np.concatenate([place[child], place[rows]])
    kept = sparse.csr_array((entries, (np.concatenate([row, np.arange(len(rows))]), at)), shape=(len(rows), m))
    wish = np.flatnonzero(np.abs(asked[here]) > NOTHING)
    sign = np.sign(asked[here][wish])
    k = len(wish)
    one = sparse.csr_array((sign, (np.arange(k), wish)), shape=(k, m))
    teams, code = np.unique(team[here][wish], return_inverse=True)
    even = sparse.csr_array((np.ones(k), (np.arange(k), code)), shape=(k, len(teams)))
    size, own = np.abs(asked[here][wish]), np.fmax(np.abs(asked) - room, 0.0)[here][wish]
    eye, nothing = sparse.eye_array(k), sparse.csr_array((k, m))
    most = np.concatenate([rise[here], fall[here], np.full(k + len(teams), np.inf)])
    found = linprog(
        np.concatenate([cost, cost, np.full(k, LARGE), LARGE * np.bincount(code)]),
        A_ub=sparse.block_array([[-one, one, -eye, None], [nothing, nothing, eye, -even]], format="csr"),
        b_ub=np.concatenate([-size, own]),
        A_eq=sparse.hstack([kept, -kept, sparse.csr_array((len(rows), k + len(teams)))], format="csr"),
        b_eq=np.zeros(len(rows)),
        bounds=np.column_stack([np.zeros(len(most)), most]),
        method="highs",
    )
    _solved(found.status, found.message)
    moved = found.x[:m] - found.x[m : 2 * m]
    change[here] = np.where(np.abs(moved) > NOTHING, moved, 0.0)
    return change


def _teams(n: int, groups: tuple[Ints, Ints]) -> Ints:
    child, parent = groups
    graph = sparse.coo_array((np.ones(len(child)), (child, parent)), shape=(n, n))
    team: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return team


def _rank_within(team: Ints, name: Objects) -> Floats:
    """0 for the first name of a team, towards 1 for the last."""
    ranks = pd.DataFrame({"team": team, "name": name}).groupby("team")["name"].rank(method="first", pct=True)
    return ranks.to_numpy(dtype=np.float64)


def _add_up(new: Floats, old: Floats, change: Floats, groups: tuple[Ints, Ints]) -> Floats:
    """Take the solver's tolerance off the totals: a parent that moved is the sum of its children, bottom up."""
    child, parent = groups
    if not len(child) or not change.any():
        return new
    for _ in range(20):  # as many levels as a company has; each pass settles one
        total = np.bincount(parent, new[child], minlength=len(new))
        wrong = np.unique(parent[(change[parent] != 0) & (total[parent] != new[parent])])
        if not len(wrong):
            break
        new = new.copy()
        new[wrong] = total[wrong]
    return new


# ---- weights ----------------------------------------------------------------------------------------------------


def _weights(
    goals: pd.DataFrame, needs: Needs, policy: TargetPolicy, short: Floats, binding: dict[str, Bools]
) -> Floats:
    """The new weights; enters what bounds them into ``binding``."""
    old = goals["weight"].to_numpy(dtype=np.float64)
    step = policy.weight_step_points
    may = needs.open & ~goals["core"].to_numpy(dtype=bool) & ("weight" in policy.levers)
    person = goals.groupby(["employee_id", "period_start", "period_end"], sort=False)
    period = np.asarray(person.ngroup(), dtype=np.int64)
    sums = np.abs(np.bincount(period, old) - 100) <= SUMS_TO_100
    wanted = np.where(may & (short > NOTHING), old * -np.expm1(-short), 0.0)
    limits = {
        "weight_window": _room(goals, "changed_points_window", policy.max_weight_change_points),
        "weight_year": _room(goals, "changed_points_year", policy.max_weight_change_per_year_points),
    }
    both = np.fmin.reduce(list(limits.values()))
    spare = np.fmax(old - policy.minimum_weight_percent, 0.0)
    right = sums[period]
    gives = np.where(right, _steps(np.fmin.reduce([wanted, both, spare]), step), 0.0)
    takes = np.where(right & may & (needs.reach > 0) & (wanted == 0), _steps(both, step), 0.0)
    takes = np.where(np.bincount(period, gives)[period] > 0, takes, 0.0)
    given, taken = _shift(period, gives, takes, short, needs.reach, goals["goal_id"].to_numpy(dtype=object))
    new = old + step * (taken - given)
    less = step * given < wanted - step - NOTHING
    for name, limit in {**limits, "minimum_weight": spare}.items():
        binding[name] = less & right & (given >= gives) & (limit < wanted - NOTHING) & (limit < step * (given + 1))
    binding["weight_sum"] = less & ~right
    binding["no_receiver"] = less & right & (given < gives)
    return new


def _steps(points: Floats, step: float) -> Floats:
    steps: Floats = np.floor(points / step + 1e-9)
    return steps


def _shift(
    period: Ints, gives: Floats, takes: Floats, short: Floats, reach: Floats, name: Objects
) -> tuple[Floats, Floats]:
    """Steps given and taken: as many as can be, within each employee's period, first from the goal furthest out of reach, and
    first to the one that is reached most probably."""
    given, taken = np.zeros(len(gives)), np.zeros(len(gives))
    here = np.flatnonzero((gives > 0) | (takes > 0))
    if not len(here):
        return given, taken
    n = len(here)
    block, code = np.unique(period[here], return_inverse=True)
    order = _rank_within(code.astype(np.int64), name[here])
    gain = 1 + 0.1 * np.fmin(short[here], 1.0) - 1e-3 * order
    balance = sparse.csr_array((np.ones(n), (code, np.arange(n))), shape=(len(block), n))
    found = milp(
        np.concatenate([-gain, 0.1 * (1 - reach[here]) + 1e-3 * order]),
        integrality=np.ones(2 * n),
        bounds=Bounds(np.zeros(2 * n), np.concatenate([gives[here], takes[here]])),
        constraints=LinearConstraint(sparse.hstack([balance, -balance], format="csc"), 0, 0),
    )
    _solved(found.status, found.message)
    given[here], taken[here] = np.rint(found.x[:n]), np.rint(found.x[n:])
    return given, taken


def _solved(status: int, message: str) -> None:
    if status != 0:
        raise PerfmlError(f"found no answer ({message})", where="the solver of target adjustment", remedy="report this")

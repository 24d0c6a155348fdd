"""A market that collapses under targets already set, one that softens, and sandbaggers who hold back to get lower targets.

Demand of new customers is a separate signal, by location. In the last quarter it collapses in one location, so nobody
there can reach the target, and softens in another, as far as a policy can follow. Revenue and repeat purchases do not
depend on it. A sandbagger looks similar in a table of progress and must not be mistaken for a victim of the shock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.goals import Goals, calendar, draw_targets
from perfml.demo.lives import LOCATIONS, Lives

DEMAND: Final = "new_customer_demand"
"""The signal that drives new accounts, by location."""
DEMAND_MOVES: Final = 0.05
"""Standard deviation of its monthly move."""
SHOCKED: Final = 1
"""Location of the shock: 深圳."""
SHOCK: Final = -0.45
"""Relative change of demand by the shock, from the first month of the last quarter to the end."""
SOFTENING: Final = -0.15
"""Relative change of demand in the location that softens, over the same months."""
REPEATS: Final = 2
"""Slot of repeat purchases."""
SHOCK_WEIGHTS: Final = (35.0, 40.0, 25.0)
"""Weights of revenue, new accounts and repeat purchases in the location and quarter of the shock."""
TURNED: Final = 1.3
"""Pace on repeat purchases relative to the normal one: time not taken by new customers goes to existing ones."""
STILL_RUNNING_DAYS: Final = 31
SANDBAGGERS: Final = 0.06
"""Share of people with goals for new accounts in the last quarter who hold back, outside the location of the shock."""
MIN_SANDBAGGERS: Final = 2
HELD_BACK: Final = 0.55
"""Pace of a sandbagger relative to the normal one."""


def last_quarter(lives: Lives) -> tuple[int, int]:
    """First and last day of the last quarter that ends at most a month after the simulation."""
    return [period for period in calendar(lives.start, lives.end, 3) if period[1] < lives.end + STILL_RUNNING_DAYS][-1]


def demand(lives: Lives, rng: np.random.Generator) -> Floats:
    """Relative change of demand by month and location: a slow random walk, and the two falls. Shape (months, locations)."""
    months = np.array([first for first, _ in calendar(lives.start, lives.end, 1)])
    walk = np.cumsum(rng.normal(0, DEMAND_MOVES, (len(months), len(LOCATIONS))), axis=0)
    after = months >= last_quarter(lives)[0]
    change: Floats = walk - walk.mean(axis=0)
    for location, fall in ((SHOCKED, SHOCK), (softened(lives, change), SOFTENING)):
        change[after, location] = (1 + change[after, location]) * (1 + fall) - 1
    return np.round(change, 4)


def softened(lives: Lives, demanded: Floats) -> int:
    """The location that softens: of those without the shock, the one whose level fits its targets best, a month before."""
    months = np.array([first for first, _ in calendar(lives.start, lives.end, 1)])
    level = np.abs(demanded[months < last_quarter(lives)[0]][-1])
    level[SHOCKED] = np.inf
    return int(np.argmin(level))


def weighed(lives: Lives, entries: Goals, rng: np.random.Generator) -> tuple[Goals, Goals]:
    """`entries` as agreed for the quarter of the shock, and the additional goals for repeat purchases.

    In that quarter no goal for new accounts is core, and in the location of the shock everybody in sales has all three
    metrics with `SHOCK_WEIGHTS`, of which only revenue is core. The additional goals are returned separately, which
    leaves the numbers and draws of all others unchanged.
    """
    last = entries.first == last_quarter(lives)[0]
    new = entries.new_accounts(lives) & last
    shocked = np.flatnonzero(new & (entries.location == SHOCKED))
    theirs = last & np.isin(entries.person, entries.person[shocked])
    repeats = theirs & (entries.slot == REPEATS)
    core, weight = entries.core & ~new & ~repeats, entries.weight.copy()
    weight[theirs] = np.array(SHOCK_WEIGHTS)[entries.slot[theirs]]
    without = shocked[~np.isin(entries.person[shocked], entries.person[repeats])]
    person, nothing = entries.person[without], np.full(len(without), -1)
    slot = np.full(len(without), REPEATS)
    besides = Goals(
        person=person,
        slot=slot,
        weight=np.full(len(without), SHOCK_WEIGHTS[REPEATS]),
        core=np.zeros(len(without), dtype=bool),
        target=draw_targets(lives, person, slot, rng=rng),
        first=entries.first[without],
        last=entries.last[without],
        effective=entries.effective[without],
        revised=nothing,
        revised_target=np.ones(len(without)),
        parent=nothing,
        location=nothing,
    )
    return replace(entries, core=core, weight=weight), besides


def sandbaggers(lives: Lives, entries: Goals, rng: np.random.Generator) -> Ints:
    """Draw the goals for new accounts whose owners hold back in the last quarter: most in unchanged markets, and one in the
    location of the shock. People whose goals are behind for a planted cause are excluded."""
    new = entries.new_accounts(lives) & (entries.first == last_quarter(lives)[0])
    goals = rng.permutation(np.flatnonzero(new & (lives.exited[entries.person] >= lives.end)))
    day = np.full(len(goals), last_quarter(lives)[1])
    goals = goals[lives.episodes.strength("goals_behind", entries.person[goals], day, ramp_days=1) == 0]
    shocked = entries.location[goals] == SHOCKED
    calm = goals[~shocked]
    return np.sort(np.concatenate([calm[: max(MIN_SANDBAGGERS, round(SANDBAGGERS * len(calm)))], goals[shocked][:1]]))


def effort(lives: Lives, entries: Goals, *, held_back: Ints, hit: Ints) -> Floats:
    """Each owner's pace relative to the normal one: `HELD_BACK` for the goals `held_back`, `TURNED` for the repeat purchases of
    the persons `hit` by the shock in its quarter, 1 otherwise."""
    last = entries.first == last_quarter(lives)[0]
    pace = np.where(last & (entries.slot == REPEATS) & np.isin(entries.person, hit), TURNED, 1.0)
    pace[held_back] = HELD_BACK
    return pace


def hit(lives: Lives, entries: Goals) -> Ints:
    """The persons with goals for new accounts in the location and quarter of the shock."""
    last = entries.first == last_quarter(lives)[0]
    persons: Ints = entries.person[entries.new_accounts(lives) & last & (entries.location == SHOCKED)]
    return persons

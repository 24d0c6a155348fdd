"""A market that breaks down under targets already set, and people who hold back so as to be asked for less.

The demand of new customers is a signal of its own, by place. In the last quarter a policy cuts it in one place, so that
nobody there can reach the target; revenue and repeat purchases depend on other things and go on. Somebody who holds
back looks much the same in a table of progress, and must not be mistaken for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.goals import Goals, ask, calendar
from perfml.demo.lives import LOCATIONS, Lives

DEMAND: Final = "new_customer_demand"
"""The signal that new accounts depend on, by place."""
DEMAND_MOVES: Final = 0.05
"""Standard deviation of its move in a month."""
SHOCKED: Final = 1
"""The place of the shock: 深圳."""
SHOCK: Final = -0.45
"""What the shock takes off the demand there, from the first month of the last quarter to the end."""
REPEATS: Final = 2
"""Slot of repeat purchases."""
SHOCK_WEIGHTS: Final = (35.0, 40.0, 25.0)
"""Weights of revenue, new accounts and repeat purchases in the place and quarter of the shock."""
TURNED: Final = 1.15
"""What their pace on repeat purchases is of the usual one: time that new customers do not take goes to the old."""
STILL_RUNNING_DAYS: Final = 31
SANDBAGGERS: Final = 0.06
"""Share of those with goals for new accounts in the last quarter who hold back in it, outside the place of the shock."""
FEWEST_SANDBAGGERS: Final = 2
HELD_BACK: Final = 0.55
"""What is left of the pace of somebody who holds back."""


def last_quarter(lives: Lives) -> tuple[int, int]:
    """First and last day of the last quarter that is over, or has at most a month to go, at the end of the simulation."""
    return [period for period in calendar(lives.start, lives.end, 3) if period[1] < lives.end + STILL_RUNNING_DAYS][-1]


def demand(lives: Lives, rng: np.random.Generator) -> Floats:
    """Relative change of the demand of new customers by month and place: a slow walk, and the shock. Shape (months, places)."""
    months = np.array([first for first, _ in calendar(lives.start, lives.end, 1)])
    walk = np.cumsum(rng.normal(0, DEMAND_MOVES, (len(months), len(LOCATIONS))), axis=0)
    found: Floats = walk - walk.mean(axis=0)
    after = months >= last_quarter(lives)[0]
    found[after, SHOCKED] = (1 + found[after, SHOCKED]) * (1 + SHOCK) - 1
    return np.round(found, 4)


def weighed(lives: Lives, entries: Goals, rng: np.random.Generator) -> tuple[Goals, Goals]:
    """`entries` as agreed for the quarter of the shock, and the goals for repeat purchases that it takes besides.

    In that quarter no goal for new accounts is core, and where the shock will come everybody in sales has all three
    metrics with `SHOCK_WEIGHTS`, revenue alone being core. The goals besides are apart so that nothing else is numbered
    or drawn anew.
    """
    last = entries.first == last_quarter(lives)[0]
    new = entries.new_accounts(lives) & last
    asked = np.flatnonzero(new & (entries.place == SHOCKED))
    theirs = last & np.isin(entries.person, entries.person[asked])
    repeats = theirs & (entries.slot == REPEATS)
    core, weight = entries.core & ~new & ~repeats, entries.weight.copy()
    weight[theirs] = np.array(SHOCK_WEIGHTS)[entries.slot[theirs]]
    without = asked[~np.isin(entries.person[asked], entries.person[repeats])]
    person, nothing = entries.person[without], np.full(len(without), -1)
    slot = np.full(len(without), REPEATS)
    besides = Goals(
        person=person,
        slot=slot,
        weight=np.full(len(without), SHOCK_WEIGHTS[REPEATS]),
        core=np.zeros(len(without), dtype=bool),
        target=ask(lives, person, slot, rng),
        first=entries.first[without],
        last=entries.last[without],
        effective=entries.effective[without],
        revised=nothing,
        revised_target=np.ones(len(without)),
        parent=nothing,
        place=nothing,
    )
    return replace(entries, core=core, weight=weight), besides


def sandbaggers(lives: Lives, entries: Goals, rng: np.random.Generator) -> Ints:
    """Goals for new accounts whose owners hold back in the last quarter: most where the market is as it was, and one in the
    place of the shock. Nobody whose goals are behind for a planted cause is among them."""
    new = entries.new_accounts(lives) & (entries.first == last_quarter(lives)[0])
    here = rng.permutation(np.flatnonzero(new & (lives.exited[entries.person] >= lives.end)))
    day = np.full(len(here), last_quarter(lives)[1])
    here = here[lives.episodes.strength("goals_behind", entries.person[here], day, ramp_days=1) == 0]
    shocked = entries.place[here] == SHOCKED
    calm = here[~shocked]
    return np.sort(np.concatenate([calm[: max(FEWEST_SANDBAGGERS, round(SANDBAGGERS * len(calm)))], here[shocked][:1]]))


def effort(lives: Lives, entries: Goals, held_back: Ints, hit: Ints) -> Floats:
    """What each goal's owner makes of the usual pace: 1, or `HELD_BACK` where the goal is among `held_back`, or `TURNED` for the
    repeat purchases of the persons `hit` by the shock, in its quarter."""
    last = entries.first == last_quarter(lives)[0]
    made = np.where(last & (entries.slot == REPEATS) & np.isin(entries.person, hit), TURNED, 1.0)
    made[held_back] = HELD_BACK
    return made


def hit(lives: Lives, entries: Goals) -> Ints:
    """The persons with goals for new accounts in the place and quarter of the shock."""
    last = entries.first == last_quarter(lives)[0]
    found: Ints = entries.person[entries.new_accounts(lives) & last & (entries.place == SHOCKED)]
    return found

"""When every open milestone will be finished: draws of the days that are left, along the dependencies.

A milestone begins when the last one it waits for is finished, and takes the planned days times what :mod:`.durations` says of its
owner and quarter; so slippage reaches whatever waits for it. That it is not marked yet says that work *and* marking were not over
before the day: a milestone that is due may be finished and only not marked, as often as its owner marks late (:mod:`.marking`).
Effects of an owner and of a quarter are drawn once for all their milestones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints
from perfml.goals.milestones.durations import Durations
from perfml.goals.milestones.marking import Marking
from perfml.goals.milestones.reading import Milestones

DRAWS = 400
QUARTER_DAYS = 91.3125
LEAST_TO_MARK = 1.0
"""Days between the beginning of a milestone and the earliest day on which it can be finished."""
COVERAGE = 0.8
SURELY_MARKED = 0.9
"""Share of marks by which an open milestone is taken to be unfinished, not only unmarked, when durations are estimated."""


@dataclass(frozen=True, kw_only=True)
class FinishForecast:
    """What is expected of the milestones of a day, (n, draws) or (n,); of those that are finished, what is known or follows."""

    milestones: Milestones
    begun: Floats
    """Draws of the day on which the work begins."""
    finish: Floats
    """Draws of the last day of work."""
    durations: Durations | None
    """None where too few were finished to forecast from."""
    marking: Marking
    finished: Floats
    """The last day of work as far as it is known, or follows from the mark and what is typical of the owner (n,)."""

    def quantile(self, probability: float) -> Floats:
        """The day that is not passed with ``probability`` (n,); missing without a forecast."""
        return np.asarray(np.quantile(self.finish, probability, axis=1))


def forecast_milestones(milestones: Milestones, *, least_finished: int) -> FinishForecast:
    """Forecast the last day of work of every milestone, from what was known before the day."""
    owner = milestones.owner
    quarter = (milestones.number("due") // QUARTER_DAYS).astype(np.int64)
    quarter_code, _ = pd.factorize(quarter, sort=True)
    marking = _marking(milestones, owner)
    finished = _finished(milestones, marking, owner)
    durations = _durations(milestones, finished, marking, owner=owner, quarter=quarter_code.astype(np.int64))
    if durations is None or int(np.isfinite(finished).sum()) < least_finished:
        none = np.full((len(owner), 1), np.nan)
        known = np.where(np.isnan(finished)[:, None], none, finished[:, None])
        return FinishForecast(
            milestones=milestones, begun=none, finish=known, durations=None, marking=marking, finished=finished
        )
    begun, finish = _drawn(milestones, durations, marking, finished=finished, owner=owner, quarter=quarter_code)
    return FinishForecast(
        milestones=milestones, begun=begun, finish=finish, durations=durations, marking=marking, finished=finished
    )


def _marking(milestones: Milestones, owner: Ints) -> Marking:
    days = milestones.number("marked") - milestones.number("finished")
    both = np.isfinite(days)
    return Marking(days=np.maximum(days[both], 0.0), owner=owner[both])


def _finished(milestones: Milestones, marking: Marking, owner: Ints) -> Floats:
    marked, finished = milestones.number("marked"), milestones.number("finished")
    only_marked = np.flatnonzero(np.isnan(finished) & np.isfinite(marked))
    typical = {code: marking.quantile(code, 0.5) for code in np.unique(owner[only_marked]).tolist()}
    out = finished.copy()
    out[only_marked] = marked[only_marked] - np.array([typical[code] for code in owner[only_marked].tolist()])
    return out


def _durations(
    milestones: Milestones, finished: Floats, marking: Marking, *, owner: Ints, quarter: Ints
) -> Durations | None:
    """Of the finished ones, and of the open ones whose work could begin; None where nothing is finished."""
    begun = milestones.number("first").copy()
    for row in range(len(begun)):
        begun[row] = np.max([begun[row], *(finished[each] for each in milestones.waits_for(row))])  # missing: not begun
    longest = {code: marking.quantile(code, SURELY_MARKED) for code in np.unique(owner).tolist()}
    last_sure = milestones.day - np.array([longest[code] for code in owner.tolist()])
    open_yet = np.isnan(finished)
    taken = np.maximum(np.where(open_yet, last_sure, finished) - begun, np.where(open_yet, -np.inf, LEAST_TO_MARK))
    used = np.isfinite(taken) & (taken > 0)
    if not (used & ~open_yet).any():
        return None
    value = np.log(taken[used] / milestones.span[used])
    return Durations.of(value, open_yet=open_yet[used], owner=owner[used], quarter=quarter[used])


def _drawn(
    milestones: Milestones, durations: Durations, marking: Marking, *, finished: Floats, owner: Ints, quarter: Ints
) -> tuple[Floats, Floats]:
    """Draws of the first and the last day of work (n, draws), each milestone after those that it waits for."""
    rng = np.random.default_rng(int(milestones.day))
    n, span, first = len(owner), milestones.span, milestones.number("first")
    of_owner, of_quarter = (
        np.stack([mean + sd * rng.standard_normal(DRAWS) for mean, sd in (effect.at(code) for code in range(size))])
        if (size := int(codes.max(initial=-1)) + 1)
        else np.zeros((0, DRAWS))
        for effect, codes in ((durations.owner, owner), (durations.quarter, quarter))
    )
    begun, finish = np.empty((n, DRAWS)), np.empty((n, DRAWS))
    even = (np.arange(DRAWS) + 0.5) / DRAWS
    for row in milestones.order:
        waits = [finish[each] for each in milestones.waits_for(row)]
        start = np.maximum.reduce([np.full(DRAWS, first[row]), *waits])
        begun[row] = start
        if np.isfinite(finished[row]):
            finish[row] = finished[row]
            continue
        centre = durations.middle + of_owner[owner[row]] + of_quarter[quarter[row]]
        lag = marking.drawn(int(owner[row]), rng.permutation(even))
        least = np.log(np.maximum(milestones.day - lag - start, 1e-9) / span[row]) - centre
        passed = durations.below(least)
        weight = np.cumsum(1 - passed) / max(float((1 - passed).sum()), 1e-12)
        chosen = np.searchsorted(weight[:-1], even) if weight[-1] > 0.5 else np.arange(DRAWS)
        rest = durations.at(passed[chosen] + rng.permutation(even) * (1 - passed[chosen]))
        taken = np.maximum(span[row] * np.exp(centre[chosen] + rest), LEAST_TO_MARK)
        finish[row] = np.maximum(start[chosen] + taken, milestones.day - lag[chosen])
        begun[row] = start[chosen]
    return begun, finish

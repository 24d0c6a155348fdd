"""Worlds of the simulator with a programme: only the lives, whose exits and positions are all that an effect is judged from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.lives import LOCATIONS, Lives
from perfml.demo.planted.programme import PERIOD_DAYS, Programme
from perfml.demo.plants import NEVER
from perfml.demo.weeks import live
from perfml.learning.effects.panel import UnitPanel

PERIODS = 12


def world(programme: Programme, *, employees: int, start: int, seed: int) -> Lives:
    """One world; the same ``seed`` gives the same one until the programme prevents an exit."""
    end = start + PERIODS * PERIOD_DAYS
    return live(
        employees=employees,
        start=start,
        end=end,
        rng=np.random.default_rng([seed, 1]),
        programme=replace(programme, hazard=[]),
    )


def panel_of(lives: Lives) -> tuple[UnitPanel, Floats]:
    """The panel of a world as its tables show it, and (units, periods): how many of its people were expected to resign."""
    programme = lives.programme
    assert programme is not None
    days = np.arange(lives.start, lives.end - PERIOD_DAYS + 1, PERIOD_DAYS)
    people, cases, expected = (np.zeros((programme.start.size, len(days))) for _ in range(3))
    mondays, weekly = np.array(list(lives.steps)), np.array(programme.hazard)
    for number, day in enumerate(days):
        unit = _units(lives, int(day))
        present = (unit >= 0) & (lives.hired < day) & (lives.exited >= day)
        resigned = present & (lives.exited < day + PERIOD_DAYS) & (lives.exit_kind == 0)
        within = (mondays >= day) & (mondays < day + PERIOD_DAYS)
        chance = -np.expm1(-weekly[within].sum(axis=0))
        for counts, rows, weights in ((people, present, None), (cases, resigned, None), (expected, present, chance)):
            own = None if weights is None else weights[rows]
            counts[:, number] = np.bincount(unit[rows], weights=own, minlength=len(counts))
    starts = programme.start.ravel()
    first = np.where(starts >= NEVER, len(days), -(-(starts - lives.start) // PERIOD_DAYS))
    return UnitPanel(people=people, cases=cases, start=first), expected


def true_effect(with_it: Lives, without: Lives) -> float:
    """The difference in the share expected to resign in a period, over units and periods after the start, of two worlds."""
    shares = []
    for lives in (with_it, without):
        panel, expected = panel_of(lives)
        shares.append(expected[panel.treated].sum() / panel.people[panel.treated].sum())
    return float(shares[0] - shares[1])


def by_outcome(programme: Programme, lives: Lives) -> Programme:
    """The same starts, the first where most had resigned in the periods before any of them: a start that its outcome explains."""
    panel, _ = panel_of(lives)
    first = int(panel.start.min())
    level = panel.cases[:, :first].sum(axis=1) / np.maximum(panel.people[:, :first].sum(axis=1), 1)
    order = np.argsort(-level, kind="stable")
    starts = np.empty(programme.start.size, dtype=np.int64)
    starts[order] = np.sort(programme.start.ravel())
    return replace(programme, start=starts.reshape(programme.start.shape))


def _units(lives: Lives, day: int) -> Ints:
    """(persons,): the unit by the newest position known at ``day``; -1 without a department."""
    who, since, _, department, _, _, location = (
        np.concatenate(column) for column in zip(*lives.positions, strict=True)
    )
    known = np.flatnonzero(since < day)
    known = known[np.lexsort((since[known], who[known]))]
    newest = known[np.append(who[known][1:] != who[known][:-1], True)]
    unit = np.full(lives.capacity, -1)
    number_of = department[newest] * len(LOCATIONS) + location[newest]
    unit[who[newest]] = np.where(department[newest] >= 0, number_of, -1)
    return unit

"""Quarterly goals of the simulated company, their monthly progress, and the market signals that drive them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.demo.lives import DEPARTMENTS, LOCATIONS, ROLES, Lives

METRICS: Final[dict[str, tuple[tuple[str, str, float], ...]]] = {
    "sales": (
        ("revenue", "CNY", 900_000.0),
        ("new_accounts", "accounts", 12.0),
        ("repeat_purchases", "purchases", 60.0),
    ),
    "account": (("renewals", "CNY", 600_000.0), ("upsell", "CNY", 150_000.0), ("visits", "visits", 45.0)),
    "support": (("tickets_solved", "tickets", 240.0), ("articles", "articles", 6.0), ("trainings", "sessions", 4.0)),
    "engineering": (
        ("features", "features", 9.0),
        ("defects_fixed", "defects", 40.0),
        ("reviews_done", "reviews", 50.0),
    ),
    "analysis": (("reports", "reports", 12.0), ("models", "models", 3.0), ("data_sets", "data sets", 8.0)),
    "logistics": (("orders", "orders", 1_500.0), ("savings", "CNY", 80_000.0), ("audits", "audits", 5.0)),
    "finance": (("closings", "closings", 3.0), ("savings", "CNY", 120_000.0), ("audits", "audits", 6.0)),
    "people": (("hires", "hires", 10.0), ("trainings", "sessions", 9.0), ("interviews", "interviews", 60.0)),
}
"""Three metrics per role family: name, unit, quarterly target at the lowest level."""
BASES: Final = np.array([[base for _, _, base in METRICS[role]] for role in ROLES])
WEIGHTS: Final = np.array([[60, 40, 0], [70, 30, 0], [50, 30, 20], [40, 35, 25]], dtype=np.float64)
REVISED_SHARE: Final = 0.08
BEHIND_TO: Final = 0.45
PROGRESS_DAY_OF_MONTH: Final = 26
SIGNALS: Final = ("industry_growth", "competitor_index", "consumer_prices")
NEW_ACCOUNTS: Final = ("sales", 1)
"""Role and slot of the metric with its own market: see `perfml.demo.shock`."""


@dataclass(frozen=True, kw_only=True)
class Goals:
    """Goals as parallel arrays, one entry per goal; persons, parents and locations by index, days as integers, -1 none."""

    person: Ints
    slot: Ints
    weight: Floats
    core: Bools
    target: Floats
    first: Ints
    last: Ints
    effective: Ints
    revised: Ints
    """Day on which a second version, with `revised_target`, took effect."""
    revised_target: Floats
    parent: Ints
    location: Ints

    def new_accounts(self, lives: Lives) -> Bools:
        """Mask of the goals for new accounts."""
        role, slot = NEW_ACCOUNTS
        mask: Bools = (lives.role[self.person] == ROLES.index(role)) & (self.slot == slot)
        return mask


def joined(*parts: Goals) -> Goals:
    """Concatenate the goals of all parts."""
    names = [field.name for field in fields(Goals)]
    return Goals(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def calendar(start: int, end: int, months: int) -> list[tuple[int, int]]:
    """First and last day of each period of `months` calendar months that begins between `start` and `end`."""
    epoch = date(1970, 1, 1)
    at, periods = epoch + timedelta(start), []
    at = date(at.year, (at.month - 1) // months * months + 1, 1)
    while (at - epoch).days < end:
        following = date(at.year + (at.month - 1 + months) // 12, (at.month - 1 + months) % 12 + 1, 1)
        if (at - epoch).days >= start:
            periods.append(((at - epoch).days, (following - epoch).days - 1))
        at = following
    return periods


def market(lives: Lives, rng: np.random.Generator) -> Floats:
    """Relative change of each signal by month and location, slowly varying. Shape (signals, months, locations)."""
    months = len(calendar(lives.start, lives.end, 1))
    shape = (len(SIGNALS), months, len(LOCATIONS))
    steps = rng.normal(0, 0.012, shape) + rng.normal(0, 0.008, (len(SIGNALS), months, 1))
    season = 0.03 * np.sin(np.arange(months) * 2 * np.pi / 12)[None, :, None]
    walk = np.cumsum(steps, axis=1)
    signals: Floats = np.round(walk - walk.mean(axis=1, keepdims=True) + season, 4)
    return signals


def goals(lives: Lives, rng: np.random.Generator) -> Goals:
    """Draw two or three goals, with weights summing to 100, for everybody employed when a quarter begins."""
    chunks: list[Goals] = []
    serial = 0
    for first, last in calendar(lives.start, lives.end, 3):
        who = np.flatnonzero((lives.hired <= first) & (lives.exited > first + 10))
        weights = WEIGHTS[rng.choice(len(WEIGHTS), len(who), p=[0.3, 0.15, 0.35, 0.2])]
        row, slot = np.nonzero(weights)
        person, count = who[row], len(row)
        number = np.full((lives.capacity, 3), -1)
        number[person, slot] = serial + np.arange(count)
        serial += count
        manager = lives.manager_by_week[int(lives.week(np.array(first)))][person]
        target = draw_targets(lives, person, slot, rng=rng)
        revised = first + rng.integers(20, 60, count)
        is_revised = (rng.random(count) < REVISED_SHARE) & (revised < np.minimum(lives.exited[person], lives.end))
        local = BASES[lives.role[person], slot] >= 1e5
        local |= (lives.role[person] == ROLES.index(NEW_ACCOUNTS[0])) & (slot == NEW_ACCOUNTS[1])
        local &= lives.role[person] < len(DEPARTMENTS["sales"])
        chunks.append(
            Goals(
                person=person,
                slot=slot,
                weight=weights[row, slot],
                core=(slot == 0) | (rng.random(count) < 0.2),
                target=target,
                first=np.full(count, first),
                last=np.full(count, last),
                effective=np.minimum(first + rng.integers(0, 6, count), lives.end - 1),
                revised=np.where(is_revised, revised, -1),
                revised_target=_round(target * rng.uniform(0.85, 1.12, count)),
                parent=np.where((manager >= 0) & (rng.random(count) < 0.6), number[manager, slot], -1),
                location=np.where(local, lives.location[person], -1),
            )
        )
    return joined(*chunks)


def draw_targets(lives: Lives, person: Ints, slot: Ints, *, rng: np.random.Generator) -> Floats:
    """Targets for the metric in each `slot` of each person, by role and level."""
    base = BASES[lives.role[person], slot]
    return _round(base * 1.12 ** (lives.level[person] - 1) * np.exp(rng.normal(0, 0.15, len(person))))


def _round(target: Floats) -> Floats:
    unit = 10.0 ** np.maximum(np.floor(np.log10(target)) - 1, 0)
    rounded: Floats = np.maximum(np.rint(target / unit), 1) * unit
    return rounded


def progress(
    lives: Lives, entries: Goals, *, signals: Floats, demanded: Floats, effort: Floats, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """Monthly measurements of each goal: (goal, day, actual so far in the quarter).

    A goal with a location moves one to one with its market: new accounts with `demanded`, the others with the first of
    `signals`. `effort`: the owner's pace as a multiple of the normal one.
    """
    person, first, count = entries.person, entries.first, len(entries.person)
    months = np.array([month for month, _ in calendar(lives.start, lives.end, 1)])
    attained = rng.normal(1.02, 0.13, count) + 0.05 * lives.ability[person]
    so_far, actual, new = np.zeros(count), np.zeros(count), entries.new_accounts(lives)
    chunks = []
    for nth in range(3):
        month = np.minimum(np.searchsorted(months, first) + nth, len(months) - 1)
        day = months[month] + PROGRESS_DAY_OF_MONTH - 1
        elapsed = (day - first) / (entries.last - first + 1)
        behind = lives.episodes.strength("goals_behind", person, day - 10, ramp_days=25)
        local = np.where(new, demanded[month, entries.location], signals[0, month, entries.location])
        growth = np.where(entries.location >= 0, local, 0.0)
        pace = effort * attained * (1 + growth) * np.exp(rng.normal(-0.02, 0.2, count)) * (1 - (1 - BEHIND_TO) * behind)
        actual = actual + entries.target * (elapsed - so_far) * np.maximum(pace, 0.05)
        so_far = elapsed
        due = (months[month] <= entries.last) & (months[month] >= first + 28 * nth)
        seen = np.flatnonzero(due & (day < np.minimum(lives.exited[person], lives.end)))
        chunks.append((seen, day[seen], np.round(actual[seen], 2)))
    goal, day, measured = (np.concatenate(column) for column in zip(*chunks, strict=True))
    return goal, day, measured

"""The weekly steps of the simulated company: hires, transfers, promotions, planted causes, ratings, exits."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.lives import (
    EPISODES_PER_YEAR,
    LEAD_DAYS,
    LOW_RATING,
    MEAN_RATING,
    PLANTED_RATING_DROP,
    RAMP_DAYS,
    Lives,
    establish,
    half_years,
    hazards,
    join,
    record,
    seats,
)
from perfml.demo.lives import TOP_LEVEL as TOP
from perfml.demo.planted.neglect import Neglect
from perfml.demo.planted.programme import Programme
from perfml.demo.plants import CAUSES, LOW_PERFORMANCE, NAMES, NEVER

TRANSFERS_PER_YEAR: Final = 0.05
LEAD_SWAPS_PER_HALF_YEAR: Final = 0.06
VACANCIES_FILLED_PER_WEEK: Final = 0.30
STALLED_AFTER_DAYS: Final = (820, 1000)
SEVERITY: Final = 0.33
"""Distance of the strictest and the most lenient manager from the middle, in rating points."""
SLIDING_ON: Final = 2.2
"""Rating points lost at the review after the first drop of a slide."""
REVIEW_STEP_DAYS: Final = 28
PROMOTION_STEP_DAYS: Final = 45


def live(
    *,
    employees: int,
    start: int,
    end: int,
    rng: np.random.Generator,
    programme: Programme | None = None,
    neglect: Neglect | None = None,
) -> Lives:
    """Simulate everybody's employment from day `start` to day `end` (exclusive), with a headcount of `employees`."""
    capacity = math.ceil(employees * (1.3 + 0.3 * (end - start) / 365.25)) + 30
    lives = Lives(start=start, end=end, capacity=capacity, programme=programme, neglect=neglect)
    establish(lives, employees, rng)
    patience = rng.integers(*STALLED_AFTER_DAYS, lives.capacity)
    due = dict.fromkeys(CAUSES, 0.5)
    rounds = half_years(start, end)
    for monday in lives.steps:
        before = _state(lives)
        _appoint(lives, monday, rng)
        _transfer(lives, monday, rng)
        if any(monday - 7 < last + PROMOTION_STEP_DAYS <= monday for _, last in rounds):
            _promote(lives, monday, rng)
            _swap_leads(lives, rng)
        _hire(lives, employees, monday, rng=rng)
        moved = (_state(lives) != before).any(axis=1) & lives.employed(monday)
        record(lives, np.flatnonzero(moved), monday, manager=lives.managers())
        lives.manager_by_week.append(lives.managers())
        lives.team_by_week.append(lives.team.copy())
        _plant(lives, employees, monday, due=due, patience=patience, rng=rng)
        for period in rounds:
            if monday - 7 < period[1] + REVIEW_STEP_DAYS <= monday:
                _review(lives, period, employees, rng=rng)
        _leave(lives, monday, rng)
    episodes = lives.episodes
    episodes.ended[:] = np.where(episodes.cause >= 0, np.minimum(episodes.ended, lives.exited), NEVER)
    return lives


def _state(lives: Lives) -> Ints:
    return np.stack([lives.managers(), lives.team, lives.department, lives.level, lives.hired], axis=1)


def _appoint(lives: Lives, monday: int, rng: np.random.Generator) -> None:
    """Fill the seats of people who left: the best lead becomes head, the best member becomes lead."""
    present = lives.employed(monday)
    for department in range(len(lives.head) - 1):
        if not present[lives.head[department]]:
            leads = lives.lead[(lives.team_department == department)]
            leads = leads[(leads >= 0) & present[leads]]
            if not len(leads):
                leads = join(lives, hired=np.array([monday]), team=np.array([-1]), rng=rng)
                lives.department[leads] = department
            chosen = leads[np.argmax(lives.level[leads] + 0.3 * lives.ability[leads])]
            lives.lead[lives.lead == chosen] = -1
            lives.head[department], lives.team[chosen] = chosen, -1
            _raise(lives, chosen, monday, level=7)
    for team, lead in enumerate(lives.lead):
        if lead < 0 or not present[lead]:
            members = np.flatnonzero(present & (lives.team == team) & ~lives.overlooked & (lives.hired < monday - 90))
            lives.lead[team] = -1
            if len(members):
                chosen = members[np.argmax(lives.level[members] + 0.5 * lives.ability[members])]
                lives.lead[team] = chosen
                _raise(lives, chosen, monday, level=5)


def _raise(lives: Lives, who: int | Ints, monday: int, *, level: int) -> None:
    lives.level[who] = np.minimum(np.maximum(lives.level[who] + 1, level), TOP)
    lives.level_since[who] = monday


def _transfer(lives: Lives, monday: int, rng: np.random.Generator) -> None:
    """Move a few members to another team, possibly in another department."""
    free = lives.employed(monday) & (lives.team >= 0) & ~lives.overlooked & (lives.hired < monday - 180)
    free[lives.lead[lives.lead >= 0]] = False
    movers = np.flatnonzero(free & (rng.random(lives.capacity) < TRANSFERS_PER_YEAR / 52))
    lives.team[movers] = rng.integers(0, len(lives.lead), len(movers))
    lives.department[movers] = lives.team_department[lives.team[movers]]


def _swap_leads(lives: Lives, rng: np.random.Generator) -> None:
    """Swap some leads within a department, which gives their teams a new manager."""
    for department in range(len(lives.head) - 1):
        teams = np.flatnonzero((lives.team_department == department) & (lives.lead >= 0))
        if len(teams) >= 2 and rng.random() < LEAD_SWAPS_PER_HALF_YEAR * len(teams):
            first, second = rng.choice(teams, 2, replace=False)
            lives.lead[[first, second]] = lives.lead[[second, first]]
            lives.team[lives.lead[[first, second]]] = (first, second)


def _promote(lives: Lives, monday: int, rng: np.random.Generator) -> None:
    """Promote half-yearly by time in level and last rating, never the overlooked."""
    waited = (monday - lives.level_since) / 365.25
    chance = np.interp(waited, [0.5, 1.0, 1.5, 2.0, 2.5], [0.0, 0.12, 0.35, 0.6, 0.9])
    chance *= np.select([lives.last_rating <= 2, lives.last_rating == 3], [0.05, 0.75], 1.0)
    able = lives.employed(monday) & ~lives.overlooked & (lives.level < TOP) & (lives.team >= 0)
    chosen = np.flatnonzero(able & (rng.random(lives.capacity) < chance))
    lives.level[chosen] += 1
    lives.level_since[chosen] = monday


def _hire(lives: Lives, employees: int, monday: int, *, rng: np.random.Generator) -> None:
    """Fill a share of the vacancies, into the smallest teams."""
    present = lives.employed(monday)
    vacancies = min(employees - int(present.sum()), lives.capacity - lives.people - 10)
    count = int(rng.binomial(max(vacancies, 0), VACANCIES_FILLED_PER_WEEK))
    if count:
        size = np.bincount(lives.team[present & (lives.team >= 0)], minlength=len(lives.lead))
        team = np.argsort(size + rng.random(len(size)), kind="stable")[np.arange(count) % len(size)]
        join(lives, hired=np.full(count, monday), team=team, rng=rng)


def _plant(
    lives: Lives, employees: int, monday: int, *, due: dict[str, float], patience: Ints, rng: np.random.Generator
) -> None:
    """Start this week's episodes, each in a person without one and with a past to compare with."""
    episodes = lives.episodes
    if monday < lives.start + 56 or monday > lives.end - 28:
        return
    free = lives.employed(monday) & (episodes.cause < 0) & (lives.hired < monday - 150) & (lives.team >= 0)
    waited = monday - lives.level_since
    lead = np.isin(np.arange(lives.capacity), seats(lives))
    eligible = {
        "isolation": free & ~lives.overlooked & ~lead,
        "stalled_career": free & lives.overlooked & (waited > patience) & ~(lives.last_rating < 3),
    }
    for code, name in enumerate(NAMES):
        if name == "rating_slide":
            continue
        due[name] += EPISODES_PER_YEAR * employees * 7 / 365.25 * (lives.neglect.rate(name) if lives.neglect else 1)
        pool = np.flatnonzero(eligible.get(name, free & ~lives.overlooked) & (episodes.cause < 0))
        count = min(int(due[name]), len(pool))
        due[name] -= min(int(due[name]), count)
        who = rng.permutation(pool)[:count]
        if lives.neglect is not None:
            neglected = lives.neglect.chosen(
                name, pool, department=lives.department, location=lives.location, count=count
            )
            who = who if neglected is None else neglected
        episodes.cause[who] = code
        episodes.began[who] = monday
        episodes.ended[who] = monday + rng.integers(*CAUSES[name].lasts_days, count)


def _slump(lives: Lives, last: int) -> Floats:
    """Rating points that planted causes cost each person for the period ending on `last`."""
    everyone = np.arange(lives.capacity)
    slump = SLIDING_ON * lives.episodes.strength("rating_slide", everyone, last, ramp_days=1)
    for name, cause in CAUSES.items():
        if cause.outcome == LOW_PERFORMANCE and name != "rating_slide":
            on = lives.episodes.strength(name, everyone, last, lag_days=LEAD_DAYS, ramp_days=RAMP_DAYS)
            slump += PLANTED_RATING_DROP * on
    return slump


def _review(lives: Lives, period: tuple[int, int], employees: int, *, rng: np.random.Generator) -> None:
    """Rate everybody employed long enough in `period`; a low rating ends its cause."""
    first, last = period
    manager = lives.managers()
    present = lives.employed(last + REVIEW_STEP_DAYS + 6) & (lives.hired <= last - 60) & (manager >= 0)
    who = np.flatnonzero(present)
    severity = SEVERITY * np.sin(12.9898 * manager[who])
    score = (
        MEAN_RATING + 0.52 * lives.ability[who] + severity + rng.normal(0, 0.38, len(who)) - _slump(lives, last)[who]
    )
    rating = np.clip(np.rint(score), 1, 5)
    reviewed = last + rng.integers(14, 27, len(who))
    episodes = lives.episodes
    low_causes = [NAMES.index(name) for name, cause in CAUSES.items() if cause.outcome == LOW_PERFORMANCE]
    over = (rating <= LOW_RATING) & np.isin(episodes.cause[who], low_causes) & (episodes.began[who] < last - 21)
    episodes.ended[who[over]] = np.minimum(episodes.ended[who[over]], reviewed[over])
    free = np.flatnonzero((episodes.cause[who] < 0) & ~lives.overlooked[who] & (lives.last_rating[who] >= 4))
    best = free[np.argsort(-lives.last_rating[who[free]] + 0.9 * rng.random(len(free)), kind="stable")]
    sliding = best[: rng.poisson(EPISODES_PER_YEAR * employees / 2)]
    rating[sliding] = 3.0
    episodes.cause[who[sliding]] = NAMES.index("rating_slide")
    episodes.began[who[sliding]] = reviewed[sliding]
    episodes.ended[who[sliding]] = reviewed[sliding] + rng.integers(*CAUSES["rating_slide"].lasts_days, len(sliding))
    lives.last_rating[who] = rating
    lives.reviews.append((who, manager[who], np.full(len(who), first), np.full(len(who), last), reviewed, rating))


def _leave(lives: Lives, monday: int, rng: np.random.Generator) -> None:
    """Draw this week's exits from the hazards, by kind."""
    weekly = hazards(lives, monday) * 7 / 365.25
    total = weekly.sum(axis=1)
    if lives.programme is not None:
        lives.programme.hazard.append(weekly[:, 0])
    leaves = lives.employed(monday) & (lives.hired < monday) & (rng.random(lives.capacity) < -np.expm1(-total))
    who = np.flatnonzero(leaves)
    kind = (rng.random(len(who))[:, None] * total[who, None] > np.cumsum(weekly[who], axis=1)).sum(axis=1)
    exited = monday + rng.integers(1, 7, len(who))
    before_end = exited < lives.end
    lives.exited[who[before_end]] = exited[before_end]
    lives.exit_kind[who[before_end]] = np.minimum(kind[before_end], 2)

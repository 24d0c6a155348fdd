"""The people of the simulated company: who joins, reports to whom, is rated how, and leaves.

One step per week, vectorised over persons. Persons sit in teams, teams in departments; a team's lead reports to the
department's head and the heads to the chief executive, so at every moment the managers form a tree. Days are integers
since 1970-01-01 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.demo.planted.neglect import Neglect
from perfml.demo.planted.programme import Programme
from perfml.demo.plants import ATTRITION, CAUSES, NEVER, Episodes

DEPARTMENTS: Final[dict[str, tuple[str, ...]]] = {
    "sales": ("sales", "account"),
    "service": ("support", "account"),
    "engineering": ("engineering", "analysis"),
    "operations": ("logistics", "analysis"),
    "corporate": ("finance", "people"),
}
DEPARTMENT_SHARES: Final = np.array([0.30, 0.22, 0.24, 0.15, 0.09])
ROLES: Final = tuple(dict.fromkeys(role for roles in DEPARTMENTS.values() for role in roles))
LOCATIONS: Final = ("上海", "深圳", "成都", "武汉")
EXIT_KINDS: Final = ("voluntary", "involuntary", "other")
TOP_LEVEL: Final = 9
TEAM_SIZE: Final = 9
FIRST_PROMOTION_DAYS: Final = 300

VOLUNTARY_PER_YEAR: Final = 0.032
INVOLUNTARY_PER_YEAR: Final = 0.031
OTHER_PER_YEAR: Final = 0.010
"""Hazards of people without a planted cause, before the factors of `hazards`; with causes about 12, 3 and 1 % leave a year."""
PLANTED_EXITS_PER_YEAR: Final = 2.2
"""Hazard added by a cause at full strength, `LEAD_DAYS` plus `RAMP_DAYS` after it began."""
LEAD_DAYS: Final = 60
RAMP_DAYS: Final = 60
EPISODES_PER_YEAR: Final = 0.038
"""New episodes of each cause per person and year."""
MEAN_RATING: Final = 3.54
LOW_RATING: Final = 2.0
PLANTED_RATING_DROP: Final = 1.75
"""Rating points lost while a cause of low performance is at full strength."""


@dataclass(kw_only=True)
class Lives:
    """The state and history of everybody. Arrays over persons unless noted otherwise; -1 is nobody or none."""

    start: int
    end: int
    capacity: int
    people: int = 0
    programme: Programme | None = None
    neglect: Neglect | None = None
    episodes: Episodes = field(init=False)
    manager_by_week: list[Ints] = field(default_factory=list)
    team_by_week: list[Ints] = field(default_factory=list)
    positions: list[tuple[Ints, ...]] = field(default_factory=list)
    """Chunks of (person, effective day, manager, department, role, level, location)."""
    reviews: list[tuple[Ints, ...]] = field(default_factory=list)
    """Chunks of (person, reviewer, period start, period end, reviewed on, rating)."""

    def __post_init__(self) -> None:
        self.episodes = Episodes.none(self.capacity)
        self.hired, self.exited = self._full(NEVER), self._full(NEVER)
        self.exit_kind, self.team, self.department = self._full(-1), self._full(-1), self._full(-1)
        self.role, self.location, self.level = self._full(0), self._full(0), self._full(1)
        self.level_since, self.born, self.gender = self._full(0), self._full(1985), self._full(0)
        self.ability, self.frailty = np.zeros(self.capacity), np.ones(self.capacity)
        self.last_rating = np.full(self.capacity, np.nan)
        self.overlooked: Bools = np.zeros(self.capacity, dtype=bool)
        self.lead, self.head = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        self.team_department = np.empty(0, dtype=np.int64)

    def _full(self, value: int) -> Ints:
        return np.full(self.capacity, value, dtype=np.int64)

    @property
    def steps(self) -> range:
        """The Mondays on which the organisation changes."""
        return range(self.start + (4 - self.start) % 7, self.end, 7)

    def week(self, day: Ints) -> Ints:
        """Row of `manager_by_week` that applies on each day."""
        return np.clip((day - self.steps[0]) // 7, 0, len(self.steps) - 1)

    def employed(self, day: int) -> Bools:
        """Mask of the persons employed on `day`."""
        return (self.hired <= day) & (self.exited > day)

    def managers(self) -> Ints:
        """Each person's manager by the current seats."""
        chief = self.head[-1]
        led = np.where(self.team >= 0, self.lead[self.team], -1)
        of_department = np.where(self.department >= 0, self.head[self.department], -1)
        manager = np.where(led >= 0, led, of_department)
        manager = np.where((led == np.arange(self.capacity)) | (self.team < 0), of_department, manager)
        manager[self.head[:-1]] = chief
        manager[chief] = -1
        return manager


def seats(lives: Lives) -> Ints:
    """The persons who lead a team, a department or the company."""
    return np.concatenate([lives.lead, lives.head])


def join(lives: Lives, *, hired: Ints, team: Ints, rng: np.random.Generator) -> Ints:
    """Add persons hired on the days `hired` into `team` (-1: no team); return their indices."""
    count = len(hired)
    who = np.arange(lives.people, lives.people + count)
    lives.people += count
    lives.hired[who], lives.team[who] = hired, team
    lives.department[who] = np.where(team >= 0, lives.team_department[team], -1)
    lives.level_since[who] = hired
    roles = np.array([[ROLES.index(role) for role in pair] for pair in DEPARTMENTS.values()])
    lives.role[who] = roles[lives.department[who], (rng.random(count) < 0.35).astype(np.int64)]
    lives.location[who] = np.where(rng.random(count) < 0.75, team % len(LOCATIONS), rng.integers(0, 4, count))
    lives.level[who] = rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1], size=count)
    lives.gender[who] = rng.random(count) < 0.47
    age = 23 + 2 * lives.level[who] + rng.gamma(2.0, 3.0, count)
    lives.born[who] = 1970 + (hired / 365.25 - age).astype(np.int64)
    lives.ability[who] = rng.normal(size=count)
    lives.frailty[who] = np.exp(rng.normal(-0.05, 0.3, count))
    return who


def establish(lives: Lives, employees: int, rng: np.random.Generator) -> None:
    """Set up the company on the first day: seats, tenures, levels and past positions."""
    departments = len(DEPARTMENTS)
    teams = max(departments, round(employees / TEAM_SIZE))
    lives.team_department = np.sort(
        np.concatenate([np.arange(departments), rng.choice(departments, teams - departments, p=DEPARTMENT_SHARES)])
    )
    lives.lead = np.full(teams, -1)
    old = lives.start - rng.integers(9 * 365, 14 * 365, departments + 1 + teams)
    top = join(lives, hired=old[: departments + 1], team=np.full(departments + 1, -1), rng=rng)
    lives.head = np.concatenate([top[1:], top[:1]])
    lives.department[top] = np.concatenate([[-1], np.arange(departments)])
    lives.role[top] = ROLES.index("people")
    lives.lead = join(lives, hired=old[departments + 1 :], team=np.arange(teams), rng=rng)
    rest = employees - lives.people
    tenure = (rng.beta(0.9, 2.0, rest) * 8.4 * 365).astype(np.int64) + 1
    members = join(lives, hired=lives.start - tenure, team=np.arange(rest) % teams, rng=rng)
    career(lives, members, rng)


def career(lives: Lives, members: Ints, rng: np.random.Generator) -> None:
    """Draw promotions before the first day, and record everybody's positions until then."""
    everyone = np.arange(lives.people)
    good = members[lives.ability[members] > 0.1]
    overlooked = rng.permutation(good)[: round(0.12 * len(members))]
    lives.overlooked[overlooked] = True
    waiting = rng.uniform(0, 700, lives.people) * np.where(lives.ability[: lives.people] < -0.8, 1.6, 1.0)
    waiting[overlooked] = 20 + 830 * rng.random(len(overlooked)) ** 1.4
    joined = lives.hired[: lives.people]
    rows = [(everyone, joined)]
    promoted = lives.start - waiting.astype(np.int64)
    lives.level_since[everyone] = np.where(promoted > joined + FIRST_PROMOTION_DAYS, promoted, joined)
    for _ in range(4):
        up = everyone[promoted > joined + FIRST_PROMOTION_DAYS]
        rows.append((up, promoted[up].copy()))
        promoted = promoted - rng.integers(550, 1000, lives.people)
    manager = lives.managers()
    hired_level = lives.level.copy()
    for who, _ in rows[1:]:
        lives.level[who] += 1
    lives.level[lives.lead] = np.maximum(lives.level[lives.lead], 5)
    lives.level[lives.head] = (7, 7, 7, 7, 7, 9)
    who = np.concatenate([who for who, _ in rows])
    day = np.concatenate([day for _, day in rows])
    order = np.lexsort((day, who))
    who, day = who[order], day[order]
    nth = np.arange(len(who)) - np.searchsorted(who, who)
    last = np.append(who[1:] != who[:-1], True)
    level = np.where(last, lives.level[who], np.minimum(hired_level[who] + nth, lives.level[who]))
    record(lives, who, day, manager=manager, level=level)


def record(lives: Lives, who: Ints, day: Ints | int, *, manager: Ints, level: Ints | None = None) -> None:
    """Record the positions of the persons `who`, effective on `day`; `level`: theirs, by default the current one."""
    days = np.broadcast_to(np.asarray(day, dtype=np.int64), who.shape)
    levels = lives.level[who] if level is None else level
    lives.positions.append(
        (who, days, manager[who], lives.department[who], lives.role[who], levels.copy(), lives.location[who])
    )


def half_years(start: int, end: int) -> list[tuple[int, int]]:
    """The review periods (first day, last day) that can be reviewed between `start` and `end`."""
    epoch, periods = date(1970, 1, 1), []
    for year in range((epoch + timedelta(start)).year, (epoch + timedelta(end)).year + 1):
        for first, last in ((date(year, 1, 1), date(year, 6, 30)), (date(year, 7, 1), date(year, 12, 31))):
            if start + 60 < (last - epoch).days < end - 14:
                periods.append(((first - epoch).days, (last - epoch).days))
    return periods


def hazards(lives: Lives, day: int, *, last_rating: Floats | None = None) -> Floats:
    """Annual hazard of exit of everybody on `day`, by kind of exit. Shape (persons, 3).

    `last_rating`: the ratings as of `day`, by default those of the last simulated day.
    """
    rating = lives.last_rating if last_rating is None else last_rating
    everyone = np.arange(lives.capacity)
    years = (day - lives.hired) / 365.25
    low, good = rating <= LOW_RATING, rating >= 4
    calm = np.interp(years, [0.5, 1.5, 3.0, 6.0], [2.2, 1.5, 0.9, 0.35])
    calm *= np.where(np.isin(lives.role, [0, 2]), 1.8, 0.6) * np.where(low, 2.6, np.where(good, 0.65, 1.0))
    planted = sum(
        lives.episodes.strength(name, everyone, day, lag_days=LEAD_DAYS, ramp_days=RAMP_DAYS)
        for name, cause in CAUSES.items()
        if cause.outcome == ATTRITION
    )
    voluntary = VOLUNTARY_PER_YEAR * calm * lives.frailty + PLANTED_EXITS_PER_YEAR * planted
    involuntary = INVOLUNTARY_PER_YEAR * np.where(low, 4.0, np.where(good, 0.4, 0.9))
    other = OTHER_PER_YEAR * np.where(1970 + day / 365.25 - lives.born > 50, 4.0, 0.75)
    rates = np.stack([voluntary, involuntary, other], axis=1)
    rates[seats(lives)] *= 0.6
    rates[lives.head[-1]] = 0.0
    if lives.programme is not None:
        rates[:, 0] *= lives.programme.factors(lives.department, lives.location, day)
    return rates

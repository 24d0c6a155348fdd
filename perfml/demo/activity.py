"""The behaviour log of the simulated company: who did what on which working day, and with whom.

Counts are Poisson per person and day. Rates depend on person, role, weekday, holidays, vacations and slow personal
swings. Planted causes change the rates of their own kinds only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.demo.lives import ROLES, Lives

PER_DAY: Final[dict[str, float]] = {
    "login": 0.52,
    "crm_update": 0.20,
    "doc_edit": 0.20,
    "ticket_closed": 0.16,
    "meeting": 0.28,
    "feedback_given": 0.011,
    "praise": 0.030,
    "milestone_done": 0.085,
    "milestone_late": 0.016,
    "overtime": 0.055,
}
"""Events per person and working day."""
FROM_MANAGER_PER_DAY: Final = 0.110
KINDS: Final = (*PER_DAY, "feedback_received", "course_done")
SOURCES: Final[dict[str, str]] = {
    "login": "sso",
    "crm_update": "crm",
    "ticket_closed": "desk",
    "course_done": "lms",
} | dict.fromkeys(("milestone_done", "milestone_late", "doc_edit"), "pm")
"""The system that records a kind of event; `oa` for the others."""
ROLE_FACTORS: Final[dict[str, dict[str, float]]] = {
    "crm_update": {"sales": 2.4, "account": 2.0, "support": 0.8, "engineering": 0.1, "people": 0.3},
    "ticket_closed": {"support": 3.2, "engineering": 1.6, "logistics": 1.4, "sales": 0.2, "finance": 0.4},
    "doc_edit": {"engineering": 1.7, "analysis": 1.9, "finance": 1.5, "people": 1.4, "support": 0.5, "sales": 0.6},
    "meeting": {"sales": 1.3, "account": 1.3, "people": 1.4, "support": 0.7},
    "overtime": {"engineering": 1.5, "sales": 1.1, "people": 0.6},
}
WORK: Final = ("login", "crm_update", "doc_edit", "ticket_closed")
WEEKDAY: Final = np.array([1.06, 1.08, 1.05, 1.0, 0.81, 0.03, 0.02])
HOLIDAYS: Final = {
    (1, 1),
    (5, 1),
    (5, 2),
    (5, 3),
    *((10, day) for day in range(1, 8)),
    *((2, d) for d in range(10, 16)),
}
CONTACTS: Final = 24
CONTACTS_LEFT: Final = 3
FADED_TO: Final = 0.35


@dataclass(frozen=True, kw_only=True)
class ActivityLog:
    """Events as parallel arrays: person, kind (index into `KINDS`), second since 1970, counterpart or -1, value."""

    person: Ints
    kind: Ints
    second: Ints
    counterpart: Ints
    value: Floats


def activity_log(lives: Lives, completions: tuple[Ints, Ints], rng: np.random.Generator) -> ActivityLog:
    """Simulate the log, ordered by time; `completions`: (person, day) of finished courses."""
    person, day, rhythm = _working_days(lives, rng)
    swing = _swings(lives, rng)
    month = (day - lives.start) // 30
    contacts = _contacts(lives, rng)
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for kind, rate in PER_DAY.items():
        rates = rate * _habits(lives, kind, rng)[person] * rhythm * swing[_mood(kind), person, month]
        rates *= _planted(lives, kind, person=person, day=day)
        where = np.repeat(np.arange(len(person)), rng.poisson(rates))
        who, when = person[where], day[where]
        other = np.full(len(who), -1)
        if kind in ("meeting", "feedback_given", "praise"):
            other = _counterpart(lives, contacts, person=who, day=when, rng=rng)
            who, when, other = who[other >= 0], when[other >= 0], other[other >= 0]
        parts.append((who, np.full(len(who), KINDS.index(kind)), when, other))
    given, received = KINDS.index("feedback_given"), KINDS.index("feedback_received")
    parts.append(_from_managers(lives, person=person, day=day, rhythm=rhythm, kind=given, rng=rng))
    who, kinds, when, other = (np.concatenate(column) for column in zip(*parts, strict=True))
    second = when * 86_400 + _clock(kinds, rng)
    value = np.full(len(who), np.nan)
    late = kinds == KINDS.index("overtime")
    stretch = 1 + 0.4 * lives.episodes.strength("overtime", who[late], when[late], ramp_days=30)
    value[late] = np.clip(np.rint(rng.gamma(3.0, 0.7, late.sum()) * stretch * 2) / 2, 0.5, 6.0)
    feedback = np.flatnonzero(kinds == given)
    learner, finished = completions
    count = len(learner)
    whole = ActivityLog(
        person=np.concatenate([who, other[feedback], learner]),
        kind=np.concatenate([kinds, np.full(len(feedback), received), np.full(count, KINDS.index("course_done"))]),
        second=np.concatenate([second, second[feedback], finished * 86_400 + 50_000 + rng.integers(0, 9_000, count)]),
        counterpart=np.concatenate([other, who[feedback], np.full(count, -1)]),
        value=np.concatenate([value, np.full(len(feedback) + count, np.nan)]),
    )
    order = np.argsort(whole.second, kind="stable")
    return ActivityLog(**{name: column[order] for name, column in vars(whole).items()})


def completions(person: Ints, day: Ints, rng: np.random.Generator) -> ActivityLog:
    """The log of courses completed in addition to those in `activity_log`."""
    count = len(person)
    second = day * 86_400 + 50_000 + rng.integers(0, 9_000, count)
    return ActivityLog(
        person=person,
        kind=np.full(count, KINDS.index("course_done")),
        second=second,
        counterpart=np.full(count, -1),
        value=np.full(count, np.nan),
    )


def _working_days(lives: Lives, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """Each (person, day) of presence, and the relative activity of that day."""
    days = np.arange(lives.start, lives.end)
    dates = days.astype("datetime64[D]").astype(object)
    pace = WEEKDAY[(days + 3) % 7] * np.array([0.02 if (d.month, d.day) in HOLIDAYS else 1.0 for d in dates])
    people = lives.people
    present = (lives.hired[:people, None] <= days) & (lives.exited[:people, None] > days)
    present &= ~_vacations(people, len(days), rng)
    person, offset = np.nonzero(present)
    return person, days[offset], pace[offset]


def _vacations(people: int, days: int, rng: np.random.Generator) -> Bools:
    """Days off: about three breaks a year of 3 to 11 days. Shape (people, days)."""
    count = people * round(3 * days / 365.25)
    who, first = rng.integers(0, people, count), rng.integers(0, days, count)
    edges = np.zeros((people, days + 1), dtype=np.int16)
    np.add.at(edges, (who, first), 1)
    np.add.at(edges, (who, np.minimum(first + rng.integers(3, 12, count), days)), -1)
    away: Bools = np.cumsum(edges, axis=1)[:, :days] > 0
    return away


def _mood(kind: str) -> int:
    if kind in WORK:
        return 0
    return {"overtime": 2, "milestone_done": 3, "milestone_late": 3}.get(kind, 1)


def _swings(lives: Lives, rng: np.random.Generator) -> Floats:
    """Slow personal swings by group of kinds and month, mean about 1. Shape (4, people, months)."""
    months = (lives.end - lives.start) // 30 + 1
    spread, memory = np.array([0.17, 0.25, 0.45, 0.20])[:, None], 0.75
    state = rng.normal(size=(4, lives.people)) * spread
    states = []
    for _ in range(months):
        states.append(state)
        state = memory * state + np.sqrt(1 - memory**2) * spread * rng.normal(size=(4, lives.people))
    return np.exp(np.stack(states, axis=2) - spread[:, :, None] ** 2 / 2)


def _habits(lives: Lives, kind: str, rng: np.random.Generator) -> Floats:
    """Each person's rate of a kind relative to the company's: role times lognormal habit, with a small effect of ability."""
    role = np.array([ROLE_FACTORS.get(kind, {}).get(name, 1.0) for name in ROLES])[lives.role[: lives.people]]
    slope = {"milestone_late": -0.15, "milestone_done": 0.08}.get(kind, 0.0)
    own = np.exp(rng.normal(-0.03, 0.25, lives.people) + slope * lives.ability[: lives.people])
    return np.asarray(role * own)


def _planted(lives: Lives, kind: str, *, person: Ints, day: Ints) -> Floats | float:
    """Factor of planted causes on the rate of `kind` on each (person, day)."""
    strength = lives.episodes.strength
    if kind in WORK:
        return 1 - (1 - FADED_TO) * strength("fading_activity", person, day, ramp_days=100)
    if kind == "overtime":
        return 1 + 3.5 * strength("overtime", person, day, ramp_days=30)
    if kind == "milestone_late":
        return 1 + 4.5 * strength("late_milestones", person, day, ramp_days=30)
    if kind == "milestone_done":
        return 1 - 0.6 * strength("late_milestones", person, day, ramp_days=30)
    return 1.0


def _contacts(lives: Lives, rng: np.random.Generator) -> Ints:
    """The contacts of each person, closest first, partly renewed each quarter. Shape (quarters, people, CONTACTS)."""
    people = np.arange(lives.people)
    lists: list[Ints] = []
    for day in range(lives.start, lives.end, 91):
        team = lives.team_by_week[int(lives.week(np.array(day)))][: lives.people] + 1
        present = np.flatnonzero(lives.employed(day)[: lives.people])
        present = present[np.argsort(team[present], kind="stable")]
        size = np.bincount(team[present], minlength=team.max() + 1)
        first = np.cumsum(size) - size
        shape = (lives.people, CONTACTS)
        near = first[team][:, None] + (rng.random(shape) * np.maximum(size[team], 1)[:, None]).astype(np.int64)
        anyone = rng.integers(0, len(present), shape)
        drawn = present[np.where(rng.random(shape) < 0.4, np.minimum(near, len(present) - 1), anyone)]
        if lists:
            stays = lives.employed(day)[lists[-1]] & (rng.random(shape) < 0.8)
            drawn = np.where(stays, lists[-1], drawn)
        lists.append(np.where(drawn == people[:, None], present[(people % len(present))][:, None], drawn))
    return np.stack(lists)


def _counterpart(lives: Lives, contacts: Ints, *, person: Ints, day: Ints, rng: np.random.Generator) -> Ints:
    """The other person of each event: a contact, the first ones more often; the manager if that contact left; -1 for nobody."""
    alone = lives.episodes.strength("isolation", person, day, ramp_days=21)
    width = CONTACTS + (CONTACTS_LEFT - CONTACTS) * alone
    nth = (width * rng.random(len(person)) ** 1.3).astype(np.int64)
    other = contacts[(day - lives.start) // 91, person, nth]
    manager = np.stack(lives.manager_by_week)[lives.week(day), person]
    for instead in (manager, np.full(len(person), -1)):
        absent = (other < 0) | (lives.exited[other] <= day) | (lives.hired[other] > day) | (other == person)
        other = np.where(absent, instead, other)
    return other


def _from_managers(
    lives: Lives, *, person: Ints, day: Ints, rhythm: Floats, kind: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Feedback from managers to their reports: (giver, kind, day, receiver). A drought stops it at once."""
    manager = np.stack(lives.manager_by_week)[lives.week(day), person]
    diligence = np.exp(rng.normal(-0.03, 0.25, lives.people))
    attention = 1 - lives.episodes.strength("feedback_drought", person, day, ramp_days=1)
    present = (manager >= 0) & (lives.exited[manager] > day)
    rates = FROM_MANAGER_PER_DAY * diligence[manager] * rhythm * attention * present
    where = np.repeat(np.arange(len(person)), rng.poisson(rates))
    return manager[where], np.full(len(where), kind), day[where], person[where]


def _clock(kinds: Ints, rng: np.random.Generator) -> Ints:
    """Second of the day: office hours, overtime in the evening."""
    late = kinds == KINDS.index("overtime")
    return np.where(late, 19 * 3600, 9 * 3600) + rng.integers(0, 9 * 3600, len(kinds)) // np.where(late, 3, 1)

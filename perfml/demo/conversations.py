"""Conversations about staying: a campaign in which chance decides who is offered one, and then those that HR chooses.

A conversation that takes place multiplies the hazard of leaving of one's own will by `EFFECT` for `EFFECT_DAYS`. So as
not to disturb lives already lived, it is not the lives that follow from the conversations here but the conversations
that are drawn given the lives, by Bayes' rule under proportional hazards: of two people alike, the one who stayed is the
likelier to have been talked to. The joint distribution of offer, conversation and exit is the same as if the hazards
had been changed, and the offer stays independent of everything known when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.demo.lives import Lives, hazards
from perfml.demo.plants import ATTRITION, CAUSES, NAMES

KIND: Final = "conversation"
EFFECT: Final = 0.5
EFFECT_DAYS: Final = 182
ANSWERS: Final = np.array([0.10, 0.15, 0.75])
"""Of those offered one: no answer, refused, done."""
CAMPAIGN_DAYS: Final = 540
"""The campaign begins this long before the end, with a draw every `ROUND_DAYS`; then HR chooses."""
CAMPAIGN_ROUNDS, ROUND_DAYS = 6, 30
SETTLED_DAYS: Final = 120
"""Nothing is offered in the first days of the simulation."""
SEEN_AFTER_DAYS: Final = 30
"""A cause this old can be noticed."""
MISTAKEN: Final = 0.5
"""People without a planted cause on each list, for each with one."""
CHOSEN: Final = 0.4
"""Share of HR's own list that is offered a conversation."""
OUTCOMES: Final = ("已商定改进措施", "需要继续跟进", "暂无顾虑")
NOT_OFFERED, OFFERED, REFUSED, DONE = range(4)


@dataclass(frozen=True)
class Conversations:
    """What was or might have been offered to whom, as parallel arrays; days as integers, -1 none."""

    person: Ints
    offered: Ints
    status: Ints
    """NOT_OFFERED (a hold-out of the campaign), OFFERED, REFUSED or DONE."""
    answered: Ints
    """The day of the refusal or the conversation."""
    outcome: Ints
    """Index into `OUTCOMES`."""
    random: Bools


def conversations(lives: Lives, rng: np.random.Generator) -> Conversations:
    """The campaign and HR's own conversations. Everybody is considered at most once, so no two effects overlap."""
    risk = _Risk.of(lives)
    begin = max(lives.end - CAMPAIGN_DAYS, lives.start + SETTLED_DAYS)
    considered = np.zeros(lives.capacity, dtype=bool)
    chunks: list[Conversations] = []
    for nth, day in enumerate(range(begin, lives.end - 14, ROUND_DAYS)):
        person = _list(lives, day, ~considered, rng)
        considered[person] = True
        by_lot = nth < CAMPAIGN_ROUNDS
        offer = 0.5 if by_lot else CHOSEN
        answered = day + rng.integers(3, 22, len(person))
        odds = np.array([1 - offer, *(offer * ANSWERS)])
        status = _given_their_lives(lives, risk, person, answered, odds, rng)
        outcome = rng.integers(0, len(OUTCOMES), len(person))
        chunk = Conversations(
            person=person,
            offered=np.full(len(person), day),
            status=status,
            answered=np.where(np.isin(status, (REFUSED, DONE)), answered, -1),
            outcome=np.where(status == DONE, outcome, -1),
            random=np.full(len(person), by_lot),
        )
        rows = by_lot | (status != NOT_OFFERED)
        chunks.append(Conversations(*(column[rows] for column in vars(chunk).values())))
    return Conversations(*(np.concatenate(column) for column in zip(*(vars(c).values() for c in chunks), strict=True)))


def _list(lives: Lives, day: int, free: Bools, rng: np.random.Generator) -> Ints:
    """Who looks about to leave on `day`: everybody with a planted cause that can be noticed, and some mistaken for them."""
    causes = [code for code, name in enumerate(NAMES) if CAUSES[name].outcome == ATTRITION]
    here = free & lives.employed(day) & (lives.hired < day - 150) & (lives.team >= 0)
    episodes = lives.episodes
    ailing = np.isin(episodes.cause, causes) & (episodes.began <= day - SEEN_AFTER_DAYS) & (episodes.ended > day)
    planted = np.flatnonzero(here & ailing)
    others = rng.permutation(np.flatnonzero(here & ~np.isin(episodes.cause, causes)))
    return np.concatenate([planted, others[: round(MISTAKEN * len(planted))]])


def _given_their_lives(
    lives: Lives, risk: _Risk, person: Ints, done: Ints, odds: Floats, rng: np.random.Generator
) -> Ints:
    """A status for each person, drawn from `odds` given whether they left while a conversation on the day `done` would act.

    With survival s when nobody talks to them, the lives simulated have survival m = (1 - p) s + p s ** EFFECT, where p
    is the odds of DONE; s follows from m. An exit then counts EFFECT s ** EFFECT against s, staying s ** EFFECT against s.
    """
    until = np.minimum(np.minimum(lives.exited[person], lives.end), done + EFFECT_DAYS)
    takes_place = until > done
    left = takes_place & (until == lives.exited[person]) & (lives.exit_kind[person] == 0)
    survival = _untreated(np.exp(-risk.between(person, done, until)), share=odds[DONE])
    weight = np.tile(odds, (len(person), 1)) * survival[:, None]
    weight[:, DONE] = odds[DONE] * survival**EFFECT * np.where(left, EFFECT, 1.0)
    weight[~takes_place] = odds
    drawn = rng.random(len(person)) * weight.sum(axis=1)
    status: Ints = (drawn[:, None] >= np.cumsum(weight, axis=1)[:, :DONE]).sum(axis=1)
    came_too_late = ~takes_place & (status >= REFUSED)
    return np.where(came_too_late, OFFERED, status)


def _untreated(mixed: Floats, *, share: float) -> Floats:
    """The survival s for which (1 - share) s + share s ** EFFECT is `mixed`, by bisection."""
    low, high = np.zeros(len(mixed)), np.ones(len(mixed))
    for _ in range(50):
        middle = (low + high) / 2
        above = (1 - share) * middle + share * middle**EFFECT > mixed
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


@dataclass(frozen=True)
class _Risk:
    """Hazard of leaving of one's own will, summed up week by week over the time of the conversations."""

    first: int
    summed: Floats
    """Shape (weeks + 1, persons)."""

    @classmethod
    def of(cls, lives: Lives) -> _Risk:
        """As it was lived: with the ratings of each week, but the seats of the last one."""
        mondays = [monday for monday in lives.steps if monday >= lives.end - CAMPAIGN_DAYS - 7]
        rating, rounds, weekly = np.full(lives.capacity, np.nan), 0, []
        for monday in mondays:
            while rounds < len(lives.reviews) and int(lives.reviews[rounds][4].max()) <= monday:
                who, _, _, _, _, score = lives.reviews[rounds]
                rating[who], rounds = score, rounds + 1
            weekly.append(hazards(lives, monday, last_rating=rating)[:, 0] * 7 / 365.25)
        return cls(mondays[0], np.concatenate([np.zeros((1, lives.capacity)), np.cumsum(weekly, axis=0)]))

    def between(self, person: Ints, since: Ints, until: Ints) -> Floats:
        """The cumulative hazard from the day `since` to the day `until`, 0 where that is earlier."""
        return np.maximum(self._at(person, until) - self._at(person, since), 0.0)

    def _at(self, person: Ints, day: Ints) -> Floats:
        weeks = np.clip((day - self.first) / 7, 0, len(self.summed) - 1)
        whole = np.minimum(weeks.astype(np.int64), len(self.summed) - 2)
        before, after = self.summed[whole, person], self.summed[whole + 1, person]
        summed: Floats = before + (weeks - whole) * (after - before)
        return summed

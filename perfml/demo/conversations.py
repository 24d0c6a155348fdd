"""Stay conversations: a campaign with randomised offers, followed by conversations that HR chooses.

A conversation multiplies the hazard of voluntary exit by `EFFECT` for `EFFECT_DAYS`. The lives are simulated first, so
conversations are drawn given the lives, by Bayes' rule under proportional hazards: of two similar people, the one who
stayed is more likely to have had a conversation. The joint distribution of offer, conversation and exit is the same as
if the hazards had been changed, and the offer stays independent of everything known when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.demo.lives import Lives, hazards
from perfml.demo.plants import ATTRITION, CAUSES, NAMES

KIND: Final = "conversation"
EFFECT: Final = 0.5
EFFECT_DAYS: Final = 182
ANSWERS: Final = np.array([0.10, 0.15, 0.75])
"""Probabilities after an offer: no answer, refused, done."""
CAMPAIGN_DAYS: Final = 540
"""The campaign begins this long before the end, with a draw every `ROUND_DAYS`; after it HR chooses."""
CAMPAIGN_ROUNDS, ROUND_DAYS = 6, 30
SETTLED_DAYS: Final = 120
"""Nothing is offered in the first days of the simulation."""
SEEN_AFTER_DAYS: Final = 30
"""Age at which a cause can be noticed."""
MISTAKEN: Final = 0.5
"""People without a planted cause per person with one, on each list."""
CHOSEN: Final = 0.4
"""Share of HR's list that is offered a conversation."""
OUTCOMES: Final = ("已商定改进措施", "需要继续跟进", "暂无顾虑")
NOT_OFFERED, OFFERED, REFUSED, DONE = range(4)


@dataclass(frozen=True, kw_only=True)
class Conversations:
    """Offers and hold-outs as parallel arrays; days as integers, -1 none."""

    person: Ints
    offered: Ints
    status: Ints
    """NOT_OFFERED (a hold-out of the campaign), OFFERED, REFUSED or DONE."""
    answered: Ints
    """Day of the refusal or the conversation."""
    outcome: Ints
    """Index into `OUTCOMES`."""
    random: Bools


def conversations(lives: Lives, rng: np.random.Generator) -> Conversations:
    """Simulate the campaign and HR's conversations. Everybody is considered at most once, so no two effects overlap."""
    risk = _CumulativeHazard.of(lives)
    begin = max(lives.end - CAMPAIGN_DAYS, lives.start + SETTLED_DAYS)
    considered = np.zeros(lives.capacity, dtype=bool)
    chunks: list[Conversations] = []
    for nth, day in enumerate(range(begin, lives.end - 14, ROUND_DAYS)):
        person = _list(lives, day, free=~considered, rng=rng)
        considered[person] = True
        randomised = nth < CAMPAIGN_ROUNDS
        offer = 0.5 if randomised else CHOSEN
        answered = day + rng.integers(3, 22, len(person))
        odds = np.array([1 - offer, *(offer * ANSWERS)])
        status = _given_their_lives(lives, risk, person=person, done=answered, odds=odds, rng=rng)
        outcome = rng.integers(0, len(OUTCOMES), len(person))
        chunk = Conversations(
            person=person,
            offered=np.full(len(person), day),
            status=status,
            answered=np.where(np.isin(status, (REFUSED, DONE)), answered, -1),
            outcome=np.where(status == DONE, outcome, -1),
            random=np.full(len(person), randomised),
        )
        rows = randomised | (status != NOT_OFFERED)
        chunks.append(Conversations(**{name: column[rows] for name, column in vars(chunk).items()}))
    names = [field.name for field in fields(Conversations)]
    return Conversations(**{name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names})


def _list(lives: Lives, day: int, *, free: Bools, rng: np.random.Generator) -> Ints:
    """People who seem about to leave on `day`: all with a noticeable planted cause, and some without one."""
    causes = [code for code, name in enumerate(NAMES) if CAUSES[name].outcome == ATTRITION]
    eligible = free & lives.employed(day) & (lives.hired < day - 150) & (lives.team >= 0)
    episodes = lives.episodes
    noticeable = np.isin(episodes.cause, causes) & (episodes.began <= day - SEEN_AFTER_DAYS) & (episodes.ended > day)
    planted = np.flatnonzero(eligible & noticeable)
    others = rng.permutation(np.flatnonzero(eligible & ~np.isin(episodes.cause, causes)))
    return np.concatenate([planted, others[: round(MISTAKEN * len(planted))]])


def _given_their_lives(
    lives: Lives, risk: _CumulativeHazard, *, person: Ints, done: Ints, odds: Floats, rng: np.random.Generator
) -> Ints:
    """A status per person, drawn from `odds` given whether they left while a conversation on the day `done` would act.

    With survival s without a conversation, the simulated lives have survival m = (1 - p) s + p s ** EFFECT, where p is the
    probability of DONE; s follows from m. An exit has likelihood EFFECT s ** EFFECT against s, staying s ** EFFECT against s.
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
class _CumulativeHazard:
    """Hazard of voluntary exit, accumulated week by week over the time of the conversations."""

    first: int
    summed: Floats
    """Shape (weeks + 1, persons)."""

    @classmethod
    def of(cls, lives: Lives) -> _CumulativeHazard:
        """Accumulate with the ratings of each week, but the seats of the last one."""
        mondays = [monday for monday in lives.steps if monday >= lives.end - CAMPAIGN_DAYS - 7]
        rating, rounds, weekly = np.full(lives.capacity, np.nan), 0, []
        for monday in mondays:
            while rounds < len(lives.reviews) and int(lives.reviews[rounds][4].max()) <= monday:
                who, _, _, _, _, score = lives.reviews[rounds]
                rating[who], rounds = score, rounds + 1
            weekly.append(hazards(lives, monday, last_rating=rating)[:, 0] * 7 / 365.25)
        return cls(mondays[0], np.concatenate([np.zeros((1, lives.capacity)), np.cumsum(weekly, axis=0)]))

    def between(self, person: Ints, since: Ints, until: Ints) -> Floats:
        """Cumulative hazard from the day `since` to the day `until`, 0 if that is earlier."""
        return np.maximum(self._at(person, until) - self._at(person, since), 0.0)

    def _at(self, person: Ints, day: Ints) -> Floats:
        weeks = np.clip((day - self.first) / 7, 0, len(self.summed) - 1)
        whole = np.minimum(weeks.astype(np.int64), len(self.summed) - 2)
        before, after = self.summed[whole, person], self.summed[whole + 1, person]
        summed: Floats = before + (weeks - whole) * (after - before)
        return summed

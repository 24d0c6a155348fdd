"""A rating scale that was turned round: people who were rated well are suddenly rated badly, and the other way about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
from scipy.stats import spearmanr

from perfml.evidence.sources import Data
from perfml.messages import Message

FEWEST_PEOPLE = 20
"""People with a rating in a round and in the one before it, to compare the two."""
TURNED = -0.2
"""Rank correlation with the round before, below which a scale may have been turned round."""
SURE = 1e-4
"""The probability of such a correlation by chance, at most."""


def ratings_turned_round(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield the rounds (months of reviews) whose ratings run against those of the round before.

    Both ends of a turned stretch run against their neighbour: the first and the round after the last are named. Where
    promotions follow low ratings and not high ones, the whole table may be turned round.
    """
    rows = data.connection.execute(
        "with rounds as (select employee_id, date_trunc('quarter', reviewed_on)::date as round, avg(rating) as rating"
        " from reviews where usable_day < $1 and (superseded_day is null or superseded_day >= $1) group by all)"
        " select round, rating, lag(rating) over (partition by employee_id order by round) as earlier from rounds"
        " qualify earlier is not null order by round",
        [before],
    ).fetchall()
    for day in sorted({row[0] for row in rows}):
        pairs = np.array([(now, earlier) for round_, now, earlier in rows if round_ == day], dtype=np.float64)
        if len(pairs) < FEWEST_PEOPLE or np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
            continue
        correlation = spearmanr(pairs[:, 0], pairs[:, 1])
        if correlation.statistic < TURNED and correlation.pvalue < SURE:
            yield Message.of(
                "ratings_turned", day=str(day), people=len(pairs), correlation=float(correlation.statistic)
            )
    yield from _whole_table(data, before)


def _whole_table(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield whether those who rose in level within a year of a review had the lower ratings."""
    if not data.has("positions"):
        return
    rows = data.connection.execute(
        "with steps as (select employee_id, effective_on, level - lag(level) over"
        " (partition by employee_id order by effective_on) as rise from positions where usable_day < $1)"
        " select r.rating, exists (select 1 from steps s where s.employee_id = r.employee_id and s.rise > 0"
        " and s.effective_on > r.reviewed_on and s.effective_on <= r.reviewed_on + 365) from reviews r"
        " where r.usable_day < $1 and r.reviewed_on < $1::date - 365",
        [before],
    ).fetchall()
    ratings, rose = np.array([row[0] for row in rows], np.float64), np.array([row[1] for row in rows], bool)
    if min(rose.sum(), (~rose).sum()) < FEWEST_PEOPLE or np.ptp(ratings) == 0:
        return
    correlation = spearmanr(ratings, rose)
    if correlation.statistic < 0 and correlation.pvalue < SURE:
        yield Message.of("ratings_all_turned", correlation=float(correlation.statistic), rows=len(rows))

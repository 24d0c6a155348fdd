"""As-of dates and rolling-origin folds over them; a random split is not offered, since it would train on the future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Dates, Ints, Objects
from perfml.project.spec import Every

GROUPS = 5


def as_of_dates(first: dt.date, last: dt.date, every: Every) -> list[dt.date]:
    """Mondays, first days of months or first days of quarters from ``first`` to ``last``, both included.

    >>> [str(d) for d in as_of_dates(dt.date(2026, 1, 15), dt.date(2026, 7, 1), "quarter")]
    ['2026-04-01', '2026-07-01']
    """
    if every == "week":
        start = first + dt.timedelta(days=-first.weekday() % 7)
        return [start + dt.timedelta(days=7 * i) for i in range((last - start).days // 7 + 1)] if start <= last else []
    step = 1 if every == "month" else 3
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    dates = [dt.date(m // 12, m % 12 + 1, 1) for m in months if m % step == 0]
    return [date for date in dates if first <= date <= last]


@dataclass(frozen=True)
class Fold:
    """Training dates and test dates; the first test date is the origin."""

    train: tuple[dt.date, ...]
    test: tuple[dt.date, ...]

    @property
    def origin(self) -> dt.date:
        """The day before which everything in training was known."""
        return self.test[0]


def matured(dates: Sequence[dt.date], *, until: dt.date, embargo_days: int) -> list[dt.date]:
    """The dates whose label has matured by ``until``: the horizon and the reporting delay have passed."""
    return [date for date in dates if date + dt.timedelta(days=embargo_days) <= until]


def rolling_origin(dates: Sequence[dt.date], *, embargo_days: int, folds: int) -> list[Fold]:
    """At most ``folds`` folds over labelled ``dates``; the tests are consecutive blocks up to the last date.

    An embargo of one horizon (and reporting delay) lies between the last training date and the origin, so that every
    training label had matured at the origin. Dates before the first possible origin are never tested; the tests cover at most
    the later two thirds of the dates.
    """
    possible = [i for i, date in enumerate(dates) if matured(dates[:i], until=date, embargo_days=embargo_days)]
    tested = [i for i in possible if i >= len(dates) // 3]
    blocks = min(folds, len(tested))
    out = []
    for block in range(blocks):
        low, high = len(tested) * block // blocks, len(tested) * (block + 1) // blocks
        test = tuple(dates[tested[i]] for i in range(low, high))
        out.append(Fold(tuple(matured(dates, until=test[0], embargo_days=embargo_days)), test))
    return out


def deciding_folds(as_of: Dates, person: Objects, *, embargo_days: int) -> list[tuple[Ints, Ints]]:
    """Training and validation rows for choosing hyperparameters (rounds, ridge, blend, calibration).

    Validation is the last quarter of the dates, after an embargo. If no date lies an embargo before them, people are split
    instead: each fifth of them validates what was fitted on the others.
    """
    dates: list[dt.date] = np.unique(as_of).astype("M8[D]").tolist()
    days = as_of.astype("M8[D]")
    for number in range(len(dates) - max(1, len(dates) // 4), len(dates)):
        early = matured(dates, until=dates[number], embargo_days=embargo_days)
        if early:
            late = np.flatnonzero(days >= np.datetime64(dates[number]))
            return [(np.flatnonzero(np.isin(days, np.array(early, "M8[D]"))), late)]
    code = np.unique(person, return_inverse=True)[1]
    fifth = np.random.default_rng(0).integers(0, GROUPS, code.max() + 1)[code] if len(code) else code
    return [(np.flatnonzero(fifth != part), np.flatnonzero(fifth == part)) for part in range(GROUPS)]

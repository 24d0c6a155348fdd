"""What lists with a guarantee are measured by: matured out-of-fold rows of the latest periods, and whether they are exchangeable.

People stand in the record at many dates, and their rows resemble each other. So a period is one horizon long, and of each
period there is one as-of date with one row a person: a cross-section like the one that is scored. A random row a person would
be none: who left has few rows, and would be drawn too often.

Exchangeability is tested between the latest periods and those before them: the distributions of standing and outcome together
(Kolmogorov-Smirnov; people who stand in both make the test careful), and the lists that the earlier periods would have given
in the later ones, whose outcomes are known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest, ks_2samp, rankdata

from perfml.arrays import Bools, Dates, Floats
from perfml.learning.record import GuaranteeRecord, ReplayedLimit, Verdict
from perfml.learning.validation.conformal import calibration, list_size
from perfml.messages import Message

PERIODS = 2
"""Latest periods that lists are measured by, and as many before them that these are compared with."""
LEAST_ROWS = 100
"""Rows of the periods before below which nothing is compared."""
CHANCE = 0.01
"""Probability of an alarm by chance, over all limits that are replayed."""
FAR = 0.1
"""Distance of two periods' distributions that matters, where it is not chance."""
REPLAYED = (0.3, 0.5, 0.7)


def measure(*, when: Dates, outcome: Floats, probability: Floats, horizon_days: int) -> GuaranteeRecord:
    """Choose the rows of the latest periods from a back-test's rows, (rows,) each, and compare them with the periods before."""
    dates = periods(when, horizon_days)
    latest = dates[: max(1, min(PERIODS, len(dates) - 1))]
    before = dates[len(latest) : len(latest) + PERIODS]

    def of(chosen: Sequence[dt.date]) -> Bools:
        return np.isin(when, np.array(chosen, "M8[D]"))

    now, then, standing = of(latest), of(before), standings(when, probability)
    record = calibration(standing=standing[now], outcome=outcome[now], dates=latest)
    if then.sum() < LEAST_ROWS:
        return record
    value = np.where(outcome == 1, 2.0, standing)
    distance, p_value = ks_2samp(value[now], value[then], method="asymp")
    earlier = calibration(standing=standing[then], outcome=outcome[then], dates=before)
    sections = [np.flatnonzero(of([date])) for date in latest]
    replayed = _replayed(earlier, [outcome[rows[np.argsort(standing[rows], kind="stable")]] for rows in sections])
    verdict, text = _judge(float(distance), float(p_value), replayed)
    return record.model_copy(
        update={
            "compared": tuple(before),
            "distance": round(float(distance), 4),
            "p_value": round(float(p_value), 6),
            "replayed": replayed,
            "verdict": verdict,
            "text": text,
        }
    )


def periods(when: Dates, horizon_days: int) -> list[dt.date]:
    """One as-of date for each period of one horizon, the newest first."""
    chosen: list[dt.date] = []
    for date in reversed(np.unique(when).astype("M8[D]").tolist()):
        if not chosen or (chosen[-1] - date).days >= horizon_days:
            chosen.append(date)
    return chosen


def standings(when: Dates, probability: Floats) -> Floats:
    """The place of each row in the ranking of its date, as a share of the date's rows; ties share the best."""
    standing = np.empty(len(when))
    for date in np.unique(when):
        rows = when == date
        standing[rows] = rankdata(-probability[rows], method="min") / rows.sum()
    return standing


def _replayed(earlier: GuaranteeRecord, ranked: Sequence[Floats]) -> tuple[ReplayedLimit, ...]:
    """The lists that ``earlier`` gives at later dates, and what came of them. ``ranked``: outcomes by rank, of each date."""
    out = []
    for limit in REPLAYED:
        members = np.concatenate([outcome[: list_size(len(outcome), earlier, limit=limit)] for outcome in ranked])
        out.append(ReplayedLimit(limit=limit, listed=len(members), wasted=int((members == 0).sum())))
    return tuple(out)


def _judge(distance: float, p_value: float, replayed: Sequence[ReplayedLimit]) -> tuple[Verdict, Message]:
    for each in replayed:
        if not each.listed:
            continue
        chance = binomtest(each.wasted, each.listed, each.limit, alternative="greater").pvalue
        if chance < CHANCE / len(REPLAYED):
            numbers = {"limit": each.limit, "listed": each.listed, "wasted": each.wasted}
            return "fail", Message.of("guarantee_broken", **numbers)
    if distance > FAR and p_value < CHANCE:
        return "fail", Message.of("guarantee_shifted", distance=distance)
    return "pass", Message.of("guarantee_exchangeable")

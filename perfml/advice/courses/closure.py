"""Closure: how often a gap is no longer named after a course. Counted over past reviews, shrunk, and called an association.

People choose courses, and managers send people who are about to improve anyway; no effect is claimed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.courses.tags import Looks, known_rows
from perfml.evidence.sources import Data
from perfml.messages import Message

PRIOR_PEOPLE = 10
"""People added to each share, who close the gap as often as all with it do: shrinkage (Efron & Morris 1975)."""
Z = 1.96
"""Standard errors on either side of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Closure:
    """For a gap and a course: people who completed it between two reviews, and how many of them no longer have the gap in the
    second; the same for pairs of reviews without it (``others``, of ``other_people``); and the shrunk difference of the
    shares with its 95 % interval."""

    took: int
    closed: int
    others: int
    others_closed: int
    other_people: int
    difference: float
    low: float
    high: float

    def enough(self, min_people: int) -> bool:
        """Whether each side has at least ``min_people``."""
        return min(self.took, self.other_people) >= min_people

    def believed(self, min_people: int) -> bool:
        """Whether each side has enough people and the interval excludes 0."""
        return self.enough(min_people) and (self.low > 0 or self.high < 0)

    def message(self) -> Message:
        """The counts, the shares and their difference, as an association."""
        return Message.of(
            "course_closure",
            took=self.took,
            share=self.closed / self.took,
            other_people=self.other_people,
            others=self.others,
            other_share=self.others_closed / self.others,
            difference=self.difference,
            low=self.low,
            high=self.high,
        )


def closures(data: Data, looked: Looks, as_of: dt.date) -> dict[tuple[str, str], Closure]:
    """(gap, course) → what was observed, from what was known before ``as_of``; ``gap`` is the ``key`` of ``looked.noted``.

    A person counts once for each pair of consecutive reviews of which the first names the gap: at most once among those who
    completed a course, perhaps several times among those who did not. Where gaps last for some people and not for others, and
    no course helps, 3 % of simulated intervals exclude 0 (5 % where people are alike).
    """
    noted = looked.noted[looked.noted["place"] >= 0][["employee_id", "key", "place", "noted_on"]]
    noted = noted.sort_values("noted_on").drop_duplicates(["employee_id", "key", "place"])
    began = looked.reviews.groupby(["employee_id", "place"], as_index=False)["reviewed_on"].min()
    following = began.assign(place=began["place"] - 1).rename(columns={"reviewed_on": "next_on"})
    pairs = noted.merge(following, on=["employee_id", "place"])
    again = pd.MultiIndex.from_frame(noted[["employee_id", "key", "place"]])
    pairs["closed"] = ~pd.MultiIndex.from_arrays([pairs["employee_id"], pairs["key"], pairs["place"] + 1]).isin(again)
    if not len(pairs):
        return {}
    done = known_rows(data, "enrolments", columns=("employee_id", "course_id", "completed_on"), as_of=as_of)
    done = done[done["completed_on"] < pd.Timestamp(as_of)].drop_duplicates(["employee_id", "course_id"])
    both = pairs.merge(done, on="employee_id")
    both = both[(both["completed_on"] >= both["noted_on"]) & (both["completed_on"] < both["next_on"])]
    sizes, closed = (pairs.groupby("key")["closed"].agg(how) for how in ("size", "sum"))
    people = pairs.groupby("key")["employee_id"].nunique()
    times = pairs.groupby(["key", "employee_id"]).size().rename("times")
    only = (
        both.join(times, on=["key", "employee_id"])["times"] == 1
    )  # the person's only pair is the one with the course
    counts = (
        both.assign(only=only)
        .groupby(["key", "course_id"])
        .agg(n=("closed", "size"), k=("closed", "sum"), only=("only", "sum"))
    )
    out = {}
    for key, course, n, k, alone in counts.reset_index().itertuples(index=False):
        others = int(sizes[key] - n)
        if others:
            out[str(key), str(course)] = compare_shares(
                took=int(n),
                closed=int(k),
                others=others,
                others_closed=int(closed[key] - k),
                other_people=int(people[key] - alone),
            )
    return out


def compare_shares(*, took: int, closed: int, others: int, others_closed: int, other_people: int) -> Closure:
    """The shrunk difference of the shares ``closed / took`` and ``others_closed / others``, with its 95 % interval."""
    prior = (closed + others_closed) / (took + others)
    shares, spread = [], 0.0
    for n, k in ((took, closed), (others, others_closed)):
        share = (k + PRIOR_PEOPLE * prior) / (n + PRIOR_PEOPLE)
        shares.append(share)
        spread += share * (1 - share) / (n + PRIOR_PEOPLE + 1)
    difference = shares[0] - shares[1]
    half = Z * float(np.sqrt(spread))
    return Closure(
        took=took,
        closed=closed,
        others=others,
        others_closed=others_closed,
        other_people=other_people,
        difference=difference,
        low=difference - half,
        high=difference + half,
    )

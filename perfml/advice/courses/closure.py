"""Did the gap go among those who took the course? Counted over past reviews, shrunk, and called what it is: an association.

People choose courses, and managers send people who are about to improve anyway; no effect is claimed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.advice.courses.tags import Looks, known
from perfml.evidence.sources import Data

PRIOR_PEOPLE = 10
"""Each share is believed as if so many further people had closed the gap as often as all with it did (Efron & Morris 1975)."""
Z = 1.96


@dataclass(frozen=True)
class Closure:
    """Of a gap and a course: people who completed it between two reviews, and how many of them were rid of the gap in the second;
    the same of pairs of reviews without it (``others``, of ``other_people``); and the shrunk difference of the shares with its
    95 % interval."""

    took: int
    gone: int
    others: int
    others_gone: int
    other_people: int
    difference: float
    low: float
    high: float

    def enough(self, fewest: int) -> bool:
        """Whether as many people stand on either side."""
        return min(self.took, self.other_people) >= fewest

    def believed(self, fewest: int) -> bool:
        """Whether enough people stand on either side and the interval leaves out nought."""
        return self.enough(fewest) and (self.low > 0 or self.high < 0)

    def words(self) -> tuple[str, str]:
        """(zh, en)."""
        share, other = self.gone / self.took, self.others_gone / self.others
        span = f"{self.difference:+.0%} [{self.low:+.0%}, {self.high:+.0%}]"
        zh = (
            f"两次评价之间完成该课程的 {self.took} 人中 {share:.0%} 在下次评价中不再有此差距，"
            f"未完成的 {self.other_people} 人（{self.others} 次）中为 {other:.0%}；"
            f"差异 {span}（关联，不代表因果）"
        )
        en = (
            f"of {self.took} who completed it between two reviews {share:.0%} were rid of the gap at the next, of"
            f" {self.other_people} who did not ({self.others} times) {other:.0%};"
            f" difference {span} (an association, not an effect)"
        )
        return zh, en


def closures(data: Data, found: Looks, as_of: dt.date) -> dict[tuple[str, str], Closure]:
    """(gap, course) -> what was observed, from what was known before ``as_of``; ``gap`` is the ``key`` of ``found.noted``.

    A person counts once for each pair of consecutive reviews, the first of which names the gap: at most once among those who
    completed a course, perhaps several times among those who did not. Where gaps last for some people and not for others, and no
    course helps, 3 % of simulated intervals leave out nought (5 % where people are alike).
    """
    noted = found.noted[found.noted["place"] >= 0][["employee_id", "key", "place", "noted_on"]]
    noted = noted.sort_values("noted_on").drop_duplicates(["employee_id", "key", "place"])
    began = found.reviews.groupby(["employee_id", "place"], as_index=False)["reviewed_on"].min()
    following = began.assign(place=began["place"] - 1).rename(columns={"reviewed_on": "next_on"})
    pairs = noted.merge(following, on=["employee_id", "place"])
    again = pd.MultiIndex.from_frame(noted[["employee_id", "key", "place"]])
    pairs["gone"] = ~pd.MultiIndex.from_arrays([pairs["employee_id"], pairs["key"], pairs["place"] + 1]).isin(again)
    if not len(pairs):
        return {}
    done = known(data, "enrolments", ("employee_id", "course_id", "completed_on"), as_of).dropna(
        subset=["completed_on"]
    )
    done = done[done["completed_on"] < pd.Timestamp(as_of)].drop_duplicates(["employee_id", "course_id"])
    pairs["pair"] = np.arange(len(pairs))
    both = pairs.merge(done, on="employee_id")
    both = both[(both["completed_on"] >= both["noted_on"]) & (both["completed_on"] < both["next_on"])]
    sizes, gone = (pairs.groupby("key")["gone"].agg(how) for how in ("size", "sum"))
    people = pairs.groupby("key")["employee_id"].nunique()
    times = pairs.groupby(["key", "employee_id"]).size().rename("times")
    only = (
        both.join(times, on=["key", "employee_id"])["times"] == 1
    )  # all that is known of this person's gap is with the course
    counts = (
        both.assign(only=only)
        .groupby(["key", "course_id"])
        .agg(n=("gone", "size"), k=("gone", "sum"), only=("only", "sum"))
    )
    out = {}
    for key, course, n, k, alone in counts.reset_index().itertuples(index=False):
        others = int(sizes[key] - n)
        if others:
            there = int(people[key] - alone)
            out[str(key), str(course)] = _compared(int(n), int(k), others, int(gone[key] - k), other_people=there)
    return out


def _compared(took: int, gone: int, others: int, others_gone: int, *, other_people: int) -> Closure:
    usual = (gone + others_gone) / (took + others)
    shares, spread = [], 0.0
    for n, k in ((took, gone), (others, others_gone)):
        share = (k + PRIOR_PEOPLE * usual) / (n + PRIOR_PEOPLE)
        shares.append(share)
        spread += share * (1 - share) / (n + PRIOR_PEOPLE + 1)
    difference = shares[0] - shares[1]
    half = Z * float(np.sqrt(spread))
    return Closure(took, gone, others, others_gone, other_people, difference, difference - half, difference + half)

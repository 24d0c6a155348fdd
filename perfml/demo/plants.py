"""The planted truth: eight causes, each with one outcome and one kind of evidence that shows it months ahead.

A cause is planted as an *episode* of one person. While the episode is active it changes that person's evidence, and
from two months after its start it raises the hazard of its outcome. Nothing else connects the two, so an
explanation of a planted person's risk is right exactly if it names the evidence of the planted cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perfml.arrays import Floats, Ints
from perfml.project.spec import Owner

NEVER: Final = 10**6
"""A day (since 1970-01-01) later than any simulation: not left, not over."""

ATTRITION: Final = "attrition"
LOW_PERFORMANCE: Final = "low_performance"


@dataclass(frozen=True, kw_only=True)
class PlantedCause:
    """One planted cause: its outcome, who answers for it, its titles, and where it shows.

    `tables`: the contract tables that carry its signature, and `kinds` the kinds of event in `events`. `reasons`: the
    evidence (names of reasons) that shows it. `lasts_days`: range of an episode's length unless its outcome ends it first.
    """

    outcome: str
    owner: Owner
    zh: str
    en: str
    tables: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    reasons: tuple[str, ...]
    lasts_days: tuple[int, int]


CAUSES: Final[dict[str, PlantedCause]] = {
    "fading_activity": PlantedCause(
        outcome=ATTRITION,
        owner="employee",
        zh="自身工作活跃度持续下降",
        en="own work activity fades away",
        tables=("events",),
        kinds=("crm_update", "doc_edit", "ticket_closed", "login"),
        reasons=("activity:crm_update", "activity:doc_edit", "activity:ticket_closed", "activity:login", "rhythm"),
        lasts_days=(330, 480),
    ),
    "isolation": PlantedCause(
        outcome=ATTRITION,
        owner="manager",
        zh="协作圈明显缩小，只与少数几人往来",
        en="works with ever fewer people",
        tables=("events",),
        kinds=("meeting", "feedback_given", "praise"),
        reasons=("collaboration", "collaboration:feedback_network", "collaboration:received"),
        lasts_days=(330, 480),
    ),
    "overtime": PlantedCause(
        outcome=ATTRITION,
        owner="manager",
        zh="加班时长激增",
        en="overtime hours surge",
        tables=("events",),
        kinds=("overtime",),
        reasons=("activity:overtime",),
        lasts_days=(330, 480),
    ),
    "stalled_career": PlantedCause(
        outcome=ATTRITION,
        owner="company",
        zh="绩效良好却长期没有晋升",
        en="rated well and not promoted for years",
        tables=("positions",),
        reasons=("career:level", "job:tenure"),
        lasts_days=(330, 480),
    ),
    "feedback_drought": PlantedCause(
        outcome=LOW_PERFORMANCE,
        owner="manager",
        zh="上级长期没有给出反馈",
        en="the manager has stopped giving feedback",
        tables=("events",),
        kinds=("feedback_received",),
        reasons=("activity:feedback_received", "collaboration:received", "collaboration:feedback_network"),
        lasts_days=(330, 450),
    ),
    "late_milestones": PlantedCause(
        outcome=LOW_PERFORMANCE,
        owner="employee",
        zh="里程碑延期增多、按时完成减少",
        en="milestones slip",
        tables=("events",),
        kinds=("milestone_late", "milestone_done"),
        reasons=("activity:milestone_late", "activity:milestone_done"),
        lasts_days=(330, 450),
    ),
    "goals_behind": PlantedCause(
        outcome=LOW_PERFORMANCE,
        owner="employee",
        zh="目标进度落后于时间进度",
        en="goal progress is behind the time elapsed",
        tables=("goals", "progress"),
        reasons=("goals",),
        lasts_days=(330, 450),
    ),
    "rating_slide": PlantedCause(
        outcome=LOW_PERFORMANCE,
        owner="employee",
        zh="考核评分已经下滑",
        en="the last rating already dropped",
        tables=("reviews",),
        reasons=("reviews",),
        lasts_days=(380, 430),
    ),
}
"""The planted causes by name."""

NAMES: Final = tuple(CAUSES)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true about a simulated company and not in its tables.

    `plants`: one row per episode: `employee_id`, `cause` (a key of `CAUSES`), `outcome` (`attrition` or
    `low_performance`), `started_on`, `ended_on` (dates as datetime64; NaT: still active at the end of the
    simulation). An episode ends with its outcome, with the person's exit, or after its natural length, so a row
    without `ended_on` is of a person still employed whose outcome has not happened.

    The other frames hold what advice should find, and are empty if nothing could be planted. `shocks`: the `metric`,
    the `scope` and `signal` of the collapse and of the milder fall, in this order, `from_month` (first day), and the remaining
    `factor` of that market.
    `sandbaggers`: `employee_id`, `goal_id` of people who hold back between `from_day` and `to_day`. `closures`: a gap
    `tag`, its `skill`, a `course_id` on it, whether the course `closes` the gap, and the `probability` that the tag is
    cleared at the next review. `interventions_effect`: the `kind`, the `outcome` whose hazard it multiplies by `factor` for
    `lasts_days` among the treated, and the days `random_from` to `random_to` of randomised offers. `goal_breaks`: the goals of
    the last quarter that reach no company goal, as things stand on the last simulated day: `goal_id`, `status` (orphan, broken,
    circle) and `cause` (as `perfml.goals.tree.paths.BreakCause`). `silos`: the `objective_id` that a `department` is needed for
    and has no goal for.
    """

    plants: pd.DataFrame
    shocks: pd.DataFrame
    sandbaggers: pd.DataFrame
    closures: pd.DataFrame
    interventions_effect: pd.DataFrame
    goal_breaks: pd.DataFrame
    silos: pd.DataFrame

    def active(self, on: date) -> pd.DataFrame:
        """The episodes that started before `on` and had not ended by then."""
        frame, moment = self.plants, pd.Timestamp(on)
        running = frame["ended_on"].isna() | (frame["ended_on"] >= moment)
        return frame[(frame["started_on"] < moment) & running].reset_index(drop=True)


@dataclass(frozen=True)
class Episodes:
    """At most one episode per person: arrays over persons, days since 1970-01-01.

    Filled in week by week. `cause`: index into `NAMES`, -1 without an episode; `began` and `ended`: NEVER if not
    applicable.
    """

    cause: Ints
    began: Ints
    ended: Ints

    @classmethod
    def none(cls, people: int) -> Episodes:
        """Make empty episodes of `people` persons."""
        return cls(np.full(people, -1), np.full(people, NEVER), np.full(people, NEVER))

    def strength(self, cause: str, person: Ints, day: Ints | int, *, lag_days: int = 0, ramp_days: int) -> Floats:
        """Strength of `cause` in each `person` on each `day`, from 0 (absent) to 1 (full); shape as `person`.

        It starts `lag_days` after the episode begins and grows linearly over `ramp_days`.
        """
        since = (day - self.began[person] - lag_days) / ramp_days
        acting = (self.cause[person] == NAMES.index(cause)) & (day < self.ended[person])
        return np.where(acting, np.clip(since, 0.0, 1.0), 0.0)

    def frame(self, ids: NDArray[np.str_], end: int) -> pd.DataFrame:
        """The episodes by start, in the columns of `Truth.plants`; an episode that ends on or after `end` is active."""
        who = np.flatnonzero(self.cause >= 0)
        who = who[np.argsort(self.began[who], kind="stable")]
        names = [NAMES[code] for code in self.cause[who]]
        ended = self.ended[who].astype("datetime64[D]")
        ended[self.ended[who] >= end] = np.datetime64("NaT", "D")
        columns = {
            "employee_id": ids[who].astype(object),
            "cause": names,
            "outcome": [CAUSES[name].outcome for name in names],
            "started_on": self.began[who].astype("datetime64[D]").astype("datetime64[s]"),
            "ended_on": ended.astype("datetime64[s]"),
        }
        return pd.DataFrame(columns).astype({"employee_id": "str", "cause": "str", "outcome": "str"})

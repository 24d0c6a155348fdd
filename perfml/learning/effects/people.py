"""What went with an intervention offered to people: an effect where chance chose them, an association elsewhere."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import as_of_dates
from perfml.learning.dataset.labels import labels
from perfml.learning.effects.difference import Difference
from perfml.learning.validation.uplift import MIN_PEOPLE, newcombe
from perfml.project.model_spec import Label

Z_80, Z_95 = 1.2816, 1.96
YEARS = 3
"""Interventions of longer ago are left out of an association."""


@dataclass(frozen=True, kw_only=True)
class PeopleDifference(Difference):
    """The share with the outcome among people with an intervention, less that of the others."""

    people: int


def randomised(data: Data, offers: pd.DataFrame, label: Label, *, days: int, until: dt.date) -> PeopleDifference | None:
    """Offered less held out, everyone in the group they were first drawn into (intention to treat; Newcombe 1998, method 10).
    None with fewer than :data:`MIN_PEOPLE` known outcomes on a side."""
    drawn = offers[offers["random"]].sort_values("offered_on", kind="stable").drop_duplicates("employee_id")
    asked = drawn[["employee_id", "offered_on"]].rename(columns={"offered_on": "as_of"}).reset_index(drop=True)
    if asked.empty:
        return None
    outcome = labels(data, asked, label, horizon_days=days, until=until)
    held_out, known = drawn["hold_out"].to_numpy(bool), ~np.isnan(outcome)
    ours, theirs = outcome[known & ~held_out], outcome[known & held_out]
    if min(len(ours), len(theirs)) < MIN_PEOPLE:
        return None
    return PeopleDifference(
        people=len(ours),
        estimate=float(ours.mean() - theirs.mean()),
        interval_80=newcombe(ours, theirs, z=Z_80),
        interval_95=newcombe(ours, theirs, z=Z_95),
    )


def association(
    data: Data, offers: pd.DataFrame, label: Label, *, days: int, until: dt.date
) -> PeopleDifference | None:
    """People after an intervention less others employed in the same department at the same time who never had it.

    Time counts from the month after it was done, for both, so that nobody's staying until then counts for it. None with fewer
    than :data:`MIN_PEOPLE` people, or fewer such colleagues, also as they count: where most people have hardly one beside them,
    many beside the rest do not help (Kish's effective number). Those who are offered help often need it: this says nothing of
    what the help does.
    """
    done = offers[~offers["random"]].dropna(subset=["done_on"]).sort_values("done_on").drop_duplicates("employee_id")
    done = done[done["done_on"] >= pd.Timestamp(until) - pd.Timedelta(days=365 * YEARS)]
    if len(done) < MIN_PEOPLE:
        return None
    dates = as_of_dates(done["done_on"].min().date(), until - dt.timedelta(days=days), "month")
    if not dates:
        return None
    make_snapshots(data, dates)
    rows: pd.DataFrame = data.connection.sql(
        "select employee_id, as_of, coalesce(department, '') as department from temp.people order by employee_id, as_of"
    ).df()
    rows["done_on"] = rows["employee_id"].map(done.set_index("employee_id")["done_on"])
    since = (rows["as_of"] - rows["done_on"]).dt.days
    rows["ours"] = (since > 0) & (since <= 31)
    rows = rows[rows["ours"] | rows["done_on"].isna()].reset_index(drop=True)
    rows["case"] = labels(data, rows, label, horizon_days=days, until=until)
    rows = rows[rows["case"].notna()]
    rows = rows[~(rows["ours"] & rows["employee_id"].duplicated())]
    cells = rows.groupby(["department", "as_of", "ours"])["case"].agg(["size", "mean"]).unstack("ours").dropna()
    if cells.empty:
        return None
    size, share = cells["size"], cells["mean"]
    ours, others = size[True].to_numpy(), size[False].to_numpy()
    people = int(ours.sum())
    weight = ours / people
    colleagues = rows[~rows["ours"]].merge(cells.index.to_frame(index=False))["employee_id"].nunique()
    if min(people, colleagues, 1 / float((weight**2 / others).sum())) < MIN_PEOPLE:
        return None
    mine, theirs = float(weight @ share[True]), float(weight @ share[False])
    shrunk = (share[False] * others + theirs) / (others + 1)
    variance = (mine * people + theirs) / (people + 1) * (1 - mine) / people + float(
        (weight**2 * shrunk * (1 - shrunk) / others).sum()
    )
    middle, error = mine - theirs, math.sqrt(variance)
    return PeopleDifference(
        people=people,
        estimate=middle,
        interval_80=(middle - Z_80 * error, middle + Z_80 * error),
        interval_95=(middle - Z_95 * error, middle + Z_95 * error),
    )

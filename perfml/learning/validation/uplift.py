"""Who was helped meanwhile, and whether help helps: interventions beside the rows that are learnt from.

Someone at risk who was talked to and stayed looks, to a model, like someone who never was at risk. So rows in whose horizon an
intervention was done are marked and looked at apart. Risk is not persuadability: what an intervention changes is estimated only
where chance decided who was offered it (intention to treat; Newcombe 1998, method 10, for the interval), and said to be unknown
otherwise.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.sources import Data
from perfml.learning.dataset.labels import known_by, labels
from perfml.learning.validation.metrics import estimate, expected_over_observed
from perfml.project.spec import Label

COLUMNS = ("employee_id", "kind", "offered_on", "status", "done_on", "random", "hold_out")
FEWEST = 20
"""People on either side of a comparison."""


def known_interventions(data: Data, until: dt.date, logged: pd.DataFrame | None = None) -> pd.DataFrame:
    """What was offered to whom, as known before ``until``: the table ``interventions``, and the rows ``logged`` by perfml.

    Columns are :data:`COLUMNS`; ``done_on`` is missing where nothing was done before ``until``. Of one employee, kind and
    day the logged row counts.
    """
    parts = [] if logged is None else [logged[list(COLUMNS)]]
    if data.has("interventions"):
        there = data.columns["interventions"]
        said = ", ".join(f"t.{name}" if name in there else f"null as {name}" for name in COLUMNS)
        parts.append(data.connection.execute(f"select {said} from interventions t where {known_by(until)}").df())
    parts = [part for part in parts if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    for name in ("offered_on", "done_on"):
        found[name] = pd.to_datetime(found[name]).astype("datetime64[s]")
    for name in ("random", "hold_out"):
        found[name] = found[name].map(lambda given: given is True or given is np.True_).astype(bool)
    found = found[found["offered_on"] < pd.Timestamp(until)]
    found.loc[found["done_on"] >= pd.Timestamp(until), "done_on"] = pd.NaT
    return found.drop_duplicates(["employee_id", "kind", "offered_on"]).reset_index(drop=True)


def treated(rows: pd.DataFrame, interventions: pd.DataFrame, *, horizon_days: int) -> Bools:
    """For each row (employee_id, as_of): was an intervention done in [as_of, as_of + horizon)? (n,)"""
    done = interventions.dropna(subset=["done_on"])
    if done.empty:
        return np.zeros(len(rows), dtype=bool)
    asked = pd.DataFrame(
        {
            "employee_id": rows["employee_id"].to_numpy(dtype=object),
            "as_of": rows["as_of"].to_numpy(),
            "row": range(len(rows)),
        }
    )
    both = asked.merge(done[["employee_id", "done_on"]].astype({"employee_id": object}), on="employee_id")
    inside = (both["done_on"] >= both["as_of"]) & (both["done_on"] < both["as_of"] + pd.Timedelta(days=horizon_days))
    found = np.zeros(len(rows), dtype=bool)
    found[both.loc[inside, "row"].to_numpy()] = True
    return found


@dataclass(frozen=True)
class Uplift:
    """The share with the outcome among those offered less the share among those held out, both drawn at random.

    ``low`` and ``high`` are its 95 % interval; below 0 the offer lowered the risk.
    """

    kind: str
    offered: int
    held_out: int
    offered_share: float
    held_out_share: float
    difference: float
    low: float
    high: float
    zh: str
    en: str


def uplift(data: Data, interventions: pd.DataFrame, label: Label, *, horizon_days: int, until: dt.date) -> list[Uplift]:
    """Of each kind that was offered at random, for which at least :data:`FEWEST` people on either side have a known outcome.

    Everyone counts where they were drawn, whether or not they took the offer, and once: with their first draw of the kind.
    """
    out = []
    drawn = interventions[interventions["random"]].sort_values("offered_on", kind="stable")
    for kind, rows in drawn.groupby("kind", sort=True):
        first = rows.drop_duplicates("employee_id")
        asked = first[["employee_id", "offered_on"]].rename(columns={"offered_on": "as_of"}).reset_index(drop=True)
        outcome = labels(data, asked, label, horizon_days=horizon_days, until=until)
        held_out, known = first["hold_out"].to_numpy(bool), ~np.isnan(outcome)
        groups = outcome[known & ~held_out], outcome[known & held_out]
        if min(len(group) for group in groups) >= FEWEST:
            out.append(_uplift(str(kind), *groups, horizon_days))
    return out


def _uplift(kind: str, offered: Floats, held_out: Floats, days: int) -> Uplift:
    ours, theirs = float(offered.mean()), float(held_out.mean())
    one, other = _wilson(offered), _wilson(held_out)
    difference = ours - theirs
    low = difference - math.hypot(ours - one[0], other[1] - theirs)
    high = difference + math.hypot(one[1] - ours, theirs - other[0])
    span = f"{difference:+.1%} [{low:+.1%}, {high:+.1%}]"
    unclear = low <= 0 <= high
    en = (
        f"{kind}: of {len(offered)} offered at random {ours:.1%} had the outcome within {days} days,"
        f" of {len(held_out)} held out {theirs:.1%}; difference {span}"
    ) + (", which chance alone may do" if unclear else "")
    zh = (
        f"{kind}：随机提供的 {len(offered)} 人中 {ours:.1%} 在 {days} 天内出现该结果，"
        f"随机留作对照的 {len(held_out)} 人中为 {theirs:.1%}；差异 {span}"
    ) + ("，可能出于偶然" if unclear else "")
    return Uplift(kind, len(offered), len(held_out), ours, theirs, difference, low, high, zh, en)


def _wilson(outcome: Floats) -> tuple[float, float]:
    """Wilson's (1927) 95 % interval of a share."""
    n, share, z = len(outcome), float(outcome.mean()), 1.96
    middle, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def marked(
    inside: Bools,
    tested_row: Ints,
    outcome: Floats,
    probability: Floats,
    person: Objects,
) -> dict[str, Any]:
    """Expected over observed cases in the back-test among treated rows and among the others, as JSON.

    ``inside`` (rows,): which rows were treated; the others (tested,) are the back-test's.
    """
    metric = {"expected_over_observed": expected_over_observed}
    out: dict[str, Any] = {"rows": int(inside.sum())}
    here = inside[tested_row]
    for name, chosen in (("treated", here), ("untreated", ~here)):
        counted: dict[str, Any] = {"rows": int(chosen.sum()), "positives": int(outcome[chosen].sum())}
        if counted["positives"]:
            found = estimate(metric, outcome[chosen], probability[chosen], person[chosen])["expected_over_observed"]
            counted["expected_over_observed"] = found.to_json()
        out[name] = counted
    return out

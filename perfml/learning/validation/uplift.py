"""Interventions in the training data, and their effect where they were randomised.

Someone at risk who was talked to and stayed looks, to a model, like someone never at risk. Rows with an intervention in
their horizon are therefore marked and reported separately. Risk is not persuadability: the effect of an intervention is
estimated only where the offer was randomised (intention to treat; Newcombe 1998, method 10, for the interval), and
otherwise reported as unknown.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.evidence.sources import Data
from perfml.learning.dataset.known import known_by
from perfml.learning.dataset.labels import labels
from perfml.learning.record import UpliftRecord
from perfml.learning.validation.metrics import estimate, expected_over_observed
from perfml.messages import Message
from perfml.project.model_spec import Label
from perfml.project.spec import DisclosureRules

COLUMNS = ("employee_id", "kind", "offered_on", "status", "done_on", "random", "hold_out")
MIN_PEOPLE = 20
"""Fewest people on either side of a comparison."""


def known_interventions(data: Data, until: dt.date, logged: pd.DataFrame | None = None) -> pd.DataFrame:
    """Offers known before ``until``, from the table ``interventions`` and the rows ``logged`` by perfml.

    The columns are :data:`COLUMNS`; ``done_on`` is missing where nothing was done before ``until``. Of rows of the same
    employee, kind and day the logged one is used.
    """
    parts = [] if logged is None else [logged[list(COLUMNS)]]
    if data.has("interventions"):
        available = data.columns["interventions"]
        selected = ", ".join(f"t.{name}" if name in available else f"null as {name}" for name in COLUMNS)
        parts.append(data.connection.execute(f"select {selected} from interventions t where {known_by(until)}").df())
    parts = [part for part in parts if len(part)]
    offers = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    for name in ("offered_on", "done_on"):
        offers[name] = pd.to_datetime(offers[name]).astype("datetime64[s]")
    for name in ("random", "hold_out"):
        offers[name] = offers[name].map(lambda given: given is True or given is np.True_).astype(bool)
    offers = offers[offers["offered_on"] < pd.Timestamp(until)]
    offers.loc[offers["done_on"] >= pd.Timestamp(until), "done_on"] = pd.NaT
    return offers.drop_duplicates(["employee_id", "kind", "offered_on"]).reset_index(drop=True)


def treated(rows: pd.DataFrame, interventions: pd.DataFrame, *, horizon_days: int) -> Bools:
    """(n,): whether an intervention was done in [as_of, as_of + horizon) of each row (employee_id, as_of)."""
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
    out = np.zeros(len(rows), dtype=bool)
    out[both.loc[inside, "row"].to_numpy()] = True
    return out


def uplift(
    data: Data, interventions: pd.DataFrame, label: Label, *, horizon_days: int, until: dt.date
) -> list[UpliftRecord]:
    """The effect of each kind offered at random to at least :data:`MIN_PEOPLE` people on either side with known outcomes.

    Everyone is counted in the group they were drawn into, whether or not they took the offer, and once: in their first draw
    of the kind.
    """
    out = []
    drawn = interventions[interventions["random"]].sort_values("offered_on", kind="stable")
    for kind, rows in drawn.groupby("kind", sort=True):
        first = rows.drop_duplicates("employee_id")
        asked = first[["employee_id", "offered_on"]].rename(columns={"offered_on": "as_of"}).reset_index(drop=True)
        outcome = labels(data, asked, label, horizon_days=horizon_days, until=until)
        held_out, known = first["hold_out"].to_numpy(bool), ~np.isnan(outcome)
        groups = outcome[known & ~held_out], outcome[known & held_out]
        if min(len(group) for group in groups) >= MIN_PEOPLE:
            out.append(_uplift(str(kind), *groups, days=horizon_days))
    return out


def _uplift(kind: str, offered: Floats, held_out: Floats, *, days: int) -> UpliftRecord:
    ours, theirs = float(offered.mean()), float(held_out.mean())
    difference = ours - theirs
    low, high = newcombe(offered, held_out, z=1.96)
    fields: dict[str, int | float] = {
        "offered": len(offered),
        "held_out": len(held_out),
        "offered_share": ours,
        "held_out_share": theirs,
        "difference": difference,
        "low": low,
        "high": high,
    }
    named = Message.of("intervention_conversation") if kind == "conversation" else kind
    text = Message.of("uplift_unclear" if low <= 0 <= high else "uplift", kind=named, days=days, **fields)
    return UpliftRecord.model_validate({"kind": kind, **fields, "text": text})


def newcombe(ours: Floats, theirs: Floats, *, z: float) -> tuple[float, float]:
    """The interval of the difference of the shares of two groups of outcomes 0 and 1 (Newcombe 1998, method 10)."""
    (low, share, high), (their_low, their_share, their_high) = (_wilson(each, z) for each in (ours, theirs))
    difference = share - their_share
    below, above = math.hypot(share - low, their_high - their_share), math.hypot(high - share, their_share - their_low)
    return difference - below, difference + above


def _wilson(outcome: Floats, z: float) -> tuple[float, float, float]:
    """A share between the ends of its interval (Wilson 1927)."""
    n, share = len(outcome), float(outcome.mean())
    middle, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), share, (middle + spread) / (1 + z * z / n)


def marked(
    is_treated: Bools,
    *,
    tested_row: Ints,
    outcome: Floats,
    probability: Floats,
    person: Objects,
    rules: DisclosureRules,
) -> dict[str, object]:
    """Expected over observed cases of the back-test among treated rows and among the others, as JSON; null as ``rules`` ask.

    ``is_treated``: (rows,); ``tested_row``, ``outcome``, ``probability`` and ``person``: (tested,), of the back-test.
    """
    metric = {"expected_over_observed": expected_over_observed}
    tested = is_treated[tested_row]
    sides = {"treated": tested, "untreated": ~tested}
    causes = withheld_outcomes(np.array(list(sides.values())), label=outcome, person=person, rules=rules)
    out: dict[str, object] = {"rows": None if is_treated.any() and causes[0] else int(is_treated.sum())}
    for (name, rows), why in zip(sides.items(), causes, strict=True):
        if why is not None and rows.any():
            out[name] = {"rows": None, "positives": None, "withheld": why}
            continue
        figures: dict[str, object] = {"rows": int(rows.sum()), "positives": int(outcome[rows].sum())}
        if figures["positives"]:
            ratio = estimate(metric, outcome[rows], probability[rows], person=person[rows])["expected_over_observed"]
            figures["expected_over_observed"] = ratio.to_json()
        out[name] = figures
    return out

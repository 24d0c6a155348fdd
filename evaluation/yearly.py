"""Yearly snapshots of a retailer (mfg10year, synthetic): who leaves in the next year, learnt from earlier years only.

Protocol. A snapshot is 31 December; a row is somebody whose status is ACTIVE on that day; the label is 1 when a row of the
following year says TERMINATED, 0 when its rows say ACTIVE only; without any row of that year the person is left out. The
model of a snapshot learns from the earlier snapshots, whose labels have matured by that day, and is tested on the
snapshots of 2010 to 2014. A random split would show the model other rows of the same people and years: it claims an AUC of
.957 and is wrong.

Drift is assessed for each snapshot against what its model learnt from, once the year has passed. The alarm is what the
scores and observed over expected say; moved evidence alone is reported beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml import RiskClassifier
from perfml.arrays import Floats
from perfml.learning.validation.drift import assess
from perfml.learning.validation.metrics import auc, estimate
from perfml.learning.validation.reference import Reference

FILE = Path("tabular") / "mfg10year.csv.gz"
TESTED = range(2010, 2015)
PLACES = ["store_name", "job_title", "department_name", "city_name"]
FEATURES = ["age", "length_of_service", *PLACES]
"""Known on the day. Gender is protected; the dates and reasons of leaving, filled in afterwards, are the answer."""


@dataclass(frozen=True)
class Snapshots:
    """Rows (employee, year) with features and the outcome of the next year."""

    year: npt.NDArray[np.int64]
    person: npt.NDArray[np.object_]
    features: pd.DataFrame
    label: Floats


def snapshots(data: Path) -> Snapshots:
    """Read the file under ``data``, the folder of the evaluation sets."""
    raw = pd.read_csv(data / FILE)
    raw["year"] = raw["STATUS_YEAR"].astype(int)
    raw["gone"] = (raw["STATUS"] == "TERMINATED").astype(float)
    following = raw.groupby(["EmployeeID", "year"])["gone"].max().rename("label").reset_index()
    following["year"] -= 1
    active = raw[(raw["gone"] == 0)].drop_duplicates(["EmployeeID", "year"])
    rows = active.merge(following, on=["EmployeeID", "year"]).reset_index(drop=True)
    features = rows[FEATURES].copy()
    for column in PLACES:
        features[column] = features[column].astype("category")
    return Snapshots(
        rows["year"].to_numpy(np.int64),
        rows["EmployeeID"].astype(int).astype(str).to_numpy(dtype=object),
        features,
        rows["label"].to_numpy(np.float64),
    )


def learn(features: pd.DataFrame, label: Floats, year: npt.NDArray[np.int64]) -> Callable[[pd.DataFrame], Floats]:
    """From rows of features to probabilities; the latest year decides rounds, blend and calibration."""
    latest = year == year.max()
    one_fold = [(np.flatnonzero(~latest), np.flatnonzero(latest))]
    model = RiskClassifier(cv=one_fold).fit(features, label)
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)


def numbers(features: pd.DataFrame) -> Floats:
    """Categories as their codes, for the drift of places."""
    plain = features.assign(**{column: features[column].cat.codes for column in PLACES})
    return plain.to_numpy(dtype=np.float64)


def evaluate(data: Path) -> dict[str, Any]:
    """Figures by snapshot, the mean AUC over them with its interval over people, and the first alarms."""
    rows = snapshots(data)
    risk = np.full(len(rows.label), np.nan)
    by_year: dict[str, dict[str, Any]] = {}
    for year in TESTED:
        past, now = rows.year < year, rows.year == year
        predict = learn(rows.features[past], rows.label[past], rows.year[past])
        risk[now] = predict(rows.features[now])
        reference = Reference.of(
            features=numbers(rows.features[past]),
            names=FEATURES,
            probability=predict(rows.features[past]),
            person=rows.person[past],
        )
        drift = assess(
            reference,
            features=numbers(rows.features[now]),
            names=FEATURES,
            probability=risk[now],
            person=rows.person[now],
            outcomes=(rows.label[now], risk[now], rows.person[now]),
        )
        figures = estimate({"auc": auc}, rows.label[now], risk[now], person=rows.person[now])
        by_year[str(year)] = {
            "rows": int(now.sum()),
            "left": int(rows.label[now].sum()),
            "auc": figures["auc"].to_json(),
            "drift": drift.to_json(),
            "alarm": "no action" if drift.evidence_alone else drift.verdict,
        }
    tested = np.isin(rows.year, TESTED)
    year = rows.year[tested]

    def mean_auc(label: Floats, probability: Floats, weight: Floats) -> Floats:
        each = [auc(label[year == y], probability[year == y], weight[:, year == y]) for y in TESTED]
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)

    mean = estimate({"auc": mean_auc}, rows.label[tested], risk[tested], person=rows.person[tested])["auc"]

    def first(*alarms: str) -> int | None:
        return next((int(y) for y, tested in by_year.items() if tested["alarm"] in alarms), None)

    return {
        "auc": mean.to_json(),
        "first_retrain": first("retrain"),
        "first_watch_or_retrain": first("watch", "retrain"),
        "snapshots": by_year,
    }

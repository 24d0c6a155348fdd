"""Whole companies, through the verbs that a company uses: trained with what was known by a date, scored later.

Outcomes are read from the raw tables here, apart from perfml's own labels.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from goals import Goal

from perfml import Project
from perfml.arrays import Floats
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import as_of_dates, deciding_folds
from perfml.learning.dataset.table import make_table
from perfml.learning.estimators.baseline import baseline_columns, baseline_probability
from perfml.learning.estimators.blend import fit, monotone_signs, probability
from perfml.learning.in_people import LEAD_SHARE
from perfml.learning.validation.lead import LOOK_BACK_DAYS, lead_days, lead_estimates
from perfml.learning.validation.lists import capacity_of, listed_rows
from perfml.learning.validation.metrics import estimate, log_loss, metrics_at
from perfml.learning.validation.sample import TrainingSample
from perfml.progress import Progress

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Task:
    """One model on one set, and the figures it has to reach."""

    set_name: str
    project: str
    model: str
    until: dt.date
    as_ofs: tuple[dt.date, ...]
    outcome: Callable[[Path, pd.DataFrame], Floats]
    goals: Mapping[str, Goal]


def left_within(days: int) -> Callable[[Path, pd.DataFrame], Floats]:
    """1 where the exit falls on one of the ``days`` days from the as-of date on."""

    def outcome(folder: Path, rows: pd.DataFrame) -> Floats:
        exits = pd.read_parquet(folder / "exits.parquet", columns=["employee_id", "exited_on"]).drop_duplicates(
            "employee_id"
        )
        ahead = (rows.merge(exits, how="left", on="employee_id")["exited_on"] - rows["as_of"].to_numpy()).dt.days
        return ((ahead >= 0) & (ahead < days)).to_numpy(dtype=np.float64)

    return outcome


def rated_lowest_within(days: int) -> Callable[[Path, pd.DataFrame], Floats]:
    """1 where the next review within ``days`` days gives 1; missing where there is none."""

    def outcome(folder: Path, rows: pd.DataFrame) -> Floats:
        reviews = pd.read_parquet(folder / "reviews.parquet", columns=["employee_id", "reviewed_on", "rating"])
        pairs = rows.reset_index(names="row").merge(reviews, on="employee_id")
        ahead = (pairs["reviewed_on"] - pairs["as_of"]).dt.days
        following = pairs[(ahead >= 0) & (ahead < days)].sort_values("reviewed_on").groupby("row")["rating"].first()
        return (following == 1).astype(float).reindex(range(len(rows))).to_numpy(dtype=np.float64)

    return outcome


QUARTERS = tuple(as_of_dates(dt.date(2020, 1, 1), dt.date(2023, 10, 1), "quarter"))
HORIZON_DAYS = 182
WINTER = (dt.date(2016, 11, 1), dt.date(2016, 12, 1))
EVERYWHERE = {
    "calibration_slope": Goal(low=0.85, high=1.15),
    "auc_over_baseline_in_se": Goal(low=2.0),
    "log_loss_over_trees": Goal(high=0.0, shown=True),
}
"""Asked of companies. No worse than its own trees alone: the interval of the difference must not lie above 0."""
TASKS = (
    Task(
        set_name="contributors",
        project="contributors",
        model="attrition",
        until=dt.date(2019, 4, 1),
        as_ofs=QUARTERS,
        outcome=left_within(HORIZON_DAYS),
        goals=EVERYWHERE
        | {
            "auc": Goal(low=0.826, stretch=".835"),
            "average_precision": Goal(low=0.36),
            "lift_at_10_percent": Goal(low=3.3),
        },
    ),
    Task(
        set_name="sales_force attrition",
        project="sales_force",
        model="attrition",
        until=WINTER[0],
        as_ofs=WINTER,
        outcome=left_within(91),
        goals=EVERYWHERE | {"auc": Goal(low=0.735, stretch=".75")},
    ),
    Task(
        set_name="sales_force low_performance",
        project="sales_force",
        model="low_performance",
        until=WINTER[0],
        as_ofs=WINTER,
        outcome=rated_lowest_within(92),
        goals=EVERYWHERE | {"auc": Goal(low=0.935, stretch=".945")},
    ),
)


def evaluate(task: Task, root: Path, home: Path, *, progress: Progress) -> dict[str, dict[str, float | None]]:
    """Train, score, and compare with the outcomes: metric -> value and interval."""
    folder = root / task.project
    project = Project(HERE / task.project, home=home, progress=progress)
    model = project.train(task.model, folder, until=task.until)
    scores = project.score(task.model, folder, as_of=list(task.as_ofs))
    rows = scores.select(["employee_id", "as_of", "status", "probability"]).to_pandas()
    rows = rows[rows["status"] == "scored"].reset_index(drop=True)
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    label = task.outcome(folder, rows[["employee_id", "as_of"]])
    known = ~np.isnan(label)
    rows, label = rows[known].reset_index(drop=True), label[known]
    ours, person = rows["probability"].to_numpy(), rows["employee_id"].to_numpy(dtype=object)
    metrics = metrics_at(rows["as_of"].to_numpy(), lambda n: round(n * 0.1))
    figures = {
        k: v.to_json() for k, v in estimate(metrics, label, ours, person=person).items() if k != "lift_at_capacity"
    }
    with project.open(folder) as opened:
        theirs = others(task, opened, project=project, rows=rows, kinds=model.kinds)
    beaten = estimate({"auc": metrics["auc"]}, label, ours, person=person, against=theirs["baseline"])["auc"]
    figures["auc_over_baseline"] = beaten.to_json()
    if task.set_name == "contributors":
        figures |= lead_over_baseline(folder, rows, ours=ours, baseline=theirs["baseline"])
    compared = {metric: metrics[metric] for metric in ("auc", "log_loss")}
    over = estimate(compared, label, ours, person=person, against=theirs["plain_lightgbm"])
    figures |= {f"{metric}_over_plain_lightgbm": value.to_json() for metric, value in over.items()}
    figures["auc_over_baseline_in_se"] = {"value": beaten.value / beaten.se, "low": None, "high": None}
    trees = estimate({"log_loss": log_loss}, label, ours, person=person, against=theirs["trees"])
    figures["log_loss_over_trees"] = trees["log_loss"].to_json()
    figures["gates_failed"] = {
        "value": sum(gate.verdict == "fail" for gates in model.record.gates.values() for gate in gates),
        "low": None,
        "high": None,
    }
    return figures


def lead_over_baseline(
    folder: Path, rows: pd.DataFrame, *, ours: Floats, baseline: Floats
) -> dict[str, dict[str, float | None]]:
    """How early lists of :data:`LEAD_SHARE` name those who leave from the first date scored until the last horizon ends, and how
    much earlier than the baseline's at the same load."""
    when = rows["as_of"].to_numpy().astype("M8[D]")
    exits = pd.read_parquet(folder / "exits.parquet", columns=["employee_id", "exited_on"]).drop_duplicates()
    came = exits.rename(columns={"exited_on": "came_on"}).astype({"came_on": "datetime64[s]"})
    inside = (came["came_on"] >= when.min()) & (came["came_on"] < when.max() + np.timedelta64(HORIZON_DAYS, "D"))
    came = came[inside].reset_index(drop=True)
    listed, others = (
        lead_days(
            came,
            rows.iloc[listed_rows(each, when, partial(capacity_of, LEAD_SHARE))][["employee_id", "as_of"]],
            within_days=LOOK_BACK_DAYS,
        )
        for each in (ours, baseline)
    )
    person = came["employee_id"].to_numpy(dtype=object)
    parts = {
        "": lead_estimates(listed, person=person),
        "_of_baseline": lead_estimates(others, person=person),
        "_over_baseline": lead_estimates(listed, person=person, against=others),
    }
    return {f"lead_{name}{of}": value.to_json() for of, part in parts.items() for name, value in part.items()}


def others(
    task: Task, data: Data, *, project: Project, rows: pd.DataFrame, kinds: tuple[str, ...]
) -> dict[str, npt.NDArray[np.float64]]:
    """Probabilities of the scored rows by the baseline, by the learner's trees alone and by LightGBM as it comes, fitted on the
    same rows."""
    sample = TrainingSample.of(data, project.folder, task.model, until=task.until)
    spec, days = sample.spec, sample.spec.label.horizons_days[0]
    label = sample.label(days)
    learnt = np.flatnonzero(~np.isnan(label))
    definitions = project.folder.definitions
    later = make_table(data, definitions, spec, name=task.model, dates=task.as_ofs, kinds=kinds)
    keys = ["employee_id", "as_of"]
    numbered = later.frame[keys].assign(index=np.arange(len(later.frame)))
    index = rows[keys].merge(numbered, on=keys, how="left")["index"]
    base = baseline_columns(spec.baseline.columns, spec.baseline.without_reviews, list(sample.rows.columns))
    train, test = (
        frame[base].to_numpy(dtype=np.float64) for frame in (sample.rows.iloc[learnt], later.frame.iloc[index])
    )
    names = [c.name for c in sample.table.columns]
    trees = fit(
        sample.features[learnt],
        label[learnt],
        folds=deciding_folds(sample.when[learnt], sample.person[learnt], embargo_days=days),
        settings=spec.learner.model_copy(update={"blend": "trees"}),
        signs=monotone_signs(names, spec),
    )
    plain = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(sample.features[learnt], label[learnt]))
    ahead = later.matrix(names)[index]
    return {
        "plain_lightgbm": np.asarray(plain.predict(ahead), dtype=np.float64),
        "baseline": baseline_probability(train, label[learnt], test),
        "trees": probability(trees.margin(ahead)),
    }

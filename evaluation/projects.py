"""Contributors of other projects: each of four projects by time, and each tested by a model learnt on the other three.

The learner and the evidence are those of the set *contributors*; a row belongs to the project (``positions.department``) of its
as-of date. Beside it stands LightGBM alone on plain counts of windows (:data:`PLAIN`), with the best of six settings, chosen on
the very rows that both are judged on, which favours it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from company import HERE, HORIZON_DAYS, QUARTERS, left_within
from goals import Figures, Goal

from perfml import Project
from perfml.arrays import Bools, Floats, Objects
from perfml.learning.estimators.blend import probability
from perfml.learning.validation.metrics import auc, average_precision, estimate, expected_over_observed
from perfml.learning.validation.sample import TrainingSample
from perfml.progress import Progress

PROJECTS = ("dpdk", "git", "rails", "u-boot")
"""Those with a hundred cases or more in the years of the test."""
KNOWN_UNTIL = dt.date(2019, 4, 1)
PLAIN = re.compile(
    r"\w+_count_(28|91|182|364)d|active_days_(7|28|91|182|364)d|counterparts_\w+d|\w*days_since_\w+|tenure_days"
)
SETTINGS = {
    "objective": "binary", "learning_rate": 0.02, "num_leaves": 15, "min_child_samples": 100, "feature_fraction": 0.5,
    "bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": 1, "verbosity": -1,
}  # fmt: skip
ROUNDS, SEEDS = 150, (1, 2, 3)
GOALS = {
    "auc_over_plain_mean": Goal(low=0.005),
    **{f"auc_over_plain_in_se {way} {name}": Goal(low=-1.0) for way in ("by time", "from others") for name in PROJECTS},
}


def evaluate(data: Path, home: Path, progress: Progress) -> Figures:
    """AUC above the plain trees' with its interval over people, for each project in both ways, and the mean over all."""
    project = Project(HERE / "contributors", home=home, progress=progress)
    with project.open(data / "contributors") as opened:
        sample = TrainingSample.of(opened, project.folder, "attrition", until=QUARTERS[-1], progress=progress)
        known = sample.label(HORIZON_DAYS, until=KNOWN_UNTIL)
    rows = pd.DataFrame({"employee_id": sample.person, "as_of": sample.when.astype("M8[s]")})
    label = left_within(HORIZON_DAYS)(data / "contributors", rows)
    tested = np.isin(sample.when, np.array(QUARTERS, "M8[D]"))
    figures: dict[str, dict[str, float | None]] = {}
    gains = []
    for way, name, learnt, test in _ways(_project_of(data, rows), known=known, tested=tested):
        progress(f"{name} {way}", len(gains), 2 * len(PROJECTS))
        risk = sample.learn(np.where(learnt, known, np.nan), HORIZON_DAYS, seeds=sample.spec.learner.seeds).result()
        ours = probability(risk.margin(sample.features[test]))
        plain = _plain(sample, known, learnt=learnt, test=test)
        person = sample.person[test]
        metrics = {"auc": auc, "average_precision": average_precision}
        absolute = estimate(
            {"expected_over_observed": expected_over_observed, **metrics}, label[test], ours, person=person
        )
        gain = estimate(metrics, label[test], ours, person=person, against=plain)
        gains.append(gain["auc"].value)
        figures |= {f"{metric} {way} {name}": value.to_json() for metric, value in absolute.items()}
        figures |= {f"{metric}_over_plain {way} {name}": value.to_json() for metric, value in gain.items()}
        in_se = gain["auc"].value / gain["auc"].se
        figures[f"auc_over_plain_in_se {way} {name}"] = {"value": in_se, "low": None, "high": None}
    figures["auc_over_plain_mean"] = {"value": float(np.mean(gains)), "low": None, "high": None}
    return figures


def _project_of(data: Path, rows: pd.DataFrame) -> Objects:
    """The project of each row (``employee_id``, ``as_of``): (rows,)."""
    positions = pd.read_parquet(data / "contributors" / "positions.parquet").sort_values("effective_on")
    positions["effective_on"] = pd.to_datetime(positions["effective_on"]).astype("datetime64[s]")
    held = pd.merge_asof(
        rows.reset_index(names="row").sort_values("as_of"),
        positions,
        left_on="as_of",
        right_on="effective_on",
        by="employee_id",
    )
    return held.sort_values("row")["department"].to_numpy(dtype=object)


def _ways(project: Objects, *, known: Floats, tested: Bools) -> Iterator[tuple[str, str, Bools, Bools]]:
    """(way, project, rows to learn from, rows to be judged on) for each project in both ways."""
    for name in PROJECTS:
        inside = project == name
        yield "by time", name, inside & ~np.isnan(known), inside & tested
        yield "from others", name, ~inside & ~np.isnan(known), inside & tested


def _plain(sample: TrainingSample, known: Floats, *, learnt: Bools, test: Bools) -> Floats:
    """Probabilities of the rows ``test`` by LightGBM alone on plain counts, mean of three seeds."""
    used = np.array([PLAIN.fullmatch(name) is not None for name in sample.names])
    train, asked = sample.features[np.ix_(learnt, used)], sample.features[np.ix_(test, used)]
    margins = [
        lgb.train(SETTINGS | {"seed": seed}, lgb.Dataset(train, known[learnt]), ROUNDS).predict(asked, raw_score=True)
        for seed in SEEDS
    ]
    return probability(np.mean(np.asarray(margins, dtype=np.float64), axis=0))

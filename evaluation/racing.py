"""A public leaderboard: Formula 1 results with the labels of RelBench's ``rel-f1`` (Robinson et al. 2024, arXiv 2407.20060).

perfml learns from its own labels, as known before the test split, and is judged by those of the leaderboard.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import company
import numpy as np
import pandas as pd
from goals import Goal

from perfml import Project
from perfml.arrays import Floats
from perfml.learning.dataset.labels import labels
from perfml.progress import Progress

UNTIL = dt.date(2010, 1, 1)
"""Where the test split begins: nothing later is learnt from."""
FIRST_TEST, LAST_TEST, STEP_DAYS = dt.date(2010, 3, 2), dt.date(2013, 3, 16), 30
"""The as-of dates of the test split lie on this grid; dates without a race in the horizon are asked about by nobody."""
RECORD_ENDS = dt.date(2023, 3, 1)
AS_OFS = tuple(FIRST_TEST + dt.timedelta(days=days) for days in range(0, (LAST_TEST - FIRST_TEST).days + 1, STEP_DAYS))


def truth(folder: Path, name: str) -> pd.DataFrame:
    """The leaderboard's rows: ``employee_id``, ``as_of``, ``outcome``, ``split``."""
    rows = pd.read_parquet(folder / f"{name}.parquet")
    return rows.assign(as_of=rows["as_of"].astype("datetime64[s]"))


def outcome(folder: Path, rows: pd.DataFrame, *, name: str) -> Floats:
    """The leaderboard's outcome; missing for rows that it does not ask about."""
    asked = truth(folder, name)
    keyed = rows.assign(as_of=rows["as_of"].astype("datetime64[s]"))
    joined = keyed.merge(asked[asked["split"] == "test"], how="left", on=["employee_id", "as_of"])
    return joined["outcome"].to_numpy(dtype=np.float64)


def _task(set_name: str, model: str, name: str, goals: Mapping[str, Goal]) -> company.Task:
    return company.Task(
        set_name=set_name,
        project="racing",
        model=model,
        until=UNTIL,
        as_ofs=AS_OFS,
        outcome=partial(outcome, name=name),
        goals=goals | {"labels_agree": Goal(low=1.0), "rows_judged": Goal(low=0.99)},
    )


TASKS = {
    "truth_dnf": _task("racing did not finish", "did_not_finish", "truth_dnf", {"auc": Goal(low=0.845)}),
    "truth_top3": _task("racing top three", "top_three", "truth_top3", {"auc": Goal(low=0.935)}),
}
"""File of the leaderboard's rows -> the task."""


def evaluate(name: str, root: Path, home: Path, progress: Progress) -> dict[str, dict[str, float | None]]:
    """The figures of :func:`company.evaluate`, with the share of the leaderboard's test rows that were scored, and the share of
    its rows of validation and test in which perfml's own label is the leaderboard's."""
    task, folder = TASKS[name], root / "racing"
    figures = company.evaluate(task, root, home, progress=progress)
    rows = truth(folder, name)
    project = Project(company.HERE / task.project, home=home, progress=progress)
    scored = (
        project.score(task.model, folder, as_of=list(AS_OFS)).select(["employee_id", "as_of", "status"]).to_pandas()
    )
    scored["as_of"] = pd.to_datetime(scored["as_of"]).astype("datetime64[s]")
    tested = rows[rows["split"] == "test"].merge(scored, how="left", on=["employee_id", "as_of"])
    later = rows[rows["split"] != "train"].reset_index(drop=True)
    spec = project.folder.model(task.model).label
    with project.open(folder) as data:
        own = labels(data, later, spec, horizon_days=spec.horizons_days[0], until=RECORD_ENDS)
    shares = {
        "rows_judged": float((tested["status"] == "scored").mean()),
        "labels_agree": float((own == later["outcome"].to_numpy()).mean()),
    }
    return figures | {key: {"value": share, "low": None, "high": None} for key, share in shares.items()}

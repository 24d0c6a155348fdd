"""Competing exits: the mean predicted incidence of each cause beside Aalen and Johansen's estimate (1978).

People are drawn with hazards of three causes that depend on different columns, one of them rare, and are followed for half a
year to three years. The predictions are out of fold (five folds), so their mean is what the model says of people that it has
not seen, and Aalen and Johansen's estimate is what happened to the same people, with no model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from goals import Goal
from sklearn.model_selection import StratifiedKFold
from sksurv.nonparametric import cumulative_incidence_competing_risks

from perfml.arrays import Floats
from perfml.learning.estimators.hazard import CauseSpecificHazards
from perfml.progress import Progress

CAUSES = ("resigned", "dismissed", "retired")
MONTHLY_HAZARDS = (0.012, 0.004, 0.0015)
HORIZONS_MONTHS = (3, 6, 12)
PEOPLE = 3000
GOALS = {
    f"expected_over_observed_{cause}_{months}_months": Goal(low=0.9, high=1.1, shown=True)
    for cause in CAUSES
    for months in HORIZONS_MONTHS
}


def exits(rows: int, seed: int) -> tuple[pd.DataFrame, Floats, npt.NDArray[np.int64]]:
    """Columns, months until the exit or the end of follow-up, and the cause: 0 for none, else 1, 2 or 3."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "age": rng.uniform(21, 64, rows),
            "overtime_hours": rng.gamma(2.0, 8.0, rows),
            "rating": np.where(rng.random(rows) < 0.15, np.nan, rng.integers(1, 6, rows)),
            "site": rng.choice(["north", "south", "east", "west"], rows),
        }
    )
    low = (people["rating"] <= 2).to_numpy(dtype=np.float64)
    score = np.column_stack(
        [
            0.03 * (people["overtime_hours"] - 16) - 0.02 * (people["age"] - 40) + 0.5 * (people["site"] == "north"),
            1.2 * low - 0.3,
            np.where(people["age"] > 58, 3.0, -3.0),
        ]
    )
    when = rng.exponential(1 / (np.array(MONTHLY_HAZARDS) * np.exp(score)))
    both = np.column_stack([rng.uniform(6, 36, rows), when])
    return people, both.min(axis=1), both.argmin(axis=1)


def evaluate(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """Expected over observed by cause and horizon, with the 95 % interval of the observed."""
    people, months, cause = exits(PEOPLE, seed=0)
    horizons = np.array(HORIZONS_MONTHS, dtype=np.float64)
    expected = np.zeros((len(people), len(CAUSES), len(horizons)))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for number, (train, test) in enumerate(folds.split(people, cause)):
        progress("competing exits", number, 5)
        model = CauseSpecificHazards().fit(people.iloc[train], months[train], cause[train])
        expected[test] = model.predict_incidence(people.iloc[test], horizons)
    progress("competing exits", 5, 5)
    when, incidence, interval = cumulative_incidence_competing_risks(cause, months, conf_type="log-log")
    at = np.searchsorted(when, horizons, side="right") - 1
    figures: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(CAUSES):
        for column, horizon in enumerate(HORIZONS_MONTHS):
            mean = float(expected[:, number, column].mean())
            observed = float(incidence[number + 1, at[column]])
            low, high = (float(interval[number + 1, end, at[column]]) for end in (0, 1))
            key = f"{name}_{horizon}_months"
            figures[f"expected_over_observed_{key}"] = {
                "value": mean / observed,
                "low": mean / high,
                "high": mean / low,
            }
            figures[f"observed_{key}"] = {"value": observed, "low": low, "high": high}
    return figures

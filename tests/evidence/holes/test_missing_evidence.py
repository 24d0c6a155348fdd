"""Missing days are missing, never zero: for the people concerned, and for nobody else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.evidence.features import Evidence, build
from perfml.project.folder import Definitions
from tests.evidence.holes.offices import END, between, log, written
from tests.tables import opened, windowed

FIRST, LAST = dt.date(2025, 12, 15), dt.date(2025, 12, 17)
MEASURES = (
    {"column": "n_{window}d", "measure": "count", "windows_days": [7, 28, 91, 364], "unit": "times"},
    {"column": "{kind}_{window}d", "measure": "count", "kinds": "each", "windows_days": [28], "unit": "times"},
    {"column": "days_{window}d", "measure": "active_days", "windows_days": [28], "unit": "days"},
    {"column": "since", "measure": "days_since_last", "unit": "days"},
    {"column": "trend_{window}d", "measure": "trend", "windows_days": [28, 112], "unit": "change a day"},
)
DEFINITIONS = windowed(*MEASURES)
WHOLE = log()


def evidence(folder: Path, definitions: Definitions = DEFINITIONS, *, estimate: bool = False) -> Evidence:
    with opened(folder) as data:
        return build(data, definitions, [END], estimate=estimate)


def frame(built: Evidence) -> pd.DataFrame:
    return built.frame.set_index("employee_id").drop(columns="as_of")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return frame(evidence(written(tmp_path_factory.mktemp("whole"), WHOLE)))


@pytest.fixture(scope="module")
def hole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lost = (WHOLE["office"] == "South") & between(WHOLE, FIRST, LAST)
    return written(tmp_path_factory.mktemp("hole"), WHOLE[~lost])


@pytest.mark.slow
def test_windows_over_the_hole_are_missing_for_those_concerned(truth: pd.DataFrame, hole: Path) -> None:
    built = evidence(hole)
    with_hole = frame(built)
    south = with_hole.index.str.startswith("South")
    reached = ["n_28d", "n_91d", "login_28d", "order_28d", "call_28d", "days_28d", "trend_28d"]
    assert with_hole.loc[south, reached].isna().all(axis=None)
    untouched = ["n_7d", "since"]
    pd.testing.assert_frame_equal(with_hole.loc[south, untouched], truth.loc[south, untouched])
    pd.testing.assert_frame_equal(with_hole[~south], truth[~south])
    (missing,) = built.missing
    assert missing.people == tuple(f"South{n}" for n in range(10))
    assert missing.evidence == ("log",)


@pytest.mark.slow
def test_a_year_tolerates_three_days_and_estimates_them(truth: pd.DataFrame, hole: Path) -> None:
    year = frame(evidence(hole))["n_364d"]
    south = year.index.str.startswith("South")
    lost = truth.loc[south, "n_28d"].sum() * 3 / 20
    assert year[south].sum() == pytest.approx(truth.loc[south, "n_364d"].sum(), abs=0.3 * lost)
    strict = frame(evidence(hole, windowed(*MEASURES, missing_days_share=0.0)))["n_364d"]
    assert strict[south].isna().all()


@pytest.mark.slow
def test_predictions_get_an_estimate_and_never_a_zero(truth: pd.DataFrame, hole: Path) -> None:
    estimated = frame(evidence(hole, estimate=True))
    assert not estimated.isna().any(axis=None)
    south = estimated.index.str.startswith("South")
    pd.testing.assert_frame_equal(estimated[~south], truth[~south])
    for column in ("n_28d", "n_91d", "days_28d"):
        counted = truth.loc[south, column].mean()
        assert estimated.loc[south, column].mean() == pytest.approx(counted, rel=0.07)
    assert np.abs(estimated.loc[south, "trend_28d"] - truth.loc[south, "trend_28d"]).mean() < 0.25


@pytest.mark.slow
def test_a_feed_that_stopped_makes_nobody_silent(truth: pd.DataFrame, tmp_path: Path) -> None:
    folder = written(tmp_path, WHOLE[~between(WHOLE, END - dt.timedelta(days=30), END)])
    blank, estimated = frame(evidence(folder)), frame(evidence(folder, estimate=True))
    assert blank[["n_7d", "n_28d", "n_91d", "since"]].isna().all(axis=None)
    assert (estimated["since"] < 8).all()
    assert estimated["n_28d"].mean() == pytest.approx(truth["n_28d"].mean(), rel=0.1)


@pytest.mark.slow
def test_only_the_kinds_of_the_hole_are_missing(truth: pd.DataFrame, tmp_path: Path) -> None:
    lost = (WHOLE["source"] == "crm") & between(WHOLE, FIRST, LAST)
    blank = frame(evidence(written(tmp_path, WHOLE[~lost])))
    assert blank[["order_28d", "call_28d", "n_28d"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(blank[["login_28d", "since"]], truth[["login_28d", "since"]])


@pytest.mark.slow
def test_the_mean_of_the_last_events_is_of_those_delivered(tmp_path: Path) -> None:
    """It is missing where too much of its window is, and a prediction takes what was delivered for the whole."""
    lost = (WHOLE["office"] == "South") & between(WHOLE, FIRST, LAST)
    folder = written(tmp_path, WHOLE.assign(value=7.0)[~lost])
    column = {
        "column": "mean_{window}d",
        "measure": "mean",
        "windows_days": [28, 364],
        "last_events": [2],
        "unit": "points",
    }
    blank, estimated = (frame(evidence(folder, windowed(column), estimate=estimate)) for estimate in (False, True))
    south = blank.index.str.startswith("South")
    assert blank.loc[south, "mean_28d"].isna().all() and blank.loc[~south, "mean_28d"].eq(7).all()
    assert blank["mean_364d"].eq(7).all() and estimated.eq(7).all(axis=None)

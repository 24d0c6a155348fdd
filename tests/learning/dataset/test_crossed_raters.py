"""Several raters of one person, on several criteria: severities, intervals and the consensus against what was simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.learning.dataset.raters import (
    NORMAL_95,
    RaterModel,
    consensus_ratings,
    corrected_ratings,
    expected_ratings,
    rater_model,
)

SCALE = (0.0, 10.0)
NORMAL_80 = 1.281552
SEVERITY, DEPARTURE, IMPRESSION, NOISE = 0.3, 0.15, 0.4, 0.25


def round_of_ratings(seed: int, *, panels: int, raters: int, people: int, rated: int) -> pd.DataFrame:
    """Panels of raters, who rate ``rated`` of five criteria of everybody; with the true ``severity`` there, relative to the
    panel's, and the ``truth`` that a rater of average severity would give but for impression and noise."""
    rng = np.random.default_rng(seed)
    panel, person, rater, criterion = (
        axis.ravel() for axis in np.indices((panels, people, raters, 5)).reshape(4, panels, people, raters, 5)
    )
    person, rater = panel * people + person, panel * raters + rater
    own = rng.normal(0, SEVERITY, (panels, raters))
    departure = rng.normal(0, DEPARTURE, (panels, raters, 5))
    severity = own[:, :, None] + departure
    relative = (severity - severity.mean(axis=1, keepdims=True)).reshape(-1, 5)
    mean = (own + departure.mean(axis=2) - (own + departure.mean(axis=2)).mean(axis=1, keepdims=True)).ravel()
    quality = rng.normal(6, 1, (panels * people, 1)) + rng.normal(0, 0.3, (panels * people, 5))
    consistency = rng.choice([0.7, 1.0, 1.3], panels * raters)
    impression = rng.normal(0, IMPRESSION, (panels * people, raters * panels))[person, rater]
    error = consistency[rater] * (impression + rng.normal(0, NOISE, len(person)))
    rows = pd.DataFrame({"employee_id": person, "reviewer_id": rater, "criterion": criterion})
    rows["truth"] = quality[person, criterion]
    rows["severity"], rows["mean_severity"] = relative[rater, criterion], mean[rater]
    rows["rating"] = rows["truth"] - rows["severity"] + error
    drawn = rng.random((panels * people * raters, 5)).argsort(axis=1) < rated
    return rows[drawn.ravel()].reset_index(drop=True)


def within(table: pd.DataFrame, truth: pd.Series) -> pd.Series:
    """Whether the 80 % interval holds the truth."""
    half = (table["severity_high"] - table["severity_low"]) / 2 * (NORMAL_80 / NORMAL_95)
    return (table["severity"] - truth).abs() <= half


def check_intervals(model: RaterModel, rows: pd.DataFrame) -> None:
    own = rows.groupby("reviewer_id")["mean_severity"].first()
    table = model.reviewers.set_index("reviewer_id")
    assert table["comparable"].all()
    assert 0.75 <= within(table, own).mean() <= 0.86


def check_severities(model: RaterModel, rows: pd.DataFrame) -> None:
    check_intervals(model, rows)
    table = model.reviewers.set_index("reviewer_id")
    cells = model.criteria.set_index(["reviewer_id", "criterion"])
    true = rows.groupby(["reviewer_id", "criterion"])["severity"].first()
    assert 0.75 <= within(cells, true.reindex(cells.index)).mean() <= 0.86
    by_criterion = (cells["severity"] - true).pow(2).mean()
    alike = (table["severity"].reindex(true.index, level=0) - true).pow(2).mean()
    assert by_criterion < 0.8 * alike, "knowing the criterion helps"


@pytest.mark.parametrize("rated", [5, 3])
def test_severities_by_criterion_and_their_intervals_are_right(rated: int) -> None:
    """Nine raters of a panel rate twelve people on all criteria, or each on three of them drawn at random."""
    rows = round_of_ratings(rated, panels=60, raters=9, people=12, rated=rated)
    model = rater_model(rows, scale=SCALE)
    check_severities(model, rows)
    assert model.severity_sd == pytest.approx(np.hypot(SEVERITY, DEPARTURE / np.sqrt(5)), rel=0.15)
    assert model.criterion_sd == pytest.approx(DEPARTURE * np.sqrt(4 / 5), rel=0.2)
    consistency = np.sqrt(np.mean(np.square([0.7, 1.0, 1.3])))
    assert model.noise_sd == pytest.approx(consistency * np.hypot(IMPRESSION, NOISE), rel=0.1)
    assert model.lasting_share == pytest.approx(IMPRESSION**2 / (IMPRESSION**2 + NOISE**2), abs=0.08)


@pytest.mark.parametrize("raters", [9, 3])
def test_who_spreads_people_apart_is_told_from_who_does_not(raters: int) -> None:
    """Simulated with a standard deviation of 0.15, and without."""
    alike = round_of_ratings(6, panels=540 // raters, raters=raters, people=20, rated=5)
    stretch = np.exp(np.random.default_rng(6).normal(0, 0.15, 540))
    middle = alike.groupby("reviewer_id")["truth"].transform("mean")
    apart = (stretch[alike["reviewer_id"]] - 1) * (alike["truth"] - middle)
    spread = alike.assign(rating=alike["rating"] + apart)
    assert (rater_model(alike, scale=SCALE).reviewers["stretch"] == 1).all()
    model = rater_model(spread, scale=SCALE)
    estimated = model.reviewers["stretch"]
    in_panel = stretch / stretch.reshape(-1, raters).mean(axis=1).repeat(raters)
    assert np.corrcoef(estimated, in_panel)[0, 1] > 0.75
    assert np.polyfit(estimated, in_panel, 1)[0] == pytest.approx(1, abs=0.15), "shrunk as it should be"
    check_intervals(model, spread)
    corrected = corrected_ratings(spread, model)
    back = expected_ratings(spread, model, corrected.to_numpy())
    np.testing.assert_allclose(back, spread["rating"], atol=1e-9)
    without = RaterModel(**{**vars(model), "reviewers": model.reviewers.assign(stretch=1.0)})
    flat = expected_ratings(spread, without, spread["truth"].to_numpy()) - spread["rating"]
    sloped = expected_ratings(spread, model, spread["truth"].to_numpy()) - spread["rating"]
    assert sloped.std() < 0.98 * flat.std()


def test_the_consensus_is_nearer_to_the_truth_than_the_mean() -> None:
    """As far as impressions allow; the mean is nearer with what the severities correct, and with what consistency weighs."""
    rows = round_of_ratings(2, panels=60, raters=9, people=12, rated=4)
    model = rater_model(rows, scale=SCALE)
    item = [rows["employee_id"], rows["criterion"]]

    def error(rating: pd.Series) -> float:
        return float(np.sqrt((rating - rows["truth"]).groupby(item).first().pow(2).mean()))

    plain = error(rows["rating"].groupby(item).transform("mean"))
    corrected = error(corrected_ratings(rows, model).groupby(item).transform("mean"))
    consensus = error(consensus_ratings(rows, model, by=("employee_id", "criterion")))
    assert consensus < 0.99 * corrected < 0.99 * 0.99 * plain


def test_where_each_person_has_one_rater_nothing_changes() -> None:
    rows = round_of_ratings(3, panels=5, raters=1, people=10, rated=5)
    model = rater_model(rows, scale=SCALE)
    assert not model.reviewers["comparable"].any()
    assert (model.reviewers["severity"] == 0).all() and model.criteria["severity_low"].isna().all()
    by = ("employee_id", "criterion")
    np.testing.assert_array_equal(consensus_ratings(rows, model, by=by), rows["rating"])
    overall = rater_model(rows.drop(columns="criterion"), scale=SCALE)
    assert overall.criteria.empty and np.isnan(overall.criterion_sd)
    np.testing.assert_array_equal(consensus_ratings(rows, overall, by=by), rows["rating"])


def test_repeats_by_one_reviewer_weigh_less_than_other_opinions() -> None:
    rows = round_of_ratings(4, panels=20, raters=5, people=8, rated=5).drop(columns="criterion")
    model = rater_model(rows, scale=SCALE)
    many = pd.DataFrame(
        {"employee_id": "e", "reviewer_id": ["new"] * 9 + ["other"], "rating": [4.0] * 9 + [8.0]}, index=range(10, 20)
    )
    consensus = consensus_ratings(many, model, by=("employee_id",))
    assert consensus.index.equals(many.index) and consensus.nunique() == 1
    once = 1 / (1 - model.lasting_share + model.lasting_share * np.array([9, 1]))
    assert consensus.iloc[0] == pytest.approx((9 * once[0] * 4 + once[1] * 8) / (9 * once[0] + once[1]))
    unrated = consensus_ratings(many.assign(rating=np.nan), model, by=("employee_id",))
    assert unrated.isna().all()


def test_criteria_that_are_missing_are_one_more() -> None:
    rows = round_of_ratings(5, panels=10, raters=4, people=10, rated=5)
    named = rows.assign(criterion=rows["criterion"].map({0: "skill", 1: "result", 2: "growth", 3: "team"}))
    model = rater_model(named, scale=SCALE)
    assert len(model.criteria) == 10 * 4 * 5 and model.criteria["criterion"].isna().sum() == 40
    numbered = rater_model(rows, scale=SCALE)
    np.testing.assert_allclose(corrected_ratings(named, model), corrected_ratings(rows, numbered), atol=1e-6)

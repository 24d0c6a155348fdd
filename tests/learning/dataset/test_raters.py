"""Severity of reviewers: equal to published and to dense solutions; helps labels where reviewers are linked, and only there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.errors import DataError
from perfml.learning.dataset import crossed
from perfml.learning.dataset.raters import RaterModel, corrected_ratings, rater_model, severity_report

SCALE = (1.0, 5.0)
# Diameters of 24 plates (lines) with penicillin samples A to F: Davies & Goldsmith (1972), as in lme4 (Bates et al. 2015).
PENICILLIN = """
27 23 26 23 23 21
27 23 26 23 23 21
25 21 25 24 24 20
26 23 25 23 23 20
25 22 26 22 23 20
24 22 25 23 22 19
24 20 23 21 22 19
26 22 26 24 24 21
24 21 24 22 22 20
24 21 24 23 22 19
26 23 26 24 24 21
25 22 26 24 24 20
26 24 26 24 25 22
26 23 26 23 23 20
26 23 25 24 24 22
25 22 25 23 23 20
25 21 24 23 23 20
25 22 24 23 23 19
24 21 23 21 21 19
26 23 26 24 24 21
25 21 24 22 22 18
25 22 25 22 22 20
24 21 24 22 24 19
24 21 24 22 21 18
"""


def company(
    seed: int,
    *,
    managers: int = 60,
    moves: float = 0.2,
    severity: float = 0.4,
    quality: float = 0.5,
    noise: float | np.ndarray = 0.4,
    lasting: float = 0.0,
    rounded: bool = True,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Six reviews of everybody in teams of eight: reviews with the ``truth``, severity and team quality of each manager.

    ``moves``: share of people who change places before each review; ``lasting``: of the noise variance, within a pair.
    """
    rng = np.random.default_rng(seed)
    home = np.repeat(np.arange(managers), 8)
    team, severe = rng.normal(0, quality, managers), rng.normal(0, severity, managers)
    spread = np.broadcast_to(noise, managers)
    truth = 3.3 + team[home] + rng.normal(0, 0.5, len(home))
    halo = rng.normal(size=(len(home), managers)) if lasting else np.zeros((len(home), managers))
    boss, rows = home.copy(), []
    for review in range(6):
        moved = (rng.random(len(home)) < moves) & (review > 0)
        boss[moved] = rng.permutation(boss[moved])
        passing = rng.normal(size=len(home))
        error = np.sqrt(lasting) * halo[np.arange(len(home)), boss] + np.sqrt(1 - lasting) * passing
        rating = truth - severe[boss] + spread[boss] * error
        rating = np.clip(np.rint(rating), 1, 5) if rounded else rating
        rows.append(pd.DataFrame({"employee_id": np.arange(len(home)), "reviewer_id": boss, "rating": rating}))
        rows[-1]["truth"] = truth
    return pd.concat(rows, ignore_index=True), severe, team


def linked(*links: tuple[str, str, int]) -> pd.DataFrame:
    """Reviews in which two reviewers share so many people, whose ratings differ at random."""
    rng = np.random.default_rng(0)
    rows = [
        (f"{a}{b}{i}", reviewer, float(rng.integers(1, 6)))
        for a, b, n in links
        for i in range(n)
        for reviewer in (a, b)
    ]
    return pd.DataFrame(rows, columns=["employee_id", "reviewer_id", "rating"])


def components(reviews: pd.DataFrame) -> dict[str, int]:
    model = rater_model(reviews, scale=SCALE)
    assert (model.reviewers["comparable"] == (model.reviewers["component"] >= 0)).all()
    return dict(zip(model.reviewers["reviewer_id"], model.reviewers["component"], strict=True))


def compared(model: RaterModel, severe: np.ndarray) -> pd.DataFrame:
    """The comparable reviewers with their true severity about the mean of these."""
    table = model.reviewers[model.reviewers["comparable"]]
    truth = severe[table["reviewer_id"].astype(int)]
    return table.assign(truth=truth - truth.mean())


def auc(low: np.ndarray, rating: pd.Series) -> float:
    """How often someone truly low is rated below someone who is not."""
    below = np.searchsorted(np.sort(rating[~low]), rating[low], side="right")
    ties = below - np.searchsorted(np.sort(rating[~low]), rating[low], side="left")
    return float(1 - np.mean(below - ties / 2) / (~low).sum())


def test_equals_the_published_predictions_for_penicillin(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a balanced table fixed and random plates give the same: lme4's modes and REML variances (LMMstar tests them too)."""
    grid = np.array([line.split() for line in PENICILLIN.split("\n") if line], dtype=float)
    plate, sample = np.indices(grid.shape)
    reviews = pd.DataFrame({"employee_id": plate.ravel(), "reviewer_id": sample.ravel(), "rating": grid.ravel()})
    modes = [2.1870584, -1.01047635, 1.93789985, -0.09689499, -0.01384214, -3.00374477]
    model = rater_model(reviews, scale=(18, 27))
    np.testing.assert_allclose(-model.reviewers["severity"], modes, atol=2e-3)
    assert model.severity_sd**2 == pytest.approx(3.7311318, rel=3e-2)
    monkeypatch.setattr(crossed, "PRIOR_RATINGS", 1e9)  # lme4 knows one noise for all
    model = rater_model(reviews, scale=(27, 18))  # and here the smaller is the better
    np.testing.assert_allclose(model.reviewers["severity"], modes, atol=1e-5)
    assert model.severity_sd**2 == pytest.approx(3.7311318, rel=1e-4)
    assert model.noise_sd**2 == pytest.approx(0.3024150, rel=1e-4)


@pytest.mark.slow
def test_equals_generalised_least_squares_written_out() -> None:
    """The whole covariance matrix, review by review, at the model's own variances: no pairs, no sweeping, no iteration."""
    noise = np.random.default_rng(5).uniform(0.2, 0.8, 12)
    reviews, _, _ = company(5, managers=12, noise=noise, lasting=0.4, rounded=False)
    model = rater_model(reviews, scale=SCALE)
    assert model.reviewers["comparable"].all()
    person, boss = reviews["employee_id"].to_numpy(), reviews["reviewer_id"].to_numpy()
    z, x = np.eye(12)[boss], np.eye(person.max() + 1)[person]
    single = np.bincount(person, minlength=len(x.T))  # whoever has one reviewer only adds nothing
    assert single.min() == 6
    same_pair = (person[:, None] == person) & (boss[:, None] == boss)
    own = model.reviewers["consistency_sd"].to_numpy()[boss] ** 2
    noise_of = own[:, None] * (model.lasting_share * same_pair + (1 - model.lasting_share) * np.eye(len(own)))
    spread = model.severity_sd**2
    inverse = np.linalg.inv(spread * z @ z.T + noise_of)
    project = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    effect = spread * z.T @ project @ reviews["rating"].to_numpy()
    centred = np.eye(12) - 1 / 12  # severity is relative to the reviewers that one is connected with
    error = np.diag(centred @ (spread * np.eye(12) - spread**2 * z.T @ project @ z) @ centred)
    np.testing.assert_allclose(model.reviewers["severity"], -effect, atol=2e-4)
    half = (model.reviewers["severity_high"] - model.reviewers["severity_low"]) / 2
    np.testing.assert_allclose(half, 1.959964 * np.sqrt(error), rtol=1e-3)


@pytest.mark.slow
def test_intervals_cover_the_truth_and_the_variances_are_found() -> None:
    models = [
        (rater_model(r, scale=SCALE), s) for r, s, _ in (company(i, rounded=False, lasting=0.3) for i in range(8))
    ]
    tables = pd.concat([compared(model, severe) for model, severe in models])
    inside = (tables["severity_low"] <= tables["truth"]) & (tables["truth"] <= tables["severity_high"])
    assert 0.92 <= inside.mean() <= 0.995
    assert np.mean([m.severity_sd for m, _ in models]) == pytest.approx(0.4, abs=0.04)
    assert np.mean([m.noise_sd for m, _ in models]) == pytest.approx(0.4, abs=0.02)
    assert np.mean([m.lasting_share for m, _ in models]) == pytest.approx(0.3, abs=0.06)
    assert np.polyfit(tables["severity"], tables["truth"], 1)[0] == pytest.approx(1, abs=0.08)  # shrunk as it should be


@pytest.mark.slow
def test_erratic_reviewers_are_told_from_consistent_ones() -> None:
    noise = np.where(np.arange(60) % 4 == 0, 0.6, 0.4)
    reviews = [company(seed, noise=noise, rounded=False, moves=0.4)[0] for seed in range(6)]
    table = pd.concat([compared(rater_model(each, scale=SCALE), np.zeros(60)) for each in reviews])
    true = noise[table["reviewer_id"].astype(int)]
    inside = (table["consistency_low"] <= true) & (true <= table["consistency_high"])
    assert 0.9 <= inside.mean() <= 0.995
    assert auc(true > 0.5, -table["consistency_sd"]) > 0.85


def test_no_severity_gives_hardly_any_correction() -> None:
    reviews, _, _ = company(2, severity=0.0)
    model = rater_model(reviews, scale=SCALE)
    assert 0 < model.severity_sd < 0.15
    assert (corrected_ratings(reviews, model) - reviews["rating"]).abs().max() < 0.1
    assert (model.reviewers["severity_high"] > model.reviewers["severity_low"])[model.reviewers["comparable"]].all()


@pytest.mark.slow
def test_a_good_team_is_not_a_lenient_manager() -> None:
    """Persons drawn at random, as the textbook's crossed model has them, take part of a team's quality for leniency."""
    slopes, textbook = [], []
    for seed in range(6):
        reviews, severe, team = company(seed, quality=0.8, moves=0.15, rounded=False)
        table = compared(rater_model(reviews, scale=SCALE), severe)
        of = table["reviewer_id"].astype(int)
        slopes.append(np.polyfit(team[of], table["severity"] - table["truth"], 1)[0])
        x = np.hstack(
            [np.eye(480)[reviews["employee_id"]], np.eye(60)[reviews["reviewer_id"]], np.ones((len(reviews), 1))]
        )
        penalty = 0.4**2 / np.r_[np.full(480, 0.8**2 + 0.5**2), np.full(60, 0.4**2), np.inf]
        both = np.linalg.solve(x.T @ x + np.diag(penalty), x.T @ reviews["rating"].to_numpy())
        textbook.append(np.polyfit(team[of], -both[480:540][of] - table["truth"], 1)[0])
    assert abs(np.mean(slopes)) < 0.03
    assert np.mean(textbook) < -0.04  # the better the team, the more lenient it makes the manager


@pytest.mark.slow
@pytest.mark.parametrize("moves", [0.2, 0.0])
def test_corrected_labels_are_better_where_linked_and_the_same_where_not(moves: float) -> None:
    raw, by_manager, corrected = [], [], []
    for seed in range(6):
        reviews, _, _ = company(seed, moves=moves)
        low = (reviews["truth"] <= reviews["truth"].quantile(0.1)).to_numpy()
        grouped = reviews.groupby("reviewer_id")["rating"]
        fixed = corrected_ratings(reviews, rater_model(reviews, scale=SCALE))
        raw.append(auc(low, reviews["rating"]))
        by_manager.append(auc(low, (reviews["rating"] - grouped.transform("mean")) / grouped.transform("std")))
        corrected.append(auc(low, fixed))
    if moves:
        assert min(np.subtract(corrected, raw)) > 0.01
        assert np.mean(corrected) - np.mean(raw) > 0.03
    else:
        assert corrected == raw
    assert np.mean(by_manager) < np.mean(raw) - (0.005 if moves else 0.05)  # good teams are marked down


@pytest.mark.slow
def test_twenty_ratings_in_one_pair_are_not_twenty_opinions() -> None:
    once, _, _ = company(3, lasting=1.0, rounded=False, moves=0.3)
    often = pd.concat([once] * 20, ignore_index=True)
    often["rating"] += np.random.default_rng(0).normal(0, 0.01, len(often))
    of_one, of_twenty = (rater_model(r, scale=SCALE).reviewers for r in (once, often))
    length = [(t["severity_high"] - t["severity_low"]).median() for t in (of_one, of_twenty)]
    assert length[1] == pytest.approx(length[0], rel=0.05)
    assert rater_model(often, scale=SCALE).lasting_share > 0.95


def test_only_three_reviewers_with_five_people_each_in_common_are_compared() -> None:
    assert components(linked(("a", "b", 9))) == {"a": -1, "b": -1}
    assert components(linked(("a", "b", 5), ("b", "c", 5))) == {"a": 0, "b": 0, "c": 0}
    assert components(linked(("a", "b", 5), ("b", "c", 4))) == {"a": -1, "b": -1, "c": -1}
    assert components(linked(("a", "b", 3), ("b", "c", 3), ("a", "c", 2))) == {"a": 0, "b": 0, "c": 0}


@pytest.mark.slow
def test_who_falls_out_takes_the_links_along() -> None:
    """d has five shared people, but two of them with e, who has too few; c then still has ten."""
    chain = linked(("a", "b", 6), ("b", "c", 6), ("c", "d", 3), ("d", "e", 2))
    assert components(chain) == {"a": 0, "b": 0, "c": 0, "d": -1, "e": -1}
    model = rater_model(chain, scale=SCALE)
    assert model.reviewers.set_index("reviewer_id").loc["d", "people_shared"] == 5
    own_view = pd.DataFrame({"employee_id": [f"ab{i}" for i in range(9)], "rating": 3.0})
    self_rated = pd.concat([linked(("a", "b", 9)), own_view.assign(reviewer_id=own_view["employee_id"])])
    assert set(components(self_rated).values()) == {-1}


def test_blocks_that_one_odd_reviewer_joins_stay_two() -> None:
    blocks = [("a", "b", 6), ("b", "c", 6), ("c", "d", 6), ("x", "y", 6), ("y", "z", 6)]
    parts = components(linked(*blocks, ("d", "odd", 1), ("odd", "x", 1)))
    assert parts == {"a": 0, "b": 0, "c": 0, "d": 0, "odd": -1, "x": 1, "y": 1, "z": 1}
    severity = rater_model(linked(*blocks), scale=SCALE).reviewers.groupby("component")["severity"].sum()
    np.testing.assert_allclose(severity, 0, atol=1e-6)  # relative to one's own block


@pytest.mark.slow
def test_correction_keeps_gaps_index_and_whoever_is_not_comparable() -> None:
    reviews, _, _ = company(4, managers=8)
    alone = pd.DataFrame({"employee_id": [9991, 9992], "reviewer_id": [77, None], "rating": [2.0, 2.0]})
    gaps = pd.DataFrame({"employee_id": [1, 2], "reviewer_id": [0, 1], "rating": [np.nan, np.nan]})
    every = pd.concat([reviews, alone, gaps], ignore_index=True).set_index(np.arange(len(reviews) + 4)[::-1])
    model = rater_model(every, scale=SCALE)
    fixed = corrected_ratings(every, model)
    assert fixed.index.equals(every.index)
    assert fixed.iloc[len(reviews) : len(reviews) + 2].tolist() == [2.0, 2.0]
    assert fixed.iloc[-2:].isna().all() and fixed.iloc[:-2].notna().all()
    severity = model.reviewers.set_index("reviewer_id")["severity"]
    first = every.iloc[0]
    assert fixed.iloc[0] == first["rating"] + severity[first["reviewer_id"]]
    unknown = pd.DataFrame({"reviewer_id": ["somebody new"], "rating": [4.0]})
    assert corrected_ratings(unknown, model).tolist() == [4.0]
    schools = rater_model(every.assign(rating=6 - every["rating"]), scale=(5, 1))  # 1 is the best mark
    np.testing.assert_allclose(schools.reviewers["severity"], model.reviewers["severity"], atol=1e-6)
    np.testing.assert_allclose(
        corrected_ratings(every.assign(rating=6 - every["rating"]), schools), 6 - fixed, atol=1e-6
    )


def test_order_and_dates_do_not_matter() -> None:
    reviews, _, _ = company(6, managers=10)
    model = rater_model(reviews, scale=SCALE)
    dated = reviews.sample(frac=1, random_state=0).assign(reviewed_on=pd.Timestamp("2030-01-01"))
    pd.testing.assert_frame_equal(rater_model(dated, scale=SCALE).reviewers, model.reviewers, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_many_reviewers_get_nearly_the_exact_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    reviews, _, _ = company(7, managers=150, moves=0.4)
    exact = rater_model(reviews, scale=SCALE).reviewers
    monkeypatch.setattr(crossed, "EXACT_REVIEWERS", 10)
    near = rater_model(reviews, scale=SCALE).reviewers
    length = (near["severity_high"] - near["severity_low"]) / (exact["severity_high"] - exact["severity_low"])
    assert length.between(0.85, 1.15).all()
    assert length.mean() == pytest.approx(1, abs=0.02)


class TestReport:
    reviews = company(8, managers=20, severity=0.6, moves=0.5)[0].assign(
        reviewer_id=lambda frame: "m" + frame["reviewer_id"].astype(str)
    )
    few = pd.DataFrame({"employee_id": [0, 1, 2], "reviewer_id": ["n1", "n1", "n2"], "rating": 1.0})
    alone = pd.DataFrame({"employee_id": [f"x{i}" for i in range(8)], "reviewer_id": "m_alone", "rating": 3.0})
    model = rater_model(pd.concat([reviews, few, alone]), scale=SCALE)

    def test_few_ratings_are_counted_and_name_nobody(self) -> None:
        report = severity_report(self.model, min_others=5)
        assert not report["reviewer_id"].isin(["n1", "n2"]).any()
        last = report.iloc[-1]
        assert (last["verdict"], last["ratings"]) == ("not shown", 3)
        assert pd.isna(last["reviewer_id"]) and pd.isna(last["severity"])
        assert last["en"] == "Reviewers with fewer than 8 ratings or fewer than 6 people, not shown: 2."
        assert last["zh"] == "另有 2 位评价者的评分不足 8 次或所评人数不足 6 人，不予显示。"
        assert len(severity_report(self.model, min_ratings=1)) == len(self.model.reviewers)
        assert set(severity_report(self.model, min_ratings=10_000)["verdict"]) == {"not shown"}

    def test_many_ratings_of_few_people_are_not_shown(self) -> None:
        pair = pd.DataFrame({"employee_id": [0, 1] * 10, "reviewer_id": "m_pair", "rating": 2.0})
        model = rater_model(pd.concat([self.reviews, pair]), scale=SCALE)
        assert severity_report(model)["reviewer_id"].eq("m_pair").any()
        assert not severity_report(model, min_others=5)["reviewer_id"].eq("m_pair").any()

    def test_the_verdict_follows_the_interval(self) -> None:
        report = severity_report(self.model).set_index("reviewer_id")
        assert {"severe", "lenient", "cannot tell"} <= set(report["verdict"])
        assert (report["severity_low"] > 0)[report["verdict"] == "severe"].all()
        assert (report["severity_high"] < 0)[report["verdict"] == "lenient"].all()
        shown = report["severity"][report["comparable"]]
        assert shown.is_monotonic_decreasing and report["comparable"].iloc[: len(shown)].all()
        top = report.iloc[0]
        assert f"{top['severity']:.2f} points more severely than others do" in top["en"]
        assert f"比他人严 {top['severity']:.2f} 分" in top["zh"]
        assert report.loc["m_alone", "en"] == "Cannot tell: too few links to other reviewers (0 people in common)."
        assert report.loc["m_alone", "zh"].startswith("无法判断")

    def test_like_others_needs_a_narrow_interval(self) -> None:
        alike = severity_report(rater_model(company(9, severity=0.0, moves=0.5)[0], scale=SCALE))
        assert set(alike["verdict"]) == {"like others"}
        few_links = severity_report(rater_model(linked(("a", "b", 5), ("b", "c", 5)), scale=SCALE), min_ratings=1)
        assert set(few_links["verdict"]) == {"cannot tell"}


@pytest.mark.parametrize("rating", [np.nan, 3.0])
def test_nothing_to_learn_from_is_no_error(rating: float) -> None:
    reviews, _, _ = company(0, managers=8)
    model = rater_model(reviews.assign(rating=rating), scale=SCALE)
    assert not (model.reviewers["severity"].abs() > 1e-9).any()
    empty = rater_model(reviews.iloc[:0], scale=SCALE)
    assert len(empty.reviewers) == len(severity_report(empty)) == len(corrected_ratings(reviews.iloc[:0], empty)) == 0
    assert corrected_ratings(reviews, empty).equals(reviews["rating"].rename("corrected_rating"))


def test_what_is_wrong_is_named() -> None:
    reviews, _, _ = company(0, managers=3)
    with pytest.raises(DataError, match="column 'reviewer_id' is missing"):
        rater_model(reviews.drop(columns="reviewer_id"), scale=SCALE)
    with pytest.raises(DataError, match="has no length"):
        rater_model(reviews, scale=(3, 3))

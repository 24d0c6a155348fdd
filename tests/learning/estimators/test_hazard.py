"""Proportional hazards against scikit-survival, scikit-learn's own checks, and people whose true hazard is known."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored
from sksurv.nonparametric import cumulative_incidence_competing_risks, nelson_aalen_estimator
from sksurv.util import Surv

from perfml.learning.estimators import breslow
from perfml.learning.estimators.hazard import MIN_EVENTS, CauseSpecificHazards, HazardModel, times_and_events

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
QUICK: dict[str, Any] = {"seeds": (0,), "max_rounds": 60, "early_stopping_rounds": 10}
MONTHS = np.array([3.0, 6.0, 12.0, 24.0])


@pytest.mark.slow
@parametrize_with_checks([HazardModel(**QUICK)])
def test_scikit_learn_accepts_it(estimator: HazardModel, check: Callable[[HazardModel], None]) -> None:
    check(estimator)


# ---- people whose hazards are known -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class People:
    """``score`` (n, 2): true log hazard of two causes; their baselines are 0.03 and 0.01 a month, constant."""

    rows: pd.DataFrame
    score: np.ndarray
    times: np.ndarray
    causes: np.ndarray

    @property
    def y(self) -> np.ndarray:
        """The first cause alone, signed."""
        return np.where(self.causes == 1, self.times, -self.times)

    def incidence(self, months: np.ndarray) -> np.ndarray:
        """(n, 2, months), by hand: constant hazards share who leaves in proportion."""
        hazard = np.array([0.03, 0.01]) * np.exp(self.score)
        total = hazard.sum(axis=1, keepdims=True)
        return (hazard / total)[:, :, None] * -np.expm1(-total * months)[:, None, :]


def people(n: int, seed: int) -> People:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(4)})
    rows["site"] = rng.choice(list("abcdef"), n)
    site = rows["site"].map(dict(zip("abcdef", [-0.6, 0.4, 0.0, 0.7, -0.3, 0.0], strict=True)))
    first = 0.7 * rows["x0"] + 0.5 * np.abs(rows["x1"]) - 0.5 + site
    second = -0.6 * rows["x2"] + 0.4 * (rows["x3"] > 0)
    rows.loc[rng.random(n) < 0.1, "x3"] = np.nan
    score = np.column_stack([first, second])
    each = rng.exponential(1 / (np.array([0.03, 0.01]) * np.exp(score)))
    end = rng.uniform(6, 60, n)
    when = np.column_stack([end, each])
    return People(rows, score, when.min(axis=1), when.argmin(axis=1))


@pytest.fixture(scope="module")
def company() -> People:
    return people(1500, seed=1)


@pytest.fixture(scope="module")
def others() -> People:
    return people(4000, seed=2)


@pytest.fixture(scope="module")
def model(company: People) -> HazardModel:
    return HazardModel(seeds=(0, 1)).fit(company.rows, company.y)


@pytest.fixture(scope="module")
def causes(company: People) -> CauseSpecificHazards:
    return CauseSpecificHazards(hazard=HazardModel(seeds=(0,))).fit(company.rows, company.times, company.causes)


def ties(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, events and scores of which many are equal."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 20, n).astype(float), rng.random(n) < 0.6, np.round(rng.normal(size=n), 1)


# ---- the arithmetic -----------------------------------------------------------------------------------------------------


def test_without_scores_the_baseline_is_nelson_and_aalens() -> None:
    times, event, _ = ties(300, 3)
    when, hazard = nelson_aalen_estimator(event, times)
    np.testing.assert_allclose(breslow.baseline(times, event, np.zeros(300))(when), hazard, rtol=1e-12)


def test_baseline_and_likelihood_are_those_of_coxs_regression() -> None:
    times, event, x = ties(300, 4)
    cox = CoxPHSurvivalAnalysis(ties="breslow").fit(x[:, None], Surv.from_arrays(event, times))
    baseline = breslow.baseline(times, event, x * cox.coef_[0])
    np.testing.assert_allclose(baseline(cox.cum_baseline_hazard_.x), cox.cum_baseline_hazard_.y, rtol=1e-9)
    step = 1e-4
    slope = [breslow.partial_log_likelihood(times, event, x * (cox.coef_[0] + d)) for d in (-step, step)]
    assert (slope[1] - slope[0]) / (2 * step) == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize(("stretch", "expected"), [(1.0, 1.0), (0.6, 1 / 0.6), (1.5, 1 / 1.5), (9.0, 0.5)])
def test_slope_undoes_a_stretch_where_that_gains(others: People, stretch: float, expected: float) -> None:
    times, event = times_and_events(others.y)
    slope = breslow.fit_slope(times, event, stretch * others.score[:, 0], bounds=(0.5, 2.0))
    assert slope == pytest.approx(expected, rel=0.05)


def test_slope_of_a_true_score_is_left_alone(company: People) -> None:
    times, event = times_and_events(company.y)
    assert breslow.fit_slope(times, event, company.score[:, 0], bounds=(0.5, 2.0)) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_concordance_equals_scikit_survival(seed: int) -> None:
    times, event, score = ties(200, seed)
    expected = concordance_index_censored(event, times, score)[0]
    assert breslow.concordance(times, event, score) == pytest.approx(expected, rel=1e-12)


def test_nobody_to_compare_is_missing() -> None:
    assert np.isnan(breslow.concordance(np.ones(3), np.ones(3, bool), np.arange(3.0)))


def test_without_scores_incidence_is_aalen_and_johansens(others: People) -> None:
    when, known = cumulative_incidence_competing_risks(others.causes, others.times)
    baselines = [breslow.baseline(others.times, others.causes == k, np.zeros(len(others.times))) for k in (1, 2)]
    incidence = breslow.cumulative_incidence(baselines, np.zeros((1, 2)), when)[0]
    early = when < 50  # the steps of the last few still followed are large, where exp(-x) is not 1 - x
    np.testing.assert_allclose(incidence[:, early], known[1:, early], atol=1e-3)


def test_a_weight_is_as_many_rows(others: People) -> None:
    times, event, score = others.times[:400], others.causes[:400] == 1, others.score[:400, 0]
    weight = np.random.default_rng(1).integers(1, 5, 400)
    often = np.repeat(np.arange(400), weight)
    given, repeated = (times, event, score), (times[often], event[often], score[often])
    heavy = breslow.baseline(*given, weight=weight.astype(float))
    np.testing.assert_allclose(heavy(MONTHS), breslow.baseline(*repeated)(MONTHS), rtol=1e-9)
    likelihood = breslow.partial_log_likelihood(*given, weight=weight.astype(float))
    assert likelihood == pytest.approx(breslow.partial_log_likelihood(*repeated))


@pytest.mark.slow
def test_one_row_a_person_stands_for_all_of_them() -> None:
    rng = np.random.default_rng(3)
    leaving = rng.random(3000) < 0.3
    rows = np.where(leaving, 2, 20)  # who leaves early has few rows
    times = np.where(leaving, rng.uniform(1, 12, 3000), 12.0)
    X, weight = rng.normal(size=(3000, 2)), rows.astype(float)
    fitted = CauseSpecificHazards(hazard=HazardModel(**QUICK)).fit(X, times, leaving.astype(float), weight=weight)
    expected = np.average(fitted.predict_incidence(X, [12.0])[:, 0, 0], weights=weight)
    assert expected == pytest.approx((rows * leaving).sum() / rows.sum(), rel=0.03)


@pytest.mark.slow
def test_incidence_of_constant_hazards_is_known_by_hand(others: People) -> None:
    fine = np.linspace(0, 40, 4001)[1:]
    baselines = [breslow.Baseline(fine, rate * fine, 40.0) for rate in (0.03, 0.01)]
    incidence = breslow.cumulative_incidence(baselines, others.score, MONTHS)
    np.testing.assert_allclose(incidence, others.incidence(MONTHS), atol=1e-9)


# ---- what is learnt -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_finds_the_ranking_and_the_level(model: HazardModel, others: People) -> None:
    """Against the truth: at least .85 correlated, the concordance within .02, the expected share within 7 %."""
    assert np.corrcoef(model.predict(others.rows), others.score[:, 0])[0, 1] > 0.85
    times, event = times_and_events(others.y)
    best = breslow.concordance(times, event, others.score[:, 0])
    assert best - 0.02 < model.score(others.rows, others.y) < best
    alone = -np.expm1(-0.03 * np.exp(others.score[:, :1]) * MONTHS)  # the first cause, were there no other
    incidence = model.predict_incidence(others.rows, MONTHS).mean(axis=0)
    np.testing.assert_allclose(incidence, alone.mean(axis=0), rtol=0.07)


@pytest.mark.slow
def test_a_new_sample_would_not_stretch_it(model: HazardModel, others: People) -> None:
    cox = CoxPHSurvivalAnalysis().fit(model.predict(others.rows)[:, None], Surv.from_arrays(others.y > 0, others.times))
    assert cox.coef_[0] == pytest.approx(1, abs=0.15)


@pytest.mark.slow
def test_a_baseline_of_scores_that_saw_their_own_event_expects_too_much(others: People) -> None:
    """Mean over four samples: out of fold within 4 % of the true share after 40 months, in the sample 5 % above or more."""
    late = np.array([40.0])
    truth = -np.expm1(-0.03 * np.exp(others.score[:, 0]) * late).mean()
    fitted, naive = [], []
    for seed in range(5, 9):
        few = people(400, seed)
        small = HazardModel(seeds=(0,)).fit(few.rows, few.y)
        seen = breslow.baseline(*times_and_events(few.y), small.predict(few.rows))
        fitted.append(small.predict_incidence(others.rows, late).mean() / truth)
        naive.append(1 - breslow.survival(seen, small.predict(others.rows), late).mean())
    assert np.mean(fitted) == pytest.approx(1, abs=0.04)
    assert np.mean(naive) / truth > 1.05


@pytest.mark.slow
def test_of_noise_it_says_next_to_nothing(company: People, others: People) -> None:
    shuffled = np.random.default_rng(0).permutation(company.y)
    scores = HazardModel(seeds=(0,)).fit(company.rows, shuffled).predict(others.rows)
    assert scores.std() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("slope", [1.0, 0.7])
def test_contributions_add_up(model: HazardModel, others: People, slope: float) -> None:
    parameters, boosters = model.to_parts()
    model = HazardModel.from_parts(parameters | {"slope": slope}, boosters)
    contributions = model.contributions(others.rows[:200])
    assert contributions.shape == (200, others.rows.shape[1] + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), model.predict(others.rows[:200]), rtol=0, atol=1e-12)
    assert (contributions[:, -1] == contributions[0, -1]).all()
    assert (
        np.abs(contributions[:, 0]).mean() > 5 * np.abs(contributions[:, 2]).mean()
    )  # x0 matters, x2 is the other cause's


def test_curves_fall_from_one_and_stay_between_risk_and_certainty(model: HazardModel, others: People) -> None:
    times = np.linspace(0, model.baseline_.until, 50)
    curve = model.predict_survival(others.rows[:100], times)
    assert (curve[:, 0] == 1).all() and (curve >= 0).all()
    assert (np.diff(curve, axis=1) <= 0).all()
    np.testing.assert_array_equal(model.predict_incidence(others.rows[:100], times), 1 - curve)


@pytest.mark.slow
def test_pandas_and_polars_and_both_kinds_of_y_give_the_same(company: People) -> None:
    reference = HazardModel(**QUICK).fit(company.rows, company.y)
    other = HazardModel(**QUICK).fit(pl.from_pandas(company.rows), Surv.from_arrays(company.y > 0, company.times))
    np.testing.assert_array_equal(reference.predict(company.rows), other.predict(pl.from_pandas(company.rows)))


@pytest.mark.slow
def test_categories_are_no_numbers() -> None:
    """Of 40 units every other one loses its people: trees that split sets of units see it sooner than trees that split codes."""
    rng = np.random.default_rng(0)
    unit = rng.integers(0, 40, 3000)
    y = rng.exponential(np.where(unit % 2 == 0, 5.0, 25.0))
    learnt, left_out = slice(0, 1500), slice(1500, 3000)
    concordance = {}
    for kind in (str, float):
        rows = pd.DataFrame({"unit": unit.astype(kind)})
        concordance[kind] = HazardModel(**QUICK).fit(rows[learnt], y[learnt]).score(rows[left_out], y[left_out])
    assert concordance[str] > concordance[float] + 0.03


def test_unseen_and_missing_categories_are_scored(model: HazardModel, others: People) -> None:
    odd = others.rows[:3].assign(site=["nowhere", None, "a"], x0=[np.nan, 0.0, 0.0])
    assert np.isfinite(model.predict(odd)).all()


@pytest.mark.slow
def test_works_inside_scikit_learns_cross_validation(company: People) -> None:
    scores = cross_val_score(HazardModel(**QUICK), company.rows, company.y, cv=2)
    assert (scores > 0.6).all()


# ---- causes -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_causes_and_staying_add_up_to_one_and_never_fall(causes: CauseSpecificHazards, others: People) -> None:
    times = np.linspace(0, 50, 101)
    rows = pd.concat([others.rows[:1].assign(x0=99.0), others.rows])  # also more than one block of rows
    incidence, staying = causes.predict_incidence(rows, times), causes.predict_survival(rows, times)
    assert incidence.shape == (len(rows), 2, 101)
    np.testing.assert_allclose(incidence.sum(axis=1) + staying, 1, rtol=0, atol=1e-9)
    assert (np.diff(incidence, axis=2) >= 0).all() and (np.diff(staying, axis=1) <= 0).all()
    assert (incidence[:, :, 0] == 0).all() and (causes.predict_incidence(rows, [0.0]) == 0).all()


@pytest.mark.slow
def test_each_cause_finds_its_own_truth(causes: CauseSpecificHazards, others: People) -> None:
    predicted, truth = causes.predict(others.rows), others.score
    correlation = np.corrcoef(predicted.T, truth.T)[:2, 2:]
    assert correlation[0, 0] > 0.85 and correlation[1, 1] > 0.5
    assert abs(correlation[0, 1]) < 0.2 and abs(correlation[1, 0]) < 0.2
    np.testing.assert_allclose(
        causes.predict_incidence(others.rows, MONTHS).mean(axis=0), others.incidence(MONTHS).mean(axis=0), rtol=0.15
    )


@pytest.mark.slow
def test_one_cause_alone_is_the_hazard_model(company: People) -> None:
    alone = HazardModel(**QUICK).fit(company.rows, company.y)
    fitted = CauseSpecificHazards(hazard=HazardModel(**QUICK)).fit(company.rows, company.times, company.causes == 1)
    np.testing.assert_allclose(
        fitted.predict_incidence(company.rows, MONTHS)[:, 0], alone.predict_incidence(company.rows, MONTHS), atol=1e-12
    )


@pytest.mark.slow
def test_a_rare_cause_has_its_baseline_and_an_absent_one_nothing(company: People) -> None:
    kinds = company.causes.copy()
    kinds[kinds == 2] = 0
    kinds[np.flatnonzero(kinds == 1)[: MIN_EVENTS - 1]] = 3
    fitted = CauseSpecificHazards(hazard=HazardModel(**QUICK)).fit(company.rows, company.times, kinds)
    incidence = fitted.predict_incidence(company.rows, [50])
    assert (fitted.predict(company.rows)[:, 1:] == 0).all() and fitted.predict(company.rows)[:, 0].std() > 0.1
    assert (incidence[:, 1] == 0).all() and (incidence[:, 2] > 0).all()


# ---- kept without pickle ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "causes"])
def test_taken_apart_and_put_together_it_predicts_the_same(
    kind: str, others: People, request: pytest.FixtureRequest
) -> None:
    fitted = request.getfixturevalue(kind)
    parameters, boosters = fitted.to_parts()
    again = type(fitted).from_parts(json.loads(json.dumps(parameters, allow_nan=False)), boosters)
    for ask in ("predict_incidence", "predict_survival"):
        np.testing.assert_array_equal(
            getattr(again, ask)(others.rows, MONTHS), getattr(fitted, ask)(others.rows, MONTHS)
        )
    np.testing.assert_array_equal(again.predict(others.rows), fitted.predict(others.rows))
    assert again.to_parts() == (parameters, boosters)
    with pytest.raises(ValueError, match="feature names"):
        again.predict(others.rows.rename(columns={"x0": "y0"}))


def test_a_model_put_together_keeps_its_parameters_and_explains(model: HazardModel, others: People) -> None:
    again = HazardModel.from_parts(*model.to_parts())
    assert again.get_params() == model.get_params() == clone(again).get_params()
    np.testing.assert_array_equal(again.contributions(others.rows[:9]), model.contributions(others.rows[:9]))


# ---- odd and bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y", [[1.0, -2.0], [1.0, 1.0], [5.0] * 9 + [-5.0] * 20, [3.0] * 40, np.arange(1.0, 41), [-1.0] * 5 + [2.0] * 12]
)
def test_thin_and_tied_times_are_learnt_from(y: list[float]) -> None:
    rng = np.random.default_rng(0)
    X, times = rng.normal(size=(len(y), 2)), np.abs(y)
    fitted = HazardModel(**QUICK).fit(X, y)
    curve = fitted.predict_survival(X, [0, times.min(), times.max()])
    assert np.isfinite(curve).all() and (curve[:, 2] < 1).all()
    if (np.array(y) > 0).sum() < MIN_EVENTS:
        _, hazard = nelson_aalen_estimator(np.array(y) > 0, times)
        assert (fitted.predict(X) == 0).all() and (fitted.contributions(X) == 0).all()
        np.testing.assert_allclose(curve[:, 2], np.exp(-hazard[-1]))


def test_columns_that_say_nothing_give_everybody_the_same(company: People) -> None:
    X = np.column_stack([np.ones(len(company.y)), np.full(len(company.y), np.nan)])
    survival = HazardModel(**QUICK).fit(X, company.y).predict_survival(X, MONTHS)
    assert np.ptp(survival, axis=0) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("y", "problem"),
    [
        ([-1.0] * 20, "no event"),
        ([0.0] + [1.0] * 19, "1 times are not positive"),
        ([np.inf] + [1.0] * 19, "infinity"),
        ([np.nan] + [1.0] * 19, "NaN"),
        ([1.0] * 19, "inconsistent numbers of samples"),
        (["soon"] * 20, "could not convert"),
        (None, "requires y"),
        (Surv.from_arrays(np.ones(20, bool), np.r_[0.0, np.ones(19)]), "not positive"),
        (Surv.from_arrays(np.ones(20, bool), np.r_[-1.0, np.ones(19)]), "not positive"),
        (np.zeros(20, dtype=[("time", float), ("event", bool)]), "the event"),
    ],
)
def test_times_that_cannot_be_are_refused(y: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        HazardModel(**QUICK).fit(np.arange(20.0)[:, None], y)


def test_infinite_values_are_refused(model: HazardModel, company: People) -> None:
    bad = company.rows.assign(x1=np.inf)
    for attempt in (lambda: HazardModel(**QUICK).fit(bad, company.y), lambda: model.predict(bad)):
        with pytest.raises(ValueError, match="infinity"):
            attempt()


@pytest.mark.parametrize("times", [[-1.0], [1e6], [np.nan], [[1.0]]])
def test_nothing_is_said_of_times_that_were_never_followed(model: HazardModel, company: People, times: Any) -> None:
    with pytest.raises(ValueError, match="longest follow-up"):
        model.predict_survival(company.rows, times)


@pytest.mark.parametrize("causes", [[0] * 20, [-1] + [1] * 19, [0.5] + [1] * 19, [1] * 19, [10**9] + [1] * 19])
def test_causes_that_cannot_be_are_refused(causes: list[float]) -> None:
    with pytest.raises(ValueError, match=r"whole numbers|inconsistent"):
        CauseSpecificHazards().fit(np.arange(20.0)[:, None], np.ones(20), causes)


# ---- real people --------------------------------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the evaluation data does not lie beside the checkout (../shared/data)")
def test_goals_on_real_turnover_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "evaluation"))
    import turnover

    try:
        figures = turnover.evaluate(SHARED, repeats=1, compare=False)
    finally:
        sys.modules.pop("turnover", None)
    assert turnover.missed(figures) == []

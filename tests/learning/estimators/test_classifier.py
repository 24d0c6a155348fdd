"""RiskClassifier among its kind: scikit-learn's own checks, pipelines, frames of every make, and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from perfml import RiskClassifier
from perfml.learning.estimators.encoding.encoder import MAX_LEVELS, Encoder

QUICK = {"seeds": (1,), "max_rounds": 60, "early_stopping_rounds": 20}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "folds and bagging draw rows, and a repeated row is drawn as several",
}


@parametrize_with_checks([RiskClassifier(**QUICK)], expected_failed_checks=lambda estimator: EXPECTED)
def test_scikit_learn_checks(estimator, check) -> None:
    check(estimator)


def people(n: int = 900, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure_days": rng.gamma(2.0, 500.0, n),
            "rating": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 6, n)),
            "department": pd.Categorical(rng.choice(["销售", "研发", "客服"], n)),
            "role": rng.choice(["a", "b"], n),
            "overtime": rng.random(n) < 0.3,
        }
    )
    margin = -frame["tenure_days"] / 700 + 1.5 * frame["overtime"] + (frame["department"] == "销售") - 0.3
    return frame, (rng.random(n) < 1 / (1 + np.exp(-margin.to_numpy()))).astype(int)


@pytest.mark.slow
def test_frames_of_every_make_give_the_same() -> None:
    frame, y = people()
    expected = RiskClassifier(**QUICK).fit(frame, y).decision_function(frame)
    other = pl.DataFrame(frame.assign(department=frame["department"].astype(str)).to_dict(orient="list"))
    np.testing.assert_array_equal(RiskClassifier(**QUICK).fit(other, y).decision_function(other), expected)
    enum = other.with_columns(pl.col("department").cast(pl.Categorical))
    np.testing.assert_array_equal(RiskClassifier(**QUICK).fit(enum, y).decision_function(enum), expected)
    nullable = frame.astype({"rating": "Float64", "overtime": "boolean", "role": "category"})
    np.testing.assert_array_equal(RiskClassifier(**QUICK).fit(nullable, y).decision_function(nullable), expected)


@pytest.mark.slow
def test_contributions_sum_to_the_margin() -> None:
    frame, y = people()
    model = RiskClassifier(**QUICK | {"seeds": (1, 2)}).fit(frame, y)
    assert 0 < model.risk_.share < 1
    contributions = model.contributions(frame)
    assert contributions.shape == (len(frame), frame.shape[1] + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), model.decision_function(frame), atol=1e-9)
    np.testing.assert_allclose(contributions[:, :-1].mean(axis=0), 0, atol=0.1)


@pytest.mark.slow
def test_an_array_of_objects_is_as_good_as_a_frame() -> None:
    frame, y = people(400)
    objects = frame.astype({"department": str}).to_numpy(dtype=object)
    expected = RiskClassifier(**QUICK).fit(frame, y).decision_function(frame)
    model = RiskClassifier(**QUICK).fit(objects, y)
    np.testing.assert_array_equal(model.decision_function(objects), expected)
    rows = objects.tolist()  # a list of lists, as it comes from JSON
    np.testing.assert_array_equal(RiskClassifier(**QUICK).fit(rows, y).decision_function(rows), expected)
    numbers = frame[["tenure_days", "rating"]].to_numpy()
    plain = RiskClassifier(**QUICK).fit(numbers, y)
    np.testing.assert_array_equal(plain.predict_proba(numbers.astype(object)), plain.predict_proba(numbers))
    codes = RiskClassifier(**QUICK).fit(np.array([["0"], ["1"]] * 50), [0, 1] * 50)
    np.testing.assert_array_equal(codes.decision_function([[0], [1]]), codes.decision_function([["0"], ["1"]]))


@pytest.mark.slow
def test_random_state_draws_the_seeds_and_n_jobs_changes_nothing() -> None:
    frame, y = people(400)

    def margin(**settings: object) -> np.ndarray:
        return RiskClassifier(**QUICK | settings).fit(frame, y).decision_function(frame)

    np.testing.assert_array_equal(margin(random_state=3), margin(random_state=3, n_jobs=2))
    assert np.abs(margin(random_state=3) - margin(random_state=4)).max() > 1e-6
    np.testing.assert_array_equal(margin(), margin(random_state=None))


@pytest.mark.slow
def test_feature_importances_are_mean_absolute_contributions() -> None:
    frame, y = people()
    model = RiskClassifier(**QUICK).fit(frame, y)
    expected = np.abs(model.contributions(frame)[:, :-1]).mean(axis=0)
    np.testing.assert_allclose(model.feature_importances_, expected)
    assert model.feature_importances_.argmin() in (1, 3)  # rating and role are noise


@pytest.mark.slow
def test_works_where_scikit_learn_puts_it() -> None:
    frame, y = people()
    numbers = frame[["tenure_days", "rating", "overtime"]].astype(float)
    pipeline = make_pipeline(SimpleImputer(), RiskClassifier(**QUICK))
    search = GridSearchCV(pipeline, {"riskclassifier__num_leaves": [4, 8]}, cv=2, scoring="roc_auc").fit(numbers, y)
    assert search.best_score_ > 0.7
    out_of_fold = cross_val_predict(RiskClassifier(**QUICK), frame, y, cv=3, method="predict_proba")[:, 1]
    assert roc_auc_score(y, out_of_fold) > 0.74
    calibrated = CalibratedClassifierCV(RiskClassifier(**QUICK), cv=2).fit(frame, y)
    assert roc_auc_score(y, calibrated.predict_proba(frame)[:, 1]) > 0.75


@pytest.mark.slow
def test_the_risk_moves_only_the_way_that_is_asked() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (2000, 3))
    y = (rng.random(2000) < 1 / (1 + np.exp(-np.sin(2 * x[:, 0]) * 2 - x[:, 1]))).astype(int)
    grid = np.linspace(-2.5, 2.5, 101)

    def steps(model: RiskClassifier) -> np.ndarray:
        probe = np.zeros((101, 3))
        probe[:, 0] = grid
        return np.diff(model.decision_function(probe))

    assert steps(RiskClassifier(**QUICK).fit(x, y)).min() < -1e-3
    assert steps(RiskClassifier(**QUICK, monotone={0: 1}).fit(x, y)).min() >= -1e-12
    named = pd.DataFrame(x, columns=["risk_a", "b", "c"])
    assert steps_named(RiskClassifier(**QUICK, monotone={"risk_*": -1}).fit(named, y), grid).max() <= 1e-12
    with pytest.raises(ValueError, match="no column is called 'd'"):
        RiskClassifier(**QUICK, monotone={"d": 1}).fit(named, y)


def steps_named(model: RiskClassifier, grid: np.ndarray) -> np.ndarray:
    return np.diff(model.decision_function(pd.DataFrame({"risk_a": grid, "b": 0.0, "c": 0.0})))


@pytest.mark.slow
def test_small_data_leans_on_curves_and_large_data_on_trees() -> None:
    rng = np.random.default_rng(1)

    def share(n: int) -> float:
        x = rng.normal(size=(n, 6))
        corner = (x[:, 0] > 0) == (x[:, 1] > 0)
        margin = np.where(corner, 1.2, -1.2) + x[:, 2]
        return RiskClassifier(seeds=(1,)).fit(x, rng.random(n) < 1 / (1 + np.exp(-margin))).risk_.share

    assert share(8000) > 0.8
    x = rng.normal(size=(300, 6))
    additive = RiskClassifier(seeds=(1,)).fit(x, rng.random(300) < 1 / (1 + np.exp(-x.sum(axis=1))))
    assert additive.risk_.share < 0.5


@pytest.mark.slow
def test_not_worse_than_logistic_regression_on_little_data() -> None:
    differences = []
    for seed in range(8):
        frame, y = people(300, seed)
        later, truth = people(1500, seed + 100)
        columns = ["tenure_days", "overtime"]
        ours = RiskClassifier(seeds=(1,)).fit(frame[columns], y).predict_proba(later[columns])[:, 1]
        logistic = LogisticRegression().fit(frame[columns] / [500, 1], y).predict_proba(later[columns] / [500, 1])[:, 1]
        differences.append(roc_auc_score(truth, ours) - roc_auc_score(truth, logistic))
    assert np.mean(differences) > -np.std(differences) / np.sqrt(8) - 0.005


class TestBadInput:
    def test_two_rows(self) -> None:
        model = RiskClassifier(**QUICK).fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
        assert np.isfinite(model.predict_proba([[0.5, 0.5]])).all()

    def test_one_class(self) -> None:
        with pytest.raises(ValueError, match="two classes"):
            RiskClassifier(**QUICK).fit(np.ones((20, 2)), np.zeros(20))

    @pytest.mark.slow
    def test_constant_and_missing_features_say_nothing(self) -> None:
        frame, y = people()
        empty = frame.assign(constant=7.0, nothing=np.nan, one="x")
        model = RiskClassifier(**QUICK).fit(empty, y)
        assert np.abs(model.contributions(empty)[:, 5:8]).max() < 1e-9
        assert np.isfinite(model.decision_function(empty.assign(constant=99.0, nothing=1.0))).all()

    def test_infinite_values_are_refused(self) -> None:
        with pytest.raises(ValueError, match="infinity"):
            RiskClassifier(**QUICK).fit([[np.inf], [1.0]] * 10, [0, 1] * 10)

    @pytest.mark.slow
    def test_an_unseen_category_is_missing(self) -> None:
        frame, y = people()
        model = RiskClassifier(**QUICK).fit(frame, y)
        unseen = frame.head(5).assign(department="法务")
        missing = frame.head(5).assign(department=pd.Series([None] * 5, dtype=object))
        np.testing.assert_array_equal(model.decision_function(unseen), model.decision_function(missing))

    @pytest.mark.slow
    def test_columns_in_another_order_and_renamed_ones_are_named(self) -> None:
        frame, y = people()
        model = RiskClassifier(**QUICK).fit(frame, y)
        with pytest.raises(ValueError, match="same order"):
            model.predict_proba(frame[frame.columns[::-1]])
        with pytest.raises(ValueError, match="tenure"):
            model.predict_proba(frame.rename(columns={"tenure_days": "tenure"}))

    @pytest.mark.slow
    def test_five_thousand_columns(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(300, 5000))
        y = x[:, 17] + rng.normal(size=300) > 0
        model = RiskClassifier(seeds=(1,), max_rounds=30, cv=2).fit(x, y)
        assert model.contributions(x[:3]).shape == (3, 5001)
        assert model.score(x, y) > 0.6

    @pytest.mark.slow
    def test_text_where_numbers_were(self) -> None:
        frame, y = people()
        model = RiskClassifier(**QUICK).fit(frame, y)
        with pytest.raises(ValueError, match="'tenure_days' held numbers"):
            model.predict_proba(frame.assign(tenure_days="long"))
        as_text = frame.assign(tenure_days=frame["tenure_days"].map(repr))
        np.testing.assert_array_equal(model.decision_function(as_text), model.decision_function(frame))

    def test_dates_and_identifiers(self) -> None:
        with pytest.raises(ValueError, match="days before the as-of date"):
            Encoder.fit(pd.DataFrame({"hired_on": pd.to_datetime(["2020-01-01"])}))
        with pytest.raises(ValueError, match="identifier"):
            Encoder.fit(pd.DataFrame({"employee_id": [f"e{i}" for i in range(MAX_LEVELS + 1)]}))


def test_an_encoder_comes_back_from_json() -> None:
    frame, _ = people()
    encoder = Encoder.fit(frame)
    assert tuple(encoder.levels) == (2, 3)
    again = Encoder.from_json(encoder.to_json())
    np.testing.assert_array_equal(again.transform(frame), encoder.transform(frame))


@pytest.mark.slow
def test_an_explanation_is_shap_s_own_object() -> None:
    import shap

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"司龄": rng.normal(size=200), "grade": rng.choice(["a", "b"], 200)})
    y = (frame["司龄"] + rng.normal(size=200) > 0).astype(int)
    model = RiskClassifier(seeds=(1,)).fit(frame, y)
    explanation = model.explanation(frame)
    assert isinstance(explanation, shap.Explanation) and explanation.feature_names == ["司龄", "grade"]
    assert np.allclose(explanation.values.sum(axis=1) + explanation.base_values, model.decision_function(frame))
    assert explanation.data.shape == (200, 2)

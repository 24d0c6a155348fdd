"""The learner alone, on tables that have no dates: repeated stratified folds, the same for every model compared.

IBM attrition is small (1,470 people) and nearly additive, promotion is large (54,808) and is not: a learner that wins on
both has to find out which of the two it has before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from goals import Goal
from scipy.stats import t as student
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from perfml import RiskClassifier
from perfml.arrays import Floats
from perfml.learning.estimators.calibration import calibration_floor, expected_calibration_error
from perfml.progress import Progress

IBM_GOALS = {
    "auc": Goal(low=0.838, stretch=".844"),
    "brier": Goal(high=0.092),
    "lift_at_10_percent": Goal(low=4.4),
    "log_loss": Goal(stretch="≤ .312"),
}
SMALL_GOALS = {"log_loss_over_logistic_in_se": Goal(high=1.0), "auc_under_logistic_in_se": Goal(high=1.0)}
PROMOTION_GOALS = {
    "auc": Goal(low=0.911, stretch=".914"),
    "calibration_error": Goal(high=0.006),
    "average_precision": Goal(stretch="≥ .63"),
}
SMALL_ROWS = 500


def ibm(data: Path) -> tuple[pd.DataFrame, Floats]:
    """Features and who left; identifiers and constants are left out."""
    rows = pd.read_csv(data / "tabular" / "WA_Fn-UseC_-HR-Employee-Attrition.csv", encoding="utf-8-sig")
    left = (rows.pop("Attrition") == "Yes").to_numpy(dtype=np.float64)
    return rows.drop(columns=["EmployeeNumber", "EmployeeCount", "StandardHours", "Over18"]), left


def promotion(data: Path) -> tuple[pd.DataFrame, Floats]:
    """Features and who was promoted."""
    rows = pd.read_csv(data / "tabular" / "promotion.csv")
    return rows.drop(columns=["employee_id", "is_promoted"]), rows["is_promoted"].to_numpy(dtype=np.float64)


def logistic(rows: pd.DataFrame) -> Any:
    """A logistic regression as anybody would write it: indicators for texts, scaled numbers."""
    texts = list(rows.select_dtypes(exclude="number"))
    numbers = [name for name in rows if name not in texts]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts), (StandardScaler(), numbers), remainder="drop"
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def measure(label: Floats, risk: Floats) -> dict[str, float]:
    """The figures of one test fold."""
    top = np.argsort(-risk, kind="stable")[: round(0.1 * len(risk))]
    return {
        "auc": roc_auc_score(label, risk),
        "average_precision": average_precision_score(label, risk),
        "log_loss": log_loss(label, risk),
        "brier": brier_score_loss(label, risk),
        "lift_at_10_percent": label[top].mean() / label.mean(),
    }


def over_folds(values: Sequence[float], *, shared: float = 0.0) -> dict[str, float]:
    """Mean, 95 % interval and standard error over folds; ``shared`` corrects for folds that learn from the same rows
    (test over training rows: Nadeau & Bengio 2003)."""
    mean, n = float(np.mean(values)), len(values)
    se = float(np.std(values, ddof=1) * np.sqrt(1 / n + shared))
    reach = float(student.ppf(0.975, n - 1)) * se
    return {"value": mean, "low": mean - reach, "high": mean + reach, "se": se}


def evaluate_ibm(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """Five stratified folds, four times."""
    rows, label = ibm(data)
    folds = list(RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0).split(rows, label))
    tested: list[dict[str, float]] = []
    for number, (train, test) in enumerate(folds):
        progress("IBM attrition", number, len(folds))
        model = RiskClassifier().fit(rows.iloc[train], label[train])
        tested.append(measure(label[test], model.predict_proba(rows.iloc[test])[:, 1]))
    progress("IBM attrition", len(folds), len(folds))
    return {metric: over_folds([f[metric] for f in tested], shared=0.25) for metric in tested[0]}


def evaluate_small(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """On 500 rows drawn from IBM, tested on the others: the blend against a plain logistic regression, paired."""
    rows, label = ibm(data)
    draws = StratifiedShuffleSplit(n_splits=20, train_size=SMALL_ROWS, random_state=0)
    tested: list[dict[str, float]] = []
    for number, (train, test) in enumerate(draws.split(rows, label)):
        progress("IBM, 500 rows", number, 20)
        models = {"ours": RiskClassifier(), "logistic": logistic(rows)}
        predictions = {
            k: m.fit(rows.iloc[train], label[train]).predict_proba(rows.iloc[test])[:, 1] for k, m in models.items()
        }
        each = {f"{name}_{k}": v for name, risk in predictions.items() for k, v in measure(label[test], risk).items()}
        tested.append(each)
    progress("IBM, 500 rows", 20, 20)
    out = {
        f"{name}_{m}": over_folds([f[f"{name}_{m}"] for f in tested]) for m in ("auc", "log_loss") for name in models
    }
    loss = over_folds([f["ours_log_loss"] - f["logistic_log_loss"] for f in tested])
    auc = over_folds([f["logistic_auc"] - f["ours_auc"] for f in tested])
    out["log_loss_over_logistic_in_se"] = {"value": loss["value"] / loss["se"], "low": None, "high": None}
    out["auc_under_logistic_in_se"] = {"value": auc["value"] / auc["se"], "low": None, "high": None}
    return out


def evaluate_promotion(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """Three stratified folds. The calibration error is that of all predictions out of fold, beside its sampling floor."""
    rows, label = promotion(data)
    out_of_fold = np.full(len(label), np.nan)
    tested: list[dict[str, float]] = []
    for number, (train, test) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(rows, label)):
        progress("promotion", number, 3)
        out_of_fold[test] = RiskClassifier().fit(rows.iloc[train], label[train]).predict_proba(rows.iloc[test])[:, 1]
        tested.append(measure(label[test], out_of_fold[test]))
    progress("promotion", 3, 3)
    figures = {metric: over_folds([f[metric] for f in tested], shared=0.5) for metric in tested[0]}
    error, floor = expected_calibration_error(label, out_of_fold), calibration_floor(out_of_fold)
    figures["calibration_error"] = {"value": error, "low": None, "high": None}
    figures["calibration_error_floor"] = {"value": floor, "low": None, "high": None}
    return figures

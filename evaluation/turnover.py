"""The hazard model on real people, beside what scikit-survival offers: ``python evaluation/turnover.py``.

Babushkin's turnover data: one row a person, months in the company and whether they left. Rows that occur twice are taken
once. Five folds stratified by leaving, twice; everything a model decides (rounds, slope, baseline) it decides inside the
fold it learns from, with its default settings. Prints a table and returns its figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.table import Table
from scipy.stats import t as student
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored, integrated_brier_score
from sksurv.nonparametric import kaplan_meier_estimator
from sksurv.util import Surv

from perfml import terminal
from perfml.arrays import Floats
from perfml.learning.estimators.hazard import HazardModel
from perfml.learning.validation.metrics import Estimate

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
FOLDS, REPEATS, SEED = 5, 2, 0
HORIZONS_MONTHS = (3, 6, 12)
CURVE_MONTHS = np.arange(2.0, 73.0)
HAZARD = "hazard model"
GOALS: dict[str, tuple[float, float]] = {
    "concordance": (0.640, 1.0),
    "integrated_brier": (0.0, 0.185),
    **{f"expected_over_observed_{h}_months": (0.9, 1.1) for h in HORIZONS_MONTHS},
}
"""What the hazard model must reach, lowest and highest."""


@dataclass(frozen=True)
class Foretold:
    """A model's predictions for the people left out: a ranking, and survival at given months."""

    risk: Floats
    survival: Callable[[Floats], Floats]


def hazard_model(train: pd.DataFrame, y: npt.NDArray[np.void], test: pd.DataFrame) -> Foretold:
    """perfml's, with its default settings; categories and all as they are."""
    model = HazardModel().fit(train, y)
    return Foretold(model.predict(test), lambda months: model.predict_survival(test, months))


def of_scikit_survival(make: Callable[[], Any]) -> Callable[..., Foretold]:
    """A model of scikit-survival on scaled numbers and indicators of categories."""

    def foretell(train: pd.DataFrame, y: npt.NDArray[np.void], test: pd.DataFrame) -> Foretold:
        texts = list(train.select_dtypes(exclude="number"))
        encoder = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False, min_frequency=5)
        encoder.fit(train[texts])

        def matrix(rows: pd.DataFrame) -> Floats:
            return np.hstack([rows.drop(columns=texts).to_numpy(np.float64), encoder.transform(rows[texts])])

        model = make_pipeline(StandardScaler(), make()).fit(matrix(train), y)
        curves = model.predict_survival_function(matrix(test))
        return Foretold(model.predict(matrix(test)), lambda months: np.stack([curve(months) for curve in curves]))

    return foretell


COMPARED: dict[str, Callable[..., Foretold]] = {
    "gradient boosting": of_scikit_survival(
        lambda: GradientBoostingSurvivalAnalysis(
            learning_rate=0.05, n_estimators=150, min_samples_leaf=15, subsample=0.8, max_features=0.5, random_state=SEED
        )
    ),
    "random survival forest": of_scikit_survival(
        lambda: RandomSurvivalForest(n_estimators=200, min_samples_leaf=10, random_state=SEED)
    ),
    "Cox, ridge": of_scikit_survival(lambda: CoxPHSurvivalAnalysis(alpha=1.0)),
}  # fmt: skip


def people(data: Path) -> tuple[pd.DataFrame, npt.NDArray[np.void]]:
    """What is known of each person, and (left, months)."""
    rows = pd.read_csv(data / "tabular" / "turnover.csv").drop_duplicates(ignore_index=True)
    return rows.drop(columns=["stag", "event"]), Surv.from_arrays(rows["event"] == 1, rows["stag"])


def measure(predictions: Foretold, train: npt.NDArray[np.void], test: npt.NDArray[np.void]) -> dict[str, float]:
    """Concordance, integrated Brier score, and the expected and observed share that left within each horizon."""
    left, months = test["event"], test["time"]
    after = CURVE_MONTHS[-1] + 1  # what comes later does not touch the score, but may lie beyond the training fold
    until = Surv.from_arrays(left & (months < after), np.minimum(months, after))
    when, staying = kaplan_meier_estimator(left, months)
    results = {
        "concordance": concordance_index_censored(left, months, predictions.risk)[0],
        "integrated_brier": integrated_brier_score(train, until, predictions.survival(CURVE_MONTHS), CURVE_MONTHS),
    }
    for horizon, survival in zip(
        HORIZONS_MONTHS, predictions.survival(np.array(HORIZONS_MONTHS, float)).T, strict=True
    ):
        results[f"expected_{horizon}"] = 1 - float(survival.mean())
        results[f"observed_{horizon}"] = 1 - float(staying[when <= horizon][-1])
    return results


def evaluate(data: Path, *, repeats: int = REPEATS, compare: bool = True) -> dict[str, dict[str, Any]]:
    """Model -> metric -> value, 95 % interval and standard error over the folds; differences are to the hazard model.

    ``data`` is the folder of the evaluation sets. Folds share people they learn from, so the standard error of a plain mean
    over folds is a little too small; that of the differences is corrected (Nadeau & Bengio 2003).
    """
    rows, y = people(data)
    models: dict[str, Callable[..., Foretold]] = {HAZARD: hazard_model} | (COMPARED if compare else {})
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in models}
    splits = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=SEED)
    for train, test in splits.split(rows, y["event"]):
        for name, foretell in models.items():
            predictions = foretell(rows.iloc[train], y[train], rows.iloc[test])
            measured[name].append(measure(predictions, y[train], y[test]))
    results = {name: pd.DataFrame(values) for name, values in measured.items()}
    return {name: _figures(values, results[HAZARD]) for name, values in results.items()}


def _figures(folds: pd.DataFrame, ours: pd.DataFrame) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for metric in ("concordance", "integrated_brier"):
        out[metric] = _estimate(folds[metric].mean(), folds[metric]).to_json()
        if folds is not ours:
            gap = folds[metric] - ours[metric]
            out[f"{metric}_difference"] = _estimate(gap.mean(), gap, shared=1 / (FOLDS - 1)).to_json()
    for horizon in HORIZONS_MONTHS:
        expected, observed = folds[f"expected_{horizon}"], folds[f"observed_{horizon}"]
        ratio = expected.sum() / observed.sum()
        out[f"expected_over_observed_{horizon}_months"] = _estimate(
            ratio, (expected - ratio * observed) / observed.mean()
        ).to_json()
    return out


def _estimate(value: float, over_folds: pd.Series[float], *, shared: float = 0.0) -> Estimate:
    se = float(over_folds.std(ddof=1) * np.sqrt(1 / len(over_folds) + shared))
    reach = float(student.ppf(0.975, len(over_folds) - 1)) * se
    return Estimate(value, value - reach, value + reach, se)


def missed(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The goals that the hazard model does not reach."""
    ours = figures[HAZARD]
    return [metric for metric, (low, high) in GOALS.items() if not low <= ours[metric]["value"] <= high]


def _cell(figure: Mapping[str, float], difference: Mapping[str, float] | None) -> str:
    cell = "{value:.4f} ± {se:.4f}".format(**figure)
    return cell if difference is None else cell + "\nΔ {value:+.4f} ± {se:.4f}".format(**difference)


def main() -> int:
    """Exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the evaluation sets")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    chosen = parser.parse_args()
    if not (chosen.data / "tabular" / "turnover.csv").is_file():
        terminal.out.print(f"[yellow]skipped: the evaluation data is not there ({chosen.data})[/]")
        return 0
    figures = evaluate(chosen.data)
    table = Table(title="turnover, mean over folds ± standard error; Δ: to the hazard model", title_justify="left")
    for heading in ("", *(metric.replace("_", " ") for metric in GOALS)):
        table.add_column(heading)
    for model, metrics in figures.items():
        table.add_row(model, *(_cell(metrics[metric], metrics.get(f"{metric}_difference")) for metric in GOALS))
    table.add_row("goal", *(f"{low:g} … {high:g}" for low, high in GOALS.values()))
    terminal.out.print(table)
    if chosen.out:
        chosen.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for metric in missed(figures):
        terminal.out.print(f"[red]missed: {metric}[/]")
    return 1 if missed(figures) else 0


if __name__ == "__main__":
    sys.exit(main())

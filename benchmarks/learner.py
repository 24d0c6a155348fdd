"""The cost of training over that of the fits it consists of: ``python3 run.py benchmark learner``.

200,000 simulated rows of 150 columns, some missing, some categorical. CPU time of the whole process, on one thread: threads that
wait for each other count as if they worked.
*contained*: time inside LightGBM's and scikit-learn's own fits, those on folds too. *alone*: three sets of trees of the chosen
number of rounds, and one logistic regression on the same splines, fitted without folds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from perfml import RiskClassifier, terminal
from perfml.learning.estimators.encoding.encoder import Encoder
from perfml.learning.estimators.splines import fit_path

GOAL = 1.5


def company(rows: int, columns: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Five correlated columns a theme; a tenth of the values is missing; five columns are categories."""
    rng = np.random.default_rng(seed)
    themes = rng.normal(size=(rows, columns // 5))
    values = np.repeat(themes, 5, axis=1)[:, :columns] * 0.8 + rng.normal(size=(rows, columns)) * 0.6
    margin = (
        -2.2 + themes[:, :8] @ rng.normal(0.0, 0.35, 8) + 0.5 * (themes[:, 0] * themes[:, 1]) + 0.4 * (themes[:, 2] > 1)
    )
    values[rng.random(values.shape) < 0.1] = np.nan
    frame = pd.DataFrame(values, columns=[f"evidence_{i}" for i in range(columns)])
    for i in range(5):
        frame[f"evidence_{i}"] = pd.Categorical.from_codes(rng.integers(0, 8, rows), pd.Index(list("abcdefgh")))
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-margin))).astype(int)


@contextmanager
def counted(spent: dict[str, float]) -> Iterator[None]:
    """Add up the CPU seconds inside the two libraries' fits."""
    train, fit = lgb.train, LogisticRegression.fit

    def timed(name: str, call: Any) -> Any:
        def run(*args: Any, **keywords: Any) -> Any:
            began = time.process_time()
            try:
                return call(*args, **keywords)
            finally:
                spent[name] = spent.get(name, 0.0) + time.process_time() - began

        return run

    lgb.train, LogisticRegression.fit = timed("LightGBM", train), timed("logistic", fit)
    try:
        yield
    finally:
        lgb.train, LogisticRegression.fit = train, fit


def alone(frame: pd.DataFrame, label: np.ndarray, model: RiskClassifier) -> float:
    """CPU seconds of the final fits, called directly."""
    encoder = Encoder.fit(frame)
    matrix = np.asarray(encoder.transform(frame))
    categories = encoder.categories(frame.shape[1])
    began = time.process_time()
    for seed in model.seeds:
        parameters = {
            "objective": "binary", "learning_rate": model.learning_rate, "num_leaves": model.num_leaves,
            "min_child_samples": model.min_child_samples, "feature_fraction": model.feature_fraction,
            "bagging_fraction": model.bagging_fraction, "bagging_freq": 1, "lambda_l2": model.lambda_l2, "seed": seed,
            "verbosity": -1, "force_row_wise": True, "num_threads": 1,
        }  # fmt: skip
        data = lgb.Dataset(matrix, label, categorical_feature=sorted(categories))
        lgb.train(parameters, data, model.risk_.hyperparameters.rounds)
    penalty = model.risk_.hyperparameters.inverse_penalty
    fit_path(matrix, label.astype(float), categories=categories, inverse_penalties=[penalty])
    return time.process_time() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=1)
    chosen = parser.parse_args()
    frame, label = company(chosen.rows, chosen.columns)
    table = Table(
        title=f"learning from {chosen.rows:,} rows × {chosen.columns} columns, CPU seconds", title_justify="left"
    )
    for heading in ("run", "whole", "LightGBM", "logistic", "whole / contained", "whole / alone", "rounds", "share"):
        table.add_column(heading, justify="right")
    for run in range(chosen.repeats):
        spent: dict[str, float] = {}
        began = time.process_time()
        with counted(spent):
            model = RiskClassifier(n_jobs=1).fit(frame, label)
        whole, inside = time.process_time() - began, sum(spent.values())
        final = alone(frame, label, model)
        ratios = (f"{whole / inside:.2f}", f"{whole / final:.2f}")
        learnt = model.risk_.hyperparameters
        cells = (f"{whole:.1f}", f"{spent['LightGBM']:.1f}", f"{spent['logistic']:.1f}", *ratios)
        table.add_row(str(run + 1), *cells, str(learnt.rounds), f"{learnt.share:.2f}")
    table.caption = f"goal: whole / contained ≤ {GOAL}, whole / alone ≤ {GOAL}"
    terminal.out.print(table)


if __name__ == "__main__":
    main()

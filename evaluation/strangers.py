"""Tables that nobody tuned to: a job-change survey as companies export it, drawn with a structure that is known.

One row is somebody who took a course: a city of many, an index of its development that explains the city's effect in part, how
long they have worked ("<1" to ">20"), the size of their company ("10/49", "10000+"), when they changed last ("never", ">4"), all
with gaps. Whoever has no employer now leaves the company's columns empty and looks for a job more often, so that missing says
something; other gaps are drawn at random. The tables differ in what the cities' effects come from, in size, in language and in
whether anything but a sum is at work. Five times two stratified folds, beside LightGBM as it comes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from goals import Goal
from lightgbm import LGBMClassifier
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold
from tabular import over_folds

from perfml import RiskClassifier
from perfml.arrays import Floats
from perfml.progress import Progress

SHARE_LOOKING = 0.25
TABLES: dict[str, dict[str, Any]] = {
    "index_explains_city": {"rows": 6000, "cities": 123, "explained": 0.9},
    "cities_of_their_own": {"rows": 6000, "cities": 300, "explained": 0.2},
    "interactions_in_chinese": {"rows": 6000, "cities": 123, "explained": 0.8, "interactions": 1.0, "chinese": True},
    "few_people": {"rows": 1500, "cities": 123, "explained": 0.6},
    "cities_say_nothing": {"rows": 3000, "cities": 123, "explained": 0.0, "spread": 0.0},
}
GOALS = {f"auc_over_lightgbm_{name}": Goal(low=0.0) for name in TABLES}
EDUCATION = ["Primary School", "High School", "Graduate", "Masters", "Phd"], ["初中", "高中", "本科", "硕士", "博士"]
SIZES = ["<10", "10/49", "50-99", "100-500", "500-999", "1000-4999", "5000-9999", "10000+"]
SIZES_ZH = ["10人以下", "10-49人", "50-99人", "100-500人", "500-999人", "1000-4999人", "5000-9999人", "10000人以上"]
LAST_CHANGE = ["never", "1", "2", "3", "4", ">4"]


def survey(
    seed: int,
    *,
    rows: int,
    cities: int,
    explained: float,
    spread: float = 0.9,
    interactions: float = 0.0,
    chinese: bool = False,
) -> tuple[pd.DataFrame, Floats, Floats]:
    """The table, who looks for a job, and the true probability of each.

    ``explained``: correlation of the cities' effects with a function of the index; ``spread``: their standard deviation.
    """
    rng = np.random.default_rng(seed)
    frequency = np.arange(1, cities + 1) ** -1.1
    city = rng.choice(cities, rows, p=frequency / frequency.sum())
    index = np.round(np.clip(rng.beta(5, 2, cities), 0.44, 0.95), 3)
    by_index = np.where(index < 0.65, 1.6, -0.25) + 0.2 * (index - index.mean()) / index.std()
    effect = spread * (explained * by_index + np.sqrt(1 - explained**2) * rng.normal(size=cities))
    years = np.clip(rng.gamma(1.6, 6.5, rows) - 0.3, 0, 30)
    size, education = rng.integers(0, 8, rows), rng.choice(5, rows, p=[0.02, 0.11, 0.62, 0.22, 0.03])
    last = rng.choice(6, rows, p=[0.13, 0.42, 0.15, 0.05, 0.05, 0.2])
    student, relevant = rng.random(rows) < 0.2, rng.random(rows) < expit(0.4 + 0.08 * years)
    without = rng.random(rows) < expit(-1.2 - 0.05 * years + 0.6 * student)
    margin = effect[city] + 1.1 * without - 0.035 * np.minimum(years, 20) + 0.35 * (years < 3) - 0.5 * relevant
    margin += 0.45 * student - 0.5 * (education < 2) - 0.08 * np.abs(size - 4) * ~without + 0.1 * (last == 1)
    poor = index[city] < 0.65
    margin += interactions * (0.8 * (poor & (years > 10)) - 1.2 * (poor & without))
    level = brentq(lambda level: expit(margin + level).mean() - SHARE_LOOKING, -20, 20)
    truth = expit(margin + level)
    unit, first, beyond = ("年", "1年以下", "20年以上") if chinese else ("", "<1", ">20")
    whole = np.floor(years).astype(int)
    experience = np.where(whole < 1, first, np.where(whole > 20, beyond, [f"{year}{unit}" for year in whole]))
    frame = pd.DataFrame(
        {
            "city": [f"city_{each}" for each in city],
            "city_development_index": index[city],
            "relevant_experience": np.where(relevant, "yes", "no"),
            "enrolled": np.where(student, "full time", "no"),
            "education": np.array(EDUCATION[chinese])[education],
            "experience": experience,
            "company_size": np.array(SIZES_ZH if chinese else SIZES)[size],
            "last_change": np.array(LAST_CHANGE)[last],
            "training_hours": np.ceil(rng.gamma(1.3, 50, rows)),
            "gender": rng.choice(["Male", "Female", "Other"], rows, p=[0.9, 0.09, 0.01]),
        }
    ).astype(dict.fromkeys(("education", "experience", "company_size", "last_change", "gender"), object))
    gaps = {"education": 0.02, "experience": 0.01, "last_change": 0.02, "gender": 0.23, "company_size": 0.07}
    for column, share in gaps.items():
        frame.loc[rng.random(rows) < share, column] = None
    frame.loc[without, "company_size"] = None
    return frame, (rng.random(rows) < truth).astype(np.float64), truth


def lightgbm(train: pd.DataFrame, label: Floats, test: pd.DataFrame) -> Floats:
    """LightGBM as it comes, with texts as its categories."""
    kinds = {
        name: pd.CategoricalDtype(sorted(train[name].dropna().unique()))
        for name in train.select_dtypes(exclude="number")
    }
    model = LGBMClassifier(verbosity=-1, n_jobs=1).fit(train.astype(kinds), label)
    return np.asarray(model.predict_proba(test.astype(kinds))[:, 1], dtype=np.float64)


def ours(train: pd.DataFrame, label: Floats, test: pd.DataFrame) -> Floats:
    """perfml's, with its defaults."""
    return np.asarray(RiskClassifier().fit(train, label).predict_proba(test)[:, 1], dtype=np.float64)


def evaluate(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """Each table's AUC and log loss, the gain over LightGBM, what the true probabilities would have gained, and CPU seconds."""
    figures: dict[str, dict[str, Any]] = {}
    for number, (name, drawn) in enumerate(TABLES.items()):
        progress("strangers", number, len(TABLES))
        frame, label, truth = survey(number, **drawn)
        tested: list[dict[str, float]] = []
        for train, test in RepeatedStratifiedKFold(n_splits=2, n_repeats=5, random_state=0).split(frame, label):
            began = time.process_time()
            risk = ours(frame.iloc[train], label[train], frame.iloc[test])
            cpu = time.process_time() - began
            auc = float(roc_auc_score(label[test], risk))
            other = roc_auc_score(label[test], lightgbm(frame.iloc[train], label[train], frame.iloc[test]))
            short = roc_auc_score(label[test], truth[test]) - auc
            loss = float(log_loss(label[test], risk))
            tested.append(
                {
                    "auc": auc,
                    "log_loss": loss,
                    "auc_over_lightgbm": auc - other,
                    "auc_short_of_truth": short,
                    "cpu": cpu,
                }
            )
        figures |= {f"{metric}_{name}": over_folds([f[metric] for f in tested], shared=1.0) for metric in tested[0]}
    progress("strangers", len(TABLES), len(TABLES))
    return figures

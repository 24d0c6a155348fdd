"""Real learners: what half of 24,036 people took next, from 92,403 earlier enrolments, from which alone everything is learnt.

Beside ``implicit``'s alternating least squares with 64 factors, as it comes and with its authors' confidence of 40, which doubles
its recall here and is what the goals are measured against; its item-item neighbours; and popularity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from goals import Goal
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from scipy import sparse
from threadpoolctl import threadpool_limits

from perfml.advice.courses import CourseRecommender
from perfml.arrays import Floats
from perfml.progress import Progress

GOALS = {
    "recall_over_als": Goal(low=1.05),
    "ndcg_over_als": Goal(low=1.05),
}
K, DRAWS, FACTORS = 10, 1_000, 64
SUITED = {"alpha": 40.0, "regularization": 10.0}


def tables(data: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Courses, enrolments, and what was taken next."""
    folder = data / "learners"
    courses = pd.read_parquet(folder / "courses.parquet")
    courses["skills"] = [list(map(str, each)) for each in courses["skills"]]
    return (
        courses,
        pd.read_parquet(folder / "enrolments.parquet"),
        pd.read_parquet(folder / "next_enrolments_truth.parquet"),
    )


def baselines(taken: sparse.csr_matrix, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """(rows, 10) courses that each of ``implicit``'s models recommends, those taken left out."""
    models: dict[str, Any] = {
        "als": AlternatingLeastSquares(factors=FACTORS, random_state=0, num_threads=1, **SUITED),
        "als_as_it_comes": AlternatingLeastSquares(factors=FACTORS, random_state=0, num_threads=1),
        "item_neighbours": CosineRecommender(K=1_000),
    }
    ranked = {}
    with threadpool_limits(1, user_api="blas"):
        for name, model in models.items():
            model.fit(taken, show_progress=False)
            ranked[name] = model.recommend(rows, taken[rows], N=K, filter_already_liked_items=True)[0]
    order = np.argsort(-np.asarray(taken.sum(axis=0)).ravel(), kind="stable")
    dense = [set(taken.indices[taken.indptr[row] : taken.indptr[row + 1]].tolist()) for row in rows]
    ranked["popularity"] = np.array([[c for c in order[: K + len(mine)] if c not in mine][:K] for mine in dense])
    return ranked


def measures(ranked: npt.NDArray[np.int64], right: list[set[int]]) -> tuple[Floats, Floats]:
    """For each person recall@10, over min(10, taken), and nDCG@10; -1 is an empty place."""
    hit = np.array(
        [[course in mine for course in row] for row, mine in zip(ranked, right, strict=True)], dtype=np.float64
    )
    most = np.array([min(K, len(mine)) for mine in right])
    worth = 1 / np.log2(np.arange(2, K + 2))
    return hit.sum(axis=1) / most, hit @ worth / np.cumsum(worth)[most - 1]


def evaluate(data: Path, progress: Progress) -> dict[str, dict[str, Any]]:
    """The figures with 95 % intervals over people drawn with replacement."""
    courses, enrolments, truth = tables(data)
    progress("learners", 0, 3)
    catalogue = pd.Index(courses["course_id"])
    people = np.unique(truth["employee_id"].to_numpy(dtype=object)).tolist()
    everyone = pd.Index(np.unique(enrolments["employee_id"].to_numpy(dtype=object)))
    grouped = truth.groupby("employee_id")["course_id"].apply(lambda each: set(catalogue.get_indexer(each).tolist()))
    right = [grouped[person] for person in people]
    cells = (everyone.get_indexer(enrolments["employee_id"]), catalogue.get_indexer(enrolments["course_id"]))
    taken = sparse.csr_matrix(
        (np.ones(len(enrolments), dtype=np.float32), cells), shape=(len(everyone), len(catalogue))
    )
    ranked = baselines(taken, everyone.get_indexer(people))
    progress("learners", 1, 3)
    fitted = CourseRecommender().fit(courses, enrolments)
    progress("learners", 2, 3)
    recommended = fitted.for_employees(people, K)
    ours = np.full((len(people), K), -1)
    row = pd.Index(people).get_indexer(recommended["query"])
    ours[row, recommended["rank"] - 1] = catalogue.get_indexer(recommended["course_id"])
    progress("learners", 3, 3)
    values: dict[str, Floats] = {}
    for name, rows in {"ours": ours, **ranked}.items():
        values[f"recall_{name}"], values[f"ndcg_{name}"] = measures(rows, right)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=DRAWS) / len(people)
    means = {name: (float(each.mean()), drawn @ each) for name, each in values.items()}
    for measure in ("recall", "ndcg"):
        (value, draws), (other, others) = means[f"{measure}_ours"], means[f"{measure}_als"]
        means[f"{measure}_over_als"] = (value / other, draws / others)
    figures: dict[str, dict[str, Any]] = {}
    for name, (value, draws) in means.items():
        low, high = np.quantile(draws, [0.025, 0.975])
        figures[name] = {"value": value, "low": float(low), "high": float(high)}
    for name, weight in fitted.weights_.items():
        figures[f"weight_{name}"] = {"value": weight, "low": None, "high": None}
    return figures

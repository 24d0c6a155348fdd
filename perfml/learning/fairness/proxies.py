"""Proxies: how well each group of evidence predicts a protected attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
from sklearn.model_selection import StratifiedKFold

from perfml.arrays import Floats, Ints, Objects
from perfml.errors import DataError
from perfml.learning.fairness.audit import UNKNOWN, with_intersections
from perfml.learning.record import RecordPart
from perfml.learning.validation.metrics import DRAWS, Estimate, auc, estimate
from perfml.messages import Message, Value
from perfml.project.model_spec import FairnessSpec

STRONG_PROXY, WEAK_PROXY = 0.8, 0.6
"""AUC above which evidence predicts the protected attribute well, or in part."""
PROXY_FOLDS = 5
PROXY_PEOPLE = 4_000
"""Most people drawn; their AUC is known to about .01."""
PROXY_ROUNDS = 40
PROXY_LEARNER = {
    "learning_rate": 0.1, "num_leaves": 7, "min_child_samples": 20, "lambda_l2": 5.0, "num_threads": 1,
    "deterministic": True, "force_row_wise": True, "seed": 0, "verbosity": -1,
}  # fmt: skip


class Proxy(RecordPart):
    """How well one evidence group predicts a protected attribute out of fold; AUC .5 means not at all."""

    evidence_group: str
    columns: tuple[str, ...]
    auc: Estimate
    strength: Literal["strong", "weak", "none"]
    text: Message


def proxy_report(
    *,
    features: Floats,
    names: Sequence[str],
    evidence_group: Sequence[str],
    protected: Sequence[str | None] | Objects,
    person: Objects,
    min_people: int = FairnessSpec().min_people,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Proxy]:
    """Measure how well each evidence group of ``features`` (rows, columns) predicts ``protected`` (rows,), best first.

    ``evidence_group`` (columns,) names the reason each column belongs to. A small LightGBM predicts the attribute out of
    fold; the AUC is one value against the rest, averaged over the values (macro), with its interval over people. Each
    person has one row, drawn at random, since a person's rows are nearly identical. Values held by fewer than
    ``min_people`` people, and the unknown value, are left out.

    Raises :class:`DataError` when fewer than two values remain.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(person))
    _, first = np.unique(np.asarray(person)[shuffled], return_index=True)
    rows = rng.permutation(shuffled[first])
    value = with_intersections({"protected": protected})["protected"][rows].astype(str)
    held, count = np.unique(value, return_counts=True)
    compared = [v for v, k in zip(held, count, strict=True) if v != UNKNOWN and k >= min_people]
    if len(compared) < 2:
        counts = ", ".join(f"{v} {k}" for v, k in zip(held, count, strict=True))
        raise DataError(
            f"proxies cannot be measured: people by value: {counts or 'none'}",
            where="proxy report",
            remedy=f"two values held by {min_people} people each are needed",
        )
    chosen = np.isin(value, compared)
    rows, value = rows[chosen][:PROXY_PEOPLE], value[chosen][:PROXY_PEOPLE]
    code = np.searchsorted(compared, value)
    parameters: dict[str, Any] = PROXY_LEARNER | (
        {"objective": "binary"} if len(compared) == 2 else {"objective": "multiclass", "num_class": len(compared)}
    )
    folds = list(StratifiedKFold(PROXY_FOLDS, shuffle=True, random_state=seed).split(rows, code))
    of_column = np.asarray(evidence_group, dtype=object)

    def out_of_fold_auc(columns: Ints) -> Estimate:
        x = features[np.ix_(rows, columns)]
        score = np.zeros((len(rows), len(compared)))
        for train, test in folds:
            predicted = lgb.train(parameters, lgb.Dataset(x[train], code[train]), PROXY_ROUNDS).predict(x[test])
            out = np.asarray(predicted)
            score[test] = np.column_stack([1 - out, out]) if out.ndim == 1 else out
        sides = range(1 if len(compared) == 2 else 0, len(compared))

        def macro(_: Floats, __: Floats, weight: Floats) -> Floats:
            each = [auc((code == k).astype(np.float64), score[:, k], weight) for k in sides]
            return np.asarray(np.mean(each, axis=0), dtype=np.float64)

        everyone = np.arange(len(rows)).astype(object)
        return estimate({"auc": macro}, code.astype(np.float64), score[:, 0], person=everyone, draws=draws, seed=seed)[
            "auc"
        ]

    report = []
    for group in dict.fromkeys(of_column.tolist()):
        columns = np.flatnonzero(of_column == group)
        report.append(_proxy(group, tuple(names[c] for c in columns.tolist()), out_of_fold_auc(columns)))
    return sorted(report, key=lambda proxy: -proxy.auc.value)


def _proxy(group: str, columns: tuple[str, ...], auc: Estimate) -> Proxy:
    figures: dict[str, Value] = {"evidence": group, "auc": auc.message()}
    strength: Literal["strong", "weak", "none"]
    if auc.value > STRONG_PROXY:
        strength, text = "strong", Message.of("proxy_strong", **figures)
    elif auc.value > WEAK_PROXY and auc.low > 0.5:
        strength, text = "weak", Message.of("proxy_weak", **figures)
    else:
        strength, text = "none", Message.of("proxy_none", **figures)
    return Proxy(evidence_group=group, columns=columns, auc=auc, strength=strength, text=text)

"""How well each evidence group tells a protected attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats, Ints, Objects
from perfml.errors import DataError
from perfml.learning.fairness.audit import UNKNOWN, with_intersections
from perfml.learning.fairness.findings import FairnessLimits, as_json
from perfml.learning.validation.metrics import DRAWS, Estimate, auc, estimate

STRONG_PROXY, WEAK_PROXY = 0.8, 0.6
"""AUC above which evidence tells the protected attribute well, or somewhat."""
PROXY_FOLDS = 5
PROXY_PEOPLE = 4_000
"""People drawn where there are more: the AUC of so many is known to about .01."""
PROXY_ROUNDS = 40
PROXY_LEARNER = {
    "learning_rate": 0.1, "num_leaves": 7, "min_child_samples": 20, "lambda_l2": 5.0, "num_threads": 1,
    "deterministic": True, "force_row_wise": True, "seed": 0, "verbosity": -1,
}  # fmt: skip


@dataclass(frozen=True)
class Proxy:
    """How well one evidence group tells a protected attribute of people it has not seen; .5 is not at all."""

    evidence_group: str
    columns: tuple[str, ...]
    auc: Estimate
    strength: Literal["strong", "weak", "none"]
    en: str
    zh: str

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return as_json(self)


def proxy_report(
    *,
    features: Floats,
    names: Sequence[str],
    evidence_group: Sequence[str],
    protected: Sequence[str | None] | npt.NDArray[Any],
    person: Objects,
    min_people: int = FairnessLimits.min_people,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Proxy]:
    """How well each evidence group predicts ``protected`` (rows,) from ``features`` (rows, columns), the best first.

    ``evidence_group`` (columns,) names the reason each column stands under. A small LightGBM predicts the attribute out of
    fold, the rows of one person always in the same fold; the AUC is of one value against the rest, averaged over the values
    (macro), its interval over people. Each person has one row, drawn at random: others would say the same again. Values
    held by fewer than ``min_people`` people, and the unknown one, are left out.

    Raises :class:`DataError` when fewer than two values are left.
    """
    import lightgbm as lgb
    from sklearn.model_selection import StratifiedKFold

    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(person))
    _, first = np.unique(np.asarray(person)[shuffled], return_index=True)
    rows = rng.permutation(shuffled[first])
    value = with_intersections({"protected": protected})["protected"][rows].astype(str)
    held, count = np.unique(value, return_counts=True)
    kept = [v for v, k in zip(held, count, strict=True) if v != UNKNOWN and k >= min_people]
    if len(kept) < 2:
        had = ", ".join(f"{v} {k}" for v, k in zip(held, count, strict=True))
        raise DataError(
            f"a proxy cannot be told: people by value: {had or 'none'}",
            where="proxy report",
            remedy=f"two values held by {min_people} people each are needed",
        )
    chosen = np.isin(value, kept)
    rows, value = rows[chosen][:PROXY_PEOPLE], value[chosen][:PROXY_PEOPLE]
    code = np.searchsorted(kept, value)
    parameters: dict[str, Any] = PROXY_LEARNER | (
        {"objective": "binary"} if len(kept) == 2 else {"objective": "multiclass", "num_class": len(kept)}
    )
    folds = list(StratifiedKFold(PROXY_FOLDS, shuffle=True, random_state=seed).split(rows, code))
    of_column = np.asarray(evidence_group, dtype=object)

    def told(columns: Ints) -> Estimate:
        x = features[np.ix_(rows, columns)]
        score = np.zeros((len(rows), len(kept)))
        for train, test in folds:
            predicted = lgb.train(parameters, lgb.Dataset(x[train], code[train]), PROXY_ROUNDS).predict(x[test])
            out = np.asarray(predicted)
            score[test] = np.column_stack([1 - out, out]) if out.ndim == 1 else out
        sides = range(1 if len(kept) == 2 else 0, len(kept))

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
        report.append(_proxy(group, tuple(names[c] for c in columns.tolist()), told(columns)))
    return sorted(report, key=lambda proxy: -proxy.auc.value)


def _proxy(group: str, columns: tuple[str, ...], found: Estimate) -> Proxy:
    if found.value > STRONG_PROXY:
        return Proxy(group, columns, found, "strong",
                     f"{group} is a strong proxy: it tells the attribute (AUC {found})",
                     f"{group} 是强代理变量：可据此推断该属性（AUC {found}）")  # fmt: skip
    if found.value > WEAK_PROXY and found.low > 0.5:
        return Proxy(group, columns, found, "weak",
                     f"{group} is a weak proxy: it tells something of the attribute (AUC {found})",
                     f"{group} 是弱代理变量：可部分推断该属性（AUC {found}）")  # fmt: skip
    return Proxy(group, columns, found, "none",
                 f"{group} is no proxy (AUC {found})", f"{group} 不是代理变量（AUC {found}）")  # fmt: skip

"""What a cure of unfairness costs: proxies left out, rows reweighed. Everyone is held to one threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Floats, Objects
from perfml.learning.fairness.audit import audit, with_intersections
from perfml.learning.fairness.findings import FairnessLimits, Finding, Verdict, as_json
from perfml.learning.validation.metrics import DRAWS, Estimate, auc, estimate, log_loss

Fit = Callable[[Floats, Floats, Floats], Callable[[Floats], Floats]]
"""(features (n, m), label (n,), weight (n,)) -> a function from features (k, m) to probabilities (k,)."""
Flag = Callable[[Floats], Bools]
"""Who is flagged, from all probabilities of the tested rows and nothing else: it cannot know of a group."""

CURES: dict[str, tuple[str, str]] = {
    "as learnt": ("原模型", "as learnt"),
    "without proxies": ("去除代理变量", "without the proxies"),
    "reweighed": ("重新加权", "reweighed"),
    "without proxies, reweighed": ("去除代理变量并重新加权", "without the proxies and reweighed"),
}


@dataclass(frozen=True)
class Option:
    """One way to learn, tested on the same rows. ``price``: log loss above the model as learnt, in nats a row."""

    cure: str
    removed: tuple[str, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    auc: Estimate
    log_loss: Estimate
    price: Estimate

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return as_json(self) | {"findings": [as_json(f) for f in self.findings]}


@dataclass(frozen=True)
class Mitigation:
    """The options side by side, and the one to take: the cheapest that does not fail, None where all do."""

    options: tuple[Option, ...]
    chosen: str | None
    en: str
    zh: str

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return as_json(self) | {"options": [option.to_json() for option in self.options]}


def reweighing(group: Objects, label: Floats) -> Floats:
    """Weights (rows,) under which the label does not depend on the group: P(group) P(label) / P(group, label).

    Kamiran & Calders 2012. They sum to the number of rows.

    >>> reweighing(np.array(["a", "a", "a", "b"], dtype=object), np.array([1.0, 1, 0, 0])).round(2).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    _, of_group = np.unique(group.astype(str), return_inverse=True)
    cell = of_group * 2 + (label == 1)
    n, together = len(label), np.bincount(cell)[cell]
    weight: Floats = np.bincount(of_group)[of_group] * np.bincount((label == 1).astype(int))[cell % 2] / (n * together)
    return weight


def mitigate(
    *,
    fit: Fit,
    flag: Flag,
    features: Floats,
    label: Floats,
    person: Objects,
    train: Bools,
    test: Bools,
    attribute: str,
    group: Sequence[str | None] | npt.NDArray[Any],
    evidence_group: Sequence[str],
    proxies: Sequence[str],
    limits: FairnessLimits,
    draws: int = DRAWS,
    seed: int = 0,
) -> Mitigation:
    """Learn without the ``proxies`` (evidence groups), with reweighed rows, with both; each beside the model as learnt.

    Learns from the rows of ``train`` and tests on those of ``test``; ``fit`` is the learner, ``flag`` who is flagged among
    the tested. The attribute is used for the weights of learning only, never for a prediction or a threshold. The price is
    the rise in log loss with its interval over people. Reweighing teaches that the groups' base rates are equal: where they
    are not, it is paid for in calibration within groups, which the findings show.
    """
    of_row = with_intersections({attribute: group})[attribute]
    kept = ~np.isin(np.asarray(evidence_group, dtype=object), list(proxies))
    plain, weights = np.ones(int(train.sum())), reweighing(of_row[train], label[train])
    every = np.ones(features.shape[1], dtype=bool)
    tried = [("as learnt", every, plain), ("without proxies", kept, plain)]
    tried += [("reweighed", every, weights), ("without proxies, reweighed", kept, weights)]
    options: list[Option] = []
    before: Floats | None = None
    for cure, columns, weight in tried:
        if "proxies" in cure and (columns.all() or not columns.any()):
            continue
        predict = fit(features[np.ix_(train, columns)], label[train], weight)
        risk = predict(features[np.ix_(test, columns)])
        before = risk if before is None else before
        report = audit(
            label=label[test], probability=risk, flagged=flag(risk), person=person[test],
            groups={attribute: of_row[test]}, limits=limits, draws=draws, seed=seed,
        )  # fmt: skip
        tested = partial(estimate, label=label[test], probability=risk, person=person[test], draws=draws, seed=seed)
        alone = tested({"auc": auc, "log_loss": log_loss})
        price = tested({"log_loss": log_loss}, against=before)["log_loss"]
        removed = () if columns.all() else tuple(proxies)
        options.append(Option(cure, removed, report.verdict, report.findings, alone["auc"], alone["log_loss"], price))
    return _chosen(attribute, options)


def _chosen(attribute: str, options: Sequence[Option]) -> Mitigation:
    first, *others = options
    if first.verdict != "fail":
        none = (f"{attribute}: no violation is shown, nothing to mitigate", f"{attribute}：未显示违规，无需缓解")
        return Mitigation(tuple(options), first.cure, *none)
    cured = [option for option in others if option.verdict == "pass"]
    if not cured:
        none = (
            f"{attribute}: no mitigation keeps the limits: do not use the model",
            f"{attribute}：各缓解方式均未满足限值：请勿使用该模型",
        )
        return Mitigation(tuple(options), None, *none)
    best = min(cured, key=lambda option: option.price.value)
    zh, en = CURES[best.cure]
    price = f"{best.price.value:+.4f} [{best.price.low:+.4f}, {best.price.high:+.4f}]"
    return Mitigation(
        tuple(options), best.cure,
        f"{attribute}: {en} it keeps the limits, at a price of {price} nats of log loss a row",
        f"{attribute}：{zh}后满足限值，每行对数损失的代价为 {price}",
    )  # fmt: skip

"""Cost of mitigating unfairness by leaving out proxies and reweighing rows. One threshold applies to everyone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfml.arrays import Bools, Floats, Objects
from perfml.learning.estimators.blend import probability
from perfml.learning.fairness.audit import audit, with_intersections
from perfml.learning.fairness.findings import FairnessFinding
from perfml.learning.record import RecordPart, Verdict
from perfml.learning.validation.lists import listed_rows
from perfml.learning.validation.metrics import DRAWS, Estimate, auc, estimate, log_loss
from perfml.learning.validation.sample import TrainingSample
from perfml.messages import Message

AS_LEARNT = "as learnt"
WITHOUT, REWEIGHED, BOTH = "without proxies", "reweighed", "without proxies, reweighed"
TEXTS: dict[str, Message] = {
    WITHOUT: Message.of("without_proxies"),
    REWEIGHED: Message.of("reweighed"),
    BOTH: Message.of("without_proxies_reweighed"),
}


class Option(RecordPart):
    """One way to train, tested on the same rows. ``price``: log loss above that of the unmitigated model, in nats per row."""

    cure: str
    removed: tuple[str, ...]
    verdict: Verdict
    findings: tuple[FairnessFinding, ...]
    auc: Estimate
    log_loss: Estimate
    price: Estimate


class Mitigation(RecordPart):
    """All options, and the one to choose: the cheapest that passes, None where none does."""

    options: tuple[Option, ...]
    chosen: str | None
    text: Message


def reweighing(group: Objects, label: Floats) -> Floats:
    """Return weights (rows,) under which the label does not depend on the group: P(group) P(label) / P(group, label).

    Kamiran & Calders 2012. The weights sum to the number of rows.

    >>> reweighing(np.array(["a", "a", "a", "b"], dtype=object), np.array([1.0, 1, 0, 0])).round(2).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    _, of_group = np.unique(group.astype(str), return_inverse=True)
    cell = of_group * 2 + (label == 1)
    n, together = len(label), np.bincount(cell)[cell]
    weight: Floats = np.bincount(of_group)[of_group] * np.bincount((label == 1).astype(int))[cell % 2] / (n * together)
    return weight


def mitigate(
    sample: TrainingSample,
    label: Floats,
    *,
    horizon_days: int,
    train: Bools,
    test: Bools,
    attribute: str,
    group: Objects,
    unrelated: Bools,
    removed: Sequence[str],
    draws: int = DRAWS,
    seed: int = 0,
) -> Mitigation:
    """Train without proxies, with reweighed rows, and with both; compare each with the unmitigated model.

    ``label``, ``train``, ``test`` and ``group`` are over the rows of ``sample``: models are fitted on ``train`` and tested on
    ``test``. ``unrelated`` (columns,): the columns that remain without the evidence named in ``removed``. The attribute only
    enters the training weights, never a prediction or a threshold. The price is the rise in log loss with its interval
    over people. Reweighing assumes equal base rates of the groups: where they differ, it costs calibration within groups,
    which the findings show.
    """
    of_row = with_intersections({attribute: group})[attribute]
    known = np.where(train, label, np.nan)
    plain = np.ones(len(label))
    weights = plain.copy()
    weights[train] = reweighing(of_row[train], label[train])
    every = np.ones(len(unrelated), dtype=bool)
    tried = [(AS_LEARNT, every, plain)]
    if unrelated.any() and not unrelated.all():
        tried.append((WITHOUT, unrelated, plain))
    tried.append((REWEIGHED, every, weights))
    if unrelated.any() and not unrelated.all():
        tried.append((BOTH, unrelated, weights))
    seeds, limits, person = sample.spec.learner.seeds[:1], sample.spec.fairness, sample.person[test]
    options: list[Option] = []
    before: Floats | None = None
    for cure, columns, weight in tried:
        model = sample.learn(known, horizon_days, seeds=seeds, columns=columns, weight=weight).result()
        risk = probability(model.margin(sample.features[np.ix_(test, columns)]))
        before = risk if before is None else before
        flagged = np.zeros(len(risk), dtype=bool)
        flagged[listed_rows(risk, sample.when[test], sample.spec.list.capacity)] = True
        report = audit(
            label=label[test],
            probability=risk,
            flagged=flagged,
            person=person,
            groups={attribute: of_row[test]},
            limits=limits,
            rules=sample.disclosure,
            draws=draws,
            seed=seed,
        )
        alone = estimate({"auc": auc, "log_loss": log_loss}, label[test], risk, person=person, draws=draws, seed=seed)
        price = estimate(
            {"log_loss": log_loss}, label[test], risk, person=person, against=before, draws=draws, seed=seed
        )
        options.append(
            Option(
                cure=cure,
                removed=() if columns.all() else tuple(removed),
                verdict=report.verdict,
                findings=report.findings,
                auc=alone["auc"],
                log_loss=alone["log_loss"],
                price=price["log_loss"],
            )
        )
    return _chosen(attribute, options)


def _chosen(attribute: str, options: Sequence[Option]) -> Mitigation:
    first, *others = options
    if first.verdict != "fail":
        text = Message.of("mitigation_not_needed", attribute=attribute)
        return Mitigation(options=tuple(options), chosen=first.cure, text=text)
    cured = [option for option in others if option.verdict == "pass"]
    if not cured:
        text = Message.of("mitigation_none", attribute=attribute)
        return Mitigation(options=tuple(options), chosen=None, text=text)
    cheapest = min(cured, key=lambda option: option.price.value)
    text = Message.of(
        "mitigation_chosen",
        attribute=attribute,
        option=TEXTS[cheapest.cure],
        price=cheapest.price.value,
        low=cheapest.price.low,
        high=cheapest.price.high,
    )
    return Mitigation(options=tuple(options), chosen=cheapest.cure, text=text)

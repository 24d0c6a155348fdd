"""The fairness of one model in full: the audit of its back-test, the proxies, and what a cure would cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfml.arrays import Bools, Floats
from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import deciding_folds
from perfml.learning.estimators.blend import fit, monotone_signs, probability
from perfml.learning.fairness.audit import audit
from perfml.learning.fairness.findings import FairnessLimits, FairnessReport
from perfml.learning.fairness.mitigation import Mitigation, mitigate
from perfml.learning.fairness.protected import protected_groups
from perfml.learning.fairness.proxies import Proxy, proxy_report
from perfml.learning.validation.backtest import Backtest
from perfml.learning.validation.lists import listed_rows
from perfml.learning.validation.sample import TrainingSample, backtests
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder


@dataclass(frozen=True)
class FairnessAnswer:
    """``audits`` by horizon in days, ``proxies`` by protected attribute, and the ``cure`` that was asked for, if any."""

    audits: Mapping[int, FairnessReport]
    proxies: Mapping[str, list[Proxy]]
    cure: Mitigation | None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "audits": {str(days): report.to_json() for days, report in self.audits.items()},
            "proxies": {name: [proxy.to_json() for proxy in found] for name, found in self.proxies.items()},
            "cure": None if self.cure is None else self.cure.to_json(),
        }


def audit_lists(sample: TrainingSample, tested: Backtest) -> FairnessReport:
    """Whether the lists of a back-test treated groups of people alike."""
    found = tested.predictions
    flagged = np.zeros(len(found.row), dtype=bool)
    flagged[listed_rows(found.model, found.when, sample.spec.list.capacity)] = True
    return audit(
        label=found.outcome,
        probability=found.model,
        flagged=flagged,
        person=found.person,
        groups=protected_groups(sample.data, found.person, found.when),
        limits=FairnessLimits(**sample.spec.fairness.model_dump()),
    )


def fairness(
    data: Data,
    folder: ProjectFolder,
    name: str,
    *,
    until: dt.date,
    cure: str | None = None,
    progress: Progress = SILENT,
) -> FairnessAnswer:
    """Back-test, audit each horizon, and measure how well each reason's evidence tells each protected attribute.

    ``cure``: a protected attribute; the last quarter of the dates is then scored by models that were learnt without its
    strongest proxies, and with reweighed rows. Raises :class:`DataError` for one that the data does not hold.
    """
    sample = TrainingSample.of(data, folder, name, until, progress)
    tested = backtests(sample, name, progress)[0]
    groups = protected_groups(data, sample.person, sample.when)
    proxies: dict[str, list[Proxy]] = {}
    columns = sample.table.columns
    for attribute, group in progress.track("proxies", list(groups.items())):
        try:
            proxies[attribute] = proxy_report(
                features=sample.features,
                names=[c.name for c in columns],
                evidence_group=[c.reason for c in columns],
                protected=group,
                person=sample.person,
                min_people=sample.spec.fairness.min_people,
            )
        except DataError:  # fewer than two values held by enough people
            proxies[attribute] = []
    found = None
    if cure is not None:
        if cure not in groups:
            held = ", ".join(groups) or "none"
            raise DataError(
                f"{cure!r} is no protected attribute of this data", where=data.source, remedy=f"use: {held}"
            )
        found = _cure(sample, tested[0], cure, groups[cure], proxies[cure])
    return FairnessAnswer({t.horizon_days: audit_lists(sample, t) for t in tested}, proxies, found)


def _cure(sample: TrainingSample, tested: Backtest, attribute: str, group: Any, proxies: list[Proxy]) -> Mitigation:
    days, columns = tested.horizon_days, sample.table.columns
    label = sample.label(days)
    known = np.flatnonzero(~np.isnan(label))
    embargo = days + sample.spec.label.reporting_delay_days
    (early, late), *_ = deciding_folds(sample.when[known], sample.person[known], embargo_days=embargo)
    train, test = (np.zeros(len(label), dtype=bool) for _ in range(2))
    train[known[early]], test[known[late]] = True, True
    folds = deciding_folds(sample.when[train], sample.person[train], embargo_days=embargo)
    names = [c.name for c in columns]

    def learn(features: Floats, outcome: Floats, weight: Floats) -> Any:
        kept = [name for name in names if sample.features.shape[1] == features.shape[1] or name not in removed]
        signs = monotone_signs(kept, sample.spec)
        settings = sample.spec.learner.model_copy(update={"seeds": sample.spec.learner.seeds[:1]})
        risk = fit(features, outcome, folds=folds, settings=settings, signs=signs, weight=weight)
        return lambda rows: probability(risk.margin(rows))

    def flag(risk: Floats) -> Bools:
        out = np.zeros(len(risk), dtype=bool)
        out[listed_rows(risk, sample.when[test], sample.spec.list.capacity)] = True
        return out

    strongest = [p for p in proxies if p.strength != "none"] or proxies[:1]
    removed = {column for proxy in strongest for column in proxy.columns}
    return mitigate(
        fit=learn,
        flag=flag,
        features=sample.features,
        label=label,
        person=sample.person,
        train=train,
        test=test,
        attribute=attribute,
        group=group,
        evidence_group=[c.reason for c in columns],
        proxies=[p.evidence_group for p in strongest],
        limits=FairnessLimits(**sample.spec.fairness.model_dump()),
    )

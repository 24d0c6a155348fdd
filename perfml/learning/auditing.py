"""The fairness of one model in full: the audit of its back-test, the proxies, and what a cure would cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfml.errors import DataError
from perfml.evidence.features import Progress
from perfml.evidence.sources import Data
from perfml.learning.backtest import Backtest
from perfml.learning.calendar import deciding_folds
from perfml.learning.fairness import Bools, Floats, audit
from perfml.learning.fairness_report import FairnessLimits, FairnessReport
from perfml.learning.learner import fit, monotone_signs, probability
from perfml.learning.lesson import Lesson, backtests
from perfml.learning.lists import listed_rows
from perfml.learning.mitigation import Mitigation, mitigate
from perfml.learning.protected import protected_groups
from perfml.learning.proxies import Proxy, proxy_report
from perfml.project.project import Folder


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


def audit_lists(lesson: Lesson, tested: Backtest) -> FairnessReport:
    """Whether the lists of a back-test treated groups of people alike."""
    found = tested.predictions
    flagged = np.zeros(len(found.row), dtype=bool)
    flagged[listed_rows(found.model, found.when, lesson.spec.list.room)] = True
    return audit(
        label=found.outcome,
        probability=found.model,
        flagged=flagged,
        person=found.person,
        groups=protected_groups(lesson.data, found.person, found.when),
        limits=FairnessLimits(**lesson.spec.fairness.model_dump()),
    )


def fairness(
    data: Data, project: Folder, name: str, *, until: dt.date, cure: str | None = None, progress: Progress | None = None
) -> FairnessAnswer:
    """Back-test, audit each horizon, and measure how well each reason's evidence tells each protected attribute.

    ``cure``: a protected attribute; the last quarter of the dates is then scored by models that were learnt without its
    strongest proxies, and with reweighed rows. Raises :class:`DataError` for one that the data does not hold.
    """
    lesson = Lesson.of(data, project, name, until, progress)
    tested = backtests(lesson, name, progress)[0]
    groups = protected_groups(data, lesson.person, lesson.when)
    proxies: dict[str, list[Proxy]] = {}
    columns = lesson.table.columns
    for number, (attribute, group) in enumerate(groups.items()):
        if progress:
            progress("proxies", number, len(groups))
        try:
            proxies[attribute] = proxy_report(
                features=lesson.features,
                names=[c.name for c in columns],
                evidence_group=[c.reason for c in columns],
                protected=group,
                person=lesson.person,
                min_people=lesson.spec.fairness.min_people,
            )
        except DataError:  # fewer than two values held by enough people
            proxies[attribute] = []
    if progress and groups:
        progress("proxies", len(groups), len(groups))
    found = None
    if cure is not None:
        if cure not in groups:
            held = ", ".join(groups) or "none"
            raise DataError(
                f"{cure!r} is no protected attribute of this data", where=data.source, remedy=f"use: {held}"
            )
        found = _cure(lesson, tested[0], cure, groups[cure], proxies[cure])
    return FairnessAnswer({t.horizon_days: audit_lists(lesson, t) for t in tested}, proxies, found)


def _cure(lesson: Lesson, tested: Backtest, attribute: str, group: Any, proxies: list[Proxy]) -> Mitigation:
    days, columns = tested.horizon_days, lesson.table.columns
    label = lesson.label(days)
    known = np.flatnonzero(~np.isnan(label))
    embargo = days + lesson.spec.label.reporting_delay_days
    (early, late), *_ = deciding_folds(lesson.when[known], lesson.person[known], embargo_days=embargo)
    train, test = (np.zeros(len(label), dtype=bool) for _ in range(2))
    train[known[early]], test[known[late]] = True, True
    folds = deciding_folds(lesson.when[train], lesson.person[train], embargo_days=embargo)
    names = [c.name for c in columns]

    def learn(features: Floats, outcome: Floats, weight: Floats) -> Any:
        kept = [name for name in names if lesson.features.shape[1] == features.shape[1] or name not in removed]
        signs = monotone_signs(kept, lesson.spec)
        settings = lesson.spec.learner.model_copy(update={"seeds": lesson.spec.learner.seeds[:1]})
        risk = fit(features, outcome, folds=folds, settings=settings, signs=signs, weight=weight)
        return lambda rows: probability(risk.margin(rows))

    def flag(risk: Floats) -> Bools:
        out = np.zeros(len(risk), dtype=bool)
        out[listed_rows(risk, lesson.when[test], lesson.spec.list.room)] = True
        return out

    strongest = [p for p in proxies if p.strength != "none"] or proxies[:1]
    removed = {column for proxy in strongest for column in proxy.columns}
    return mitigate(
        fit=learn,
        flag=flag,
        features=lesson.features,
        label=label,
        person=lesson.person,
        train=train,
        test=test,
        attribute=attribute,
        group=group,
        evidence_group=[c.reason for c in columns],
        proxies=[p.evidence_group for p in strongest],
        limits=FairnessLimits(**lesson.spec.fairness.model_dump()),
    )

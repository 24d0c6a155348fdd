"""Full fairness check of one model: the audit of its back-test, the proxies, and the cost of mitigation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfml._version import __version__
from perfml.arrays import Objects
from perfml.errors import DataError, ModelError
from perfml.evidence.fingerprint import definitions_hash, fingerprint
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.folds import deciding_folds
from perfml.learning.fairness.audit import audit
from perfml.learning.fairness.findings import FairnessReport
from perfml.learning.fairness.mitigation import Mitigation, mitigate
from perfml.learning.fairness.protected import protected_groups
from perfml.learning.fairness.proxies import Proxy, proxy_report
from perfml.learning.registry.artifacts import read_record, versions
from perfml.learning.validation.backtest import Backtest, backtests
from perfml.learning.validation.lists import listed_rows
from perfml.learning.validation.sample import TrainingSample
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder


@dataclass(frozen=True)
class FairnessAnswer:
    """``audits`` by horizon in days, ``proxies`` by protected attribute, and the ``cure`` that was requested, if any."""

    audits: Mapping[int, FairnessReport]
    proxies: Mapping[str, list[Proxy]]
    cure: Mitigation | None

    def to_json(self) -> JsonObject:
        """Return JSON."""
        return {
            "audits": {str(days): report.to_json() for days, report in self.audits.items()},
            "proxies": {name: [proxy.to_json() for proxy in report] for name, report in self.proxies.items()},
            "cure": None if self.cure is None else self.cure.to_json(),
        }


def audit_lists(sample: TrainingSample, tested: Backtest) -> FairnessReport:
    """Audit whether the lists of a back-test treat groups of people alike."""
    p = tested.predictions
    flagged = np.zeros(len(p.row), dtype=bool)
    flagged[listed_rows(p.model, p.when, sample.spec.list.capacity)] = True
    return audit(
        label=p.outcome,
        probability=p.model,
        flagged=flagged,
        person=p.person,
        groups=protected_groups(sample.data, p.person, p.when),
        limits=sample.spec.fairness,
        rules=sample.disclosure,
    )


def fairness(
    data: Data,
    folder: ProjectFolder,
    name: str,
    *,
    until: dt.date,
    home: Path | None = None,
    cure: str | None = None,
    progress: Progress = SILENT,
) -> FairnessAnswer:
    """Audit the back-test of each horizon, and measure how well each reason's evidence predicts each protected attribute.

    A version in ``home`` that was trained until the same day on the same data and definitions has been audited: its audits are
    taken. Otherwise the back-test is made anew.
    ``cure``: a protected attribute; the last quarter of the dates is then scored by models trained without its strongest
    proxies, and with reweighed rows. Raises :class:`DataError` if the data lack it.
    """
    sample = TrainingSample.of(data, folder, name, until=until, progress=progress)
    audits = {} if home is None else _recorded_audits(data, folder, name, until=until, home=home)
    if not audits:
        tested, _ = backtests(sample, name, progress=progress)
        audits = {t.horizon_days: audit_lists(sample, t) for t in tested}
    groups = protected_groups(data, sample.person, sample.when)
    proxies: dict[str, list[Proxy]] = {}
    columns = sample.table.columns
    for attribute, group in progress.track("proxies", list(groups.items())):
        try:
            proxies[attribute] = proxy_report(
                features=sample.features,
                names=sample.names,
                evidence_group=[c.reason for c in columns],
                protected=group,
                person=sample.person,
                min_people=sample.spec.fairness.min_people,
            )
        except DataError:  # fewer than two values are held by enough people
            proxies[attribute] = []
    mitigation = None
    if cure is not None:
        if cure not in groups:
            held = ", ".join(groups) or "none"
            raise DataError(
                f"{cure!r} is not a protected attribute of this data", where=data.source, remedy=f"use: {held}"
            )
        mitigation = _mitigate(sample, min(audits), cure, group=groups[cure], proxies=proxies[cure])
    return FairnessAnswer(audits, proxies, mitigation)


def _recorded_audits(
    data: Data, folder: ProjectFolder, name: str, *, until: dt.date, home: Path
) -> dict[int, FairnessReport]:
    """The audits of the newest version that this perfml trained until the same day on the same data and definitions, if any."""
    wanted = (until, __version__, definitions_hash(folder, name))
    for version in reversed(versions(home, name)):
        try:
            record = read_record(home, name, version)
        except ModelError:  # damaged, or of another perfml
            continue
        same = (record.until, record.perfml, record.definitions) == wanted
        if same and record.data_fingerprint == fingerprint(data, until=until):  # which reads all data: asked last
            return {days: FairnessReport.of(audit) for days, audit in record.fairness.items()}
    return {}


def _mitigate(
    sample: TrainingSample, horizon_days: int, attribute: str, *, group: Objects, proxies: list[Proxy]
) -> Mitigation:
    """Split the labelled rows by time and compare the options; remove the detected proxies, or else the strongest one."""
    label = sample.label(horizon_days)
    known = np.flatnonzero(~np.isnan(label))
    embargo = horizon_days + sample.spec.label.reporting_delay_days
    (early, late), *_ = deciding_folds(sample.when[known], sample.person[known], embargo_days=embargo)
    train, test = (np.zeros(len(label), dtype=bool) for _ in range(2))
    train[known[early]], test[known[late]] = True, True
    removed = [p.evidence_group for p in proxies if p.strength != "none"] or [p.evidence_group for p in proxies[:1]]
    return mitigate(
        sample,
        label,
        horizon_days=horizon_days,
        train=train,
        test=test,
        attribute=attribute,
        group=group,
        unrelated=np.array([column.reason not in removed for column in sample.table.columns], dtype=bool),
        removed=removed,
    )

"""Training: back-test, fit on everything known by a date, check every gate, and save the version with its record."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from perfml._version import __version__
from perfml.evidence.fingerprint import definitions_hash, fingerprint
from perfml.evidence.sources import Data
from perfml.learning import gates as gate
from perfml.learning.dataset.labels import exit_times
from perfml.learning.estimators.blend import RiskModel, probability
from perfml.learning.estimators.hazard import CauseSpecificHazards, HazardModel
from perfml.learning.fairness.findings import FairnessReport
from perfml.learning.fairness.run import audit_lists
from perfml.learning.record import (
    BacktestRecord,
    GateRecord,
    TrainingCounts,
    TrainingRecord,
    TreatmentRecord,
)
from perfml.learning.registry.model_store import FittedModels, Model, save
from perfml.learning.validation.backtest import Backtest, backtests
from perfml.learning.validation.reference import Reference
from perfml.learning.validation.sample import TrainingSample
from perfml.learning.validation.stability import stability
from perfml.learning.validation.uplift import known_interventions, marked, treated, uplift
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ExitKind

CURVE_DAYS = 730
"""Days of follow-up that hazards are fitted on; later follow-up is censored."""


def backtest(
    data: Data, folder: ProjectFolder, name: str, *, until: dt.date, progress: Progress = SILENT
) -> list[Backtest]:
    """Back-test each horizon that the record is long enough for, with a rolling origin.

    Raises :class:`ModelError` when the record is too short for every horizon.
    """
    return backtests(TrainingSample.of(data, folder, name, until=until, progress=progress), name, progress=progress)[0]


def train(
    data: Data,
    folder: ProjectFolder,
    name: str,
    *,
    home: Path,
    until: dt.date,
    logged: pd.DataFrame | None = None,
    progress: Progress = SILENT,
) -> Model:
    """Train ``name`` on what was known, and labels that had matured, by ``until``; save it as the candidate.

    ``logged``: interventions that perfml stores, in addition to those of the data (:mod:`perfml.learning.validation.uplift`).
    Raises :class:`DefinitionError` for a model without a card, and :class:`ModelError` when no horizon has both outcomes
    often enough.
    """
    card = folder.card(name)
    sample = TrainingSample.of(data, folder, name, until=until, progress=progress)
    spec, table = sample.spec, sample.table
    tested, notices = backtests(sample, name, progress=progress)
    risks: dict[int, RiskModel] = {}
    counts: dict[int, TrainingCounts] = {}
    for days in progress.track("learning", [t.horizon_days for t in tested]):
        label = sample.label(days)
        known = ~np.isnan(label)
        counts[days] = TrainingCounts(rows=int(known.sum()), positives=int(label[known].sum()))
        risks[days] = sample.learn(label, days, seeds=spec.learner.seeds)
    learnt = FittedModels(risks, _competing(sample, list(risks), progress), _hazards(sample, progress))
    audits = {t.horizon_days: audit_lists(sample, t) for t in tested}
    shared = [
        gate.duplicates_gate(table, spec),
        gate.canary_gate(data, folder.definitions, table, kinds=table.kinds),
    ]
    gates: dict[int, tuple[GateRecord, ...]] = {}
    frequency: dict[int, dict[str, float]] = {}
    for t in tested:
        gates[t.horizon_days], frequency[t.horizon_days] = _gates(
            sample, t, risks[t.horizon_days], audit=audits[t.horizon_days], shared=shared, progress=progress
        )
    latest = sample.when == sample.when.max()
    record = TrainingRecord(
        until=until,
        as_of_dates=(sample.when.min().item(), sample.when.max().item()),
        spec=spec,
        training=counts,
        backtests={t.horizon_days: _judged(t.record(), gates[t.horizon_days]) for t in tested},
        gates=gates,
        selection_frequency=frequency,
        fairness={days: report.record() for days, report in audits.items()},
        reference={
            days: Reference.of(
                features=sample.features[latest],
                names=sample.names,
                probability=probability(risk.margin(sample.features[latest])),
                person=sample.person[latest],
            )
            for days, risk in risks.items()
        },
        treatment=_treatment(sample, tested, logged),
        data_fingerprint=fingerprint(data, until=until),
        definitions=definitions_hash(folder, name),
        left_out=(*table.left_out, *notices),
        perfml=__version__,
        python=platform.python_version(),
    )
    return save(home, name, learnt, columns=table.columns, kinds=table.kinds, record=record, card=card)


def _judged(record: BacktestRecord, gates: Sequence[GateRecord]) -> BacktestRecord:
    """Withhold the list when a gate fails; the first failed gate supplies the reason."""
    failed = next((g for g in gates if g.verdict == "fail"), None)
    return record if failed is None else record.model_copy(update={"proven": False, "text": failed.text})


def _treatment(
    sample: TrainingSample, tested: Sequence[Backtest], logged: pd.DataFrame | None
) -> dict[int, TreatmentRecord]:
    """Return the rows treated within each horizon, and what randomised interventions changed."""
    known = known_interventions(sample.data, sample.until, logged)
    records = {}
    for t in tested:
        days, p = t.horizon_days, t.predictions
        inside = treated(sample.rows, known, horizon_days=days)
        effects = uplift(sample.data, known, sample.spec.label, horizon_days=days, until=sample.until)
        records[days] = TreatmentRecord.model_validate(
            marked(
                inside,
                tested_row=p.row,
                outcome=p.outcome,
                probability=p.model,
                person=p.person,
                rules=sample.disclosure,
            )
            | {"uplift": effects}
        )
    return records


def _competing(sample: TrainingSample, horizons: Sequence[int], progress: Progress) -> dict[str, dict[int, RiskModel]]:
    """Fit a classifier for each other cause of leaving and each horizon; a rare cause gets a constant, its share of cases."""
    spec = sample.spec
    out: dict[str, dict[int, RiskModel]] = {}
    if spec.label.kind != "exit":
        return out
    others: list[ExitKind] = [kind for kind in get_args(ExitKind) if kind not in spec.label.exit_kinds]
    for kind in progress.track("other causes", others):
        out[kind] = {}
        for days in horizons:
            label = sample.label(days, kinds=[kind])
            cases, rows = int(np.nansum(label)), int((~np.isnan(label)).sum())
            enough = cases >= spec.backtest.min_positives
            out[kind][days] = (
                sample.learn(label, days, seeds=spec.learner.seeds[:1]) if enough else RiskModel.constant(cases, rows)
            )
    return out


def _hazards(sample: TrainingSample, progress: Progress) -> CauseSpecificHazards | None:
    """Fit time to leaving by cause on one random row per person, since the rows of one person share one exit.

    Each row is weighted by the person's number of rows; unweighted, leavers, who have few rows, would count like stayers.
    """
    spec = sample.spec
    if spec.label.kind != "exit":
        return None
    listed = list(spec.label.exit_kinds)
    causes = [*listed, *(kind for kind in get_args(ExitKind) if kind not in listed)]
    time, cause = exit_times(
        sample.data, sample.rows, until=sample.until, causes=causes, delay_days=spec.label.reporting_delay_days
    )
    order = np.random.default_rng(0).permutation(len(time))
    order = order[~np.isnan(time[order])]
    _, drawn, weight = np.unique(sample.person[order], return_index=True, return_counts=True)
    rows = order[drawn]
    time, cause = np.minimum(time[rows], CURVE_DAYS), np.where(time[rows] > CURVE_DAYS, 0.0, cause[rows])
    cause = np.where((cause > 0) & (cause <= len(listed)), 1.0, np.maximum(cause - len(listed) + 1, 0.0))
    if (cause == 1).sum() < spec.backtest.min_positives:
        return None
    progress("time to leaving", 0, 1)
    given = spec.learner.model_dump(exclude={"blend"})
    given["seeds"] = given["seeds"][:1]  # curves do not rank people, so one seed is enough
    blank = HazardModel(**given)
    hazards = CauseSpecificHazards(hazard=blank).fit(
        sample.features[rows], time, cause, weight=weight.astype(np.float64)
    )
    progress("time to leaving", 1, 1)
    return hazards


def _gates(
    sample: TrainingSample,
    tested: Backtest,
    risk: RiskModel,
    *,
    audit: FairnessReport,
    shared: Sequence[GateRecord],
    progress: Progress,
) -> tuple[tuple[GateRecord, ...], dict[str, float]]:
    """Check every gate of one horizon (``shared``: gates common to all horizons); also the selection frequency of each reason."""
    spec, days = sample.spec, tested.horizon_days
    label = sample.label(days)
    known = ~np.isnan(label)
    measured = stability(
        risk,
        lambda rows, seed: sample.learn_again(risk, label, rows=rows, seed=seed),
        person=sample.person,
        latest=sample.features[sample.when == sample.when.max()],
        reasons=[c.reason for c in sample.table.columns],
        refits=spec.gates.refits,
        leading=spec.gates.leading_reasons,
        progress=progress,
        task=f"refits {days} d",
    )
    gates = (
        gate.baseline_gate(tested),
        gate.permuted_gate(sample, tested, progress=progress),
        gate.single_column_gate(sample.features[known], label[known], names=sample.names, spec=spec),
        *shared,
        *gate.stability_gates(measured, spec),
        gate.fairness_gate(audit),
    )
    return gates, measured.selection_frequency

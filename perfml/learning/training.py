"""Training: back-test, fit on everything known by a date, check every gate, and save the version with its record."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from perfml._version import __version__
from perfml.arrays import Floats, Ints
from perfml.evidence.fingerprint import definitions_hash, fingerprint
from perfml.evidence.sources import Data
from perfml.learning import gates as gate
from perfml.learning.dataset.labels import exit_times
from perfml.learning.estimators.blend import RiskModel, probability
from perfml.learning.estimators.hazard import CauseSpecificHazards, HazardModel
from perfml.learning.fairness.run import audit_lists
from perfml.learning.record import (
    BacktestRecord,
    GateRecord,
    TrainingCounts,
    TrainingRecord,
    TreatmentRecord,
)
from perfml.learning.registry.model_store import FittedModels, Model, save
from perfml.learning.validation.backtest import Backtest, backtest_fits, backtests, judged
from perfml.learning.validation.reference import Reference
from perfml.learning.validation.sample import TrainingSample
from perfml.learning.validation.stability import halves, stability
from perfml.learning.validation.uplift import known_interventions, marked, treated, uplift
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ExitKind
from perfml.workers.pool import ALONE, Call, Workers

CURVE_DAYS = 730
"""Days of follow-up that hazards are fitted on; later follow-up is censored."""


def backtest(
    data: Data,
    folder: ProjectFolder,
    name: str,
    *,
    until: dt.date,
    workers: Workers = ALONE,
    progress: Progress = SILENT,
) -> list[Backtest]:
    """Back-test each horizon that the record is long enough for, with a rolling origin.

    Raises :class:`ModelError` when the record is too short for every horizon.
    """
    sample = TrainingSample.of(data, folder, name, until=until, workers=workers, progress=progress)
    return backtests(sample, name, progress=progress)[0]


def train(
    data: Data,
    folder: ProjectFolder,
    name: str,
    *,
    home: Path,
    until: dt.date,
    logged: pd.DataFrame | None = None,
    workers: Workers = ALONE,
    progress: Progress = SILENT,
) -> Model:
    """Train ``name`` on what was known, and labels that had matured, by ``until``; save it as the candidate.

    ``logged``: interventions that perfml stores, in addition to those of the data (:mod:`perfml.learning.validation.uplift`);
    ``workers``: who fits beside this process, which changes no figure.
    Raises :class:`DefinitionError` for a model without a card, and :class:`ModelError` when no horizon has both outcomes
    often enough.
    """
    card = folder.card(name)
    sample = TrainingSample.of(data, folder, name, until=until, workers=workers, progress=progress)
    try:
        return _trained(sample, name, folder=folder, home=home, card=card, logged=logged, progress=progress)
    finally:
        workers.forget(sample.features)


def _trained(
    sample: TrainingSample,
    name: str,
    *,
    folder: ProjectFolder,
    home: Path,
    card: str,
    logged: pd.DataFrame | None,
    progress: Progress,
) -> Model:
    """Hand out every fit that waits for no other; do all else while workers fit, as far as it waits for no fit."""
    data, spec, table, until = sample.data, sample.spec, sample.table, sample.until
    folds, notices = backtest_fits(sample, name)
    horizons = [each.horizon_days for each in folds]
    labels = {days: sample.label(days) for days in horizons}
    hazards = _hazards(sample)
    others = _other_causes(sample, horizons)
    calls = {days: _learnt(sample, days, label, others[days]) for days, label in labels.items()}
    permuted = {days: gate.permuted_fits(sample, days) for days in horizons}
    data_fingerprint, definitions = fingerprint(data, until=until), definitions_hash(folder, name)
    fitted = {days: calls[days].result() for days in progress.track("learning", horizons)}
    risks = {days: models[0] for days, models in fitted.items()}
    refitted = {days: _refits(sample, risks[days], labels[days]) for days in horizons}
    learnt = FittedModels(risks, _competing(sample, others, fitted), hazards.result() if hazards else None)
    tested = [judged(each, progress=progress) for each in folds]
    audits = {t.horizon_days: audit_lists(sample, t) for t in tested}
    treatment = _treatment(sample, tested, logged)
    shared = [
        gate.duplicates_gate(table, spec),
        gate.canary_gate(data, folder.definitions, table, kinds=table.kinds, sample=spec.sample),
    ]
    gates: dict[int, tuple[GateRecord, ...]] = {}
    frequency: dict[int, dict[str, float]] = {}
    for t in tested:
        days = t.horizon_days
        measured = stability(
            risks[days],
            refitted[days],
            latest=_latest(sample),
            reasons=[c.reason for c in table.columns],
            leading=spec.gates.leading_reasons,
            progress=progress,
            task=f"refits {days} d",
        )
        frequency[days] = measured.selection_frequency
        fits, known = permuted[days], ~np.isnan(labels[days])
        predictions = None if fits is None else fits.predictions("permuted labels", progress=progress)
        gates[days] = (
            gate.baseline_gate(t),
            gate.permuted_gate(predictions),
            gate.single_column_gate(sample.features[known], labels[days][known], names=sample.names, spec=spec),
            *shared,
            *gate.stability_gates(measured, spec),
            gate.fairness_gate(audits[days]),
        )
    latest = sample.when == sample.when.max()
    record = TrainingRecord(
        until=until,
        as_of_dates=(sample.when.min().item(), sample.when.max().item()),
        spec=spec,
        training={days: _counts(sample, label) for days, label in labels.items()},
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
        treatment=treatment,
        data_fingerprint=data_fingerprint,
        definitions=definitions,
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


def _counts(sample: TrainingSample, label: Floats) -> TrainingCounts:
    known, rows = ~np.isnan(label), sample.drawn(label).rows
    some = len(rows) < known.sum()
    return TrainingCounts(
        rows=int(known.sum()),
        positives=int(label[known].sum()),
        people_share=sample.spec.sample.people_share,
        drawn_rows=len(rows) if some else None,
        drawn_positives=int(label[rows].sum()) if some else None,
        rows_a_date=sample.spec.sample.rows_a_date if some else None,
    )


def _latest(sample: TrainingSample) -> Floats:
    """The features of the people who would be listed today."""
    latest: Floats = sample.features[sample.when == sample.when.max()]
    return latest


def _refits(sample: TrainingSample, risk: RiskModel, label: Floats) -> list[Call[RiskModel]]:
    """Hand out the refits on halves of the people."""
    rows_of = halves(sample.person, latest=_latest(sample), refits=sample.spec.gates.refits)
    return [sample.learn_again(risk, label, rows=rows, seed=number) for number, rows in enumerate(rows_of)]


def _other_causes(sample: TrainingSample, horizons: Sequence[int]) -> dict[int, dict[ExitKind, Floats]]:
    """Horizon -> other cause of leaving -> its label (rows,)."""
    spec = sample.spec
    kinds = [kind for kind in get_args(ExitKind) if kind not in spec.label.exit_kinds]
    if spec.label.kind != "exit":
        kinds = []
    return {days: {kind: sample.label(days, kinds=[kind]) for kind in kinds} for days in horizons}


def _rare(sample: TrainingSample, label: Floats) -> bool:
    """Whether nothing can be learnt of an outcome, of which everybody then gets the share of cases."""
    return bool(np.nansum(label) < sample.spec.backtest.min_positives)


def _learnt(
    sample: TrainingSample, days: int, label: Floats, others: Mapping[ExitKind, Floats]
) -> Call[list[RiskModel]]:
    """Hand out the classifier of the outcome, then those of the other causes of leaving that are not rare."""
    seeds = sample.spec.learner.seeds
    often = [other for other in others.values() if not _rare(sample, other)]
    return sample.learn_each([(label, seeds), *((other, seeds[:1]) for other in often)], days)


def _competing(
    sample: TrainingSample,
    others: Mapping[int, Mapping[ExitKind, Floats]],
    learnt: Mapping[int, Sequence[RiskModel]],
) -> dict[str, dict[int, RiskModel]]:
    """Other cause of leaving -> horizon -> its classifier, of those :func:`_learnt`."""
    out: dict[str, dict[int, RiskModel]] = {}
    for days, labels in others.items():
        models = iter(learnt[days][1:])
        for kind, label in labels.items():
            share = int(np.nansum(label)), int((~np.isnan(label)).sum())
            out.setdefault(kind, {})[days] = RiskModel.constant(*share) if _rare(sample, label) else next(models)
    return out


def _hazards(sample: TrainingSample) -> Call[CauseSpecificHazards] | None:
    """Hand out time to leaving by cause on one random row per person, since the rows of one person share one exit.

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
    given = spec.learner.model_dump(exclude={"blend"})
    given["seeds"] = given["seeds"][:1]  # curves do not rank people, so one seed is enough
    fitted = partial(
        _fitted_hazards,
        blank=HazardModel(**given),
        rows=rows,
        time=time,
        cause=cause,
        weight=weight.astype(np.float64),
    )
    return sample.hand_out(fitted, rows=len(rows))


def _fitted_hazards(
    features: Floats, *, blank: HazardModel, rows: Ints, time: Floats, cause: Floats, weight: Floats
) -> CauseSpecificHazards:
    return CauseSpecificHazards(hazard=blank).fit(features[rows], time, cause, weight=weight)

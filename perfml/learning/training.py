"""Training: back-test first, then learn from all that was known by a date, ask every gate, and keep it all together."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

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
from perfml.learning.registry.model_store import FittedModels, Model, save
from perfml.learning.validation.backtest import Backtest
from perfml.learning.validation.drift import Reference
from perfml.learning.validation.sample import TrainingSample, backtests
from perfml.learning.validation.stability import stability
from perfml.learning.validation.uplift import known_interventions, marked, treated, uplift
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ExitKind

CURVE_DAYS = 730
"""Follow-up that hazards are learnt from; what came later is cut off."""


def backtest(
    data: Data, folder: ProjectFolder, name: str, *, until: dt.date, progress: Progress = SILENT
) -> list[Backtest]:
    """The rolling-origin back-test of each horizon that the record is long enough for.

    Raises :class:`ModelError` when it is long enough for none.
    """
    return backtests(TrainingSample.of(data, folder, name, until, progress), name, progress)[0]


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
    """Learn ``name`` from what was known, and labels that had matured, by ``until``; save it as the candidate.

    ``logged``: interventions that perfml keeps, beside those of the data (:mod:`perfml.learning.validation.uplift`).
    Raises :class:`DefinitionError` for a model without a card, and :class:`ModelError` when no horizon has both outcomes
    often enough.
    """
    card = folder.model_card(name)
    sample = TrainingSample.of(data, folder, name, until, progress)
    spec, table = sample.spec, sample.table
    done, notices = backtests(sample, name, progress)
    risks: dict[int, RiskModel] = {}
    counts: dict[str, dict[str, int]] = {}
    for tested in progress.track("learning", done):
        days = tested.horizon_days
        label = sample.label(days)
        known = ~np.isnan(label)
        counts[str(days)] = {"rows": int(known.sum()), "positives": int(label[known].sum())}
        risks[days] = sample.learn(label, days, seeds=spec.learner.seeds)
    learnt = FittedModels(risks, _competing(sample, list(risks), progress), _hazards(sample, progress))
    audits = {tested.horizon_days: audit_lists(sample, tested) for tested in done}
    shared = [
        gate.duplicates_gate(table, spec),
        gate.canary_gate(data, folder.definitions, table, table.kinds),
    ]
    asked = {t.horizon_days: _gates(sample, t, risks[t.horizon_days], audits, shared, progress) for t in done}
    latest = sample.when == sample.when.max()
    reference = {
        str(days): Reference.of(
            features=sample.features[latest],
            names=[c.name for c in table.columns],
            probability=probability(risk.margin(sample.features[latest])),
            person=sample.person[latest],
        ).to_json()
        for days, risk in risks.items()
    }
    tested_json = {str(b.horizon_days): b.to_json() for b in done}
    for days, (found, _) in asked.items():
        failed = [g for g in found if g.verdict == "fail"]
        if failed:  # what a list needs is that no gate fails; the first that did says why there is none
            tested_json[str(days)] |= {"proven": False, "en": failed[0].en, "zh": failed[0].zh}
    about: dict[str, Any] = {
        "until": until.isoformat(),
        "as_of_dates": [str(sample.when.min()), str(sample.when.max())],
        "spec": spec.model_dump(mode="json"),
        "training": counts,
        "backtests": tested_json,
        "gates": {str(days): [g.to_json() for g in found] for days, (found, _) in asked.items()},
        "reasons_kept": {str(days): kept for days, (_, kept) in asked.items()},
        "fairness": {str(days): report.to_json() for days, report in audits.items()},
        "reference": reference,
        "treatment": _treatment(sample, done, logged),
        "data_fingerprint": fingerprint(data, until=until),
        "definitions": definitions_hash(folder, name),
        "left_out": [*table.left_out, *notices],
        "perfml": __version__,
        "python": platform.python_version(),
    }
    about = json.loads(json.dumps(about, default=str))
    return save(home, name, learnt, table.columns, table.kinds, about, card)


def _treatment(sample: TrainingSample, done: Sequence[Backtest], logged: pd.DataFrame | None) -> dict[str, Any]:
    """Rows that were treated meanwhile, and what randomised interventions changed, for each horizon."""
    found = known_interventions(sample.data, sample.until, logged)
    out = {}
    for tested in done:
        inside = treated(sample.rows, found, horizon_days=tested.horizon_days)
        said = tested.predictions
        out[str(tested.horizon_days)] = {
            **marked(
                inside,
                tested_row=said.row,
                outcome=said.outcome,
                probability=said.model,
                person=said.person,
            ),
            "uplift": [
                asdict(one)
                for one in uplift(
                    sample.data, found, sample.spec.label, horizon_days=tested.horizon_days, until=sample.until
                )
            ],
        }
    return out


def _competing(sample: TrainingSample, horizons: Sequence[int], progress: Progress) -> dict[str, dict[int, RiskModel]]:
    """The other causes of leaving, each with a classifier a horizon; one that hardly happens is its own share of cases."""
    spec = sample.spec
    out: dict[str, dict[int, RiskModel]] = {}
    if spec.label.kind != "exit":
        return out
    others: list[ExitKind] = [kind for kind in get_args(ExitKind) if kind not in spec.label.exit_kinds]
    for kind in progress.track("other causes", others):
        out[kind] = {}
        for days in horizons:
            label = sample.label(days, [kind])
            cases, rows = int(np.nansum(label)), int((~np.isnan(label)).sum())
            enough = cases >= spec.backtest.min_positives
            out[kind][days] = (
                sample.learn(label, days, seeds=spec.learner.seeds[:1]) if enough else RiskModel.constant(cases, rows)
            )
    return out


def _hazards(sample: TrainingSample, progress: Progress) -> CauseSpecificHazards | None:
    """Time to leaving by cause, from one row a person, drawn at random: rows of one person tell the same exit twice.

    The row stands for all of the person's: without that weight, leavers, who have few rows, would count as much as stayers.
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
    given["seeds"] = given["seeds"][:1]  # curves are looked at, not ranked by
    blank = HazardModel(**given)
    found = CauseSpecificHazards(hazard=blank).fit(sample.features[rows], time, cause, weight=weight.astype(np.float64))
    progress("time to leaving", 1, 1)
    return found


def _gates(
    sample: TrainingSample,
    tested: Backtest,
    risk: RiskModel,
    audits: dict[int, FairnessReport],
    shared: Sequence[gate.Gate],
    progress: Progress,
) -> tuple[list[gate.Gate], dict[str, float]]:
    """Every gate of one horizon (``shared``: those of all horizons), and how steadily each reason leads over refits."""
    spec, table, days = sample.spec, sample.table, tested.horizon_days
    label = sample.label(days)
    known = ~np.isnan(label)
    names = [c.name for c in table.columns]

    steady = stability(
        risk,
        lambda rows, seed: sample.learn_again(risk, label, rows, seed),
        sample.person,
        sample.features[sample.when == sample.when.max()],
        [c.reason for c in table.columns],
        refits=spec.gates.refits,
        leading=spec.gates.leading_reasons,
        progress=progress,
        task=f"refits {days} d",
    )
    found = [
        gate.baseline_gate(tested),
        gate.permuted_gate(sample.data, table, spec, tested, until=sample.until, progress=progress),
        gate.single_column_gate(sample.features[known], label[known], names, spec),
        *shared,
        *gate.stability_gates(steady, spec),
        gate.fairness_gate(audits[days]),
    ]
    return found, steady.kept

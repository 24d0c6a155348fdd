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
import numpy.typing as npt
import pandas as pd

import perfml
from perfml.evidence.features import Progress
from perfml.evidence.fingerprint import definitions_hash, fingerprint
from perfml.evidence.sources import Data
from perfml.learning import gates as gate
from perfml.learning.auditing import audit_lists
from perfml.learning.backtest import Backtest
from perfml.learning.drift import Reference
from perfml.learning.fairness_report import FairnessReport
from perfml.learning.hazard import CauseSpecificHazards, HazardModel
from perfml.learning.labels import exit_times
from perfml.learning.learner import Risk, probability
from perfml.learning.lesson import Lesson, backtests
from perfml.learning.registry import Learnt, Model, save
from perfml.learning.stability import stability
from perfml.learning.treatment import known_interventions, marked, treated, uplift
from perfml.project.project import Folder
from perfml.project.spec import ExitKind

Floats = npt.NDArray[np.float64]
CURVE_DAYS = 730
"""Follow-up that hazards are learnt from; what came later is cut off."""


def backtest(
    data: Data, project: Folder, name: str, *, until: dt.date, progress: Progress | None = None
) -> list[Backtest]:
    """The rolling-origin back-test of each horizon that the record is long enough for.

    Raises :class:`ModelError` when it is long enough for none.
    """
    return backtests(Lesson.of(data, project, name, until, progress), name, progress)[0]


def train(
    data: Data,
    project: Folder,
    name: str,
    *,
    home: Path,
    until: dt.date,
    logged: pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> Model:
    """Learn ``name`` from what was known, and labels that had matured, by ``until``; save it as the candidate.

    ``logged``: interventions that perfml keeps, beside those of the data (:mod:`perfml.learning.treatment`).
    Raises :class:`ModelError` when no horizon has both outcomes often enough.
    """
    lesson = Lesson.of(data, project, name, until, progress)
    spec, table = lesson.spec, lesson.table
    done, notices = backtests(lesson, name, progress)
    risks: dict[int, Risk] = {}
    counts: dict[str, dict[str, int]] = {}
    for number, tested in enumerate(done):
        days = tested.horizon_days
        if progress:
            progress("learning", number, len(done))
        label = lesson.label(days)
        known = ~np.isnan(label)
        counts[str(days)] = {"rows": int(known.sum()), "positives": int(label[known].sum())}
        risks[days] = lesson.learn(label, days, seeds=spec.learner.seeds)
    if progress:
        progress("learning", len(done), len(done))
    learnt = Learnt(risks, _competing(lesson, list(risks), progress), _hazards(lesson, progress))
    audits = {tested.horizon_days: audit_lists(lesson, tested) for tested in done}
    shared = [
        gate.duplicates_gate(table, spec),
        gate.canary_gate(data, project.definitions, table, table.kinds),
    ]
    asked = {t.horizon_days: _gates(lesson, t, risks[t.horizon_days], audits, shared, progress) for t in done}
    latest = lesson.when == lesson.when.max()
    reference = {
        str(days): Reference.of(
            features=lesson.features[latest],
            names=[c.name for c in table.columns],
            probability=probability(risk.margin(lesson.features[latest])),
            person=lesson.person[latest],
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
        "as_of_dates": [str(lesson.when.min()), str(lesson.when.max())],
        "spec": spec.model_dump(mode="json"),
        "training": counts,
        "backtests": tested_json,
        "gates": {str(days): [g.to_json() for g in found] for days, (found, _) in asked.items()},
        "reasons_kept": {str(days): kept for days, (_, kept) in asked.items()},
        "fairness": {str(days): report.to_json() for days, report in audits.items()},
        "reference": reference,
        "treatment": _treatment(lesson, done, logged),
        "data_fingerprint": fingerprint(data, until=until),
        "definitions": definitions_hash(project, name),
        "left_out": [*table.left_out, *notices],
        "perfml": perfml.__version__,
        "python": platform.python_version(),
    }
    about = json.loads(json.dumps(about, default=str))
    return save(home, name, learnt, table.columns, table.kinds, about, project.model_card(name))


def _treatment(lesson: Lesson, done: Sequence[Backtest], logged: pd.DataFrame | None) -> dict[str, Any]:
    """Rows that were treated meanwhile, and what randomised interventions changed, for each horizon."""
    found = known_interventions(lesson.data, lesson.until, logged)
    out = {}
    for tested in done:
        inside = treated(lesson.rows, found, horizon_days=tested.horizon_days)
        said = tested.predictions
        out[str(tested.horizon_days)] = {
            **marked(inside, said.row, said.outcome, said.model, said.person),
            "uplift": [
                asdict(one)
                for one in uplift(
                    lesson.data, found, lesson.spec.label, horizon_days=tested.horizon_days, until=lesson.until
                )
            ],
        }
    return out


def _competing(lesson: Lesson, horizons: Sequence[int], progress: Progress | None) -> dict[str, dict[int, Risk]]:
    """The other causes of leaving, each with a classifier a horizon; one that hardly happens is its own share of cases."""
    spec = lesson.spec
    out: dict[str, dict[int, Risk]] = {}
    if spec.label.kind != "exit":
        return out
    others: list[ExitKind] = [kind for kind in get_args(ExitKind) if kind not in spec.label.exit_kinds]
    for number, kind in enumerate(others):
        if progress:
            progress("other causes", number, len(others))
        out[kind] = {}
        for days in horizons:
            label = lesson.label(days, [kind])
            cases, rows = int(np.nansum(label)), int((~np.isnan(label)).sum())
            enough = cases >= spec.backtest.min_positives
            out[kind][days] = (
                lesson.learn(label, days, seeds=spec.learner.seeds[:1]) if enough else Risk.constant(cases, rows)
            )
    if progress and others:
        progress("other causes", len(others), len(others))
    return out


def _hazards(lesson: Lesson, progress: Progress | None) -> CauseSpecificHazards | None:
    """Time to leaving by cause, from one row a person, drawn at random: rows of one person tell the same exit twice.

    The row stands for all of the person's: without that weight, leavers, who have few rows, would count as much as stayers.
    """
    spec = lesson.spec
    if spec.label.kind != "exit":
        return None
    listed = list(spec.label.exit_kinds)
    causes = [*listed, *(kind for kind in get_args(ExitKind) if kind not in listed)]
    time, cause = exit_times(
        lesson.data, lesson.rows, until=lesson.until, causes=causes, delay_days=spec.label.reporting_delay_days
    )
    order = np.random.default_rng(0).permutation(len(time))
    order = order[~np.isnan(time[order])]
    _, drawn, weight = np.unique(lesson.person[order], return_index=True, return_counts=True)
    rows = order[drawn]
    time, cause = np.minimum(time[rows], CURVE_DAYS), np.where(time[rows] > CURVE_DAYS, 0.0, cause[rows])
    cause = np.where((cause > 0) & (cause <= len(listed)), 1.0, np.maximum(cause - len(listed) + 1, 0.0))
    if (cause == 1).sum() < spec.backtest.min_positives:
        return None
    if progress:
        progress("time to leaving", 0, 1)
    given = spec.learner.model_dump(exclude={"blend"})
    given["seeds"] = given["seeds"][:1]  # curves are looked at, not ranked by
    blank = HazardModel(**given)
    found = CauseSpecificHazards(hazard=blank).fit(lesson.features[rows], time, cause, weight.astype(np.float64))
    if progress:
        progress("time to leaving", 1, 1)
    return found


def _gates(
    lesson: Lesson,
    tested: Backtest,
    risk: Risk,
    audits: dict[int, FairnessReport],
    shared: Sequence[gate.Gate],
    progress: Progress | None,
) -> tuple[list[gate.Gate], dict[str, float]]:
    """Every gate of one horizon (``shared``: those of all horizons), and how steadily each reason leads over refits."""
    spec, table, days = lesson.spec, lesson.table, tested.horizon_days
    label = lesson.label(days)
    known = ~np.isnan(label)
    names = [c.name for c in table.columns]

    def tell(done: int) -> None:
        if progress:
            progress(f"refits {days} d", done, spec.gates.refits)

    steady = stability(
        risk,
        lambda rows, seed: lesson.learn_again(risk, label, rows, seed),
        lesson.person,
        lesson.features[lesson.when == lesson.when.max()],
        [c.reason for c in table.columns],
        refits=spec.gates.refits,
        tell=tell,
    )
    found = [
        gate.baseline_gate(tested),
        gate.permuted_gate(lesson.data, table, spec, tested, until=lesson.until, progress=progress),
        gate.single_column_gate(lesson.features[known], label[known], names, spec),
        *shared,
        *gate.stability_gates(steady, spec),
        gate.fairness_gate(audits[days]),
    ]
    return found, steady.kept

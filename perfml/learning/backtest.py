"""The rolling-origin back-test: what the model would have said at each origin, beside the baseline, with intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perfml.errors import ModelError
from perfml.evidence.features import Progress
from perfml.evidence.sources import Data
from perfml.learning.baseline import baseline_columns, baseline_probability
from perfml.learning.calendar import Fold, rolling_origin
from perfml.learning.evaluation import Estimate, calibration_bins, estimate, metrics_at
from perfml.learning.labels import labels
from perfml.learning.learner import fit, probability
from perfml.learning.table import Table
from perfml.project.spec import ModelSpec

Floats = npt.NDArray[np.float64]
STANDARD_ERRORS = 2.0
"""By how many the model must beat the baseline's AUC."""


@dataclass(frozen=True)
class Backtest:
    """One horizon's back-test. ``proven``: better than chance, and than the baseline by 2 SE, on outcomes it had not seen."""

    horizon_days: int
    folds: tuple[dict[str, Any], ...]
    model: dict[str, Estimate]
    baseline: dict[str, Estimate]
    difference: dict[str, Estimate]
    baseline_columns: tuple[str, ...]
    bins: tuple[dict[str, float], ...]
    rows: int
    positives: int
    proven: bool
    en: str
    zh: str

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        tables = {
            name: {k: e.to_json() for k, e in getattr(self, name).items()}
            for name in ("model", "baseline", "difference")
        }
        return {**self.__dict__, **tables}


def backtest_horizon(
    data: Data,
    table: Table,
    spec: ModelSpec,
    *,
    horizon_days: int,
    until: dt.date,
    progress: Progress | None = None,
) -> Backtest:
    """Roll the origin over the dates of ``table`` whose labels were known by ``until``.

    At each origin the model is learnt only from labels that had matured and were known by then. Raises
    :class:`ModelError` when not one fold is possible, with what would be enough.
    """
    embargo = horizon_days + spec.label.reporting_delay_days
    rows = table.frame[table.usable].reset_index(drop=True)
    features = table.matrix()[table.usable]
    when = rows["as_of"].to_numpy().astype("M8[D]")
    names = [c.name for c in table.columns]
    known = labels(data, rows, spec.label, horizon_days=horizon_days, until=until)
    dates = sorted(set(when[~np.isnan(known)].tolist()))
    folds = rolling_origin(dates, embargo_days=embargo, folds=spec.backtest.folds)
    base = baseline_columns(spec.baseline.columns, spec.baseline.without_reviews, list(rows.columns))
    plain = rows[base].to_numpy(dtype=np.float64)
    # Folds are many and seeds change little: one seed a fold.
    one_seed = spec.model_copy(update={"learner": spec.learner.model_copy(update={"seeds": spec.learner.seeds[:1]})})
    jobs: list[tuple[Fold, Floats, npt.NDArray[np.bool_]]] = []
    for fold in folds:
        train = np.isin(when, np.array(fold.train, "M8[D]"))
        label = np.full(len(rows), np.nan)
        label[train] = labels(data, rows[train], spec.label, horizon_days=horizon_days, until=fold.origin)
        test = np.isin(when, np.array(fold.test, "M8[D]")) & ~np.isnan(known)
        if min(np.nansum(label), np.nansum(1 - label)) >= spec.backtest.min_positives and test.any():
            jobs.append((fold, label, test))

    tested: list[tuple[Floats, Floats]] = []
    for number, (_, label, test) in enumerate(jobs):
        if progress:
            progress(f"back-test {horizon_days} d", number, len(jobs))
        train = ~np.isnan(label)
        risk = fit(features[train], label[train], when[train], names=names, spec=one_seed, embargo_days=embargo)
        theirs = baseline_probability(plain[train], label[train], plain[test])
        tested.append((probability(risk.margin(features[test])), theirs))
    if progress:
        progress(f"back-test {horizon_days} d", len(jobs), len(jobs))
    if not tested:
        raise ModelError(
            f"no back-test is possible for {horizon_days} days: {len(dates)} labelled dates, {int(np.nansum(known))} cases",
            where=f"{data.source} until {until}",
            remedy=f"it takes {spec.backtest.min_positives} cases that had matured {embargo} days before another labelled date",
        )
    index = np.concatenate([np.flatnonzero(test) for _, _, test in jobs])
    ours, theirs = np.concatenate([t[0] for t in tested]), np.concatenate([t[1] for t in tested])
    outcome, person = known[index], rows["employee_id"].to_numpy(dtype=object)[index]
    metrics = metrics_at(when[index], spec.list.room)
    difference = estimate(
        {"auc": metrics["auc"], "log_loss": metrics["log_loss"]}, outcome, ours, person, against=theirs
    )
    cases = len(set(person[outcome == 1]))
    ours_alone = estimate(metrics, outcome, ours, person)
    proven, en, zh = _verdict(difference["auc"], ours_alone["auc"], cases, base, spec)
    return Backtest(
        horizon_days,
        tuple(_describe(fold, label[~np.isnan(label)], known[test]) for fold, label, test in jobs),
        ours_alone,
        estimate(metrics, outcome, theirs, person),
        difference,
        tuple(base),
        tuple(calibration_bins(outcome, ours)),
        len(index),
        int(outcome.sum()),
        proven,
        en,
        zh,
    )


def _describe(fold: Fold, train: Floats, test: Floats) -> dict[str, Any]:
    return {
        "origin": fold.origin.isoformat(),
        "train": [fold.train[0].isoformat(), fold.train[-1].isoformat()],
        "test": [fold.test[0].isoformat(), fold.test[-1].isoformat()],
        "train_rows": len(train),
        "train_positives": int(train.sum()),
        "test_rows": len(test),
        "test_positives": int(test.sum()),
    }


def _verdict(auc: Estimate, alone: Estimate, cases: int, base: Sequence[str], spec: ModelSpec) -> tuple[bool, str, str]:
    beaten = " + ".join(base) or "chance"
    if cases < spec.backtest.min_positives:
        need = spec.backtest.min_positives
        return (
            False,
            f"cannot tell whether it is better than {beaten}: {cases} people had the outcome in the back-test, {need} are needed",
            f"无法判断是否优于 {beaten}：回测中仅 {cases} 人出现该结果，至少需要 {need} 人",
        )
    margin = f"AUC {auc.value:+.3f}, 2 SE = {STANDARD_ERRORS * auc.se:.3f}"
    if not alone.low > 0.5:
        low = f"AUC {alone.value:.3f}, from {alone.low:.3f}"
        return False, f"no better than chance ({low})", f"不优于随机（{low}）"
    if auc.value > STANDARD_ERRORS * auc.se:
        return True, f"better than {beaten} ({margin})", f"优于 {beaten}（{margin}）"
    return False, f"no better than {beaten} ({margin})", f"不优于 {beaten}（{margin}）"

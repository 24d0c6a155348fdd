"""The rolling-origin back-test: what the model would have said at each origin, beside the baseline, with intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perfml.arrays import Bools, Dates, Floats, Ints, Objects
from perfml.errors import ModelError
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import Fold, deciding_folds, rolling_origin
from perfml.learning.dataset.labels import labels
from perfml.learning.dataset.table import Table
from perfml.learning.estimators.baseline import baseline_columns, baseline_probability
from perfml.learning.estimators.blend import fit, monotone_signs, probability
from perfml.learning.estimators.calibration import calibration_floor, expected_calibration_error
from perfml.learning.validation.lists import lists_by_size, ratio_draws
from perfml.learning.validation.metrics import (
    Estimate,
    auc,
    average_precision,
    calibration_bins,
    estimate,
    expected_over_observed,
    metrics_at,
)
from perfml.progress import SILENT, Progress
from perfml.project.spec import ModelSpec

STANDARD_ERRORS = 2.0
"""By how many the model must beat the baseline's AUC."""
RATIO = {"expected_over_observed": expected_over_observed}
SEGMENT_METRICS = {"auc": auc, "average_precision": average_precision, **RATIO}


@dataclass(frozen=True)
class Predictions:
    """What was said at each origin, and what came of it; arrays over the tested rows."""

    row: Ints
    """Position among the usable rows of the table."""
    when: Dates
    person: Objects
    outcome: Floats
    model: Floats
    baseline: Floats


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
    calibration_error: float
    """Expected calibration error of the tested rows, in probability; see ``calibration_error_floor``."""
    calibration_error_floor: float
    """What a perfect model of these rows would show by sampling alone."""
    by_year: tuple[dict[str, Any], ...]
    """Expected over observed cases in each calendar year of as-of dates."""
    segments: dict[str, dict[str, Any]]
    """The figures among the people of each of the spec's segments."""
    listed_ratio: tuple[float, ...]
    """Observed over expected cases among those who would have been listed, in draws over people."""
    lists: tuple[dict[str, Any], ...]
    """What lists of other sizes held; see :func:`perfml.learning.validation.lists.lists_by_size`."""
    rows: int
    positives: int
    proven: bool
    en: str
    zh: str
    predictions: Predictions = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the rows."""
        tables = {
            name: {k: e.to_json() for k, e in getattr(self, name).items()}
            for name in ("model", "baseline", "difference")
        }
        return {k: v for k, v in self.__dict__.items() if k != "predictions"} | tables


def backtest_horizon(
    data: Data,
    table: Table,
    spec: ModelSpec,
    *,
    horizon_days: int,
    until: dt.date,
    progress: Progress = SILENT,
    outcome_of: Mapping[str, str] | None = None,
    what: str = "back-test",
) -> Backtest:
    """Roll the origin over the dates of ``table`` whose labels were known by ``until``.

    At each origin the model is learnt only from labels that had matured and were known by then. Raises
    :class:`ModelError` when not one fold is possible, with what would be enough. ``outcome_of`` gives people the outcome of
    others, for a test that nothing can be learnt from that.
    """
    found, folds, base = _predict(data, table, spec, horizon_days, until, progress, outcome_of, what)
    metrics = metrics_at(found.when, spec.list.capacity)
    outcome, person = found.outcome, found.person
    model = estimate(metrics, outcome, found.model, person=person)
    difference = estimate(
        {"auc": metrics["auc"], "log_loss": metrics["log_loss"]},
        outcome,
        found.model,
        person=person,
        against=found.baseline,
    )
    ratio = ratio_draws(outcome, found.model, person=person, when=found.when, capacity=spec.list.capacity)
    cases = len(set(person[outcome == 1]))
    proven, en, zh = _verdict(difference["auc"], model["auc"], cases, base, spec)
    return Backtest(
        horizon_days,
        tuple(folds),
        model,
        estimate(metrics, outcome, found.baseline, person=person),
        difference,
        tuple(base),
        tuple(calibration_bins(outcome, found.model)),
        expected_calibration_error(outcome, found.model),
        calibration_floor(found.model),
        tuple(_by_year(found)),
        _segments(found, table, spec),
        tuple(np.round(ratio, 4).tolist()),
        tuple(lists_by_size(outcome, found.model, person=person, when=found.when)),
        len(outcome),
        int(outcome.sum()),
        proven,
        en,
        zh,
        found,
    )


def _predict(
    data: Data,
    table: Table,
    spec: ModelSpec,
    horizon_days: int,
    until: dt.date,
    progress: Progress,
    outcome_of: Mapping[str, str] | None,
    what: str,
) -> tuple[Predictions, list[dict[str, Any]], list[str]]:
    """Learn and predict at each origin; with the folds in words, and the baseline's columns."""
    embargo = horizon_days + spec.label.reporting_delay_days
    rows = table.frame[table.usable].reset_index(drop=True)
    features = table.matrix()[table.usable]
    when = rows["as_of"].to_numpy().astype("M8[D]")
    person = rows["employee_id"].to_numpy(dtype=object)
    signs = monotone_signs([c.name for c in table.columns], spec)
    whose = rows if outcome_of is None else rows.assign(employee_id=rows["employee_id"].map(outcome_of))
    known = labels(data, whose, spec.label, horizon_days=horizon_days, until=until)
    dates = sorted(set(when[~np.isnan(known)].tolist()))
    base = baseline_columns(spec.baseline.columns, spec.baseline.without_reviews, list(rows.columns))
    plain = rows[base].to_numpy(dtype=np.float64)
    # Folds are many and seeds change little: one seed a fold.
    settings = spec.learner.model_copy(update={"seeds": spec.learner.seeds[:1]})
    jobs: list[tuple[Fold, Floats, Bools]] = []
    for fold in rolling_origin(dates, embargo_days=embargo, folds=spec.backtest.folds):
        train = np.isin(when, np.array(fold.train, "M8[D]"))
        label = np.full(len(rows), np.nan)
        label[train] = labels(data, whose[train], spec.label, horizon_days=horizon_days, until=fold.origin)
        test = np.isin(when, np.array(fold.test, "M8[D]")) & ~np.isnan(known)
        if min(np.nansum(label), np.nansum(1 - label)) >= spec.backtest.min_positives and test.any():
            jobs.append((fold, label, test))
    if not jobs:
        raise ModelError(
            f"no back-test is possible for {horizon_days} days: {len(dates)} labelled dates, {int(np.nansum(known))} cases",
            where=f"{data.source} until {until}",
            remedy=f"it takes {spec.backtest.min_positives} cases that had matured {embargo} days before another labelled date",
        )
    tested: list[tuple[Floats, Floats]] = []
    for number, (_, label, test) in enumerate(jobs):
        progress(f"{what} {horizon_days} d", number, len(jobs))
        train = ~np.isnan(label)
        folds = deciding_folds(when[train], person[train], embargo_days=embargo)
        risk = fit(features[train], label[train], folds=folds, settings=settings, signs=signs)
        theirs = baseline_probability(plain[train], label[train], plain[test])
        tested.append((probability(risk.margin(features[test])), theirs))
    progress(f"{what} {horizon_days} d", len(jobs), len(jobs))
    row = np.concatenate([np.flatnonzero(test) for _, _, test in jobs])
    ours, theirs = np.concatenate([t[0] for t in tested]), np.concatenate([t[1] for t in tested])
    described = [_describe(fold, label[~np.isnan(label)], known[test]) for fold, label, test in jobs]
    return Predictions(row, when[row], person[row], known[row], ours, theirs), described, base


def _by_year(found: Predictions) -> list[dict[str, Any]]:
    """Expected over observed in each year, with its interval over people."""
    years = found.when.astype("M8[Y]").astype(int) + 1970
    out = []
    for year in sorted(set(years.tolist())):
        here = years == year
        ratio = estimate(RATIO, found.outcome[here], found.model[here], person=found.person[here])[
            "expected_over_observed"
        ]
        expected, observed = float(found.model[here].sum()), int(found.outcome[here].sum())
        counted = {"rows": int(here.sum()), "expected": round(expected, 2), "observed": observed}
        out.append({"year": year, **counted, "expected_over_observed": ratio.to_json()})
    return out


def _segments(found: Predictions, table: Table, spec: ModelSpec) -> dict[str, dict[str, Any]]:
    """The model among the people of each segment: is it of use there, and is it calibrated there?"""
    out: dict[str, dict[str, Any]] = {}
    for name in spec.segments:
        inside = table.segments[name][table.usable][found.row]
        if not inside.any():
            out[name] = {"rows": 0, "positives": 0}
            continue
        figures = estimate(SEGMENT_METRICS, found.outcome[inside], found.model[inside], person=found.person[inside])
        counted = {"rows": int(inside.sum()), "positives": int(found.outcome[inside].sum())}
        out[name] = {**counted, **{metric: figure.to_json() for metric, figure in figures.items()}}
    return out


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

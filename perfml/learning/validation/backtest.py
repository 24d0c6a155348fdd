"""The rolling-origin back-test: predictions at each origin beside the baseline's, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydantic import Field, InstanceOf

from perfml.arrays import Bools, Dates, Floats, Ints, Objects
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.errors import ModelError
from perfml.learning.dataset.folds import Fold, rolling_origin
from perfml.learning.estimators.baseline import baseline_columns, baseline_probability
from perfml.learning.estimators.blend import monotone_signs, probability
from perfml.learning.estimators.calibration import calibration_floor, expected_calibration_error
from perfml.learning.record import (
    BacktestRecord,
    BacktestResult,
    CalibrationBin,
    Figure,
    FoldRecord,
    GroupFigures,
    YearRecord,
)
from perfml.learning.validation.guarantee import measure
from perfml.learning.validation.lead import lead_records
from perfml.learning.validation.lists import lists_by_size, ratio_draws
from perfml.learning.validation.metrics import (
    Estimate,
    auc,
    average_precision,
    calibration_bins,
    estimate,
    estimates_beside,
    expected_over_observed,
    metrics_at,
)
from perfml.learning.validation.sample import RowsFit, TrainingSample
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.model_spec import ModelSpec
from perfml.workers.pool import Call

STANDARD_ERRORS = 2.0
"""Standard errors by which the model must beat the baseline's AUC."""
COMPARED = ("auc", "log_loss")
"""Metrics whose difference to the baseline is given."""
RATIO = {"expected_over_observed": expected_over_observed}
SEGMENT_METRICS = {"auc": auc, "average_precision": average_precision, **RATIO}


class NoBacktest(ModelError):
    """The record does not allow a back-test of the horizon ``days``."""

    def __init__(self, days: int, problem: Message, remedy: Message, *, where: str) -> None:
        super().__init__(problem, where=where, remedy=remedy)
        self.days = days


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Predictions at each origin and the outcomes; arrays over the tested rows."""

    row: Ints
    """Position of each tested row in the sample."""
    when: Dates
    person: Objects
    outcome: Floats
    model: Floats
    baseline: Floats


class Backtest(BacktestResult[Estimate]):
    """One horizon's back-test, with figures as computed and the predictions behind them."""

    predictions: InstanceOf[Predictions] = Field(exclude=True, repr=False)

    def record(self) -> BacktestRecord:
        """Return the stored record: without the predictions, figures rounded."""
        return BacktestRecord.model_validate(self.model_dump())


@dataclass(frozen=True, kw_only=True)
class FoldFits:
    """The fits of one horizon's back-test, handed out."""

    sample: TrainingSample
    horizon_days: int
    known: Floats
    """The label of each row of the sample, as known today."""
    jobs: Sequence[tuple[Fold, Floats, Bools]]
    """See :func:`testable_folds`."""
    calls: Sequence[Call[tuple[Floats, Floats]]]
    """For each fold, the probabilities of its test rows by the model and by the baseline."""
    baseline_names: Sequence[str]

    def predictions(self, task: str, *, progress: Progress = SILENT) -> Predictions:
        """Wait for the fits. ``task`` labels ``progress``."""
        tested = [call.result() for call in progress.track(f"{task} {self.horizon_days} d", self.calls)]
        row = np.concatenate([np.flatnonzero(test) for _, _, test in self.jobs])
        return Predictions(
            row=row,
            when=self.sample.when[row],
            person=self.sample.person[row],
            outcome=self.known[row],
            model=np.concatenate([model for model, _ in tested]),
            baseline=np.concatenate([baseline for _, baseline in tested]),
        )

    def records(self) -> tuple[FoldRecord, ...]:
        """The dates and cases of each fold."""
        return tuple(_fold_record(fold, label[~np.isnan(label)], self.known[test]) for fold, label, test in self.jobs)


def backtests(sample: TrainingSample, name: str, *, progress: Progress) -> tuple[list[Backtest], list[Message]]:
    """Back-test each horizon that the record is long enough for; also the notices for the other horizons.

    Raises :class:`NoBacktest` when the record is too short for every horizon.
    """
    fits, notices = backtest_fits(sample, name)
    return [judged(each, progress=progress) for each in fits], notices


def backtest_fits(sample: TrainingSample, name: str) -> tuple[list[FoldFits], list[Message]]:
    """Hand out the fits of :func:`backtests`; also the notices for the horizons that the record is too short for.

    Raises :class:`NoBacktest` when it is too short for every horizon.
    """
    fits: list[FoldFits] = []
    errors: list[NoBacktest] = []
    for days in sample.spec.label.horizons_days:
        try:
            refuse_one_sided(sample, name, days)
            fits.append(fold_fits(sample, days))
        except NoBacktest as error:
            errors.append(error)
    if not fits:
        raise errors[0]
    return fits, [Message.of("notice_refusal", days=error.days, **error.notice.values) for error in errors]


def refuse_one_sided(sample: TrainingSample, name: str, days: int) -> None:
    """Raise :class:`NoBacktest`, naming the rare outcome, unless both outcomes are frequent enough."""
    if sample.rows.empty:
        problem = Message.of("none_eligible", rows=len(sample.table.frame))
        raise NoBacktest(days, problem, Message.of("none_eligible_remedy"), where=f"models/{name}.toml [population]")
    label = sample.label(days)
    known, cases = int((~np.isnan(label)).sum()), int(np.nansum(label))
    need = sample.spec.backtest.min_positives
    where = f"model {name} within {days} days, {sample.data.source} until {sample.until}"
    if known == 0:
        raise NoBacktest(days, Message.of("none_matured"), Message.of("none_matured_remedy", days=days), where=where)
    problem = Message.of("one_sided", cases=cases, known=known)
    if cases < need:
        raise NoBacktest(days, problem, Message.of("one_sided_few", need=need), where=where)
    if known - cases < need:
        raise NoBacktest(days, problem, Message.of("one_sided_many"), where=where)


def backtest_horizon(sample: TrainingSample, horizon_days: int, *, progress: Progress = SILENT) -> Backtest:
    """Roll the origin over the dates of ``sample`` whose labels have matured.

    At each origin only labels that had matured and were known by then are used for training. Raises :class:`NoBacktest`
    when no fold is possible, with what would suffice.
    """
    return judged(fold_fits(sample, horizon_days), progress=progress)


def judged(fits: FoldFits, *, progress: Progress = SILENT) -> Backtest:
    """Wait for the predictions of a back-test, and compare them with the outcomes and with the baseline's."""
    sample, spec, horizon_days = fits.sample, fits.sample.spec, fits.horizon_days
    p, baseline_names = fits.predictions("back-test", progress=progress), fits.baseline_names
    metrics = metrics_at(p.when, spec.list.capacity)
    model, baseline, less = estimates_beside(metrics, p.outcome, p.model, person=p.person, against=p.baseline)
    difference = {name: less[name] for name in COMPARED}
    cases = len(set(p.person[p.outcome == 1]))
    proven, text = _judge(difference["auc"], model["auc"], cases=cases, baseline=baseline_names, spec=spec)
    ratio = ratio_draws(p.outcome, p.model, person=p.person, when=p.when, capacity=spec.list.capacity)
    return Backtest(
        horizon_days=horizon_days,
        folds=fits.records(),
        model=model,
        baseline=baseline,
        difference=difference,
        baseline_columns=tuple(baseline_names),
        bins=tuple(CalibrationBin.model_validate(row) for row in calibration_bins(p.outcome, p.model)),
        calibration_error=expected_calibration_error(p.outcome, p.model),
        calibration_error_floor=calibration_floor(p.model),
        by_year=tuple(_by_year(p)),
        segments=_segments(p, sample),
        listed_ratio=tuple(np.round(ratio, 4).tolist()),
        lists=tuple(lists_by_size(p.outcome, p.model, person=p.person, when=p.when)),
        lead=lead_records(sample, row=p.row, model=p.model, baseline=p.baseline, horizon_days=horizon_days),
        guarantee=measure(when=p.when, outcome=p.outcome, probability=p.model, horizon_days=horizon_days),
        rows=len(p.outcome),
        positives=int(p.outcome.sum()),
        proven=proven,
        text=text,
        predictions=p,
    )


def testable_folds(sample: TrainingSample, horizon_days: int, *, known: Floats) -> list[tuple[Fold, Floats, Bools]]:
    """The folds with enough of both outcomes to learn from: each with its training labels and its test rows, both (rows,).

    ``known``: the label of each row, as known today (rows,). Raises :class:`NoBacktest` where there is none.
    """
    spec, when = sample.spec, sample.when
    embargo = horizon_days + spec.label.reporting_delay_days
    dates = sorted(set(when[~np.isnan(known)].tolist()))
    jobs: list[tuple[Fold, Floats, Bools]] = []
    for fold in rolling_origin(dates, embargo_days=embargo, folds=spec.backtest.folds):
        train = np.isin(when, np.array(fold.train, "M8[D]"))
        label = sample.label(horizon_days, until=fold.origin, among=train)
        test = np.isin(when, np.array(fold.test, "M8[D]")) & ~np.isnan(known)
        if min(np.nansum(label), np.nansum(1 - label)) >= spec.backtest.min_positives and test.any():
            jobs.append((fold, label, test))
    if not jobs:
        problem = Message.of("no_backtest", days=horizon_days, dates=len(dates), cases=int(np.nansum(known)))
        remedy = Message.of("no_backtest_remedy", need=spec.backtest.min_positives, embargo=embargo)
        raise NoBacktest(horizon_days, problem, remedy, where=f"{sample.data.source} until {sample.until}")
    return jobs


def fold_fits(sample: TrainingSample, horizon_days: int) -> FoldFits:
    """Hand out the fits at each origin. Raises :class:`NoBacktest`, see :func:`backtest_horizon`."""
    spec = sample.spec
    signs = monotone_signs(sample.names, spec)
    known = sample.label(horizon_days)
    jobs = testable_folds(sample, horizon_days, known=known)
    names = baseline_columns(spec.baseline.columns, spec.baseline.without_reviews, list(sample.rows.columns))
    plain = sample.rows[names].to_numpy(dtype=np.float64)
    # With many folds, seeds change little: one seed per fold is enough.
    settings = sample.settings(spec.learner.seeds[:1])
    calls = []
    for _, label, test in jobs:
        rows, drawn = np.flatnonzero(~np.isnan(label)), sample.drawn(label)
        chosen = RowsFit(
            rows=drawn.rows,
            label=label[drawn.rows],
            folds=sample.deciding_folds(drawn.rows, horizon_days),
            settings=settings,
            signs=signs,
            stands_for=drawn.stands_for,
            level=sample.level(label, drawn),
        )
        learnt = (plain[rows], label[rows])
        tested = partial(_tested, chosen=chosen, test=np.flatnonzero(test), learnt=learnt, plain_test=plain[test])
        calls.append(sample.hand_out(tested, rows=len(drawn.rows)))
    return FoldFits(sample=sample, horizon_days=horizon_days, known=known, jobs=jobs, calls=calls, baseline_names=names)


def _tested(
    features: Floats, *, chosen: RowsFit, test: Ints, learnt: tuple[Floats, Floats], plain_test: Floats
) -> tuple[Floats, Floats]:
    """Probabilities of the rows ``test`` by the model, learnt from the rows of ``chosen``, and by the baseline, from its columns
    and labels ``learnt``: those of all rows, also where some are drawn."""
    risk = chosen.fitted(features)
    return probability(risk.margin(features[test])), baseline_probability(*learnt, plain_test)


def _figures(estimates: dict[str, Estimate]) -> dict[str, Figure]:
    return {name: Figure.model_validate(value.to_json()) for name, value in estimates.items()}


def _by_year(p: Predictions) -> list[YearRecord]:
    """Return expected over observed cases in each year, with its interval over people."""
    years = p.when.astype("M8[Y]").astype(int) + 1970
    records = []
    for year in sorted(set(years.tolist())):
        inside = years == year
        ratio = _figures(estimate(RATIO, p.outcome[inside], p.model[inside], person=p.person[inside]))
        records.append(
            YearRecord(
                year=year,
                rows=int(inside.sum()),
                expected=round(float(p.model[inside].sum()), 2),
                observed=int(p.outcome[inside].sum()),
                **ratio,
            )
        )
    return records


def _segments(p: Predictions, sample: TrainingSample) -> dict[str, GroupFigures]:
    """Return the figures of each segment: whether the model ranks its people, and is calibrated for them."""
    figures: dict[str, GroupFigures] = {}
    member = {name: sample.table.segments[name][sample.table.usable][p.row] for name in sample.spec.segments}
    every = np.array(list(member.values())).reshape(len(member), len(p.row))
    causes = withheld_outcomes(every, label=p.outcome, person=p.person, rules=sample.disclosure)
    for (name, inside), why in zip(member.items(), causes, strict=True):
        if not inside.any():
            figures[name] = GroupFigures(rows=0, positives=0)
            continue
        if why is not None:
            figures[name] = GroupFigures(rows=None, positives=None, withheld=why)
            continue
        estimates = _figures(estimate(SEGMENT_METRICS, p.outcome[inside], p.model[inside], person=p.person[inside]))
        counts = {"rows": int(inside.sum()), "positives": int(p.outcome[inside].sum())}
        figures[name] = GroupFigures.model_validate(counts | estimates)
    return figures


def _fold_record(fold: Fold, train: Floats, test: Floats) -> FoldRecord:
    return FoldRecord(
        origin=fold.origin,
        train=(fold.train[0], fold.train[-1]),
        test=(fold.test[0], fold.test[-1]),
        train_rows=len(train),
        train_positives=int(train.sum()),
        test_rows=len(test),
        test_positives=int(test.sum()),
    )


def _judge(
    gain: Estimate, alone: Estimate, *, cases: int, baseline: Sequence[str], spec: ModelSpec
) -> tuple[bool, Message]:
    """Judge whether the model beats chance and the baseline. ``gain``: AUC above the baseline's; ``alone``: the model's AUC."""
    beaten = tuple(baseline) or Message.of("chance")
    need = spec.backtest.min_positives
    if cases < need:
        return False, Message.of("backtest_few_cases", baseline=beaten, cases=cases, need=need)
    if not np.isfinite([alone.low, gain.se]).all():
        return False, Message.of("backtest_not_estimated", baseline=beaten)
    if not alone.low > 0.5:
        return False, Message.of("backtest_chance", auc=alone.value, low=alone.low)
    figures = {"gain": gain.value, "limit": STANDARD_ERRORS * gain.se}
    if gain.value > STANDARD_ERRORS * gain.se:
        return True, Message.of("backtest_better", baseline=beaten, **figures)
    return False, Message.of("backtest_no_better", baseline=beaten, **figures)

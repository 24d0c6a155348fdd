"""Gates: tests that a model must not fail before it may list anybody, each with its figure, limit and message.

A model that fails one is saved as a candidate with the reason: it can be studied, but gives no list and cannot be promoted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.evidence.features import build
from perfml.evidence.sources import Data, open_data
from perfml.learning.dataset.drawn_rows import among_drawn
from perfml.learning.dataset.table import Table
from perfml.learning.fairness.findings import FairnessReport
from perfml.learning.record import GateRecord, Verdict
from perfml.learning.validation import backtest
from perfml.learning.validation.backtest import Backtest, FoldFits, NoBacktest, Predictions, fold_fits
from perfml.learning.validation.metrics import auc_within, estimate
from perfml.learning.validation.sample import TrainingSample
from perfml.learning.validation.stability import Stability
from perfml.messages import Message
from perfml.project.folder import Definitions
from perfml.project.model_spec import ModelSpec, SampleSpec

STANDARD_ERRORS = 3.0
"""Largest distance of permuted labels from AUC .5, in standard errors."""
LARGEST_REACH = 0.15
"""Widest band around .5 (:data:`STANDARD_ERRORS`) at which a permuted-label test still judges; beyond, leaks would pass."""
SIDES: Final = ("left", "right")
FEWEST_DISTINCT = 5
"""Distinct known values from which two equal rows of evidence are unlikely to be chance."""


def baseline_gate(tested: Backtest) -> GateRecord:
    """Check that the model beats chance, and the baseline by two standard errors."""
    auc = tested.difference["auc"]
    beaten = tested.baseline_columns or Message.of("chance")
    figure = Message.of("not_estimated")
    if np.isfinite([auc.value, auc.se]).all():
        figure = Message.of("gate_gain", gain=auc.value, se=auc.se, baseline=beaten)
    return GateRecord(
        name="baseline",
        verdict="pass" if tested.proven else "fail",
        figure=figure,
        limit=Message.of("gate_gain_limit", errors=backtest.STANDARD_ERRORS),
        text=tested.text,
    )


def permuted_fits(sample: TrainingSample, horizon_days: int) -> FoldFits | None:
    """Give each person the outcomes of another, and hand out the fits of a back-test; None where no fold is possible."""
    folds = sample.spec.backtest.model_copy(update={"folds": min(2, sample.spec.backtest.folds)})
    permuted = sample.permuted(5).with_spec(sample.spec.model_copy(update={"backtest": folds}))
    try:
        return fold_fits(permuted, horizon_days)
    except NoBacktest:  # a leaver's outcome can go to somebody who is in no row, and a fold is left with too few cases
        return None


def permuted_gate(p: Predictions | None) -> GateRecord:
    """Compare predictions of permuted outcomes with these (:func:`permuted_fits`): nothing may be predicted.

    This detects evidence that knows the outcome other than through the label: a leak in time or identity. Only pairs of the
    same date are compared, because months with more cases are no leak. Where the standard error is so large that only an
    AUC beyond .5 + :data:`LARGEST_REACH` would fail, and where no fold has enough permuted cases, the gate is insufficient.
    """
    limit = Message.of("gate_permuted_limit", errors=STANDARD_ERRORS)
    if p is None:
        return _insufficient("permuted labels", limit, Message.of("gate_permuted_no_fold"))
    auc = estimate({"auc": auc_within(p.when)}, p.outcome, p.model, person=p.person)["auc"]
    reach = STANDARD_ERRORS * auc.se
    verdict: Verdict
    if not np.isfinite([auc.value, auc.se]).all():
        verdict, figure, text = "insufficient", Message.of("not_estimated"), Message.of("gate_permuted_few")
    else:
        figure = Message.of("gate_permuted_auc", auc=auc.value, se=auc.se)
        if abs(auc.value - 0.5) > reach:
            verdict, text = "fail", Message.of("gate_permuted_fail")
        elif reach > LARGEST_REACH:
            verdict, text = "insufficient", Message.of("gate_permuted_wide", reach=0.5 + reach)
        else:
            verdict, text = "pass", Message.of("gate_permuted_pass")
    return GateRecord(name="permuted labels", verdict=verdict, figure=figure, limit=limit, text=text)


def single_column_gate(features: Floats, label: Floats, *, names: list[str], spec: ModelSpec) -> GateRecord:
    """Check that no column alone ranks the outcome so well that it is more likely a leak than evidence."""
    most = spec.gates.max_single_auc
    alone = column_auc(features, label)
    limit = Message.of("gate_most", most=most)
    if not np.isfinite(alone).any():
        figure = Message.of("not_estimated" if names else "gate_no_columns")
        text = Message.of("gate_column_pass")
        return GateRecord(name="single column", verdict="pass", figure=figure, limit=limit, text=text)
    worst = int(np.nanargmax(np.abs(alone - 0.5)))
    value = max(float(alone[worst]), 1 - float(alone[worst]))
    column = (names[worst],)
    return GateRecord(
        name="single column",
        verdict="pass" if value <= most else "fail",
        figure=Message.of("gate_column_auc", column=column, auc=value),
        limit=limit,
        text=Message.of("gate_column_pass") if value <= most else Message.of("gate_column_fail", column=column),
    )


def column_auc(features: Floats, label: Floats) -> Floats:
    """Return the AUC of each column alone, missing values set to the median: (n, columns), (n,) -> (columns,).

    The AUC is Mann & Whitney's U over the number of pairs; NaN where all values are missing or only one outcome occurs.
    """
    case = label == 1
    pairs = int(case.sum()) * int((~case).sum())
    aucs = np.full(features.shape[1], np.nan)
    for column, values in enumerate(features.T):
        absent = np.isnan(values)
        if pairs and not absent.all():
            filled = np.where(absent, np.median(values[~absent]), values)
            others = np.sort(filled[~case])  # faster than ranks, as cases are few
            below, not_above = (np.searchsorted(others, filled[case], side) for side in SIDES)
            aucs[column] = (below.sum() + not_above.sum()) / 2 / pairs
    return aucs


def duplicates_gate(table: Table, spec: ModelSpec) -> GateRecord:
    """Measure the share of rows that equal another person's on the same date: one person under two ids, trained and tested on."""
    features = table.matrix()[table.usable]
    rows = table.frame.loc[table.usable, ["employee_id", "as_of"]].reset_index(drop=True)
    telling = np.array([len(set(row[~np.isnan(row)].tolist())) >= FEWEST_DISTINCT for row in features])
    digest = pd.util.hash_pandas_object(pd.DataFrame(features), index=False).to_numpy()
    people = (
        rows[telling].assign(digest=digest[telling]).groupby(["as_of", "digest"])["employee_id"].transform("nunique")
    )
    share = float((people > 1).sum() / max(len(rows), 1))
    most = spec.gates.max_duplicate_share
    text = Message.of("gate_duplicates_pass")
    if share > most:
        example = rows[telling][(people > 1).to_numpy()]["employee_id"].iloc[0]
        text = Message.of("gate_duplicates_fail", employee=str(example))
    return GateRecord(
        name="duplicate people",
        verdict="pass" if share <= most else "fail",
        figure=Message.of("gate_duplicates", share=share),
        limit=Message.of("gate_most_share", most=most),
        text=text,
    )


def canary_gate(
    data: Data, definitions: Definitions, table: Table, *, kinds: tuple[str, ...], sample: SampleSpec | None = None
) -> GateRecord:
    """Rebuild the evidence from the export as it stood on the morning of an as-of date; not one digit may change.

    ``sample``: whose rows ``table`` holds. Where the export cannot be read again as it stood then, the gate is insufficient.
    """
    dates = np.unique(table.frame["as_of"].to_numpy())
    day = pd.Timestamp(dates[len(dates) // 2]).date()

    def evidence_then() -> pd.DataFrame:
        with open_data(
            data.origin,
            definitions.tables,
            mappings=data.mappings,
            inbox=data.inbox,
            today=day - dt.timedelta(days=1),
            strict=False,
            withheld=data.withheld,
        ) as then:
            return build(then, definitions, [day], kinds=kinds, among=among_drawn(sample)).frame

    try:
        before = data.once_in_a_row("evidence then", (definitions, day, kinds, sample), evidence_then)
    except DataError:
        return _insufficient("future canary", Message.of("gate_none"), Message.of("gate_canary_unread", day=str(day)))
    names = [column.name for column in table.columns]
    after = table.frame[table.frame["as_of"] == pd.Timestamp(day)]
    both = [f.set_index("employee_id").reindex(columns=names).sort_index() for f in (before, after)]
    same_people = both[0].index.equals(both[1].index)
    left, right = (frame.to_numpy(dtype=np.float64) for frame in both)
    moved = [] if not same_people else [n for n, a, b in zip(names, left.T, right.T, strict=True) if not _equal(a, b)]
    verdict: Verdict
    if moved:
        verdict, text = "fail", Message.of("gate_canary_fail", column=(moved[0],))
    elif not same_people:
        verdict, text = "fail", Message.of("gate_canary_people")
    else:
        verdict, text = "pass", Message.of("gate_canary_pass")
    return GateRecord(
        name="future canary",
        verdict=verdict,
        figure=Message.of("gate_canary", changed=len(moved), columns=len(names), day=day.isoformat()),
        limit=Message.of("gate_none"),
        text=text,
    )


def _equal(a: Floats, b: Floats) -> bool:
    return bool(np.array_equal(a, b, equal_nan=True))


def stability_gates(measured: Stability, spec: ModelSpec) -> list[GateRecord]:
    """Check that the top decile, and the leading reasons in it, hardly change when the model is refitted on other people."""
    jaccard, frequency = measured.jaccard, measured.mean_selection_frequency
    return [
        _at_least(
            "stable list",
            jaccard,
            least=spec.gates.min_jaccard,
            figure=lambda value: Message.of("gate_jaccard", jaccard=value, refits=measured.refits),
            passed=Message.of("gate_list_pass"),
            failed=Message.of("gate_list_fail"),
        ),
        _at_least(
            "stable reasons",
            frequency,
            least=spec.gates.min_reasons_kept,
            figure=lambda value: Message.of("gate_reasons", frequency=value),
            passed=Message.of("gate_reasons_pass"),
            failed=Message.of("gate_reasons_fail"),
        ),
    ]


def _at_least(
    name: str, value: float, *, least: float, figure: Callable[[float], Message], passed: Message, failed: Message
) -> GateRecord:
    limit = Message.of("gate_least", least=least)
    if not np.isfinite(value):
        return _insufficient(name, limit, Message.of("gate_too_few_people"))
    enough = value >= least
    return GateRecord(
        name=name,
        verdict="pass" if enough else "fail",
        figure=figure(value),
        limit=limit,
        text=passed if enough else failed,
    )


def _insufficient(name: str, limit: Message, why: Message) -> GateRecord:
    figure = Message.of("not_estimated")
    return GateRecord(name=name, verdict="insufficient", figure=figure, limit=limit, text=why)


def fairness_gate(report: FairnessReport) -> GateRecord:
    """Check the spec's fairness limits; groups too small to judge make the gate *insufficient*, not passed."""
    verdicts = [finding.verdict for finding in report.findings]
    failed = next((finding for finding in report.findings if finding.verdict == "fail"), None)
    if failed is not None:
        text = failed.text
    elif report.verdict == "insufficient":
        text = Message.of("gate_fairness_few")
    else:
        text = Message.of("gate_fairness_pass")
    return GateRecord(
        name="fairness",
        verdict=report.verdict,
        figure=Message.of(
            "gate_findings",
            fail=verdicts.count("fail"),
            passed=verdicts.count("pass"),
            insufficient=verdicts.count("insufficient"),
        ),
        limit=Message.of("gate_fairness_limit"),
        text=text,
    )

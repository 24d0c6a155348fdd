"""The verdict on each metric: tests of all metrics are judged together, so that few of what is told is chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from perfml.arrays import Floats
from perfml.evidence.sources import Data
from perfml.goals.indicators.cells import Cells, make_periods, measure_cells, parent_cells, served_cells
from perfml.goals.indicators.distribution import DeadlineJump, Heaping, deadline_jump, heaping, share_at_one_value
from perfml.goals.indicators.record import (
    AssociationRecord,
    Flag,
    IndicatorsRecord,
    MetricRecord,
    MetricVerdict,
    MissingRecord,
)
from perfml.goals.indicators.results import goal_results
from perfml.messages import Bilingual, Message
from perfml.progress import SILENT, Progress
from perfml.project.goals.indicators_spec import IndicatorsSpec

TENTHS = 20
ALL_ABOVE = Bilingual(en="the goals above", zh="上级目标")


def judge_indicators(
    data: Data, spec: IndicatorsSpec, as_of: dt.date, *, progress: Progress = SILENT
) -> IndicatorsRecord:
    """Judge every metric of goals that ended before ``as_of``, and look for measures that are missing from them.

    Without the tables ``goals`` and ``progress`` there is no metric, and a notice says so.
    """
    absent = [table for table in ("goals", "progress") if not data.has(table)]
    if absent:
        notices = tuple(Message.of("indicators_no_table", table=table) for table in absent)
        return IndicatorsRecord(as_of=as_of, metrics=(), missing=(), looked_at=0, notices=notices)
    progress("results of goals", 0, 3)
    results = goal_results(data, as_of, spec)
    make_periods(data, results)
    progress("metrics and what they serve", 1, 3)
    metrics = _metrics(data, results, spec)
    progress("measures that stand in nobody's goals", 2, 3)
    looked_at, missing = _missing(measure_cells(data, results, spec), spec)
    return IndicatorsRecord(as_of=as_of, metrics=metrics, missing=missing, looked_at=looked_at)


def _metrics(data: Data, results: pd.DataFrame, spec: IndicatorsSpec) -> tuple[MetricRecord, ...]:
    known = results.dropna(subset=["attained"])
    enough = {
        str(metric): rows
        for metric, rows in known.groupby("metric")
        if len(rows) >= spec.least_goals and rows["employee_id"].nunique() >= spec.least_people
    }
    cells = [each for each in parent_cells(results) if each.figure in enough]
    for metric, served in spec.serves.items():
        if metric in enough:
            cells += served_cells(data, results, metric, served)
    associations = associate(cells, spec)
    heaps, jumps = {}, {}
    for metric, rows in enough.items():
        columns = {name: rows[name].to_numpy() for name in ("attained", "employee_id", "fine", "jump")}
        person = columns["employee_id"].astype(object)
        heaps[metric] = heaping(columns["attained"], person, fine=columns["fine"], spec=spec)
        jumps[metric] = deadline_jump(columns["jump"], person, spec)
    adjusted = _adjusted([*(each.p for each in heaps.values()), *(each.p for each in jumps.values())])
    of_heaps, of_jumps = (dict(zip(heaps, part, strict=True)) for part in np.split(adjusted, 2))
    return tuple(
        _few(metric, results)
        if metric not in enough
        else _judged(
            metric,
            enough[metric],
            spec,
            heap=(heaps[metric], of_heaps[metric]),
            jump=(jumps[metric], of_jumps[metric]),
            associations=[each for figure, each in associations if figure.figure == metric],
            compared=any(each.figure == metric for each in cells),
        )
        for metric in sorted(results["metric"].unique())
    )


def associate(cells: Iterable[Cells], spec: IndicatorsSpec) -> list[tuple[Cells, AssociationRecord]]:
    """Each figure beside each outcome at the lag that tells most; p-values are adjusted for all of them, and for the lags."""
    strongest = []
    for each in cells:
        by_lag = {lag: each.associate(lag, spec) for lag in spec.lags}
        known = {lag: association for lag, association in by_lag.items() if association is not None}
        if known:
            lag = min(known, key=lambda lag: (known[lag].p, lag))
            strongest.append((each, lag, known[lag], min(1.0, known[lag].p * len(known))))
    return [
        (
            each,
            AssociationRecord(
                outcome=each.outcome,
                outcome_kind=each.outcome_kind,
                lag=lag,
                rank=round(best.rank, 4),
                low=round(best.low, 4),
                high=round(best.high, 4),
                p=p,
                cells=best.cells,
                groups=best.groups,
                periods=best.periods,
            ),
        )
        for (each, lag, best, _), p in zip(strongest, _adjusted([p for *_, p in strongest]), strict=True)
    ]


def _adjusted(p: Sequence[float]) -> Floats:
    adjusted: Floats = false_discovery_control(p) if len(p) else np.zeros(0)
    return adjusted


def _few(metric: str, results: pd.DataFrame) -> MetricRecord:
    rows = results[(results["metric"] == metric) & results["attained"].notna()]
    people = int(rows["employee_id"].nunique())
    return MetricRecord(
        metric=metric,
        goals=len(rows),
        people=people,
        periods=int(rows["period_start"].nunique()),
        verdict="insufficient",
        reasons=(Message.of("indicators_few", goals=len(rows), people=people),),
    )


def _judged(
    metric: str,
    rows: pd.DataFrame,
    spec: IndicatorsSpec,
    *,
    heap: tuple[Heaping, float],
    jump: tuple[DeadlineJump, float],
    associations: Sequence[AssociationRecord],
    compared: bool,
) -> MetricRecord:
    attained = rows["attained"].to_numpy(float)
    same, reached = share_at_one_value(attained, spec), float((attained >= spec.threshold).mean())
    counted, heap_p = heap
    pace, jump_p = jump
    flags: dict[Flag, Message] = {}
    if same >= spec.saturated_share:
        flags["saturated"] = Message.of("indicators_saturated", share=same)
    elif heap_p <= spec.false_share and counted.at >= spec.threshold_ratio * max(counted.below, 1) * max(
        1.0, counted.expected
    ):
        flags["heaped"] = Message.of("indicators_heaped", at=counted.at, below=counted.below)
    if jump_p <= spec.false_share and pace.ratio > spec.deadline_ratio:
        flags["deadline"] = Message.of("indicators_deadline", ratio=min(pace.ratio, 99.0))
    sure = [each for each in associations if each.p <= spec.false_share and abs(each.rank) >= spec.least_association]
    against = [each for each in sure if each.rank < 0]
    if against:
        worst = min(against, key=lambda each: each.rank)
        flags["contradictory"] = _moves("indicators_contradictory", worst)
    verdict, reason = _verdict(flags, sure, associations, compared)
    return MetricRecord(
        metric=metric,
        goals=len(rows),
        people=int(rows["employee_id"].nunique()),
        periods=int(rows["period_start"].nunique()),
        verdict=verdict,
        flags=tuple(flags),
        reached=reached,
        at_one_value=same,
        at_threshold=counted.at,
        below_threshold=counted.below,
        last_pace=None if np.isnan(pace.ratio) else min(pace.ratio, 99.0),
        associations=tuple(associations),
        by_tenth=tuple(
            int(count) for count in np.bincount(np.clip((attained * 10).astype(int), 0, TENTHS - 1), minlength=TENTHS)
        ),
        reasons=tuple(flags.values()) or (reason,),
    )


def _verdict(
    flags: dict[Flag, Message],
    sure: Sequence[AssociationRecord],
    associations: Sequence[AssociationRecord],
    compared: bool,
) -> tuple[MetricVerdict, Message]:
    if not flags and sure:
        best = max(sure, key=lambda each: each.rank)
        return "moves with", _moves("indicators_moves_with", best)
    if not associations:
        verdict: MetricVerdict = "insufficient" if compared else "nothing to compare"
        reason = Message.of("indicators_few_groups" if compared else "indicators_no_outcome")
    else:
        verdict, reason = "no association", Message.of("indicators_no_association")
    return ("misleads" if flags else verdict), reason


def _moves(code: str, association: AssociationRecord, /, **values: str) -> Message:
    """A sentence about an association, with its interval."""
    low, high = association.low, association.high
    outcome = association.outcome or ALL_ABOVE
    return Message.of(code, outcome=outcome, rank=association.rank, low=low, high=high, **values)


def _missing(cells: Iterable[Cells], spec: IndicatorsSpec) -> tuple[int, tuple[MissingRecord, ...]]:
    associations = associate(cells, spec)
    sure = [
        (each, association)
        for each, association in associations
        if association.p <= spec.false_share and association.rank >= spec.least_association
    ]
    strongest = sorted(sure, key=lambda pair: -pair[1].rank)
    return len({(each.figure_kind, each.figure) for each, _ in associations}), tuple(
        MissingRecord(
            measure=each.figure,
            kind=each.figure_kind or "facts",
            association=association,
            reason=_moves("indicators_missing", association, measure=each.figure),
        )
        for each, association in strongest
    )

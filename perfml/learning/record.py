"""Record of a trained version: its definition, back-tests, gates, fairness, reference and origin.

Training writes a :class:`TrainingRecord` beside the model; scoring, reports, the terminal and the service read it. Sentences
are stored as :class:`~perfml.messages.Message` and rendered by the reader. Nothing heavy is imported: the service reads
records without LightGBM or pandas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from perfml.disclosure.primary import Suppression
from perfml.json_types import Json, JsonObject
from perfml.learning.validation.reference import Reference
from perfml.messages import Message, both, render
from perfml.project.model_spec import FairnessSpec, ModelSpec

Verdict = Literal["pass", "fail", "insufficient"]
"""Verdict of a gate or a finding; ``insufficient`` is neither passed nor failed."""

NO_BACKTEST = Message.of("has_no_backtest")
"""Message for a horizon that a version lacks."""


class RecordPart(BaseModel):
    """Base of all records: frozen, and strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> JsonObject:
        """Return JSON with every message in words, see :func:`rendered`."""
        json = rendered(self.model_dump(mode="json"))
        assert isinstance(json, dict)
        return json


class Figure(RecordPart):
    """An estimate with its 95 % interval and standard error over people; null where it could not be estimated."""

    value: float | None
    low: float | None
    high: float | None
    se: float | None


NO_FIGURE = Figure(value=None, low=None, high=None, se=None)
F = TypeVar("F")
"""A figure as computed (:class:`perfml.learning.validation.metrics.Estimate`) or, rounded, as stored (:class:`Figure`)."""


class FoldRecord(RecordPart):
    """One origin of a back-test: first and last as-of date of training and test, their rows, and the rows with the outcome."""

    origin: dt.date
    train: tuple[dt.date, dt.date]
    test: tuple[dt.date, dt.date]
    train_rows: int
    train_positives: int
    test_rows: int
    test_positives: int


class CalibrationBin(RecordPart):
    """Expected and observed share of one group of tested rows, with the interval of the observed one."""

    expected: float
    observed: float
    low: float
    high: float
    n: int


class YearRecord(RecordPart):
    """Expected and observed cases among the tested rows of one calendar year."""

    year: int
    rows: int
    expected: float
    observed: int
    expected_over_observed: Figure


class GroupFigures(RecordPart):
    """Figures among some of the tested rows: a segment, or the treated. A missing figure could not be estimated."""

    rows: int | None
    positives: int | None = 0
    auc: Figure = NO_FIGURE
    average_precision: Figure = NO_FIGURE
    expected_over_observed: Figure = NO_FIGURE
    withheld: Suppression | None = None
    """Why nothing is given: few people, or somebody's own outcome could be worked out."""


class ListRecord(RecordPart):
    """Outcomes among lists of one size in the back-test; see :func:`perfml.learning.validation.lists.lists_by_size`."""

    share: float
    listed: int
    cases: int
    precision: float | None
    low: float | None
    high: float | None
    ratio: tuple[float, ...]


class LeadFigures(RecordPart):
    """How early a list named those whose outcome came; see :mod:`perfml.learning.validation.lead`."""

    listed: Figure = NO_FIGURE
    """Share of all outcomes with a listing before."""
    median_days: Figure = NO_FIGURE
    """Median days from the first listing to the outcome, of those."""
    mean_days: Figure = NO_FIGURE
    """Mean over all outcomes; a missed one counts 0 days."""


class LeadRecord(RecordPart):
    """Lead of back-tested lists of ``share`` of the people at each date, beside the baseline's at the same load."""

    share: float
    outcomes: int
    unreachable: float
    """Share of the outcomes that came before their person could be listed: they count as missed."""
    model: LeadFigures
    baseline: LeadFigures
    more: LeadFigures
    """The model's figures less the baseline's."""


class ReplayedLimit(RecordPart):
    """Lists under one limit that the period before would have given in the latest one: people listed, and those without the
    outcome."""

    limit: float
    listed: int
    wasted: int


class GuaranteeRecord(RecordPart):
    """Back-tested rows of the latest periods, one a person and period, that lists with a guarantee are measured by; see
    :mod:`perfml.learning.validation.guarantee`."""

    dates: tuple[dt.date, ...]
    """One as-of date for each period of one horizon, newest first."""
    rows: int
    cases: int
    places: tuple[float, ...]
    """Places of the rows without the outcome in the out-of-fold ranking of their date, the best first, as shares of its people:
    .05 is the twentieth of 400. Ties share the best place. The last are left out where there are many."""
    complete: bool
    """Whether none is left out."""
    compared: tuple[dt.date, ...] = ()
    """The dates of the periods before."""
    distance: float | None = None
    """Largest difference of their distributions of place and outcome (Kolmogorov-Smirnov), and its probability by chance."""
    p_value: float | None = None
    replayed: tuple[ReplayedLimit, ...] = ()
    verdict: Verdict = "insufficient"
    """Whether the periods are exchangeable with those before, as far as can be told."""
    text: Message = Message.of("guarantee_not_compared")


class BacktestResult(RecordPart, Generic[F]):
    """One horizon's back-test."""

    horizon_days: int
    proven: bool
    """Better than chance, and than the baseline by 2 SE, on later outcomes; in a stored record also: no gate failed."""
    text: Message
    """Comparison with the baseline or, where a gate failed, the message of the first failed gate."""
    rows: int
    positives: int
    baseline_columns: tuple[str, ...]
    model: dict[str, F]
    baseline: dict[str, F]
    difference: dict[str, F]
    folds: tuple[FoldRecord, ...]
    bins: tuple[CalibrationBin, ...]
    calibration_error: float
    """Expected calibration error of the tested rows, in probability; see ``calibration_error_floor``."""
    calibration_error_floor: float
    """Calibration error that a perfect model of these rows shows by sampling alone."""
    by_year: tuple[YearRecord, ...]
    """Expected over observed cases by calendar year of the as-of dates."""
    segments: dict[str, GroupFigures]
    """Figures among the people of each segment in the spec."""
    listed_ratio: tuple[float, ...]
    """Observed over expected cases among those who would have been listed, in draws over people."""
    lists: tuple[ListRecord, ...]
    """Outcomes among lists of other sizes; see :func:`perfml.learning.validation.lists.lists_by_size`."""
    lead: tuple[LeadRecord, ...] = ()
    """How early lists of each load named people; empty where outcomes have no day of their own."""
    guarantee: GuaranteeRecord | None = None
    """What lists with a guarantee are measured by; versions of an earlier perfml have none."""


class BacktestRecord(BacktestResult[Figure]):
    """The stored back-test of one horizon."""


class GateRecord(RecordPart):
    """One test of one horizon: what was measured, its limit, and what the verdict means."""

    name: str
    verdict: Verdict
    figure: Message
    limit: Message
    text: Message


class Finding(RecordPart, Generic[F]):
    """One metric over the groups of one attribute."""

    attribute: str
    metric: str
    value: F
    """Of the two ``groups``; the interval may cross parity. Not estimated where a rule withholds one of the groups."""
    limit: float
    groups: tuple[str, str]
    """The two furthest apart; for calibration the one furthest from all, and :data:`perfml.learning.fairness.findings.ALL`."""
    shown_by: tuple[str, str]
    """Among pairs beyond the limit, the one with the strongest evidence, which may be another pair than ``groups``, since
    a small group may be far off by chance."""
    p_value: float | None
    """Probability that chance alone sets any groups of this attribute as far apart as these; null without a verdict."""
    p_in_report: float | None
    """The same for any groups in the report (Holm 1979)."""
    verdict: Verdict
    text: Message


class GroupResult(RecordPart, Generic[F]):
    """One group. A rate that its rows cannot give (no positives) is not estimated, never 0; of a group that is ``withheld``
    nothing is given."""

    group: str
    people: int | None
    rows: int | None
    positives: int | None
    """People with at least one row that has the outcome."""
    negatives: int | None
    sufficient: bool
    flag_rate: F
    true_positive_rate: F
    expected_over_observed: F
    withheld: Suppression | None = None
    """Why counts are null and rates are not estimated: few people, or somebody's own value could be worked out from them."""


# Parametrized models can be pickled only where a module declares them.
FindingRecord = Finding[Figure]
GroupRecord = GroupResult[Figure]


class FairnessResult(RecordPart, Generic[F]):
    """The findings, the groups behind them by attribute, and one verdict.

    The verdict is "fail" where any finding fails, "insufficient" where a whole attribute (not an intersection) cannot be
    judged or none is given, else "pass".
    """

    verdict: Verdict
    findings: tuple[Finding[F], ...]
    groups: dict[str, tuple[GroupResult[F], ...]]
    limits: FairnessSpec


class FairnessRecord(FairnessResult[Figure]):
    """The stored audit of one horizon."""


class UpliftRecord(RecordPart):
    """Share with the outcome among those offered minus the share among those held out, both drawn at random.

    ``low`` and ``high`` are its 95 % interval; below 0 the offer lowered the risk.
    """

    kind: str
    offered: int
    held_out: int
    offered_share: float
    held_out_share: float
    difference: float
    low: float
    high: float
    text: Message


class TreatmentRecord(RecordPart):
    """Rows with an intervention within the horizon, back-test figures of these and of the others, and the measured uplift."""

    rows: int | None
    treated: GroupFigures
    untreated: GroupFigures
    uplift: tuple[UpliftRecord, ...]


class TrainingCounts(RecordPart):
    """Labelled rows that a horizon was fitted on, and those with the outcome."""

    rows: int
    positives: int
    people_share: float = 1
    """Share of the people whose rows these are (``[sample]``)."""
    drawn_rows: int | None = None
    """Those of them that were learnt from, where the spec draws some (``[sample]``); None: all."""
    drawn_positives: int | None = None
    rows_a_date: int | None = None
    """How many were drawn of either outcome at each as-of date, where there were as many (``[sample]``); None: all."""

    @property
    def drawn(self) -> Message | None:
        """What was drawn; None where nothing was."""
        if self.drawn_rows is not None and self.drawn_positives is not None and self.rows_a_date is not None:
            rows = Message.of(
                "drawn_rows", rows=self.drawn_rows, cases=self.drawn_positives, rows_a_date=self.rows_a_date
            )
        else:
            rows = None
        if self.people_share == 1:
            return rows
        people = Message.of("drawn_people", share=self.people_share)
        return people if rows is None else Message.of("drawn_people_and_rows", people=people, rows=rows)

    @property
    def text(self) -> Message:
        """The counts in words."""
        counts = Message.of("training_counts", rows=self.rows, cases=self.positives)
        return counts if self.drawn is None else Message.of("training_counts_drawn", counts=counts, drawn=self.drawn)


class TrainingRecord(RecordPart):
    """Everything known about a trained version except its parameters. Keys of the mappings are horizons in days."""

    until: dt.date
    """Training uses only what was known, and labels that had matured, by this date."""
    as_of_dates: tuple[dt.date, dt.date]
    spec: ModelSpec
    training: dict[int, TrainingCounts]
    backtests: dict[int, BacktestRecord]
    gates: dict[int, tuple[GateRecord, ...]]
    selection_frequency: dict[int, dict[str, float]]
    """Reason → share of refits in which it leads again, for reasons that lead for anybody."""
    fairness: dict[int, FairnessRecord]
    reference: dict[int, Reference]
    treatment: dict[int, TreatmentRecord]
    data_fingerprint: str
    definitions: str
    left_out: tuple[Message, ...]
    """Evidence and horizons that the data did not allow."""
    perfml: str
    python: str


def rendered(value: Json) -> Json:
    """Render the messages in JSON: a ``text`` becomes ``en`` and ``zh``, any other message becomes English.

    >>> rendered({"text": {"code": "gate_duplicates", "values": {"share": 0.25}}})
    {'en': '25.0% of rows', 'zh': '占记录的 25.0%'}
    """
    if isinstance(value, Mapping):
        if set(value) == {"code", "values"}:
            return render(Message.model_validate(value), "en")
        out: JsonObject = {key: rendered(inner) for key, inner in value.items() if key != "text"}
        if "text" in value:
            text = Message.model_validate(value["text"])
            out |= both(text)
        return out
    return [rendered(inner) for inner in value] if isinstance(value, list | tuple) else value

"""Results of a fairness audit: figures by group, findings with their messages, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perfml.learning.record import FairnessRecord, FindingRecord, GroupRecord, Verdict
from perfml.learning.validation.metrics import Estimate
from perfml.messages import Message, Value, chain
from perfml.project.model_spec import FairnessSpec

ALL = "all"
"""Everybody in a compared group, where a group is compared with all of them."""
CHANCE = 0.05
"""Largest p-value that counts as evidence: this share of audits of a fair model may find it unfair."""
METRICS: dict[str, Message] = {
    "flag_rate_ratio": Message.of("flag_rate_ratio"),
    "non_flag_rate_ratio": Message.of("non_flag_rate_ratio"),
    "true_positive_gap": Message.of("true_positive_gap"),
    "calibration_gap": Message.of("calibration_gap"),
}


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """One group. A rate that its rows cannot give (no positives) is NaN, never 0."""

    group: str
    people: int
    rows: int
    positives: int
    """People with at least one row that has the outcome."""
    negatives: int
    sufficient: bool
    flag_rate: Estimate
    true_positive_rate: Estimate
    expected_over_observed: Estimate


@dataclass(frozen=True, kw_only=True)
class FairnessFinding:
    """One metric over the groups of one attribute.

    ``groups``: the two furthest apart (for calibration: the one furthest from all, and :data:`ALL`). Value and interval
    belong to these two; the interval may cross parity. ``shown_by``: among pairs beyond the limit, the one with the
    strongest evidence, which may be another, since a small group may be far off by chance. ``p_value``: probability that
    chance alone sets any groups of this attribute as far apart as these; ``p_in_report``: any groups in the report (Holm
    1979).
    """

    attribute: str
    metric: str
    value: Estimate
    limit: float
    groups: tuple[str, str]
    shown_by: tuple[str, str]
    p_value: float
    p_in_report: float
    verdict: Verdict
    text: Message


@dataclass(frozen=True)
class FairnessReport:
    """The findings, the groups behind them by attribute, and one verdict.

    The verdict is "fail" where any finding fails, "insufficient" where a whole attribute (not an intersection) cannot be
    judged or none is given, else "pass".
    """

    verdict: Verdict
    findings: tuple[FairnessFinding, ...]
    groups: Mapping[str, tuple[GroupRow, ...]]
    limits: FairnessSpec

    def record(self) -> FairnessRecord:
        """Return the stored record; a figure that could not be estimated is None."""
        return FairnessRecord(
            verdict=self.verdict,
            findings=tuple(FindingRecord.model_validate(fields(finding)) for finding in self.findings),
            groups={
                name: tuple(GroupRecord.model_validate(fields(row)) for row in rows)
                for name, rows in self.groups.items()
            },
            limits=self.limits,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return self.record().to_json()


def fields(row: Any) -> dict[str, Any]:
    """Return the fields of a dataclass of figures; a figure that could not be estimated is None."""

    def plain(value: Any) -> Any:
        if isinstance(value, Estimate):
            return value.to_json()
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {name: plain(value) for name, value in vars(row).items()}


def insufficient(attribute: str, metric: str, *, limits: FairnessSpec, table: Sequence[GroupRow]) -> FairnessFinding:
    """Return the finding of a metric that cannot be judged; the ``table`` of its groups gives the reason."""
    if sum(row.sufficient for row in table) >= 2:
        why = Message.of("finding_one_sided")
    else:
        groups = [
            Message.of(
                "finding_group", group=row.group, people=row.people, positives=row.positives, negatives=row.negatives
            )
            for row in table
        ]
        why = Message.of(
            "finding_small_groups",
            people=limits.min_people,
            positives=limits.min_positives,
            negatives=limits.min_negatives,
            groups=chain("listed", groups or [Message.of("finding_no_groups")]),
        )
    return FairnessFinding(
        attribute=attribute,
        metric=metric,
        value=Estimate(math.nan, math.nan, math.nan, math.nan),
        limit=limits.of(metric),
        groups=("", ""),
        shown_by=("", ""),
        p_value=math.nan,
        p_in_report=math.nan,
        verdict="insufficient",
        text=Message.of("finding_insufficient", attribute=attribute, metric=METRICS[metric], why=why),
    )


def judged(findings: Sequence[FairnessFinding], limits: FairnessSpec) -> list[FairnessFinding]:
    """Give each finding its verdict and message; flags and non-flags share one test."""
    tests = sorted({(f.p_value, f.attribute) for f in findings if f.verdict != "insufficient"})
    corrected: dict[tuple[float, str], float] = {}
    largest = 0.0
    for rank, test in enumerate(tests):
        corrected[test] = largest = max(largest, min(1.0, test[0] * (len(tests) - rank)))
    return [
        f if f.verdict == "insufficient" else _judge(replace(f, p_in_report=corrected[f.p_value, f.attribute]), limits)
        for f in findings
    ]


def _judge(f: FairnessFinding, limits: FairnessSpec) -> FairnessFinding:
    verdict: Verdict = "pass"
    if limits.violated(f.metric, f.value.value) and f.p_in_report < CHANCE:
        verdict, judgement = "fail", Message.of("finding_beyond", limit=f.limit, p=_p_value(f))
    elif limits.violated(f.metric, f.value.value):
        judgement = Message.of("finding_beyond_by_chance", limit=f.limit, p=_p_value(f))
    elif limits.violated(f.metric, f.value.low if f.metric.endswith("ratio") else f.value.high):
        judgement = Message.of("finding_within_unsure", limit=f.limit)
    else:
        judgement = Message.of("finding_within", limit=f.limit)
    group, other = f.groups
    compared: dict[str, Value] = {
        "attribute": f.attribute,
        "metric": METRICS[f.metric],
        "value": f.value.message(),
        "group": group,
        "judgement": judgement,
    }
    if other == ALL:
        return replace(f, verdict=verdict, text=Message.of("finding_all", **compared))
    return replace(f, verdict=verdict, text=Message.of("finding_pair", **compared, other=other))


def _p_value(f: FairnessFinding) -> Message:
    """Return the corrected p-value, with its groups where these are not the two furthest apart."""
    p = Message.of("p_tiny") if f.p_in_report < 1e-4 else Message.of("p_value", p=f.p_in_report)
    if f.shown_by in (f.groups, f.groups[::-1]):
        return p
    group, other = f.shown_by
    if other == ALL:
        return Message.of("p_of_group", p=p, group=group)
    return Message.of("p_of_pair", p=p, group=group, other=other)

"""Results of a fairness audit: figures by group, findings with their messages, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfml.learning.record import FairnessRecord, FairnessResult, Figure, Finding, GroupResult, Verdict
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


GroupRow = GroupResult[Estimate]
FairnessFinding = Finding[Estimate]
NO_ESTIMATE = Estimate(math.nan, math.nan, math.nan, math.nan)


class FairnessReport(FairnessResult[Estimate]):
    """An audit, with figures as computed."""

    def record(self) -> FairnessRecord:
        """Return the stored record: figures rounded, None where one could not be estimated."""
        return FairnessRecord.model_validate(self.model_dump())

    @classmethod
    def of(cls, record: FairnessRecord) -> FairnessReport:
        """Return the audit that ``record`` stores, its figures rounded as they are there."""
        return cls.model_validate(_estimated(record.model_dump()))


def _estimated(stored: object) -> object:
    """``stored`` with NaN for what a figure could not estimate."""
    if isinstance(stored, dict):
        if stored.keys() == Figure.model_fields.keys():
            return {key: math.nan if value is None else value for key, value in stored.items()}
        return {key: _estimated(value) for key, value in stored.items()}
    return [_estimated(value) for value in stored] if isinstance(stored, (list, tuple)) else stored


def insufficient(attribute: str, metric: str, *, limits: FairnessSpec, table: Sequence[GroupRow]) -> FairnessFinding:
    """Return the finding of a metric that cannot be judged; the ``table`` of its groups gives the reason."""
    if sum(row.sufficient for row in table) >= 2:
        why = Message.of("finding_one_sided")
    else:
        groups = [_counted(row) for row in table]
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
        value=NO_ESTIMATE,
        limit=limits.of(metric),
        groups=("", ""),
        shown_by=("", ""),
        p_value=None,
        p_in_report=None,
        verdict="insufficient",
        text=Message.of("finding_insufficient", attribute=attribute, metric=METRICS[metric], why=why),
    )


def _counted(row: GroupRow) -> Message:
    if row.people is None or row.positives is None or row.negatives is None:
        return Message.of("finding_group_withheld", group=row.group)
    counts = {"people": row.people, "positives": row.positives, "negatives": row.negatives}
    return Message.of("finding_group", group=row.group, **counts)


def without_figures(finding: FairnessFinding) -> FairnessFinding:
    """The finding with its verdict alone, where a rule withholds one of its groups."""
    group, other = finding.groups
    text = Message.of(
        "finding_withheld",
        attribute=finding.attribute,
        metric=METRICS[finding.metric],
        group=group,
        other=Message.of("finding_everybody") if other == ALL else other,
        judgement=Message.of(f"finding_verdict_{finding.verdict}"),
    )
    return finding.model_copy(update={"value": NO_ESTIMATE, "p_value": None, "p_in_report": None, "text": text})


def judged(findings: Sequence[FairnessFinding], limits: FairnessSpec) -> list[FairnessFinding]:
    """Give each finding its verdict and message; flags and non-flags share one test."""
    tests = sorted({(f.p_value, f.attribute) for f in findings if f.p_value is not None})
    corrected: dict[tuple[float | None, str], float] = {}
    largest = 0.0
    for rank, test in enumerate(tests):
        corrected[test] = largest = max(largest, min(1.0, test[0] * (len(tests) - rank)))
    return [
        f if f.verdict == "insufficient" else _judge(f, corrected[f.p_value, f.attribute], limits) for f in findings
    ]


def _judge(f: FairnessFinding, p_in_report: float, limits: FairnessSpec) -> FairnessFinding:
    verdict: Verdict = "pass"
    if limits.violated(f.metric, f.value.value) and p_in_report < CHANCE:
        verdict, judgement = "fail", Message.of("finding_beyond", limit=f.limit, p=_p_value(f, p_in_report))
    elif limits.violated(f.metric, f.value.value):
        judgement = Message.of("finding_beyond_by_chance", limit=f.limit, p=_p_value(f, p_in_report))
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
    text = Message.of("finding_all", **compared)
    if other != ALL:
        text = Message.of("finding_pair", **compared, other=other)
    return f.model_copy(update={"p_in_report": p_in_report, "verdict": verdict, "text": text})


def _p_value(f: FairnessFinding, p_in_report: float) -> Message:
    """Return the corrected p-value, with its groups where these are not the two furthest apart."""
    p = Message.of("p_tiny") if p_in_report < 1e-4 else Message.of("p_value", p=p_in_report)
    if f.shown_by in (f.groups, f.groups[::-1]):
        return p
    group, other = f.shown_by
    if other == ALL:
        return Message.of("p_of_group", p=p, group=group)
    return Message.of("p_of_pair", p=p, group=group, other=other)

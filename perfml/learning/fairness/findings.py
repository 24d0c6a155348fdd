"""What an audit of fairness says: limits, figures by group, findings with their sentences, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from perfml.learning.validation.metrics import Estimate

Verdict = Literal["pass", "fail", "insufficient"]
ALL = "all"
"""Everybody whose group is compared, where a group is held against them."""
CHANCE = 0.05
"""Of audits of a model that treats all groups alike, as many may find it unfair; beyond that there is no evidence."""
METRICS: dict[str, tuple[str, str]] = {
    "flag_rate_ratio": ("被标记率之比", "flag rate ratio"),
    "non_flag_rate_ratio": ("未被标记率之比", "non-flag rate ratio"),
    "true_positive_gap": ("真阳性率之差", "true-positive gap"),
    "calibration_gap": ("校准差距", "calibration gap"),
}


@dataclass(frozen=True)
class FairnessLimits:
    """What is tolerated, and how many people it takes to say anything.

    The ratios are the four-fifths rule (29 CFR 1607.4 D), asked of those who are flagged and of those who are not.
    """

    min_flag_rate_ratio: float = 0.8
    min_non_flag_rate_ratio: float = 0.8
    max_true_positive_gap: float = 0.1
    max_calibration_gap: float = 0.2
    min_people: int = 30
    min_positives: int = 10
    """People with the outcome; their many rows are one case."""
    min_negatives: int = 10

    def of(self, metric: str) -> float:
        """The limit of a metric of :data:`METRICS`."""
        return float(getattr(self, ("min_" if metric.endswith("ratio") else "max_") + metric))

    def violated(self, metric: str, value: float) -> bool:
        """Whether a value lies beyond the metric's limit."""
        return value < self.of(metric) if metric.endswith("ratio") else value > self.of(metric)


@dataclass(frozen=True)
class GroupRow:
    """One group. A rate that its rows cannot give (no positives) is missing, never 0."""

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


@dataclass(frozen=True)
class Finding:
    """One metric over the groups of one attribute.

    ``groups``: the two that are furthest apart (for calibration: the one furthest from all, and :data:`ALL`). Value and
    interval belong to these two; the interval may cross parity. ``shown_by``: of those beyond the limit the two for which
    there is most evidence, which need not be the same: a small group may be far off by chance and a large one not.
    ``p_value``: how often chance alone sets any groups of this attribute as far apart as these; ``p_in_report``: any
    groups in the report (Holm 1979).
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
    en: str
    zh: str


@dataclass(frozen=True)
class FairnessReport:
    """The findings, the groups behind them by attribute, and one verdict.

    The verdict is "fail" where any finding fails, "insufficient" where a whole attribute (not an intersection) could not be
    judged or none was given, else "pass".
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    groups: Mapping[str, tuple[GroupRow, ...]]
    limits: FairnessLimits

    def to_json(self) -> dict[str, Any]:
        """As JSON; a figure that could not be estimated is null."""
        return {
            "verdict": self.verdict,
            "findings": [as_json(f) for f in self.findings],
            "groups": {name: [as_json(row) for row in rows] for name, rows in self.groups.items()},
            "limits": asdict(self.limits),
        }


def as_json(row: Any) -> dict[str, Any]:
    """A dataclass of figures as JSON; one that could not be estimated is null."""

    def plain(value: Any) -> Any:
        if isinstance(value, Estimate):
            return value.to_json()
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {name: plain(value) for name, value in vars(row).items()}


def insufficient(attribute: str, metric: str, limits: FairnessLimits, table: Sequence[GroupRow]) -> Finding:
    """The finding of a metric that cannot be judged; why, is read off the ``table`` of its groups."""
    zh, en = METRICS[metric]
    nothing = Estimate(math.nan, math.nan, math.nan, math.nan)
    if sum(row.sufficient for row in table) >= 2:
        why_en, why_zh = "everybody or nobody is flagged", "全部或无人被标记"
    else:
        need = (limits.min_people, limits.min_positives, limits.min_negatives)
        had = [(row.group, row.people, row.positives, row.negatives) for row in table]
        why_en = "two groups of {} people, {} with the outcome and {} without, are needed; there are ".format(*need)
        why_en += ", ".join("{} {} ({} with, {} without)".format(*h) for h in had)
        why_zh = "需要两个群体各有 {} 人，其中 {} 人出现该结果、{} 人未出现；现有 ".format(*need)
        why_zh += "、".join("{} {} 人（出现 {} 人、未出现 {} 人）".format(*h) for h in had)
    return Finding(
        attribute, metric, nothing, limits.of(metric), ("", ""), ("", ""), math.nan, math.nan, "insufficient",
        f"{attribute}: {en} cannot be judged: {why_en}", f"{attribute}：{zh}无法判断：{why_zh}",
    )  # fmt: skip


def judged(findings: Sequence[Finding], limits: FairnessLimits) -> list[Finding]:
    """Each with its verdict and sentences; of flags and non-flags there is one test."""
    tests = sorted({(f.p_value, f.attribute) for f in findings if f.verdict != "insufficient"})
    corrected: dict[tuple[float, str], float] = {}
    most = 0.0
    for rank, test in enumerate(tests):
        corrected[test] = most = max(most, min(1.0, test[0] * (len(tests) - rank)))
    return [
        f if f.verdict == "insufficient" else _worded(replace(f, p_in_report=corrected[f.p_value, f.attribute]), limits)
        for f in findings
    ]


def _worded(f: Finding, limits: FairnessLimits) -> Finding:
    zh, en = METRICS[f.metric]
    pairs = {f.groups, f.shown_by, f.groups[::-1]}
    p = ("p < 0.0001" if f.p_in_report < 1e-4 else f"p = {f.p_in_report:.2g}") + (
        f", {' / '.join(f.shown_by)}" if len(pairs) > 2 else ""
    )
    verdict: Verdict = "pass"
    if limits.violated(f.metric, f.value.value) and f.p_in_report < CHANCE:
        verdict = "fail"
        end, end_zh = (
            f"beyond the limit of {f.limit:g}, and not by chance ({p})",
            f"超出限值 {f.limit:g}，且不能以偶然解释（{p}）",
        )
    elif limits.violated(f.metric, f.value.value):
        end = f"beyond the limit of {f.limit:g}, which chance alone may do ({p}): no violation is shown"
        end_zh = f"超出限值 {f.limit:g}，但可能出于偶然（{p}）：未显示违规"
    elif limits.violated(f.metric, f.value.low if f.metric.endswith("ratio") else f.value.high):
        end = f"within the limit of {f.limit:g}; that it is beyond cannot be ruled out"
        end_zh = f"在限值 {f.limit:g} 以内；尚不能排除超出的可能"
    else:
        end, end_zh = f"within the limit of {f.limit:g}", f"在限值 {f.limit:g} 以内"
    one, other = f.groups
    other_en, other_zh = ("everybody", "全体") if other == ALL else (other, f" {other} ")
    return replace(
        f,
        verdict=verdict,
        en=f"{f.attribute}: {en} {f.value}, {one} against {other_en}: {end}",
        zh=f"{f.attribute}：{zh} {f.value}（{one} 与{other_zh}相比）：{end_zh}",
    )

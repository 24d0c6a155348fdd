"""What a back-test showed, counted in people: of 100 on such a list, of 100 by the baseline, of 100 others; and how early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perfml.learning.record import BacktestRecord, BacktestResult, F, LeadRecord
from perfml.learning.validation.lists import list_like
from perfml.messages import Bilingual, Message
from perfml.project.model_spec import Label

CLEAR_GAIN = 1.25
"""Times the baseline's cases from which on a win is more than narrow."""
LEAD_SHARE = 0.05
"""The load whose lead is told."""
Win = Literal["clear", "narrow", "none"]


@dataclass(frozen=True, kw_only=True)
class InPeople:
    """Outcomes in back-tested lists of one size, as shares of the people; None where it could not be estimated."""

    listed: float
    low: float | None
    high: float | None
    """The 95 % interval of ``listed``."""
    others: float | None
    """Among those not listed."""
    baseline: float | None
    """On a list of the baseline, of the model's own size."""
    win: Win
    """``narrow``: the interval holds the baseline's share, or exceeds it by less than a quarter; ``none``: a gate failed."""

    def text(self, happened: Message) -> Message:
        """The sentence for people who read no statistics; ``happened``: the outcome, see :func:`outcome_message`."""
        code = "in_people" if self.baseline is None else "in_people_baseline"
        numbers = {name: 100 * (getattr(self, name) or 0.0) for name in ("listed", "others", "baseline")}
        return Message.of(code, happened=happened, **numbers)


def outcome_message(label: Label, days: int) -> Message:
    """What happened to people with the outcome, as the end of a sentence about them."""
    if label.kind == "low_review":
        return Message.of("outcome_low_review", most=label.low_at_most or 0.0, days=days)
    if label.kind == "exit":
        return Message.of(
            "outcome_exit_own" if tuple(label.exit_kinds) == ("voluntary",) else "outcome_exit", days=days
        )
    return Message.of("outcome_event", event=Bilingual(en=label.en or "", zh=label.zh or ""), days=days)


def lead_at(lead: Sequence[LeadRecord], share: float) -> LeadRecord | None:
    """The lists whose load is nearest to ``share``; None where none was back-tested."""
    return min(lead, key=lambda each: abs(each.share - share), default=None)


def lead_message(tested: BacktestResult[F], *, share: float = LEAD_SHARE) -> Message | None:
    """How early lists of about ``share`` of the people named those whose outcome came; None where outcomes have no day."""
    lead = lead_at(tested.lead, share)
    if lead is None:
        return None
    ours, theirs = lead.model, lead.baseline
    if ours.listed.value is None or ours.median_days.value is None:
        return Message.of("lead_few")
    numbers: dict[str, float] = {
        "share": lead.share,
        "listed": 100 * ours.listed.value,
        "days": ours.median_days.value,
    }
    if theirs.listed.value is None or theirs.median_days.value is None:
        return Message.of("lead_alone", **numbers)
    beside = {"other": 100 * theirs.listed.value, "other_days": theirs.median_days.value}
    baseline = tested.baseline_columns or Message.of("chance")
    return Message.of("lead", baseline=baseline, **numbers, **beside)


def in_people(tested: BacktestRecord, *, share: float) -> InPeople | None:
    """Count ``tested`` in lists of ``share`` of the people; None where no list was back-tested."""
    if not tested.lists:
        return None
    size = list_like(tested.lists, round(1e6 * share), 10**6)
    listed = size.precision if size.precision is not None else size.cases / max(1, size.listed)
    rest = tested.rows - size.listed
    baseline = tested.baseline["precision_at_capacity"].value if "precision_at_capacity" in tested.baseline else None
    win: Win = "clear"
    if not tested.proven:
        win = "none"
    elif baseline is not None and ((size.low or 0.0) <= baseline or listed < CLEAR_GAIN * baseline):
        win = "narrow"
    return InPeople(
        listed=listed,
        low=size.low,
        high=size.high,
        others=(tested.positives - size.cases) / rest if rest > 0 else None,
        baseline=baseline,
        win=win,
    )
